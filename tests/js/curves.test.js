// Scales, ticks and words of training curves.
import assert from "node:assert/strict";
import { test } from "node:test";

import { BOX, describeRun, epochTicks, extent, linePath, looks, scales, ticks } from "../../static/js/lib/curves.js";

test("ticks are round and hold all values between them", () => {
  assert.deepEqual(ticks(0.412, 0.781), [0.4, 0.5, 0.6, 0.7, 0.8]);
  assert.deepEqual(ticks(0, 1), [0, 0.2, 0.4, 0.6, 0.8, 1]);
  assert.deepEqual(ticks(0.7001, 0.7009), [0.7, 0.7002, 0.7004, 0.7006, 0.7008, 0.701]);
  for (const [low, high] of [[0.5, 0.5], [0, 0], [2.30258, 2.30259], [0.1, 977]]) {
    const found = ticks(low, high);
    assert.ok(found.length > 1 && found.length < 9, String(found));
    assert.ok(found[0] <= low && found.at(-1) >= high, String(found));
  }
});

test("an axis of epochs names a few, and whole ones", () => {
  assert.deepEqual(epochTicks(3), [1, 2, 3]);
  assert.deepEqual(epochTicks(30), [5, 10, 15, 20, 25, 30]);
  assert.deepEqual(epochTicks(10000), [2000, 4000, 6000, 8000, 10000]);
});

test("lines begin at the first epoch and stay in their box", () => {
  const scale = scales(3, 0, 1);
  assert.equal(linePath([0, 1], scale), `M${BOX.left}.0,${BOX.height - BOX.bottom}.0L${(BOX.left + (BOX.width - BOX.left - BOX.right) / 2).toFixed(1)},${BOX.top}.0`);
  assert.equal(linePath([], scale), "");
  assert.ok(scales(1, 0, 1).x(1) > BOX.left, "one epoch alone stands in the middle");
  assert.deepEqual(extent([[], [0.25], [0.5]]), [0.25, 0.5]);
  assert.deepEqual(extent([[]]), [0, 1]);
});

test("a run says how far it is", () => {
  assert.equal(describeRun({ state: "waiting", epochs_done: 0, accuracy: [] }, 30), "");
  assert.equal(describeRun({ state: "running", epochs_done: 2, accuracy: [0.1, 0.412] }, 30), "epoch 2 of 30, 41.2 %");
  assert.equal(describeRun({ state: "done", epochs_done: 2, accuracy: [0.1, 0.412] }, 2), "41.2 %");
});

test("controls share a look that no other condition has", () => {
  const found = looks([{ name: "raw" }, { name: "reviewed" }, { name: "x", control_of: "reviewed" }, { name: "flags", control_of: null }]);
  assert.deepEqual(found, { raw: "is-series-0", reviewed: "is-series-1", x: "is-control", flags: "is-series-2" });
});

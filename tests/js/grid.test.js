import assert from "node:assert/strict";
import test from "node:test";

import { readAddress, writeAddress } from "../../static/js/lib/grid_address.js";
import { GAP, GridLayout } from "../../static/js/lib/grid_layout.js";
import { GridSelection } from "../../static/js/lib/grid_selection.js";
import { shownDecision } from "../../static/js/lib/grid_rows.js";

function selection(count) {
  const made = new GridSelection();
  made.add(Array.from({ length: count }, (_, index) => index + 1));
  return made;
}

test("tiles fill the width and never lie over one another", () => {
  for (const width of [300, 820, 1204]) {
    for (const size of [64, 144, 320]) {
      const layout = new GridLayout({ width, size, count: 50 });
      const last = layout.place(layout.columns - 1);
      assert.ok(last.left + layout.size <= width, `${width} ${size}`);
      assert.ok(layout.size >= Math.min(size, width - 2 * GAP));
      assert.ok(layout.place(layout.columns).top >= layout.tile.height + GAP);
    }
  }
});

test("only what is in sight and a little around it is drawn, however many there are", () => {
  const layout = new GridLayout({ width: 1000, size: 112, count: 200_000 });
  const [first, last] = layout.visible(500_000, 800);
  assert.ok(last - first < 150, String(last - first));
  assert.ok(layout.place(first).top < 500_000 && layout.place(last).top > 500_800);
  assert.deepEqual(new GridLayout({ width: 1000, size: 112, count: 3 }).visible(0, 800), [0, 3]);
});

test("a band takes the tiles that it touches and no others", () => {
  const layout = new GridLayout({ width: 8 + 3 * 108, size: 100, count: 8 });
  assert.equal(layout.columns, 3);
  assert.deepEqual(layout.touched({ left: 20, top: 20, right: 30, bottom: 30 }), [0]);
  assert.deepEqual(layout.touched({ left: 20, top: 20, right: 130, bottom: 170 }), [0, 1, 3, 4]);
  assert.deepEqual(layout.touched({ left: 109, top: 0, right: 114, bottom: 3 }), []);
  assert.deepEqual(layout.touched({ left: 0, top: 300, right: 400, bottom: 900 }), [6, 7]);
});

test("scrolling goes just as far as the tile needs", () => {
  const layout = new GridLayout({ width: 500, size: 100, count: 400 });
  assert.equal(layout.scrollTo(0, 900, 300), 0);
  const top = layout.scrollTo(200, 0, 300);
  assert.equal(top + 300, layout.place(200).top + layout.tile.height + GAP);
  assert.equal(layout.scrollTo(200, top, 300), top);
});

test("without a selection, the answer is for the sample under the cursor", () => {
  const made = selection(5);
  made.moveTo(2);
  assert.deepEqual(made.chosen, [3]);
  made.toggle();
  made.moveTo(4);
  assert.deepEqual(made.chosen, [3]);
});

test("shift selects from where it began, back and forth", () => {
  const made = selection(9);
  made.moveTo(3);
  made.moveTo(5, { extend: true });
  assert.deepEqual(made.chosen, [4, 5, 6]);
  made.moveTo(2, { extend: true });
  assert.deepEqual(made.chosen, [3, 4]);
});

test("a click takes one, with the control key one more, with shift all between", () => {
  const made = selection(9);
  made.click(1);
  made.click(4, { toggle: true });
  assert.deepEqual(made.chosen, [2, 5]);
  made.click(6, { extend: true });
  assert.deepEqual(made.chosen, [5, 6, 7]);
  made.click(0);
  assert.deepEqual(made.chosen, [1]);
});

test("after an answer the cursor stands on the next open one", () => {
  const made = selection(6);
  made.click(1);
  made.click(2, { toggle: true });
  made.advance([2, 3], (id) => id !== 4);
  assert.equal(made.currentId, 5);
  assert.equal(made.size, 0);
  made.advance([5, 6], () => true);
  assert.equal(made.currentId, 6);
});

test("the cursor never leaves the grid", () => {
  const made = selection(3);
  made.moveTo(-4);
  assert.equal(made.currentId, 1);
  made.moveTo(40);
  assert.equal(made.currentId, 3);
  assert.deepEqual(selection(0).chosen, []);
});

test("an address says where one is, unless the selection is too long for a link", () => {
  const text = writeAddress({ at: 7, selected: [3, 9] });
  assert.deepEqual(readAddress(text), { at: 7, selected: [3, 9] });
  assert.equal(writeAddress({ at: 7, selected: Array.from({ length: 500 }, (_, i) => i + 1) }), "#at=7");
  assert.deepEqual(readAddress("#at=x&sel=1,-2,zz"), { at: null, selected: [1] });
});

test("a tile shows what was just answered, then what the server says", () => {
  const row = { state: "resolved", decision: "keep", new_label: null, pending: { decision: "remove" } };
  assert.equal(shownDecision(row).decision, "remove");
  assert.equal(shownDecision({ ...row, pending: null }).decision, "keep");
  assert.equal(shownDecision({ state: "conflict", decision: null, pending: null }).decision, "conflict");
  assert.equal(shownDecision({ state: "open", decision: null, pending: null }).decision, "open");
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { colourOf, fit, pointsIn } from "../../static/js/lib/map_points.js";
import { countAt, valueAt } from "../../static/js/lib/thresholds.js";

const points = { ids: [1, 2, 3, 4], x: [0.1, 0.5, 0.9, 0.5], y: [0.1, 0.5, 0.9, 0.1] };
const all = () => true;

test("a box takes what lies inside, whichever corner it began at", () => {
  assert.deepEqual(pointsIn(points, { box: [0, 0, 0.6, 0.6] }, all), [0, 1, 3]);
  assert.deepEqual(pointsIn(points, { box: [0.6, 0.6, 0, 0] }, all), [0, 1, 3]);
});

test("a ring takes what is near", () => {
  assert.deepEqual(pointsIn(points, { ring: { x: 0.5, y: 0.45, radius: 0.1 } }, all), [1]);
});

test("a lasso takes what is inside its edges, also where it bends inwards", () => {
  assert.deepEqual(pointsIn(points, { lasso: [[0, 0], [1, 0], [1, 0.3], [0, 0.3]] }, all), [0, 3]);
  assert.deepEqual(pointsIn(points, { lasso: [[0, 0], [0.5, 0.3], [1, 0], [1, 1], [0, 1]] }, all), [0, 1, 2]);
  assert.deepEqual(pointsIn(points, { lasso: [[0.5, 0.5]] }, all), []);
});

test("what is not shown is not selected", () => {
  assert.deepEqual(pointsIn(points, { box: [0, 0, 1, 1] }, (n) => n !== 2), [0, 1, 3]);
});

test("the square lies in the middle, and back is the way there", () => {
  const place = fit(300, 200);
  assert.deepEqual(place.toCanvas(0.5, 0.5), [150, 100]);
  const [x, y] = place.toUnit(...place.toCanvas(0.2, 0.7));
  assert.ok(Math.abs(x - 0.2) < 1e-9 && Math.abs(y - 0.7) < 1e-9);
});

test("classes have colours of their own", () => {
  assert.equal(new Set(Array.from({ length: 40 }, (_, n) => colourOf(n, false))).size, 40);
});

test("a threshold tells how many are above it", () => {
  const scale = { low: 1, high: 3, above: [10, 4, 0] };
  assert.equal(countAt(scale, 1), 4);
  assert.equal(countAt(scale, 9), 0);
  assert.equal(valueAt(scale, 1), 2);
});

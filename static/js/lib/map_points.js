// Points on a plane: which of them lie in a box, a ring or a lasso, and how the plane fits a canvas.

/** The numbers of the points for which `isShown` holds and that lie inside `shape` ({box}, {ring} or {lasso}, in 0..1). */
export function pointsIn(points, shape, isShown) {
  const inside = shape.box ? inBox(shape.box) : shape.ring ? inRing(shape.ring) : inLasso(shape.lasso);
  const found = [];
  for (let n = 0; n < points.ids.length; n++) if (isShown(n) && inside(points.x[n], points.y[n])) found.push(n);
  return found;
}

function inBox([x0, y0, x1, y1]) {
  const [left, right] = [Math.min(x0, x1), Math.max(x0, x1)], [top, bottom] = [Math.min(y0, y1), Math.max(y0, y1)];
  return (x, y) => x >= left && x <= right && y >= top && y <= bottom;
}

function inRing({ x: cx, y: cy, radius }) { return (x, y) => (x - cx) ** 2 + (y - cy) ** 2 <= radius ** 2; }

/** By the number of edges that a ray to the right crosses: an odd one means inside. */
function inLasso(corners) {
  return (x, y) => {
    let inside = false;
    for (let i = 0, j = corners.length - 1; i < corners.length; j = i++) {
      const [ax, ay] = corners[i], [bx, by] = corners[j];
      if ((ay > y) !== (by > y) && x < (bx - ax) * (y - ay) / (by - ay) + ax) inside = !inside;
    }
    return inside;
  };
}

/** Where the unit square lies on a canvas of this size: in the middle, as large as fits, with a margin. */
export function fit(width, height, margin = 10) {
  const side = Math.max(1, Math.min(width, height) - 2 * margin);
  const left = (width - side) / 2, top = (height - side) / 2;
  return {
    side, toCanvas: (x, y) => [left + x * side, top + y * side], toUnit: (x, y) => [(x - left) / side, (y - top) / side],
  };
}

/** A colour for class `n`: far from its neighbours on the wheel, and of a lightness that both themes can show. */
export function colourOf(n, isDark) { return `hsl(${(n * 137.508) % 360} ${isDark ? "65% 66%" : "70% 40%"})`; }

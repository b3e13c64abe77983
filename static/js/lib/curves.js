// Training curves as numbers to draw: scales, ticks and paths, without a document.

export const BOX = { width: 560, height: 240, left: 44, right: 10, top: 10, bottom: 30 };

/** Round steps of 1, 2 or 5 times a power of ten from below `low` to above `high`; about `wanted` of them. */
export function ticks(low, high, wanted = 5) {
  const span = high - low || Math.abs(high) || 1;
  const power = 10 ** Math.floor(Math.log10(span / wanted));
  const step = [1, 2, 5, 10].map((times) => times * power).find((one) => span / one <= wanted) ?? power * 10;
  const found = [];
  const last = Math.ceil(high / step - 1e-9);
  for (let n = Math.floor(low / step + 1e-9); n <= last; n += 1) found.push(Number((n * step).toPrecision(12)));
  return found.length > 1 ? found : [found[0], Number((found[0] + step).toPrecision(12))];
}

/** Whole epochs to name on the axis, the last among them. */
export function epochTicks(epochs, most = 8) {
  if (epochs <= most) return Array.from({ length: epochs }, (_, place) => place + 1);
  const step = [2, 5, 10, 20, 25, 50, 100, 200, 250, 500, 1000, 2000].find((one) => epochs / one <= most) ?? Math.ceil(epochs / most);
  return Array.from({ length: Math.floor(epochs / step) }, (_, place) => (place + 1) * step);
}

/** Functions from an epoch (1 is the first) and a value to places in the box. One epoch alone stands in the middle. */
export function scales(epochs, low, high, box = BOX) {
  const wide = box.width - box.left - box.right;
  const tall = box.height - box.top - box.bottom;
  return {
    x: (epoch) => box.left + (epochs > 1 ? ((epoch - 1) / (epochs - 1)) * wide : wide / 2),
    y: (value) => box.top + (1 - (value - low) / (high - low || 1)) * tall,
  };
}

/** "M44,210L…" through the values of the first, second … epoch; "" where there are none. */
export function linePath(values, { x, y }) {
  return values.map((value, place) => `${place ? "L" : "M"}${x(place + 1).toFixed(1)},${y(value).toFixed(1)}`).join("");
}

/** The smallest and largest of what is drawn; [0, 1] before anything is. */
export function extent(series) {
  const all = series.flat().filter(Number.isFinite);
  return all.length ? [Math.min(...all), Math.max(...all)] : [0, 1];
}

/** "epoch 3 of 30, 41.2 %" */
export function describeRun(run, epochs) {
  const last = run.accuracy.at(-1);
  const told = last === undefined ? "" : `${(100 * last).toFixed(1)} %`;
  if (run.state === "done") return told;
  if (!run.epochs_done) return "";
  return `epoch ${run.epochs_done} of ${epochs}, ${told}`;
}

/** The class of each condition's lines: raw and what was asked for have a look of their own, controls share one. */
export function looks(conditions) {
  let next = 0;
  return Object.fromEntries(conditions.map((one) => [one.name, one.control_of ? "is-control" : `is-series-${next++ % 6}`]));
}

// A score's scale: `above[n]` images are above step n of equal steps from `low` to `high`.
export function countAt(scale, step) { return scale.above[Math.max(0, Math.min(scale.above.length - 1, step))]; }

export function valueAt(scale, step) { return scale.low + (scale.high - scale.low) * step / (scale.above.length - 1); }

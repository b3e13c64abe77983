// Numbers and times as people read them; the same forms as the server's filters.

const grouped = new Intl.NumberFormat("en-US");

export function number(value) {
  return grouped.format(value);
}

export function percent(value) {
  return `${(value * 100).toFixed(value === 1 || value === 0 ? 0 : 1)} %`;
}

export function bytes(value) {
  if (value < 1000) return `${value} B`;
  const units = ["kB", "MB", "GB", "TB"];
  let size = value;
  let unit = "B";
  for (const next of units) {
    if (size < 1000) break;
    size /= 1000;
    unit = next;
  }
  return `${size < 10 ? size.toFixed(1) : Math.round(size)} ${unit}`;
}

export function duration(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  const minutes = Math.round(whole / 60);
  if (minutes < 60) return `${minutes} min`;
  return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, "0")}`;
}

export function rate(perSecond) {
  return perSecond < 10 ? perSecond.toFixed(1) : number(Math.round(perSecond));
}

/** "3 things", "1 thing" */
export function count(value, one, many = `${one}s`) {
  return `${number(value)} ${value === 1 ? one : many}`;
}

/** "500 × 375, 109 kB" of a picture; its own size counts unless the server may have sent it smaller. */
export function measures(side, image) {
  const LARGEST_SENT = 2048;
  const width = side.width ?? image?.naturalWidth ?? 0;
  const height = side.height ?? image?.naturalHeight ?? 0;
  const isWhole = side.width || Math.max(width, height) < LARGEST_SENT;
  return [width && height && isWhole ? `${width} × ${height}` : null, side.bytes ? bytes(side.bytes) : null].filter(Boolean).join(", ");
}

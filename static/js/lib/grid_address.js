// Where one is in a grid, in the address behind the '#': at=12&sel=3,4,5. The filter stands before it.

const MOST = 60;

export function readAddress(hash) {
  const values = new URLSearchParams(hash.replace(/^#/, ""));
  const numbers = (text) => (text ?? "").split(",").map(Number).filter((id) => Number.isSafeInteger(id) && id > 0);
  return { at: numbers(values.get("at"))[0] ?? null, selected: numbers(values.get("sel")) };
}

/** A long selection is left out: the address has to fit where links are pasted. */
export function writeAddress({ at, selected }) {
  const parts = [];
  if (at) parts.push(`at=${at}`);
  if (selected.length && selected.length <= MOST) parts.push(`sel=${selected.join(",")}`);
  return parts.length ? `#${parts.join("&")}` : "";
}

// Names to read of classes whose own names are codes, like ImageNet's n01440764.
const titles = new Map();

export function rememberTitles(found = {}) {
  for (const [name, title] of Object.entries(found)) titles.set(name, title);
}

/** "tench" for n01440764; the class's own name where it has no other. */
export function titleOf(name) {
  return titles.get(name) ?? name;
}

/** The code beside the name to read, where there are both. */
export function codeOf(name) {
  return titles.has(name) ? name : null;
}

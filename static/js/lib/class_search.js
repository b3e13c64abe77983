// Finding a class by typing: prefix before word before anywhere before scattered letters; last used ones first.

function rank(name, query) {
  const text = name.toLowerCase();
  if (text === query) return 0;
  if (text.startsWith(query)) return 1;
  if (text.split(/[\s_,\-/]+/).some((word) => word.startsWith(query))) return 2;
  if (text.includes(query)) return 3;
  let at = -1;
  for (const letter of query.replace(/\s/g, "")) {
    at = text.indexOf(letter, at + 1);
    if (at < 0) return null;
  }
  return 4;
}

/** [{name, isRecent}] */
export function searchClasses(classes, query, recent = [], limit = 60, titleOf = (name) => name) {
  const text = query.trim().toLowerCase();
  const known = new Set(classes);
  const first = recent.filter((name) => known.has(name));
  if (!text) {
    const rest = classes.filter((name) => !first.includes(name));
    return [...first.map((name) => ({ name, isRecent: true })), ...rest.slice(0, limit - first.length).map((name) => ({ name, isRecent: false }))];
  }
  const found = [];
  classes.forEach((name, index) => {
    const scores = [rank(name, text), titleOf(name) === name ? null : rank(titleOf(name), text)].filter((found) => found !== null);
    const score = scores.length ? Math.min(...scores) : null;
    if (score !== null) found.push({ name, score, index, isRecent: first.includes(name) });
  });
  found.sort((a, b) => a.score - b.score || Number(b.isRecent) - Number(a.isRecent) || a.name.length - b.name.length || a.index - b.index);
  return found.slice(0, limit).map(({ name, isRecent }) => ({ name, isRecent }));
}

export function remember(recent, name, keep = 5) {
  return [name, ...recent.filter((item) => item !== name)].slice(0, keep);
}

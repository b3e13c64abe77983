// Names of members while a comment is typed. Pure.

const OPEN = /(?:^|[^\w@.-])@([a-z0-9._-]*)$/i;

/** Members that an @name left of the caret could become; none where it is one already. */
export function matching(before, members) {
  const typed = OPEN.exec(before)?.[1].toLowerCase();
  if (typed === undefined || members.includes(typed)) return [];
  return members.filter((name) => name.startsWith(typed));
}

/** {text, caret} with the first of them written out and a space behind it; null where there is none. */
export function complete(text, caret, members) {
  const before = text.slice(0, caret);
  const [name] = matching(before, members);
  if (!name) return null;
  const start = before.lastIndexOf("@") + 1;
  const rest = text.slice(caret);
  const written = `${before.slice(0, start)}${name}${rest.startsWith(" ") ? "" : " "}`;
  return { text: written + rest, caret: written.length + (rest.startsWith(" ") ? 1 : 0) };
}

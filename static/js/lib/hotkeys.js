// Keys come from the page: whatever has aria-keyshortcuts is pressed (or focused, for a field) by its key.
// aria-keyshortcuts="Y 1" lists alternatives. data-key-repeat lets a held key repeat. Never fires while typing.

const NAMES = { " ": "space", "+": "plus", spacebar: "space", esc: "escape" };

/** 'Shift+Z' -> 'shift+z', 'Space' -> 'space', '?' -> '?' */
export function normalise(text) {
  const parts = text === "+" ? ["+"] : text.split("+").map((part) => part.trim().toLowerCase()).filter(Boolean);
  const key = parts.at(-1) ?? "";
  const name = NAMES[key] ?? key;
  return parts.includes("shift") && parts.length > 1 ? `shift+${name}` : name;
}

/** The name of the key of an event, or null when it belongs to the browser or the system. */
export function keyOf(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return null;
  const key = event.key;
  if (!key || key === "Shift" || key === "Dead" || key === "Unidentified" || key === "Process") return null;
  const name = NAMES[key] ?? key.toLowerCase();
  const isLetter = /^\p{L}$/u.test(key);
  // Shift is part of typing '?' or '+', but with a letter or a named key it is meant. CapsLock is not Shift.
  return event.shiftKey && (isLetter || key.length > 1) ? `shift+${name}` : name;
}

const TYPING = new Set(["text", "search", "number", "password", "email", "url", "tel", "date", "time", "datetime-local", "month", "week", "file", ""]);

export function isTyping(target) {
  if (!target?.tagName) return false;
  const tag = target.tagName.toLowerCase();
  if (tag === "textarea" || tag === "select" || target.isContentEditable) return true;
  return tag === "input" && TYPING.has((target.type ?? "").toLowerCase());
}

/** Space and Enter already do something on these; arrows do on radio buttons and lists. */
export function isNative(target, key) {
  const tag = target?.tagName?.toLowerCase();
  if (key === "space" || key === "enter") return ["button", "a", "summary", "input", "option"].includes(tag);
  return tag === "input" && target.type === "radio" && key.startsWith("arrow");
}

function isUsable(element) {
  return !element.disabled && !element.closest("[hidden]") && !element.closest("[inert]");
}

/** Map of key -> element for what can be pressed now. The first in the page wins. */
export function keyMap(root) {
  const map = new Map();
  for (const element of root.querySelectorAll("[aria-keyshortcuts]")) {
    if (!isUsable(element)) continue;
    for (const text of element.getAttribute("aria-keyshortcuts").split(/\s+/).filter(Boolean)) {
      const key = normalise(text);
      if (!map.has(key)) map.set(key, element);
    }
  }
  return map;
}

export function find(event, root) {
  const key = keyOf(event);
  if (!key || isTyping(event.target) || isNative(event.target, key)) return null;
  const element = keyMap(root).get(key);
  if (!element || (event.repeat && !element.hasAttribute("data-key-repeat"))) return null;
  return element;
}

export function listen(target = document) {
  const onKey = (event) => {
    if (event.defaultPrevented) return;
    const dialog = document.querySelector("dialog[open]");
    const element = find(event, dialog ?? document);
    if (!element) return;
    event.preventDefault();
    if (isTyping(element)) element.focus();
    else element.click();
  };
  // A button clicked by pointer must not keep the focus: the next Space or Enter would press it again.
  const onClick = (event) => {
    if (event.detail > 0 && document.activeElement?.matches?.("button[aria-keyshortcuts], .is-full main button")) document.activeElement.blur();
  };
  target.addEventListener("keydown", onKey);
  target.addEventListener("click", onClick);
  return () => {
    target.removeEventListener("keydown", onKey);
    target.removeEventListener("click", onClick);
  };
}

const SHOWN = { arrowleft: "←", arrowright: "→", arrowup: "↑", arrowdown: "↓", space: "Space", plus: "+", escape: "Esc", enter: "Enter" };

export function shown(text) {
  const key = normalise(text);
  if (key.startsWith("shift+")) return `⇧${shown(key.slice(6))}`;
  return SHOWN[key] ?? (key.length === 1 ? key.toUpperCase() : key);
}

/** What the help shows: [{group, keys: ['Y', '1'], label}], in the page's order, without what is hidden. */
export function describe(root) {
  const rows = [];
  const pressing = keyMap(root);
  for (const element of new Set(pressing.values())) {
    const own = element.getAttribute("aria-keyshortcuts").split(/\s+/).filter((key) => key && key !== "=" && pressing.get(normalise(key)) === element);
    const keys = own.map(shown);
    const label = element.dataset.keyLabel ?? element.getAttribute("aria-label") ?? element.textContent.trim();
    rows.push({ group: element.dataset.keyGroup ?? "page", keys, label });
  }
  return rows;
}

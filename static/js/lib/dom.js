// Builds elements without ever parsing text as HTML.

/** h("button", {class: "chip", type: "button", "aria-pressed": "false", onclick: f}, "text", child, null) */
export function h(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false && child !== ""));
  return element;
}

export function decision(value, text = null) {
  const known = ["keep", "remove", "relabel", "uncertain", "skipped", "conflict"].includes(value);
  return h("span", { class: `decision is-${known ? value : "open"}` }, text ?? value ?? "open");
}

export function part(root, name) {
  return root.querySelector(`[data-part="${name}"]`);
}

export function setText(element, text) {
  if (element && element.textContent !== text) element.textContent = text;
}

/** Reads <script type="application/json" id="...">. */
export function readData(id) {
  return JSON.parse(document.getElementById(id).textContent);
}

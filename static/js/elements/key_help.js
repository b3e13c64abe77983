// <key-help></key-help>  The list of all keys of this page, made from the page itself. Opened by [data-open="keys"].
import { h } from "../lib/dom.js";
import { describe } from "../lib/hotkeys.js";

const GROUPS = [["decide", "Decide"], ["picture", "Picture"], ["move", "Move around"], ["write", "Add to the decision"], ["page", "This page"]];

export class KeyHelp extends HTMLElement {
  #onClick = (event) => { if (event.target.closest?.('[data-open="keys"]')) this.open(); };

  connectedCallback() { document.addEventListener("click", this.#onClick); }
  disconnectedCallback() { document.removeEventListener("click", this.#onClick); }

  open() {
    const rows = describe(document);
    const dialog = h("dialog", { class: "dialog", "aria-labelledby": "key-help-title", "data-testid": "key-help" },
      h("div", { class: "dialog-head" }, h("h2", { id: "key-help-title" }, "Keys"),
        h("button", { type: "button", class: "icon-button", "aria-keyshortcuts": "?", "data-key-label": "close this list", onclick: () => dialog.close() }, "Close")),
      h("div", { class: "dialog-body" }, GROUPS.map(([name, title]) => group(title, rows.filter((row) => row.group === name))),
        h("p", { class: "muted small" }, `No key does anything while you type.${rows.some((row) => row.group === "picture") ? " Drag or scroll on the picture to move and zoom." : ""}`)));
    dialog.addEventListener("close", () => dialog.remove());
    dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
    this.append(dialog);
    dialog.showModal();
  }
}

function group(title, rows) {
  if (!rows.length) return null;
  return h("section", { class: "keys-group" }, h("h3", {}, title), h("dl", { class: "keys" }, rows.flatMap((row) => [
    h("dt", {}, row.keys.map((key) => h("kbd", {}, key))), h("dd", {}, row.label)])));
}

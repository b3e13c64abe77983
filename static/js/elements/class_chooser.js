// <class-chooser></class-chooser>  Choosing a class by typing: `await chooser.choose({classes, recent, title})` -> name or null.
import { h } from "../lib/dom.js";
import { searchClasses } from "../lib/class_search.js";
import { codeOf, titleOf } from "../lib/class_titles.js";

export class ClassChooser extends HTMLElement {
  #resolve = null; #found = []; #active = 0; #input; #list; #options;

  get isOpen() { return this.#resolve !== null; }

  choose(options) {
    this.#options = options;
    this.#input = h("input", {
      class: "input", type: "text", role: "combobox", "aria-expanded": "true", "aria-controls": "class-list", "aria-autocomplete": "list",
      "aria-labelledby": "class-title", autocomplete: "off", spellcheck: "false", placeholder: "Type a part of the name", "data-testid": "class-input",
      oninput: () => this.#search(), onkeydown: (event) => this.#onKey(event),
    });
    this.#list = h("div", { class: "chooser-list", role: "listbox", id: "class-list", "aria-labelledby": "class-title", "data-testid": "class-list" });
    const dialog = h("dialog", { class: "dialog", "aria-labelledby": "class-title" },
      h("div", { class: "chooser-field" }, h("h2", { id: "class-title" }, options.title ?? "Which class is it?"), this.#input), this.#list);
    dialog.addEventListener("close", () => { dialog.remove(); this.#finish(null); });
    dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
    this.append(dialog);
    return new Promise((resolve) => {
      this.#resolve = resolve;
      this.#search();
      dialog.showModal();
      this.#input.focus();
    });
  }

  #search() {
    this.#found = searchClasses(this.#options.classes, this.#input.value, this.#options.recent ?? [], 60, titleOf);
    this.#active = 0;
    const empty = h("p", { class: "chooser-empty" }, `No class is called like "${this.#input.value}". A lead can add classes on an import's page.`);
    this.#list.replaceChildren(...(this.#found.length ? this.#found.map((item, index) => this.#option(item, index)) : [empty]));
    this.#mark();
  }

  #option(item, index) {
    const note = item.name === this.#options.given ? "given now" : item.isRecent ? "used before" : null;
    return h("div", { class: "chooser-option", role: "option", id: `class-option-${index}`, "data-name": item.name, onclick: () => this.#pick(item.name) },
      h("span", {}, titleOf(item.name), codeOf(item.name) && h("small", { class: "muted" }, ` ${item.name}`)), note && h("span", { class: "chooser-note" }, note));
  }

  #mark() {
    [...this.#list.children].forEach((option, index) => {
      if (option.role !== "option" && option.getAttribute("role") !== "option") return;
      option.setAttribute("aria-selected", String(index === this.#active));
      if (index === this.#active) option.scrollIntoView({ block: "nearest" });
    });
    if (this.#found.length) this.#input.setAttribute("aria-activedescendant", `class-option-${this.#active}`);
    else this.#input.removeAttribute("aria-activedescendant");
  }

  #onKey(event) {
    const step = { ArrowDown: 1, ArrowUp: -1, PageDown: 8, PageUp: -8 }[event.key];
    if (step && this.#found.length) {
      event.preventDefault();
      this.#active = Math.min(this.#found.length - 1, Math.max(0, this.#active + step));
      this.#mark();
    } else if (event.key === "Enter" && !event.isComposing) {
      event.preventDefault();
      if (this.#found[this.#active]) this.#pick(this.#found[this.#active].name);
    }
  }

  #pick(name) {
    this.#finish(name);
    this.querySelector("dialog")?.close();
  }

  #finish(name) {
    const resolve = this.#resolve;
    this.#resolve = null;
    resolve?.(name);
  }
}

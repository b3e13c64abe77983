// <theme-switch></theme-switch>  Three buttons: as the system has it, light, dark. Empty without script, so nothing is dead.
import { h } from "../lib/dom.js";

const KEY = "winnow.theme";
const THEMES = [["auto", "Auto"], ["light", "Light"], ["dark", "Dark"]];

function chosen() {
  const theme = document.documentElement.dataset.theme;
  return theme === "light" || theme === "dark" ? theme : "auto";
}

export class ThemeSwitch extends HTMLElement {
  connectedCallback() {
    this.className = "theme";
    this.setAttribute("role", "group");
    this.setAttribute("aria-label", "Theme");
    this.#render();
  }

  disconnectedCallback() { this.replaceChildren(); }

  #render() {
    const theme = chosen();
    this.replaceChildren(h("span", { class: "theme-label", "aria-hidden": "true" }, "Theme"), ...THEMES.map(([value, text]) =>
      h("button", { type: "button", "aria-pressed": String(value === theme), onclick: () => this.#choose(value) }, text)));
  }

  #choose(theme) {
    const root = document.documentElement;
    if (theme === "auto") delete root.dataset.theme;
    else root.dataset.theme = theme;
    try {
      localStorage.setItem(KEY, theme);
    } catch {
      // Without storage the choice lasts as long as the page.
    }
    this.#render();
    [...this.querySelectorAll("button")].find((button) => button.getAttribute("aria-pressed") === "true")?.focus();
  }
}

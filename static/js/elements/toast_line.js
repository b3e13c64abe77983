// <toast-line class="toast" role="status" aria-live="polite"></toast-line>
// Says what was just done, with the key that takes it back. Stays until the next one, or 6 s.
import { decision, h } from "../lib/dom.js";

const STAYS = 6000;

export class ToastLine extends HTMLElement {
  #timer = null;

  disconnectedCallback() { clearTimeout(this.#timer); }

  /** done("keep", "kept", "bald eagle", () => undo()) */
  done(value, word, text, undo = null) {
    this.classList.remove("is-problem");
    this.#show([decision(value, word), text && h("span", { class: "toast-text" }, text),
      undo && h("button", { type: "button", class: "key-hint", onclick: undo }, h("kbd", {}, "Z"), "undo")]);
  }

  say(text) {
    this.classList.remove("is-problem");
    this.#show([h("span", { class: "toast-text" }, text)]);
  }

  problem(text) {
    this.classList.add("is-problem");
    this.#show([h("span", { class: "decision is-failed" }, ""), h("span", { class: "toast-text" }, text)], STAYS * 2);
  }

  clear() { this.replaceChildren(); }

  #show(children, stays = STAYS) {
    this.replaceChildren(...children.filter(Boolean));
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.clear(), stays);
  }
}

// <lazy-part data-url="/p/small/progress"><p>Counting…</p></lazy-part>  Puts the server's HTML from there in its place.
import { h } from "../lib/dom.js";
import { requestHtml } from "../lib/http.js";

export class LazyPart extends HTMLElement {
  connectedCallback() { this.#load(); }

  async #load() {
    this.setAttribute("aria-busy", "true");
    try {
      const html = await requestHtml(this.dataset.url);
      this.replaceChildren(...new DOMParser().parseFromString(html, "text/html").body.childNodes);
    } catch (error) {
      const again = h("button", { type: "button", class: "button is-small", onclick: () => this.#load() }, "Try again");
      this.replaceChildren(h("div", { class: "notice is-error", role: "alert" }, h("span", { class: "notice-text" }, error.message), again));
    }
    this.removeAttribute("aria-busy");
  }
}

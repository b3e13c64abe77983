// <sample-strip class="strip-list"></sample-strip>  Thumbnails of the samples around this one; fires 'pick' {index}.
import { decision, h } from "../lib/dom.js";

const BEFORE = 4;
const AFTER = 8;
/** Of one thumbnail with its gap. */
const WIDTH = 62;

export class SampleStrip extends HTMLElement {
  /** Buttons are kept from one time to the next: their thumbnails are decoded already. */
  #items = new Map();

  show(entries, at) {
    const fits = Math.max(1, Math.floor(this.clientWidth / WIDTH));
    const from = Math.max(0, Math.min(at, entries.length) - Math.min(BEFORE, Math.floor((fits - 1) / 2)));
    const kept = new Map();
    entries.slice(from, at + AFTER + 1).forEach((entry, offset) => {
      const item = this.#items.get(entry.card.id) ?? this.#make(entry.card);
      this.#mark(item, entry, from + offset, at);
      kept.set(entry.card.id, item);
    });
    this.#items = kept;
    const items = [...kept.values()];
    if (items.length !== this.children.length || items.some((item, index) => item !== this.children[index])) this.replaceChildren(...items);
  }

  #make(card) {
    const item = h("button", { type: "button", class: "strip-item", title: card.key }, h("img", { src: card.thumb_url, alt: "", width: 56, height: 52 }));
    item.addEventListener("click", () => this.dispatchEvent(new CustomEvent("pick", { bubbles: true, detail: { index: Number(item.dataset.index) } })));
    return item;
  }

  #mark(item, entry, index, at) {
    const value = entry.outcome?.decision ?? "";
    item.dataset.index = index;
    if (index === at) item.setAttribute("aria-current", "true");
    else item.removeAttribute("aria-current");
    if (item.dataset.decision === value) return;
    item.dataset.decision = value;
    item.classList.toggle("is-decided", value !== "");
    item.setAttribute("aria-label", `${entry.card.given_label}, ${value || "open"}`);
    item.querySelector(".decision")?.remove();
    if (!value) return;
    const sign = decision(value, "");
    sign.classList.add("is-sign");
    sign.append(h("span", {}, value));
    item.append(sign);
  }
}

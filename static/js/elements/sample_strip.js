// <sample-strip class="strip-list"></sample-strip>  Thumbnails of the samples around this one; fires 'pick' {index}.
import { decision, h } from "../lib/dom.js";

const BEFORE = 4;
const AFTER = 8;

export class SampleStrip extends HTMLElement {
  show(entries, at) {
    const from = Math.max(0, Math.min(at, entries.length) - BEFORE);
    this.replaceChildren(...entries.slice(from, at + AFTER + 1).map((entry, offset) => this.#item(entry, from + offset, at)));
  }

  #item(entry, index, at) {
    const value = entry.outcome?.decision;
    const mark = value && decision(value);
    if (mark) {
      mark.classList.add("is-sign");
      mark.replaceChildren(h("span", {}, value));
    }
    return h("button", {
      type: "button", class: `strip-item${value ? " is-decided" : ""}`, "aria-current": index === at ? "true" : null,
      "aria-label": `${entry.card.given_label}${value ? `, ${value}` : ", open"}`, title: entry.card.key,
      onclick: () => this.dispatchEvent(new CustomEvent("pick", { bubbles: true, detail: { index } })),
    }, h("img", { src: entry.card.thumb_url, alt: "", width: 56, height: 52 }), mark);
  }
}

// <sample-evidence></sample-evidence>  Given and suggested label with typical pictures, confidence, reason, other flags, pairs.
// `show(card, pairIndex)`. Fires 'pair' {index} when another pair is chosen.
import { h } from "../lib/dom.js";
import { codeOf, titleOf } from "../lib/class_titles.js";
import { percent } from "../lib/format.js";

export class SampleEvidence extends HTMLElement {
  show(card, pairIndex = 0) {
    const first = card.flags.find((flag) => flag.suggested_label === card.suggested_label && flag.confidence === card.confidence) ?? card.flags[0];
    this.replaceChildren(...[this.#labels(card), facts(card, first), this.#pairs(card, pairIndex)].filter(Boolean));
  }

  #labels(card) {
    return h("section", { class: "evidence", "aria-label": "Labels" },
      row("given", card.given_label, card.examples?.given),
      card.suggested_label && row("suggested", card.suggested_label, card.examples?.suggested),
      card.confidence !== null && card.confidence !== undefined && confidence(card.confidence));
  }

  #pairs(card, pairIndex) {
    if (!card.pairs?.length) return null;
    return h("section", { class: "evidence", "aria-label": "Pictures it pairs with" },
      h("h3", {}, card.pairs.length === 1 ? "Pairs with" : `Pairs with ${card.pairs.length}`),
      h("div", { class: "thumbs chips" }, card.pairs.slice(0, 12).map((pair, index) =>
        h("button", { type: "button", "aria-pressed": String(index === pairIndex), "aria-label": `${pair.kind === "leak" ? "leak candidate" : "group member"} ${pair.key}, ${pair.given_label}`, title: pair.key,
          onclick: () => this.dispatchEvent(new CustomEvent("pair", { bubbles: true, detail: { index } })) }, thumb(pair.thumb_url)))));
  }
}

function row(title, label, examples = []) {
  return h("div", { class: "evidence-row" }, h("div", {}, h("h3", {}, title), h("b", { title: label }, label ? titleOf(label) : "no label"), codeOf(label) && h("small", { class: "muted" }, label)),
    h("div", { class: "thumbs", "aria-label": `typical pictures of ${titleOf(label)}`, role: examples.length ? "group" : null }, examples.slice(0, 3).map((example) => thumb(example.thumb_url))));
}

function thumb(url) {
  const image = h("img", { src: url, alt: "", width: 52, height: 52, decoding: "async" });
  image.addEventListener("load", () => { if (image.naturalWidth < 52) image.style.imageRendering = "pixelated"; });
  return image;
}

function confidence(value) {
  return h("div", { class: "confidence" }, h("progress", { class: "is-confidence", max: 1, value, "aria-label": `confidence ${percent(value)}` }), h("b", {}, percent(value)));
}

function facts(card, first) {
  const others = card.flags.filter((flag) => flag !== first);
  return h("section", { class: "evidence", "aria-label": "Why it is flagged" }, h("dl", { class: "facts" },
    first ? fact("flagged as", first.raw_issue_type && first.raw_issue_type !== first.issue_type ? `${first.issue_type} (${first.raw_issue_type})` : first.issue_type) : fact("flagged as", "nothing"),
    first?.reason && fact("why", first.reason),
    first?.source && fact("source", first.source),
    first?.group && fact("group", first.group),
    others.map((flag, index) => fact(index ? "" : "also", describe(flag)))));
}

function describe(flag) {
  const parts = [flag.issue_type];
  if (flag.confidence !== null && flag.confidence !== undefined) parts.push(percent(flag.confidence));
  if (flag.suggested_label) parts.push(`suggests ${titleOf(flag.suggested_label)}`);
  const rest = [flag.reason, flag.source].filter(Boolean).join("; ");
  return rest ? `${parts.join(", ")}: ${rest}` : parts.join(", ");
}

function fact(name, value) {
  return [h("dt", {}, name), h("dd", {}, value)];
}

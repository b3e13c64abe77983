// <sample-others></sample-others>  Others' answers once mine is in, and the sample's history.
import { decision, h } from "../lib/dom.js";

export class SampleOthers extends HTMLElement {
  show(card) {
    this.replaceChildren(this.#others(card), ...(card.history?.length ? [this.#history(card)] : []));
  }

  #others(card) {
    const content = card.others === null
      ? h("p", { class: "muted" }, "Answers of others show once yours is in.")
      : card.others.length
        ? h("ul", { class: "history" }, card.others.map((review) => h("li", {}, `${review.reviewer}: `, decision(review.status === "skipped" ? "skipped" : review.decision ?? "uncertain"), review.new_label ? ` ${review.new_label}` : "", review.note ? ` “${review.note}”` : "")))
        : h("p", { class: "muted" }, "Nobody else has answered.");
    return h("section", { class: "evidence", "aria-label": "Others" }, h("h3", {}, "Others"), content);
  }

  #history(card) {
    return h("section", { class: "evidence", "aria-label": "History" }, h("h3", {}, "History"), h("ul", { class: "history" }, card.history.slice(-12).reverse().map((item) =>
      h("li", {}, h("time", { datetime: item.at }, when(item.at)), ` ${item.reviewer ?? ""} ${item.text}`))));
  }
}

function when(at) {
  const date = new Date(at);
  return Number.isNaN(date.getTime()) ? String(at) : date.toLocaleString("en-GB", { dateStyle: "short", timeStyle: "short" });
}

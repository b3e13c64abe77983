// <pair-compare class="pair"></pair-compare>  Two pictures at one scale: `show([side, side])`, side = {key, split, given_label,
// width, height, bytes, image_url, title}, with `pictures` to take them from; `setMode("side"|"flicker"|"difference"|"single")`.
import { decision, h } from "../lib/dom.js";
import { describeDifference, drawDifference } from "../lib/difference.js";
import { measures } from "../lib/format.js";
import { PictureView } from "../lib/picture_view.js";

export class PairCompare extends HTMLElement {
  #panes; #canvas; #differenceView; #differenceText; #pictures; #images = [null, null]; #shown = 0; #front = 0; #difference;

  connectedCallback() {
    this.#panes = [0, 1].map((index) => {
      const pane = h("div", { class: "pair-pane", "data-side": index, "data-testid": index ? "pair-right" : "pair-left" });
      const caption = h("div", { class: "pair-caption" });
      const view = h("div", { class: "stage-view" });
      const error = h("div", { class: "stage-error", hidden: true });
      pane.append(caption, h("div", { class: "pair-view" }, view, error));
      return { pane, caption, view, error };
    });
    this.#canvas = h("canvas", { role: "img", "aria-label": "Difference of the two pictures", "data-testid": "difference" });
    this.#differenceView = h("div", { class: "stage-view" }, this.#canvas);
    this.#differenceText = h("div", { class: "pair-caption", role: "status" });
    this.#difference = h("div", { class: "pair-difference", hidden: true }, this.#differenceText, h("div", { class: "pair-view" }, this.#differenceView));
    this.replaceChildren(...this.#panes.map((pane) => pane.pane), this.#difference);
    this.#pictures = new PictureView([...this.#panes.map((pane) => pane.view), this.#differenceView]);
    this.#apply(this.dataset.mode ?? "side");
  }

  disconnectedCallback() { this.#pictures.disconnect(); }

  get mode() { return this.dataset.mode; }

  /** Settles when both pictures are in the page (or cannot be). */
  show(sides, held) {
    this.#shown += 1;
    const mine = this.#shown;
    this.#images = [null, null];
    this.#front = 0;
    const isDiffering = sides[0].given_label !== sides[1].given_label;
    const loading = sides.map((side, index) => {
      this.#describe(index, side, isDiffering);
      const { image, isReady, ready } = held[index];
      this.#panes[index].error.hidden = true;
      this.#panes[index].view.replaceChildren();
      const put = (loaded) => {
        this.#describe(index, side, isDiffering, loaded);
        this.#put(index, side, loaded);
      };
      if (isReady) return put(image);
      return ready.then((loaded) => { if (mine === this.#shown) put(loaded); })
        .catch(() => { if (mine === this.#shown) this.#fail(index, side); });
    });
    this.#apply(this.mode === "single" ? "single" : "side");
    return Promise.all(loading);
  }

  zoom(direction) { this.#pictures.zoom(direction); }

  /** Asking for flicker again swaps the two. */
  setMode(mode) {
    if (mode === "flicker" && this.mode === "flicker") this.#front = 1 - this.#front;
    else if (mode === "flicker") this.#front = this.mode === "side" ? 0 : this.#front;
    this.#apply(mode);
  }

  #apply(mode) {
    this.dataset.mode = mode;
    this.#panes.forEach(({ pane }, index) => pane.classList.toggle("is-shown", index === this.#front));
    this.#difference.hidden = mode !== "difference";
    if (mode === "difference") this.#draw();
    this.#pictures.render();
    this.dispatchEvent(new CustomEvent("mode", { bubbles: true, detail: { mode, front: this.#front } }));
  }

  #put(index, side, image) {
    // One picture can be on both sides (a sample paired with itself in a test): an element has one place only.
    const shown = this.#images[1 - index] === image ? image.cloneNode() : image;
    shown.alt = `${side.split} ${side.key}, labelled ${side.given_label}`;
    this.#images[index] = shown;
    this.#panes[index].view.replaceChildren(shown);
    this.#place();
    if (this.mode === "difference") this.#draw();
  }

  #place() {
    const items = this.#images.map((image, index) => image && { view: this.#panes[index].view, element: image, width: image.naturalWidth, height: image.naturalHeight, sharesBase: true });
    if (this.#canvas.width && this.mode === "difference") items.push({ view: this.#differenceView, element: this.#canvas, width: this.#canvas.width, height: this.#canvas.height });
    this.#pictures.set(items.filter(Boolean));
  }

  #draw() {
    const [left, right] = this.#images;
    if (!left?.naturalWidth || !right?.naturalWidth) {
      this.#differenceText.textContent = "Both pictures are needed to show a difference.";
      return;
    }
    const { mean } = drawDifference(this.#canvas, left, right);
    this.#differenceText.textContent = describeDifference(mean);
    this.#place();
  }

  #describe(index, side, isDiffering, image = null) {
    const size = measures(side, image);
    const { caption } = this.#panes[index];
    caption.replaceChildren(
      h("span", { class: "pair-split" }, side.title ?? side.split),
      h("span", { class: isDiffering ? "is-differing" : "" }, h("b", {}, side.given_label)),
      ...(size ? [h("span", {}, size)] : []),
      ...(side.decision ? [decision(side.decision)] : []),
      ...(isDiffering && index === 1 ? [h("span", { class: "decision is-conflict", "data-testid": "label-conflict" }, "labels differ")] : []),
      h("span", { class: "pair-key truncate", title: side.key }, side.key));
  }

  #fail(index, side) {
    const { error, view } = this.#panes[index];
    view.replaceChildren();
    error.replaceChildren(h("b", {}, "This picture cannot be shown"), h("span", {}, side.image_error ?? "The file could not be loaded."));
    error.hidden = false;
  }
}

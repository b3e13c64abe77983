// <sample-picture class="stage"></sample-picture>  One picture, fitted, zoomed, moved; or why it cannot be shown.
// Of an object in a picture, its box is drawn, and `zoom("object")` goes to it and back.
// `show(card, held)` with held = pictures.get(url) returns a promise that settles when the picture is in the page.
import { h } from "../lib/dom.js";
import { request } from "../lib/http.js";
import { titleOf } from "../lib/class_titles.js";
import { PictureView } from "../lib/picture_view.js";

const SVG = "http://www.w3.org/2000/svg";

export class SamplePicture extends HTMLElement {
  #view; #error; #pictures; #box = null; #isClose = false; #shown = 0;

  connectedCallback() {
    this.#view = h("div", { class: "stage-view" });
    this.#error = h("div", { class: "stage-error", role: "status", "data-testid": "picture-error", hidden: true });
    this.replaceChildren(this.#view, this.#error);
    this.#pictures = new PictureView([this.#view]);
  }

  disconnectedCallback() { this.#pictures.disconnect(); }

  show(card, held) {
    this.#shown += 1;
    const mine = this.#shown;
    this.#error.hidden = true;
    this.dataset.sample = card.id;
    this.dataset.state = "loading";
    if (card.image_error) {
      this.#fail(card.image_error);
      return Promise.resolve();
    }
    if (held.isReady) {
      this.#put(card, held.image);
      return Promise.resolve();
    }
    this.#view.replaceChildren();
    return held.ready.then((image) => { if (mine === this.#shown) this.#put(card, image); })
      .catch(async () => {
        const why = await explain(card.image_url);
        if (mine === this.#shown) this.#fail(why);
      });
  }

  zoom(direction) {
    if (direction !== "object") this.#pictures.zoom(direction);
    else if (this.#box && !this.#isClose) this.#pictures.focus(this.#box);
    else this.#pictures.zoom("fit");
    this.#isClose = direction === "object" && Boolean(this.#box) && !this.#isClose;
  }

  #put(card, image) {
    image.alt = card.box ? `An object labelled ${titleOf(card.given_label)} in ${card.key}` : `Sample ${card.key}, labelled ${titleOf(card.given_label)}`;
    const overlay = card.box ? drawBox(card.box) : null;
    this.#view.replaceChildren(...[image, overlay].filter(Boolean));
    this.#isClose = false;
    this.#box = card.box ? shares(card.box) : null;
    this.#pictures.set([{ view: this.#view, element: image, overlay, width: image.naturalWidth, height: image.naturalHeight }]);
    this.dataset.state = "shown";
  }

  #fail(text) {
    this.#view.replaceChildren();
    this.#error.replaceChildren(h("b", {}, "This picture cannot be shown"), h("span", {}, text), h("span", {}, "You can still decide: a file nobody can open is a reason to remove it."));
    this.#error.hidden = false;
    this.dataset.state = "error";
  }
}

/** A dark line inside a light one, so that it shows on every ground. */
function drawBox([x, y, width, height, across, down]) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", "stage-box");
  svg.setAttribute("viewBox", `0 0 ${across} ${down}`);
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("aria-hidden", "true");
  svg.dataset.testid = "object-box";
  for (const name of ["is-under", "is-over"]) {
    const rect = document.createElementNS(SVG, "rect");
    for (const [key, value] of Object.entries({ x, y, width, height, class: name })) rect.setAttribute(key, value);
    svg.append(rect);
  }
  return svg;
}

function shares([x, y, width, height, across, down]) {
  return { x: x / across, y: y / down, width: width / across, height: height / down };
}

/** The server says what is wrong with a file; only a picture that fails is asked for twice. */
async function explain(url) {
  try {
    await request(url);
  } catch (error) {
    return error.message;
  }
  return "The browser cannot show this picture.";
}

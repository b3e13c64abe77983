// <sample-picture class="stage"></sample-picture>  One picture, fitted, zoomed, moved; or why it cannot be shown.
// `show(card, held)` with held = pictures.get(url) returns a promise that settles when the picture is in the page.
import { h } from "../lib/dom.js";
import { request } from "../lib/http.js";
import { PictureView } from "../lib/picture_view.js";

export class SamplePicture extends HTMLElement {
  #view; #error; #pictures; #shown = 0;

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

  zoom(direction) { this.#pictures.zoom(direction); }

  #put(card, image) {
    image.alt = `Sample ${card.key}, labelled ${card.given_label}`;
    this.#view.replaceChildren(image);
    this.#pictures.set([{ view: this.#view, element: image, width: image.naturalWidth, height: image.naturalHeight }]);
    this.dataset.state = "shown";
  }

  #fail(text) {
    this.#view.replaceChildren();
    this.#error.replaceChildren(h("b", {}, "This picture cannot be shown"), h("span", {}, text), h("span", {}, "You can still decide: a file nobody can open is a reason to remove it."));
    this.#error.hidden = false;
    this.dataset.state = "error";
  }
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

// Puts pictures into their windows, with what is drawn over them, and lets them be zoomed and moved together.
import { clampOffset, fit, isPixelated, place, zoomAt, zoomTo } from "./viewport.js";

const STEP = 1.5;

/** items: [{view: element, element: img or canvas, overlay: element or none, width, height, sharesBase: false}] */
export class PictureView {
  #items = []; #state = { zoom: 1, x: 0, y: 0 }; #observer; #drag = null;

  constructor(views) {
    this.views = views;
    this.#observer = new ResizeObserver(() => this.render());
    for (const view of views) this.#listen(view);
  }

  disconnect() { this.#observer.disconnect(); }

  set(items) {
    this.#items = items;
    this.#state = { zoom: 1, x: 0, y: 0 };
    this.render();
  }

  zoom(direction) {
    if (direction === "fit") this.#state = { zoom: 1, x: 0, y: 0 };
    else this.#state = zoomAt(this.#state, direction === "in" ? STEP : 1 / STEP);
    this.#held();
  }

  /** Zooms so that a part of the picture fills the window; its sides are shares of the picture's. */
  focus(part) {
    const item = this.#items[0];
    if (!item?.view.clientWidth) return;
    const view = { width: item.view.clientWidth, height: item.view.clientHeight };
    this.#state = zoomTo(item, view, part);
    this.#held();
  }

  render() {
    for (const item of this.#items) {
      const view = { width: item.view.clientWidth, height: item.view.clientHeight };
      if (!view.width || !view.height || !item.width) continue;
      const { size, base } = this.#shape(item, view);
      const spot = place(size, view, { ...this.#state, base });
      for (const { style } of [item.element, item.overlay].filter(Boolean)) {
        style.width = `${spot.width}px`;
        style.height = `${spot.height}px`;
        style.transform = `translate(${Math.round(spot.left)}px, ${Math.round(spot.top)}px)`;
      }
      item.element.classList.toggle("is-pixelated", isPixelated(spot.width / item.width));
      item.view.classList.toggle("is-movable", spot.isMovable);
    }
  }

  /** Pictures of one shape take one and the same place, whatever their resolution, so that they can flicker in it. */
  #shape(item, view) {
    const shown = this.#items.filter((other) => other.sharesBase);
    if (!item.sharesBase || shown.length < 2) return { size: item, base: fit(item, view) };
    const largest = shown.reduce((a, b) => (a.width * a.height >= b.width * b.height ? a : b));
    const base = fit(largest, view);
    const isOneShape = Math.abs(item.width / item.height / (largest.width / largest.height) - 1) < 0.03;
    if (isOneShape) return { size: largest, base };
    const longest = (picture) => Math.max(picture.width, picture.height);
    return { size: item, base: Math.min((base * longest(largest)) / longest(item), view.width / item.width, view.height / item.height) };
  }

  #held() {
    const item = this.#items.find((candidate) => candidate.view.clientWidth);
    if (item) {
      const view = { width: item.view.clientWidth, height: item.view.clientHeight };
      const { size, base } = this.#shape(item, view);
      const { x, y, zoom } = clampOffset(size, view, { ...this.#state, base });
      this.#state = { x, y, zoom };
    }
    this.render();
  }

  #listen(view) {
    this.#observer.observe(view);
    view.addEventListener("pointerdown", (event) => {
      if (event.button !== 0 || !view.classList.contains("is-movable")) return;
      this.#drag = { x: event.clientX, y: event.clientY };
      view.setPointerCapture(event.pointerId);
      view.classList.add("is-moving");
    });
    view.addEventListener("pointermove", (event) => {
      if (!this.#drag) return;
      this.#state = { ...this.#state, x: this.#state.x + event.clientX - this.#drag.x, y: this.#state.y + event.clientY - this.#drag.y };
      this.#drag = { x: event.clientX, y: event.clientY };
      this.#held();
    });
    for (const name of ["pointerup", "pointercancel"]) view.addEventListener(name, () => {
      this.#drag = null;
      view.classList.remove("is-moving");
    });
    view.addEventListener("wheel", (event) => {
      event.preventDefault();
      this.#at(view, event, event.deltaY < 0 ? 1.2 : 1 / 1.2);
    }, { passive: false });
    view.addEventListener("dblclick", (event) => {
      if (this.#state.zoom > 1) this.zoom("fit");
      else this.#at(view, event, 3);
    });
  }

  #at(view, event, factor) {
    const box = view.getBoundingClientRect();
    const point = { x: event.clientX - box.left - box.width / 2, y: event.clientY - box.top - box.height / 2 };
    this.#state = zoomAt(this.#state, factor, point);
    this.#held();
  }
}

// <image-map data-api data-analysis> around a canvas and the parts of templates/pages/analysis_map.html. Draws an analysis'
// map, selects by box, lasso or a ring that keys move, shows what is selected, and opens it in the grid.
import { h } from "../lib/dom.js";
import { count, number } from "../lib/format.js";
import { request } from "../lib/http.js";
import { colourOf, fit, pointsIn } from "../lib/map_points.js";

const OUTLINED = 300, SHOWN = 24, STEP = 0.02;
const SMALLEST = 0.005, LARGEST = 0.5;

export class ImageMap extends HTMLElement {
  #points = null; #selected = new Set(); #tool = "box"; #shape = null; #ring = { x: 0.5, y: 0.5, radius: 0.05 }; #abort = new AbortController();

  connectedCallback() {
    const on = (target, name, run, more = {}) => target.addEventListener(name, run, { signal: this.#abort.signal, ...more });
    const canvas = this.#canvas;
    on(canvas, "pointerdown", (event) => this.#begin(event));
    on(canvas, "pointermove", (event) => this.#drag(event));
    on(canvas, "pointerup", (event) => this.#end(event));
    on(canvas, "pointercancel", () => { this.#shape = null; this.#draw(); });
    on(canvas, "keydown", (event) => this.#key(event));
    on(canvas, "focus", () => this.#draw());
    on(canvas, "blur", () => this.#draw());
    on(this, "click", (event) => this.#click(event.target.closest("button")));
    on(this, "change", () => this.#filter());
    this.resized = new ResizeObserver(() => this.#draw());
    this.resized.observe(canvas);
    this.themed = new MutationObserver(() => this.#draw());
    this.themed.observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
    on(matchMedia("(prefers-color-scheme: dark)"), "change", () => this.#draw());
    this.#load();
  }

  disconnectedCallback() { this.#abort.abort(); this.resized?.disconnect(); this.themed?.disconnect(); }

  get #canvas() { return this.querySelector("canvas"); }
  #part(name) { return this.querySelector(`[data-part=${name}]`); }

  async #load() {
    try {
      const map = await request(`${this.dataset.api}/analyses/${this.dataset.analysis}/map`, { timeout: 60000 });
      this.#points = { ...map, x: map.x.map((x) => x / 10000), y: map.y.map((y) => y / 10000) };
      this.#part("class").append(...map.classes.map((name, n) => h("option", { value: String(n) }, name || "no label")));
      this.#tell();
      this.#draw();
    } catch (error) {
      this.#part("told").textContent = "";
      this.#part("error").textContent = error.message;
    }
  }

  // What is shown

  #isShown = (n) => {
    const wanted = this.#part("class").value;
    return (wanted === "" || this.#points.label[n] === Number(wanted)) && (!this.#part("flagged").checked || this.#points.queued[n] === 1);
  };

  #filter() {
    if (!this.#points) return;
    this.#choose([...this.#selected].filter(this.#isShown));
  }

  #draw() {
    const canvas = this.#canvas, ratio = window.devicePixelRatio || 1;
    const [width, height] = [canvas.clientWidth, canvas.clientHeight];
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    if (!this.#points || !width) return;
    const style = getComputedStyle(canvas), ink = style.color;
    const isDark = luminance(style.color) > 0.5;  // light ink stands on dark ground
    const pen = canvas.getContext("2d"), place = fit(width, height);
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, width, height);
    const size = this.#points.ids.length > 5000 ? 2 : 4;
    const colours = this.#points.classes.map((_, n) => colourOf(n, isDark));
    const any = this.#selected.size > 0;
    for (let n = 0; n < this.#points.ids.length; n++) {
      if (!this.#isShown(n)) continue;
      const [x, y] = place.toCanvas(this.#points.x[n], this.#points.y[n]);
      pen.globalAlpha = any && !this.#selected.has(n) ? 0.25 : 0.85;
      pen.fillStyle = colours[this.#points.label[n]];
      const wide = this.#selected.has(n) ? size + 1 : size;
      pen.fillRect(x - wide / 2, y - wide / 2, wide, wide);
    }
    pen.globalAlpha = 1;
    pen.strokeStyle = ink;
    const outlined = this.#selected.size <= OUTLINED ? this.#selected : [];  // of more, the outlines would hide the points
    for (const n of outlined) {
      const [x, y] = place.toCanvas(this.#points.x[n], this.#points.y[n]);
      pen.strokeRect(x - size / 2 - 1, y - size / 2 - 1, size + 2, size + 2);
    }
    this.#drawShape(pen, place, ink);
  }

  #drawShape(pen, place, ink) {
    pen.strokeStyle = ink;
    pen.lineWidth = 1.5;
    pen.beginPath();
    if (this.#shape?.box) {
      const [x0, y0, x1, y1] = this.#shape.box, [left, top] = place.toCanvas(x0, y0), [right, bottom] = place.toCanvas(x1, y1);
      pen.rect(left, top, right - left, bottom - top);
    } else if (this.#shape?.lasso) {
      this.#shape.lasso.forEach(([x, y], n) => pen[n ? "lineTo" : "moveTo"](...place.toCanvas(x, y)));
      pen.closePath();
    } else if (document.activeElement === this.#canvas) {
      pen.arc(...place.toCanvas(this.#ring.x, this.#ring.y), this.#ring.radius * place.side, 0, 2 * Math.PI);
    }
    pen.stroke();
    pen.lineWidth = 1;
  }

  // Selecting

  #at(event) {
    const edge = this.#canvas.getBoundingClientRect();
    return fit(this.#canvas.clientWidth, this.#canvas.clientHeight).toUnit(event.clientX - edge.left, event.clientY - edge.top);
  }

  #begin(event) {
    if (!this.#points || event.button !== 0) return;
    this.#canvas.setPointerCapture(event.pointerId);
    const [x, y] = this.#at(event);
    this.#shape = this.#tool === "box" ? { box: [x, y, x, y] } : { lasso: [[x, y]] };
    this.#ring = { ...this.#ring, x: clamp(x, 0, 1), y: clamp(y, 0, 1) };
  }

  #drag(event) {
    if (!this.#shape) return;
    const [x, y] = this.#at(event);
    if (this.#shape.box) this.#shape.box.splice(2, 2, x, y);
    else this.#shape.lasso.push([x, y]);
    this.#draw();
  }

  #end(event) {
    const shape = this.#shape;
    if (!shape) return;
    this.#shape = null;
    const found = pointsIn(this.#points, shape, this.#isShown);
    this.#choose(event.shiftKey ? [...this.#selected, ...found] : found);
  }

  #key(event) {
    if (!this.#points || event.ctrlKey || event.altKey || event.metaKey) return;
    const ring = this.#ring, move = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (move) {
      const step = event.shiftKey ? STEP * 4 : STEP;
      this.#ring = { ...ring, x: clamp(ring.x + move[0] * step, 0, 1), y: clamp(ring.y + move[1] * step, 0, 1) };
    } else if (event.key === "+" || event.key === "=") this.#ring = { ...ring, radius: clamp(ring.radius * 1.25, SMALLEST, LARGEST) };
    else if (event.key === "-") this.#ring = { ...ring, radius: clamp(ring.radius / 1.25, SMALLEST, LARGEST) };
    else if (event.key === "Escape") this.#choose([]);
    else if (event.key === "Enter") {
      const found = pointsIn(this.#points, { ring }, this.#isShown);
      this.#choose(event.shiftKey ? [...this.#selected, ...found] : found);
    } else return;
    event.preventDefault();
    event.stopPropagation();
    this.#draw();
  }

  #choose(numbers) {
    this.#selected = new Set(numbers);
    this.#tell();
    this.#draw();
  }

  #tell() {
    const chosen = [...this.#selected], flagged = chosen.filter((n) => this.#points.queued[n] === 1).length;
    this.#part("told").textContent = chosen.length
      ? `${count(chosen.length, "image")} selected, ${number(flagged)} flagged`
      : `${count(this.#points.ids.length, "image")}, ${number(this.#points.queued.reduce((a, b) => a + b, 0))} flagged`;
    this.#part("open").disabled = flagged === 0;
    this.#part("open").textContent = flagged ? `Open ${number(flagged)} flagged in the grid` : "Open in the grid";
    this.#part("error").textContent = "";
    const shown = [...chosen.filter((n) => this.#points.queued[n] === 1), ...chosen.filter((n) => this.#points.queued[n] !== 1)].slice(0, SHOWN);
    this.#part("thumbs").replaceChildren(...shown.map((n) => {
      const label = this.#points.classes[this.#points.label[n]] || "no label", isFlagged = this.#points.queued[n] === 1;
      return h("img", { src: `/img/${this.#points.ids[n]}/thumb`, alt: `${label}${isFlagged ? ", flagged" : ""}`, title: label, loading: "lazy", class: isFlagged ? "is-flagged" : "" });
    }));
  }

  // Buttons

  #click(button) {
    if (button?.dataset.tool) {
      this.#tool = button.dataset.tool;
      for (const one of this.querySelectorAll("[data-tool]")) one.setAttribute("aria-pressed", String(one === button));
    } else if (button?.dataset.part === "open") this.#open(button);
  }

  async #open(button) {
    button.disabled = true;
    try {
      const ids = [...this.#selected].map((n) => this.#points.ids[n]);
      const pick = await request(`${this.dataset.api}/analyses/picks`, { method: "POST", body: { sample_ids: ids } });
      location.assign(pick.grid_url);
    } catch (error) {
      this.#part("error").textContent = error.message;
      button.disabled = false;
    }
  }
}

function clamp(value, low, high) { return Math.min(high, Math.max(low, value)); }

function luminance(colour) {
  const [red, green, blue] = (colour.match(/[\d.]+/g) ?? [0, 0, 0]).map(Number);
  return (0.299 * red + 0.587 * green + 0.114 * blue) / 255;
}

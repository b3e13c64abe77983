// <sample-grid class="grid" tabindex="0" role="listbox" aria-multiselectable="true" aria-label="Samples"></sample-grid>
// Thumbnails of any number of samples; only those in sight are in the page. It scrolls, marks and reports:
// 'pick' {index, toggle, extend}, 'band' {ids, keep}, 'open' {id}, 'edge' (the end is near).
import { decision, h } from "../lib/dom.js";
import { percent } from "../lib/format.js";
import { GridLayout } from "../lib/grid_layout.js";
import { shownDecision } from "../lib/grid_rows.js";

const DRAG = 6;

export class SampleGrid extends HTMLElement {
  #rows = []; #selection = null; #layout = null; #size = 144; #tiles = new Map(); #sheet; #band; #drag = null; #observer; #abort = new AbortController();

  connectedCallback() {
    this.#band = h("div", { class: "grid-band", hidden: true });
    this.#sheet = h("div", { class: "grid-sheet", role: "presentation" }, this.#band);
    this.replaceChildren(this.#sheet);
    const on = (name, run, target = this) => target.addEventListener(name, run, { signal: this.#abort.signal });
    on("scroll", () => this.draw());
    on("pointerdown", (event) => this.#down(event));
    on("pointermove", (event) => this.#moved(event));
    on("pointerup", (event) => this.#up(event));
    on("pointercancel", () => this.#endBand());
    on("dblclick", (event) => { const id = idOf(event.target); if (id) this.#emit("open", { id }); });
    this.#observer = new ResizeObserver(() => this.resize());
    this.#observer.observe(this);
  }

  disconnectedCallback() {
    this.#abort.abort();
    this.#observer.disconnect();
  }

  get columns() { return this.#layout?.columns ?? 1; }
  /** Rows of tiles that fit in the window. */
  get rowsInSight() { return Math.max(1, Math.floor(this.clientHeight / (this.#layout?.pitch.y ?? 1))); }

  show(rows, selection, size) {
    this.#rows = rows;
    this.#selection = selection;
    this.#size = size;
    this.resize();
  }

  resize() {
    if (!this.#selection || !this.clientWidth) return;
    const before = this.#layout;
    this.#layout = new GridLayout({ width: this.clientWidth, size: this.#size, count: this.#rows.length });
    this.#sheet.style.height = `${this.#layout.height}px`;
    if (before && before.columns !== this.#layout.columns) this.reveal();
    this.draw();
  }

  reveal() {
    this.scrollTop = this.#layout.scrollTo(this.#selection.at, this.scrollTop, this.clientHeight);
  }

  /** Puts the tiles that are in sight in their places, and takes the others out. */
  draw() {
    if (!this.#layout) return;
    const [first, last] = this.#layout.visible(this.scrollTop, this.clientHeight);
    const kept = new Map();
    for (let index = first; index < last; index += 1) {
      const row = this.#rows[index];
      const tile = this.#tiles.get(row.id) ?? makeTile(row);
      this.#place(tile, index);
      this.#mark(tile, row, index);
      kept.set(row.id, tile);
    }
    for (const [id, tile] of this.#tiles) if (!kept.has(id)) tile.remove();
    const missing = [...kept.values()].filter((tile) => !tile.isConnected);
    if (missing.length) this.#sheet.append(...missing);
    this.#tiles = kept;
    if (last >= this.#rows.length - this.#layout.columns * 4) this.#emit("edge");
  }

  #place(tile, index) {
    const { left, top } = this.#layout.place(index);
    const { width, height } = this.#layout.tile;
    const key = `${left},${top},${width},${height}`;
    if (tile.dataset.place === key) return;
    tile.dataset.place = key;
    Object.assign(tile.style, { left: `${left}px`, top: `${top}px`, width: `${width}px`, height: `${height}px` });
    tile.classList.toggle("is-bare", !this.#layout.captioned);
  }

  #mark(tile, row, index) {
    const isCurrent = index === this.#selection.at;
    tile.setAttribute("aria-selected", String(this.#selection.has(row.id)));
    tile.setAttribute("aria-posinset", String(index + 1));
    tile.classList.toggle("is-current", isCurrent);
    if (isCurrent) this.setAttribute("aria-activedescendant", tile.id);
    const { decision: value, label } = shownDecision(row);
    const key = `${value} ${label ?? ""} ${row.said ?? ""}`;
    if (tile.dataset.decided === key) return;
    tile.dataset.decided = key;
    tile.dataset.decision = value;
    const sign = decision(row.said ? "conflict" : value, "");
    sign.classList.add("is-sign");
    sign.append(h("span", {}, row.said ? `answered meanwhile, ${row.said}` : `${value} ${label ?? ""}`));
    tile.querySelector(".decision").replaceWith(sign);
    tile.title = row.said ? `${row.key}: ${row.said}. Answer again to differ.` : row.key;
  }

  #down(event) {
    if (event.button !== 0) return;
    this.focus({ preventScroll: true });
    const point = this.#point(event);
    this.#drag = { point, id: idOf(event.target), isBand: false, keep: event.ctrlKey || event.metaKey || event.shiftKey };
    if (event.pointerType === "mouse" || event.pointerType === "pen") {
      this.setPointerCapture(event.pointerId);
      event.preventDefault();
    }
  }

  #moved(event) {
    if (!this.#drag || (event.pointerType !== "mouse" && event.pointerType !== "pen")) return;
    const { point } = this.#drag;
    const now = this.#point(event);
    if (!this.#drag.isBand && Math.hypot(now.x - point.x, now.y - point.y) < DRAG) return;
    this.#drag.isBand = true;
    const box = { left: Math.min(point.x, now.x), right: Math.max(point.x, now.x), top: Math.min(point.y, now.y), bottom: Math.max(point.y, now.y) };
    this.#band.hidden = false;
    Object.assign(this.#band.style, { left: `${box.left}px`, top: `${box.top}px`, width: `${box.right - box.left}px`, height: `${box.bottom - box.top}px` });
    const edge = event.clientY - this.getBoundingClientRect().top;
    if (edge < 30) this.scrollTop -= 20;
    else if (edge > this.clientHeight - 30) this.scrollTop += 20;
    this.#emit("band", { ids: this.#layout.touched(box).map((index) => this.#rows[index].id), keep: this.#drag.keep });
  }

  #up(event) {
    const drag = this.#drag;
    this.#endBand();
    if (!drag || drag.isBand || !drag.id) return;
    const index = this.#rows.findIndex((row) => row.id === drag.id);
    this.#emit("pick", { index, extend: event.shiftKey, toggle: event.ctrlKey || event.metaKey || event.pointerType === "touch" });
  }

  #endBand() {
    this.#drag = null;
    this.#band.hidden = true;
  }

  /** The pointer's place on the sheet. */
  #point(event) {
    const box = this.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top + this.scrollTop };
  }

  #emit(name, detail = {}) { this.dispatchEvent(new CustomEvent(name, { bubbles: true, detail })); }
}

function idOf(target) {
  return Number(target.closest?.(".tile")?.dataset.id) || null;
}

function makeTile(row) {
  const flag = row.flags[0];
  const words = [row.given_label, row.suggested_label && `suggested ${row.suggested_label}`, flag && flag.issue_type].filter(Boolean);
  return h("div", { class: "tile", role: "option", id: `tile-${row.id}`, "data-id": row.id, "data-testid": "tile", "aria-label": words.join(", ") },
    h("img", { src: row.thumb_url, alt: "", draggable: "false", decoding: "async", onload: (event) => { event.target.classList.toggle("is-tiny", event.target.naturalWidth <= 64); } }),
    h("span", { class: "decision is-open is-sign" }),
    h("span", { class: "tile-check" }),
    h("span", { class: "tile-words" },
      h("b", { class: "truncate" }, row.given_label),
      h("span", { class: "truncate" }, row.suggested_label ? `⇢ ${row.suggested_label}` : flag?.issue_type ?? "not flagged",
        flag?.confidence !== null && flag?.confidence !== undefined ? h("span", { class: "muted" }, ` ${percent(flag.confidence)}`) : null)));
}

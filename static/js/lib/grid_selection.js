// What is selected in a grid, and where the cursor is. Pure. Selected are ids, so that a selection outlives its order.

export class GridSelection {
  #ids = []; #selected = new Set(); #anchor = 0;

  constructor() { this.at = 0; }

  get size() { return this.#selected.size; }
  get count() { return this.#ids.length; }
  get currentId() { return this.#ids[this.at] ?? null; }
  has(id) { return this.#selected.has(id); }

  /** Selected ids in the grid's order; without a selection, the one under the cursor. */
  get chosen() {
    if (!this.#selected.size) return this.currentId === null ? [] : [this.currentId];
    return this.#ids.filter((id) => this.#selected.has(id));
  }

  add(ids) { this.#ids.push(...ids); }

  indexOf(id) { return this.#ids.indexOf(id); }

  /** Moves the cursor; `extend` selects everything between it and where extending began. */
  moveTo(index, { extend = false } = {}) {
    const to = Math.min(Math.max(0, index), Math.max(0, this.#ids.length - 1));
    if (extend) this.#range(this.#anchor, to);
    else this.#anchor = to;
    this.at = to;
  }

  /** A click: alone selects only this one, with the control key turns it, with shift extends. */
  click(index, { toggle = false, extend = false } = {}) {
    if (extend) return this.moveTo(index, { extend: true });
    if (!toggle) this.#selected.clear();
    this.moveTo(index);
    return this.toggle();
  }

  toggle() {
    const id = this.currentId;
    if (id === null) return;
    if (!this.#selected.delete(id)) this.#selected.add(id);
    this.#anchor = this.at;
  }

  /** Selects these in place of, or added to, what is selected. */
  select(ids, { keep = false } = {}) {
    if (!keep) this.#selected.clear();
    for (const id of ids) this.#selected.add(id);
  }

  all() { this.select(this.#ids); }
  none() { this.#selected.clear(); this.#anchor = this.at; }

  /** After an answer: nothing is selected, and the cursor goes on behind the last of them. */
  advance(ids, isOpen) {
    const last = Math.max(...ids.map((id) => this.indexOf(id)));
    this.none();
    const next = this.#ids.findIndex((id, index) => index > last && isOpen(id));
    this.moveTo(next >= 0 ? next : last);
  }

  #range(from, to) {
    this.#selected.clear();
    for (let index = Math.min(from, to); index <= Math.max(from, to); index += 1) this.#selected.add(this.#ids[index]);
  }
}

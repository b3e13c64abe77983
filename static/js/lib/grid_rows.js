// The rows behind a grid: fetched page by page as one scrolls, changed by what is decided, undone in steps.
// A row is a SampleRow of the API; `row.pending` holds what was answered here and is not yet known to the server.
// Events: 'more' (rows came), 'changed' {ids}.
import { request, withQuery } from "./http.js";

const PAGE = 200;
const AT_ONCE = 400;

export class GridRows extends EventTarget {
  #api; #query; #cursor; #isAsking = false; #byId = new Map(); #done = []; #undone = [];

  constructor({ api, query, first }) {
    super();
    this.#api = api;
    this.#query = query;
    this.rows = [];
    this.problem = null;
    this.#take(first);
  }

  get isComplete() { return this.#cursor === null; }
  row(id) { return this.#byId.get(id) ?? null; }

  #take(page) {
    const fresh = page.rows.filter((row) => !this.#byId.has(row.id));
    for (const row of fresh) this.#byId.set(row.id, row);
    this.rows.push(...fresh);
    this.#cursor = page.next_cursor;
    return fresh;
  }

  /** Fetches the next page unless one is on its way; returns the new rows. */
  async more() {
    if (this.#isAsking || this.isComplete) return [];
    this.#isAsking = true;
    try {
      const page = await request(withQuery(`${this.#api}/samples`, { ...Object.fromEntries(new URLSearchParams(this.#query)), limit: PAGE, count: false, cursor: this.#cursor }));
      this.problem = null;
      const fresh = this.#take(page);
      this.#emit("more", { rows: fresh });
      return fresh;
    } catch (error) {
      this.problem = error;
      this.#emit("more", { rows: [] });
      return [];
    } finally {
      this.#isAsking = false;
    }
  }

  async count() {
    const page = await request(withQuery(`${this.#api}/samples`, { ...Object.fromEntries(new URLSearchParams(this.#query)), limit: 1 }), { timeout: 60_000 });
    return page.total;
  }

  /** What is on screen at once, before the server knows. */
  decide(ids, pending) {
    this.#done.push({ ids, before: new Map(ids.map((id) => [id, this.row(id)?.pending ?? null])), pending });
    this.#undone = [];
    this.#mark(ids, () => pending);
  }

  undo() {
    const step = this.#done.pop();
    if (!step) return null;
    this.#undone.push(step);
    this.#mark(step.ids, (id) => step.before.get(id) ?? { decision: "open" });
    return step;
  }

  redo() {
    const step = this.#undone.pop();
    if (!step) return null;
    this.#done.push(step);
    this.#mark(step.ids, () => step.pending);
    return step;
  }

  #mark(ids, value) {
    for (const id of ids) {
      const row = this.row(id);
      if (row) row.pending = value(id);
    }
    this.#emit("changed", { ids });
  }

  /** Brings rows up to what the server has, and takes away what was only expected. */
  async refresh(ids) {
    const known = ids.filter((id) => this.#byId.has(id));
    for (let start = 0; start < known.length; start += AT_ONCE) {
      const part = known.slice(start, start + AT_ONCE);
      for (const fresh of await request(`${this.#api}/samples/states?ids=${part.join(",")}`)) Object.assign(this.row(fresh.id), fresh, { pending: null });
      this.#emit("changed", { ids: part });
    }
  }

  /** Samples that somebody else settled meanwhile: nothing was answered on them. */
  holdBack(held) {
    for (const { sample_id: id, said, version } of held) {
      const row = this.row(id);
      if (row) Object.assign(row, { pending: null, said, version });
    }
    this.#emit("changed", { ids: held.map((one) => one.sample_id) });
  }

  #emit(name, detail) { this.dispatchEvent(Object.assign(new Event(name), detail)); }
}

/** What a tile shows: {decision, label}, from what was just answered or else from the server. */
export function shownDecision(row) {
  if (row.pending) return row.pending;
  if (row.state === "conflict") return { decision: "conflict" };
  return { decision: row.decision ?? "open", label: row.new_label };
}

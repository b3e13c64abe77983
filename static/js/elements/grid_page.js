// <grid-page data-api data-page data-project data-user data-can-review> around templates/pages/grid.html's parts and
// <script type="application/json" id="grid-data">. Selecting many, one key for all of them, and what comes of it.
import { readData, setText } from "../lib/dom.js";
import { count, number } from "../lib/format.js";
import { remember } from "../lib/class_search.js";
import { readAddress, writeAddress } from "../lib/grid_address.js";
import { SIZES } from "../lib/grid_layout.js";
import { GridRows, shownDecision } from "../lib/grid_rows.js";
import { GridSelection } from "../lib/grid_selection.js";
import { isTyping } from "../lib/hotkeys.js";
import { outboxOf } from "../lib/outbox_shared.js";
import { contradiction } from "../lib/tree.js";

const WORDS = { keep: "kept", remove: "removed", relabel: "relabelled", uncertain: "to discussion", skipped: "skipped" };
const MOST = 1000;
const SIZE_KEPT = "winnow.grid-size";

export class GridPage extends HTMLElement {
  #data; #rows; #selection = new GridSelection(); #outbox; #recent = []; #size; #tags = []; #abort = new AbortController();

  connectedCallback() {
    this.#data = readData("grid-data");
    this.#rows = new GridRows({ api: this.dataset.api, query: this.#data.query, first: this.#data.first });
    this.#selection.add(this.#rows.rows.map((row) => row.id));
    this.#outbox = outboxOf(this.dataset.user);
    this.#size = SIZES.includes(Number(localStorage.getItem(SIZE_KEPT))) ? Number(localStorage.getItem(SIZE_KEPT)) : 144;
    this.#listen();
    this.#comeBack();
    this.#count();
  }

  disconnectedCallback() { this.#abort.abort(); }

  get #grid() { return this.querySelector("sample-grid"); }
  get #toast() { return document.getElementById("toast"); }

  #listen() {
    const on = (target, name, run) => target.addEventListener(name, run, { signal: this.#abort.signal });
    on(this, "pick", ({ detail }) => { this.#selection.click(detail.index, detail); this.#marked(); });
    on(this, "band", ({ detail }) => { this.#selection.select(detail.ids, detail); this.#marked(); });
    on(this, "open", ({ detail }) => this.#open(detail.id));
    on(this, "edge", () => this.#rows.more());
    on(this, "click", (event) => this.#click(event.target.closest("button")));
    on(this, "input", (event) => { if (event.target.id === "density") this.#resize(Number(event.target.value)); });
    on(document, "keydown", (event) => this.#key(event));
    on(this.#rows, "more", ({ rows }) => this.#arrived(rows));
    on(this.#rows, "changed", () => this.#grid.draw());
    on(this.#outbox, "sent", ({ entry, answer }) => { if (entry.project === this.dataset.project) this.#sent(entry, answer); });
    on(this.#outbox, "refused", ({ entry }) => { if (entry.project === this.dataset.project) this.#refused(entry); });
    on(this.#outbox, "dropped", ({ entry }) => { if (entry.kind === "selection" && entry.project === this.dataset.project) this.#rows.refresh(idsOf(entry)); });
  }

  // Where one is

  async #comeBack() {
    const { at, selected } = readAddress(location.hash);
    while (at && this.#selection.indexOf(at) < 0 && !this.#rows.isComplete && this.#rows.rows.length < MOST) {
      if (!(await this.#rows.more()).length) break;
    }
    const index = this.#selection.indexOf(at);
    if (index >= 0) this.#selection.moveTo(index);
    this.#selection.select(selected.filter((id) => this.#selection.indexOf(id) >= 0));
    document.getElementById("density").value = String(SIZES.indexOf(this.#size));
    this.#show();
    this.#grid.reveal();
    this.#grid.focus({ preventScroll: true });
  }

  #show() {
    this.#grid.show(this.#rows.rows, this.#selection, this.#size);
    this.#marked();
  }

  #marked() {
    this.#grid.draw();
    const { size } = this.#selection;
    setText(document.getElementById("grid-selected"), size ? `${number(size)} selected` : "this one");
    document.getElementById("grid-end").hidden = this.#rows.rows.length > 0;
    this.#address();
  }

  #address() {
    const { currentId, chosen, size } = this.#selection;
    try {
      history.replaceState(null, "", `${location.pathname}${location.search}${writeAddress({ at: currentId, selected: size ? chosen : [] })}`);
    } catch {
      // Browsers limit how often the address may change; it is right again with the next move.
    }
  }

  #arrived(rows) {
    if (this.#rows.problem) this.#toast.problem(`More samples could not be fetched: ${this.#rows.problem.message}`);
    if (!rows.length) return;
    this.#selection.add(rows.map((row) => row.id));
    this.#show();
    this.#count();
  }

  #count() {
    const shown = document.getElementById("grid-count");
    const loaded = this.#rows.rows.length;
    if (this.#rows.isComplete) return setText(shown, count(loaded, "sample"));
    setText(shown, `${number(loaded)} loaded`);
    if (shown.dataset.total) return setText(shown, `${number(loaded)} of ${shown.dataset.total} loaded`);
    if (shown.dataset.asked) return undefined;
    shown.dataset.asked = "yes";
    return this.#rows.count().then((total) => { shown.dataset.total = number(total); this.#count(); }).catch(() => {});
  }

  // Moving and selecting

  #key(event) {
    const from = event.target;
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || isTyping(from) || document.querySelector("dialog[open]")) return;
    if (from !== document.body && !this.contains(from)) return;
    if (["Enter", " "].includes(event.key) && from.closest?.("button, a, summary, input")) return;
    const step = this.#step(event.key);
    if (step !== null) this.#selection.moveTo(this.#selection.at + step, { extend: event.shiftKey });
    else if (event.key === " ") this.#selection.toggle();
    else if (event.key === "Enter" && this.#selection.currentId) return this.#open(this.#selection.currentId);
    else return undefined;
    event.preventDefault();
    this.#grid.focus({ preventScroll: true });
    this.#grid.reveal();
    this.#marked();
    if (this.#selection.at >= this.#rows.rows.length - this.#grid.columns * 4) this.#rows.more();
    return undefined;
  }

  #step(key) {
    const { columns, rowsInSight } = this.#grid;
    const steps = {
      ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns, PageUp: -columns * rowsInSight, PageDown: columns * rowsInSight,
      Home: -this.#selection.at, End: this.#selection.count - 1 - this.#selection.at,
    };
    return steps[key] ?? null;
  }

  #click(button) {
    if (!button) return;
    const { decide, select, step, density, tag } = button.dataset;
    if (decide) this.#decide(decide);
    else if (select === "all") this.#select(() => this.#selection.all());
    else if (select === "none") this.#select(() => this.#selection.none());
    else if (select === "alike") this.#select(() => this.#selectAlike());
    else if (step === "undo") this.#undo();
    else if (step === "redo") this.#redo();
    else if (density) this.#resize(SIZES.indexOf(this.#size) + Number(density));
    else if (tag) this.#toggleTag(tag, button);
  }

  #select(run) {
    run();
    this.#marked();
  }

  /** All loaded samples of the group under the cursor; without a group, those with the same label and suggestion. */
  #selectAlike() {
    const row = this.#rows.row(this.#selection.currentId);
    if (!row) return;
    const isAlike = row.group ? (other) => other.group === row.group
      : (other) => other.given_label === row.given_label && other.suggested_label === row.suggested_label;
    this.#selection.select(this.#rows.rows.filter(isAlike).map((other) => other.id));
  }

  #resize(place) {
    const size = SIZES[Math.min(Math.max(0, place), SIZES.length - 1)];
    this.#size = size;
    localStorage.setItem(SIZE_KEPT, String(size));
    document.getElementById("density").value = String(SIZES.indexOf(size));
    this.#grid.show(this.#rows.rows, this.#selection, size);
    this.#grid.reveal();
  }

  #open(id) { location.href = `${this.dataset.page}/review/${id}${location.search}`; }

  #toggleTag(name, button) {
    const isOn = this.#tags.includes(name);
    this.#tags = isOn ? this.#tags.filter((tag) => tag !== name) : [...this.#tags, name];
    button.setAttribute("aria-pressed", String(!isOn));
    setText(document.getElementById("tags-count"), this.#tags.length ? String(this.#tags.length) : "");
  }

  // Deciding

  async #decide(what) {
    if (this.dataset.canReview === "false") return;
    const ids = this.#selection.chosen;
    if (!ids.length) return;
    if (ids.length > MOST) return this.#toast.problem(`At most ${number(MOST)} samples at once; ${number(ids.length)} are selected. For more, use Bulk.`);
    const body = await this.#answer(what, ids);
    if (body) this.#submit(ids, body);
  }

  async #answer(what, ids) {
    const tags = this.#tags;
    if (what === "skip") return { decision: null, status: "skipped", tags: [] };
    if (what === "uncertain") return { decision: null, tags };
    if (what === "suggestion") {
      const without = ids.filter((id) => !this.#rows.row(id).suggested_label);
      if (without.length) return this.#toast.problem(`${count(without.length, "sample")} of these ${without.length === 1 ? "has" : "have"} no suggestion. Choose a class with L, or take ${without.length === 1 ? "it" : "them"} out.`);
      return { decision: "relabel", relabel_to: "suggestion", tags };
    }
    if (what !== "relabel") return { decision: what, tags };
    const label = await this.querySelector("class-chooser").choose({ classes: this.#data.classes, recent: this.#recent, given: this.#rows.row(ids[0]).given_label });
    this.#grid.focus({ preventScroll: true });
    if (!label) return null;
    this.#recent = remember(this.#recent, label);
    const already = ids.filter((id) => this.#rows.row(id).given_label === label);
    if (already.length) return this.#toast.problem(`${count(already.length, "sample")} of these ${already.length === 1 ? "is" : "are"} called ${label} already: that is a keep.`);
    return { decision: "relabel", new_label: label, tags };
  }

  #submit(ids, body) {
    const value = body.status === "skipped" ? "skipped" : body.decision ?? "uncertain";
    const clash = contradiction(value, body.tags, this.#data.tags);
    if (clash) return this.#toast.problem(`The tag ${clash.name} means ${clash.implies}: take it off, or decide ${clash.implies}.`);
    const samples = ids.map((id) => ({ id, version: this.#rows.row(id).version }));
    for (const id of ids) this.#rows.row(id).said = null;
    this.#outbox.add({
      project: this.dataset.project, kind: "selection", key: `${this.dataset.project}/selection`, label: count(ids.length, "sample"),
      url: `${this.dataset.api}/reviews/selection`, body: { samples, ...body },
    });
    this.#rows.decide(ids, { decision: value, label: body.new_label ?? null });
    this.#selection.advance(ids, (id) => ["open", "conflict"].includes(shownDecision(this.#rows.row(id)).decision));
    this.#grid.reveal();
    this.#marked();
    this.#toast.done(value, WORDS[value], count(ids.length, "sample"), () => this.#undo());
    return undefined;
  }

  #undo() {
    const stuck = this.#outbox.stuck.find((entry) => entry.kind === "selection" && entry.project === this.dataset.project);
    const step = this.#rows.undo();
    if (step && stuck) return this.#outbox.drop(stuck, "undone");
    this.#sendStep("undo");
    return this.#toast.say(step ? `Taken back: ${count(step.ids.length, "sample")}.` : "Taking back the answer before.");
  }

  #redo() {
    const step = this.#rows.redo();
    if (!step) return this.#toast.say("There is nothing to do again.");
    this.#sendStep("redo");
    return this.#toast.done(step.pending.decision, WORDS[step.pending.decision], count(step.ids.length, "sample"), () => this.#undo());
  }

  #sendStep(kind) {
    this.#outbox.add({ project: this.dataset.project, kind, key: `${this.dataset.project}/${kind}`, label: kind === "undo" ? "Undo" : "Redo", url: `${this.dataset.api}/reviews/${kind}`, body: {} });
  }

  #sent(entry, answer) {
    if (entry.kind === "selection") {
      if (answer.held_back?.length) this.#heldBack(answer.held_back);
      this.#rows.refresh(idsOf(entry)).catch(() => {});
    } else if (answer?.sample_ids) {
      this.#rows.refresh(answer.sample_ids).catch(() => {});
    }
  }

  #heldBack(held) {
    this.#rows.holdBack(held);
    const names = [...new Set(held.map((one) => one.said.split(":")[0]))].join(", ");
    this.#toast.problem(`${count(held.length, "sample")} ${held.length === 1 ? "was" : "were"} answered by ${names} meanwhile and left as ${held.length === 1 ? "it is" : "they are"}, marked with "!". Answer again to differ.`);
  }

  #refused(entry) {
    if (entry.kind === "undo" || entry.kind === "redo") {
      this.#outbox.drop(entry, "nothing to do");
      this.#toast.problem(entry.code === "not_found" ? `There is nothing to ${entry.kind}.` : entry.message);
    } else if (entry.kind === "selection") {
      // Nothing was kept: the tiles must not look as if it had been.
      this.#toast.problem(entry.message);
      this.#outbox.drop(entry, "refused");
    }
  }
}

function idsOf(entry) { return entry.body.samples.map((sample) => sample.id); }

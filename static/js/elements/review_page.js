// <review-page data-api data-page data-project data-user> around the review page's parts (templates/pages/review.html) and
// <script type="application/json" id="review-data">. Joins them: what is on screen, what an answer leads to, what comes next.
import { rememberTitles } from "../lib/class_titles.js";
import { h, part, readData, setText } from "../lib/dom.js";
import { measures } from "../lib/format.js";
import { remember } from "../lib/class_search.js";
import { outboxOf } from "../lib/outbox_shared.js";
import { Pictures } from "../lib/pictures.js";
import { QueueFeed } from "../lib/queue_feed.js";
import { ReviewSession, outcomeOf } from "../lib/review_session.js";
import { ReviewSync } from "../lib/review_sync.js";
import { Stopwatch, measureToPaint } from "../lib/timing.js";
import { answer, answersOf, contradiction, expected, labelOf, start } from "../lib/tree.js";

const WORDS = { keep: "kept", remove: "removed", relabel: "relabelled", uncertain: "to discussion", skipped: "skipped" };

export class ReviewPage extends HTMLElement {
  #data; #session = new ReviewSession(); #pictures = new Pictures(); #watch = new Stopwatch(); #feed; #sync; #recent;
  #pressed = 0; #pairIndex = 0; #abort = new AbortController();

  connectedCallback() {
    this.#data = readData("review-data");
    this.#recent = this.#data.recent_labels ?? [];
    rememberTitles(this.#data.titles);
    this.#sync = new ReviewSync({ outbox: outboxOf(this.dataset.user), api: this.dataset.api, project: this.dataset.project, session: this.#session });
    this.#feed = new QueueFeed({ api: this.dataset.api, filters: this.#data.filters, session: this.#session, sync: this.#sync, progress: document.getElementById("review-progress") });
    this.#listen();
    this.#feed.take(this.#data.first);
    const wanted = this.#data.sample_id;
    const toComments = location.hash === "#comments";
    if (wanted && this.#session.current?.card.id !== wanted) this.#open(wanted);
    else this.#show();
    if (toComments && this.#session.current) document.getElementById("comments").reveal();
  }

  disconnectedCallback() {
    this.#abort.abort();
    this.#sync.disconnect();
    this.#feed.disconnect();
  }

  #listen() {
    const on = (target, name, run, options = {}) => target.addEventListener(name, run, { signal: this.#abort.signal, ...options });
    for (const name of ["keydown", "pointerdown"]) on(document, name, (event) => { this.#pressed = event.timeStamp; }, { capture: true });
    on(this, "answer", (event) => this.#answer(event.detail.id));
    on(this, "decide", (event) => this.#decideByHand(event.detail.what));
    on(this, "pair", (event) => this.#showPair(event.detail.index));
    on(this, "pick", (event) => this.#move(event.detail.index - this.#session.at));
    on(this, "mode", (event) => this.#markMode(event.detail));
    on(this, "click", (event) => this.#click(event.target));
    on(this.#sync, "answered", (event) => this.#answered(event.entry));
    on(this.#sync, "goto", (event) => this.#goTo(event.card));
    on(this.#sync, "problem", (event) => this.#toast.problem(event.text));
    on(this.#feed, "more", () => this.#arrived());
    on(window, "online", () => { if (this.#session.current && this.#picture.dataset.state === "error") this.#showPicture(this.#session.current.card); });
    on(document, "visibilitychange", () => (document.hidden ? this.#watch.pause() : this.#watch.resume()));
    on(window, "pageshow", (event) => { if (event.persisted) location.reload(); });
  }

  get #toast() { return document.getElementById("toast"); }
  get #picture() { return document.getElementById("picture"); }
  get #pair() { return document.getElementById("sample-pair"); }

  #click(target) {
    const button = target.closest?.("button");
    if (!button) return;
    const { zoom, pair, move, step } = button.dataset;
    if (zoom) (this.#pair.hidden ? this.#picture : this.#pair).zoom(zoom);
    else if (pair) this.#pair.setMode(pair);
    else if (button.id === "pair-next") this.#showPair((this.#pairIndex + 1) % this.#session.current.card.pairs.length);
    else if (move) this.#move(move === "next" ? 1 : -1);
    else if (step === "undo") this.#undo();
    else if (step === "redo") this.#redo();
    else if (button.dataset.part === "back") this.#move(-1);
    else if (button.dataset.part === "again") this.#feed.lookAgain();
    else if (button.dataset.tag) this.#toggleTag(button.dataset.tag);
  }

  // Deciding

  async #answer(id) {
    const entry = this.#session.current;
    const given = answersOf(this.#data.tree, entry.walk, entry.card).find((item) => item.id === id);
    let label = labelOf(given, entry.card);
    if (given.label === "choose") {
      label = await this.#chooseClass(entry);
      if (!label) return;
    }
    const walk = answer(this.#data.tree, entry.walk, id, label);
    if (!walk.done) {
      entry.walk = walk;
      document.getElementById("question").show(this.#data.tree, walk, entry.card, entry.outcome);
      return;
    }
    const meant = expected(walk.outcomes);
    this.#submit(entry, { answers: walk.answers, decision: null, new_label: meant.label, manual: false }, { decision: meant.decision ?? "uncertain", label: meant.label });
  }

  async #decideByHand(what) {
    const entry = this.#session.current;
    if (!entry) return;
    const answers = entry.walk.answers;
    if (what === "skip") return this.#submit(entry, { answers: [], decision: null, new_label: null, manual: false, status: "skipped" }, { decision: "skipped", label: null });
    if (what === "uncertain") return this.#submit(entry, { answers, decision: null, new_label: null, manual: true }, { decision: "uncertain", label: null });
    const isRelabel = what === "relabel" || what === "suggestion";
    const label = what === "suggestion" ? entry.card.suggested_label : isRelabel ? await this.#chooseClass(entry) : null;
    if (isRelabel && !label) return undefined;
    const value = isRelabel ? "relabel" : what;
    return this.#submit(entry, { answers, decision: value, new_label: label, manual: true }, { decision: value, label });
  }

  #submit(entry, body, shown) {
    const clash = contradiction(shown.decision, entry.tags, this.#data.tags);
    if (clash && body.status !== "skipped") {
      this.#toast.problem(`The tag ${clash.name} means ${clash.implies}: take it off, or decide ${clash.implies}.`);
      return;
    }
    const pressed = this.#pressed;
    this.#sync.submit(entry, { status: "submitted", ...body, tags: entry.tags, note: entry.note.trim(), lead_time_ms: this.#watch.milliseconds });
    this.#feed.decided(entry, shown);
    this.#session.decide({ ...shown, status: body.status ?? "submitted" });
    measureToPaint(pressed, this.#show());
    const text = shown.label ? `${entry.card.given_label} to ${shown.label}` : entry.card.given_label;
    this.#toast.done(shown.decision, WORDS[shown.decision], text, () => this.#undo());
  }

  async #chooseClass(entry) {
    const label = await this.querySelector("class-chooser").choose({ classes: this.#data.classes, recent: this.#recent, given: entry.card.given_label });
    // The time that counts for the next picture starts with the choice, not with opening the list.
    if (label) this.#recent = remember(this.#recent, label);
    return this.#session.current === entry ? label : null;
  }

  #undo() {
    const step = this.#sync.undo();
    if (!step) return;
    this.#feed.takenBack(step);
    this.#show();
    this.#toast.say(`Taken back: ${step.entry.card.given_label} is ${step.before ? WORDS[step.before.decision] : "open"} again.`);
  }

  /** An undo led to a sample that was decided before this page was opened. */
  #goTo(card) {
    this.#session.goTo(card);
    this.#show();
    this.#toast.say(`Taken back: ${card.given_label}.`);
  }

  #redo() {
    const step = this.#sync.redo();
    if (!step) return this.#toast.say("There is nothing to do again.");
    this.#feed.redone(step);
    this.#show();
    this.#toast.done(step.after.decision, WORDS[step.after.decision], step.entry.card.given_label, () => this.#undo());
    return undefined;
  }

  // Showing

  #move(step) {
    if (step && this.#session.move(step)) this.#show();
  }

  async #open(id) {
    try {
      this.#session.goTo(await this.#sync.sample(id));
    } catch (error) {
      this.#toast.problem(error.message);
    }
    this.#show();
  }

  #arrived() {
    if (this.#session.isAtEnd || this.classList.contains("is-ended")) this.#show();
    else {
      document.getElementById("strip").show(this.#session.entries, this.#session.at);
      this.#prefetch();
    }
  }

  /** Returns a promise that settles when the current picture is in the page. */
  #show() {
    const entry = this.#session.current;
    this.classList.toggle("is-ended", !entry);
    document.getElementById("review-end").hidden = Boolean(entry);
    this.#feed.fill();
    if (!entry) {
      this.#address(null);
      this.#feed.showEnd(document.getElementById("review-end"));
      return Promise.resolve();
    }
    const { card } = entry;
    this.#pairIndex = 0;
    entry.walk = start(this.#data.tree, card);
    const shown = this.#showPicture(card);
    document.getElementById("question").show(this.#data.tree, entry.walk, card, entry.outcome ?? outcomeOf(card.review));
    setText(document.getElementById("sample-name"), `${card.split} / ${card.image_id ?? card.key}`);
    document.getElementById("sample-name").title = card.key;
    this.#showMeasures(card);
    document.getElementById("evidence").show(card);
    document.getElementById("others").show(card);
    document.getElementById("comments").show(card);
    document.getElementById("strip").show(this.#session.entries, this.#session.at);
    document.getElementById("panel").scrollTop = 0;
    this.#showExtras(entry);
    this.#address(card);
    this.#watch.start();
    this.#prefetch();
    return shown;
  }

  async #showMeasures(card) {
    const facts = document.getElementById("sample-facts");
    setText(facts, measures(card));
    const image = await this.#pictures.get(card.image_url).ready.catch(() => null);
    if (this.#session.current?.card === card) setText(facts, measures(card, image));
  }

  #showPicture(card) {
    const hasPair = Boolean(card.pairs?.length);
    document.getElementById("pair-tools").hidden = !hasPair;
    document.getElementById("pair-next").hidden = (card.pairs?.length ?? 0) < 2;
    document.getElementById("zoom-object").hidden = hasPair || !card.box;
    this.#pair.hidden = !hasPair;
    this.#picture.hidden = hasPair;
    return hasPair ? this.#showPair(0) : this.#picture.show(card, this.#pictures.get(card.image_url));
  }

  #showPair(index) {
    const { card } = this.#session.current;
    const other = card.pairs[index];
    this.#pairIndex = index;
    if (index) document.getElementById("evidence").show(card, index);
    return this.#pair.show([{ ...card, title: `this one, ${card.split}` }, { ...other, title: other.split }],
      [this.#pictures.get(card.image_url), this.#pictures.get(other.image_url)]);
  }

  #markMode({ mode }) {
    for (const button of this.querySelectorAll("[data-pair]")) button.setAttribute("aria-pressed", String(button.dataset.pair === mode));
  }

  #showExtras(entry) {
    const note = document.getElementById("note");
    note.value = entry.note;
    note.oninput = () => { entry.note = note.value; };
    document.getElementById("tags").replaceChildren(...this.#data.tags.map((tag) =>
      h("button", { type: "button", class: "chip", "data-tag": tag.name, title: tag.meaning, "aria-pressed": String(entry.tags.includes(tag.name)) }, tag.name)));
  }

  #toggleTag(name) {
    const entry = this.#session.current;
    const isOn = entry.tags.includes(name);
    entry.tags = isOn ? entry.tags.filter((tag) => tag !== name) : [...entry.tags, name];
    this.querySelector(`[data-tag="${CSS.escape(name)}"]`).setAttribute("aria-pressed", String(!isOn));
  }

  #prefetch() {
    for (const { card } of this.#session.ahead.slice(0, 5)) {
      if (!card.image_error) this.#pictures.get(card.image_url);
      if (card.pairs?.length) this.#pictures.get(card.pairs[0].image_url);
    }
  }

  #address(card) {
    try {
      history.replaceState(null, "", `${this.dataset.page}${card ? `/${card.id}` : ""}${location.search}`);
    } catch {
      // Browsers limit how often the address may change; it is right again with the next sample.
    }
  }

  /** The server's own words on a decision, when they differ from what was expected. */
  #answered(entry) {
    document.getElementById("strip").show(this.#session.entries, this.#session.at);
    if (this.#session.current === entry) {
      document.getElementById("others").show(entry.card);
      document.getElementById("comments").show(entry.card);
    }
    this.#feed.refresh();
  }
}

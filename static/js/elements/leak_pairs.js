// <leak-pairs data-user data-project data-can-judge> around the parts of templates/pages/leak_pairs.html and
// <script type="application/json" id="pairs-data">. One pair on screen, the verdict by key, the next at once.
import { decision, h, part, readData, setText } from "../lib/dom.js";
import { number, percent } from "../lib/format.js";
import { request, withQuery } from "../lib/http.js";
import { outboxOf } from "../lib/outbox_shared.js";
import { PairSession } from "../lib/pair_session.js";
import { Pictures } from "../lib/pictures.js";
import { measureToPaint } from "../lib/timing.js";

const WORDS = { confirmed: ["remove", "leak confirmed"], rejected: ["keep", "not a leak"], open: ["open", "open again"] };
const LISTED = 12;

export class LeakPairs extends HTMLElement {
  #data; #session; #outbox; #pictures = new Pictures({ limit: 40 }); #pressed = 0; #isAsking = false; #abort = new AbortController();

  connectedCallback() {
    this.#data = readData("pairs-data");
    this.#session = new PairSession(this.#data.first);
    this.#outbox = outboxOf(this.dataset.user);
    this.#listen();
    this.#show();
  }

  disconnectedCallback() { this.#abort.abort(); }

  #listen() {
    const on = (target, name, run, options = {}) => target.addEventListener(name, run, { signal: this.#abort.signal, ...options });
    for (const name of ["keydown", "pointerdown"]) on(document, name, (event) => { this.#pressed = event.timeStamp; }, { capture: true });
    on(this, "click", (event) => this.#click(event.target.closest("button")));
    on(this, "mode", (event) => this.#markMode(event.detail));
    on(this.#outbox, "sent", (event) => { if (this.#isMine(event.entry)) this.#sent(event.answer); });
    on(this.#outbox, "dropped", (event) => { if (this.#isMine(event.entry)) this.#dropped(event.entry, event.why); });
  }

  #isMine(entry) { return entry.kind === "verdict" && entry.project === this.dataset.project; }
  get #toast() { return document.getElementById("toast"); }
  get #compare() { return document.getElementById("pair"); }

  #click(button) {
    if (!button) return;
    const { zoom, pair, move, step, verdict, index } = button.dataset;
    if (zoom) this.#compare.zoom(zoom);
    else if (pair) this.#compare.setMode(pair);
    else if (move) this.#move(move === "next" ? 1 : -1);
    else if (step === "undo") this.#undo();
    else if (verdict) this.#judge(verdict);
    else if (index !== undefined) this.#move(Number(index) - this.#session.at);
    else if (button.dataset.part === "back") this.#move(-1);
  }

  #judge(verdict) {
    const pair = this.#session.current;
    if (!pair || this.dataset.canJudge === "false") return;
    const pressed = this.#pressed;
    this.#send(pair, verdict);
    this.#session.judge(verdict);
    measureToPaint(pressed, this.#show());
    const [look, word] = WORDS[verdict];
    this.#toast.done(look, word, pair.test.key, () => this.#undo());
  }

  #undo() {
    const step = this.#session.undo();
    if (!step) return this.#toast.say("Nothing to take back on this page. Open a confirmed or rejected pair to change it.");
    const stuck = this.#outbox.stuck.find((entry) => entry.key === this.#key(step.pair));
    if (stuck) this.#outbox.drop(stuck, "undone");
    else this.#send(step.pair, step.before);
    this.#show();
    return this.#toast.say(`Taken back: ${step.pair.test.key} is ${WORDS[step.before][1]}.`);
  }

  #key(pair) { return `${this.dataset.project}/pair:${pair.id}`; }

  #send(pair, verdict) {
    this.#outbox.add({
      project: this.dataset.project, kind: "verdict", key: this.#key(pair), label: `${pair.test.key} and ${pair.train.key}`,
      url: `${this.#data.api}/${pair.id}/verdicts`, body: { base_version: pair.version, verdict },
    });
  }

  #sent(answer) {
    if (!answer) return;
    const isPending = this.#outbox.entries.some((entry) => entry.key === this.#key(answer));
    this.#session.update(answer, isPending);
    this.#list();
  }

  #dropped(entry, why) {
    const id = entry.key.split(":").at(-1);
    if (why === "theirs" && entry.current) this.#session.update(entry.current, false);
    else if (why === "discarded") this.#session.reopen(id);
    this.#list();
    this.#counts();
  }

  #move(step) {
    if (step && this.#session.move(step)) this.#show();
  }

  #show() {
    const pair = this.#session.current;
    this.classList.toggle("is-ended", !pair);
    const end = document.getElementById("pairs-end");
    end.hidden = Boolean(pair);
    this.#counts();
    this.#fill();
    if (!pair) {
      this.#end(end);
      return Promise.resolve();
    }
    const shown = this.#compare.show([{ ...pair.train }, { ...pair.test }], [this.#pictures.get(pair.train.image_url), this.#pictures.get(pair.test.image_url)]);
    setText(document.getElementById("pair-name"), `Pair ${number(this.#session.at + 1)}: ${kind(pair.leak_type)}, ${rank(pair)}`);
    setText(document.getElementById("pair-path"), pair.label_conflict ? "leak candidate › its labels differ" : "leak candidate");
    this.#score(pair);
    this.#verdict(pair);
    this.#matches(pair);
    this.#list();
    this.#prefetch();
    return shown;
  }

  /** How sure the check of the pixels is, what was done to the picture, and the group that the pair is part of. */
  #score(pair) {
    const line = document.getElementById("pair-score");
    const parts = [
      pair.described && h("span", {}, pair.described),
      pair.transform && h("span", { class: "chip", "data-testid": "transform" }, pair.transform_words),
      pair.group && pair.group.size > 2 && h("a", { class: "chip", href: `/p/${this.dataset.project}/groups?kind=leak&show=all&name=${pair.group.number}`, title: "Images that are all one shot: decide them as one. The number is that of groups.csv", "data-testid": "group" }, "group ", h("b", {}, number(pair.group.number)), `, ${number(pair.group.size)} images`),
    ].filter(Boolean);
    line.hidden = parts.length === 0;
    line.replaceChildren(...parts);
  }

  #verdict(pair) {
    const line = document.getElementById("pair-verdict");
    line.hidden = pair.verdict === "open";
    const [look, word] = WORDS[pair.verdict];
    line.replaceChildren(decision(look, word), pair.decided_by ? `by ${pair.decided_by}` : "", "Answer again to change it.");
  }

  #matches(pair) {
    document.getElementById("pair-matches").replaceChildren(...pair.matches.map((match) => h("div", { class: "match" },
      h("span", {}, h("b", {}, match.method), ` ${kind(match.leak_type)}`, match.hamming_distance !== null && match.hamming_distance !== undefined ? h("span", { class: "muted" }, `, ${match.hamming_distance} bits apart`) : ""),
      h("b", {}, similarity(match.similarity)),
      match.similarity !== null && match.similarity !== undefined && h("progress", { max: 1, value: match.similarity, "aria-label": `similarity by ${match.method}` }))));
  }

  #list() {
    const { pairs, at } = this.#session;
    const from = Math.max(0, at - 2);
    document.getElementById("pair-list").replaceChildren(...pairs.slice(from, from + LISTED).map((pair, offset) => h("button", {
      type: "button", class: "pair-item", "data-index": from + offset, "aria-current": from + offset === at ? "true" : null,
      title: `${pair.train.key} and ${pair.test.key}`,
    }, thumb(pair.train.thumb_url), thumb(pair.test.thumb_url), h("span", { class: "truncate" }, pair.label_conflict ? `${pair.train.given_label} / ${pair.test.given_label}` : pair.test.given_label),
    pair.verdict === "open" ? h("span", { class: "muted" }, pair.transform_words && pair.transform_words !== kind(pair.leak_type) ? `${pair.transform_words} ` : "", rankShort(pair)) : decision(WORDS[pair.verdict][0], WORDS[pair.verdict][1]))));
  }

  #counts() {
    const { counts } = this.#session;
    for (const [verdict, value] of Object.entries(counts)) setText(this.querySelector(`[data-count="${verdict}"]`), number(value));
    const progress = document.getElementById("pairs-progress");
    const done = counts.confirmed + counts.rejected;
    setText(part(progress, "done"), number(done));
    setText(part(progress, "total"), number(done + counts.open));
    part(progress, "bar").max = Math.max(1, done + counts.open);
    part(progress, "bar").value = done;
  }

  #end(end) {
    const { verdict } = this.#data.filters;
    const isOpen = !verdict || verdict === "open";
    const hasSome = this.#session.pairs.length > 0;
    setText(part(end, "title"), this.#isAsking ? "Fetching the next pairs…" : hasSome ? "No pair is left" : isOpen ? "No pair to look at" : `No ${verdict} pair here`);
    setText(part(end, "text"), this.#isAsking ? "" : hasSome && isOpen ? "Every pair of this view is judged. Confirmed ones take the test side out, unless the project's rules say otherwise."
      : isOpen ? "Pairs come from a run that compares one split with another. A lead starts one on the Leaks page." : "Pairs come here once they are judged.");
    part(end, "back").hidden = !hasSome;
  }

  async #fill() {
    if (this.#isAsking || this.#session.isDry || this.#session.ahead.length >= 10) return;
    this.#isAsking = true;
    try {
      this.#session.add(await request(withQuery(this.#data.api, { ...this.#data.filters, cursor: this.#session.cursor })));
    } catch (error) {
      this.#session.isDry = true;
      this.#toast.problem(`More pairs could not be fetched: ${error.message}`);
    } finally {
      this.#isAsking = false;
    }
    if (this.#session.current && !this.classList.contains("is-ended")) this.#list();
    else this.#show();
  }

  #markMode({ mode, front }) {
    for (const button of this.querySelectorAll("[data-pair]")) button.setAttribute("aria-pressed", String(button.dataset.pair === mode));
    this.#compare.setAttribute("aria-label", mode === "flicker" ? `${front ? "second" : "first"} picture` : mode);
  }

  #prefetch() {
    for (const pair of this.#session.ahead.slice(0, 5)) {
      this.#pictures.get(pair.train.image_url);
      this.#pictures.get(pair.test.image_url);
    }
  }
}

function rank(pair) {
  if (pair.score === null || pair.score === undefined) return `similarity ${similarity(pair.similarity)}`;
  return `score ${rankShort(pair)}${pair.transform_words ? `, ${pair.transform_words}` : ""}`;
}

/** A score with two decimals, rounded down: one just below 1 must not read as certain. */
function rankShort(pair) {
  return pair.score === null || pair.score === undefined ? similarity(pair.similarity) : (Math.floor(pair.score * 100) / 100).toFixed(2);
}

function similarity(value) {
  return value === null || value === undefined ? "–" : percent(value);
}

function kind(type) {
  return (type ?? "").replaceAll("_", " ");
}

function thumb(url) {
  return h("img", { src: url, alt: "", width: 40, height: 40, loading: "lazy" });
}

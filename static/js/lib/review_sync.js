// Between what is decided on screen and the outbox: sends decisions, undo and redo, and takes in what the server says.
// Events: 'answered' {entry} (a sample's card is up to date), 'goto' {card} (undo led to another sample), 'problem' {text}.
import { request } from "./http.js";
import { outcomeOf } from "./review_session.js";

export class ReviewSync extends EventTarget {
  #outbox; #api; #project; #session; #onSent; #onRefused; #onDropped;

  constructor({ outbox, api, project, session }) {
    super();
    this.#outbox = outbox;
    this.#api = api;
    this.#project = project;
    this.#session = session;
    this.#onSent = (event) => { if (event.entry.project === project) this.#sent(event.entry, event.answer); };
    this.#onRefused = (event) => { if (event.entry.project === project) this.#refused(event.entry); };
    this.#onDropped = (event) => { if (event.entry.project === project) this.#dropped(event.entry, event.why); };
    outbox.addEventListener("sent", this.#onSent);
    outbox.addEventListener("refused", this.#onRefused);
    outbox.addEventListener("dropped", this.#onDropped);
  }

  disconnect() {
    this.#outbox.removeEventListener("sent", this.#onSent);
    this.#outbox.removeEventListener("refused", this.#onRefused);
    this.#outbox.removeEventListener("dropped", this.#onDropped);
  }

  sample(id) { return request(`${this.#api}/samples/${id}`); }

  /** Ids of samples whose decision has not reached the server. */
  get unsentIds() {
    return this.#outbox.entries.filter((entry) => entry.project === this.#project && entry.kind === "review").map((entry) => Number(entry.key.split(":").at(-1)));
  }

  submit(entry, body) {
    const { card } = entry;
    this.#outbox.add({
      project: this.#project, kind: "review", key: this.#key(card.id), label: `${card.given_label} (${card.key})`,
      url: `${this.#api}/samples/${card.id}/reviews`, body: { base_version: card.review?.version ?? 0, seen_version: card.version, ...body },
    });
  }

  /** Takes the last decision back: on screen at once, on the server in turn. null when only the server may know one. */
  undo() {
    const step = this.#session.undo();
    const stuck = step && this.#outbox.stuck.find((entry) => entry.key === this.#key(step.entry.card.id));
    if (stuck) {
      // It never counted on the server: there is nothing to undo there.
      this.#session.forget(step.entry);
      this.#outbox.drop(stuck, "undone");
      return step;
    }
    this.#step("undo");
    return step;
  }

  redo() {
    const step = this.#session.redo();
    if (step) this.#step("redo");
    return step;
  }

  #key(id) { return `${this.#project}/sample:${id}`; }

  #step(kind) {
    this.#outbox.add({ project: this.#project, kind, key: `${this.#project}/${kind}`, label: kind === "undo" ? "Undo" : "Redo", url: `${this.#api}/reviews/${kind}`, body: {} });
  }

  #sent(sent, answer) {
    if (sent.kind === "review") this.#reviewed(sent, answer);
    else if (answer?.sample) this.#stepped(sent.kind, answer.sample);
  }

  #reviewed(sent, answer) {
    const entry = this.#session.entryOf(Number(sent.key.split(":").at(-1)));
    if (!entry || !answer?.review) return;
    entry.card.review = answer.review;
    entry.card.state = answer.state ?? entry.card.state;
    entry.card.version = answer.state_version ?? entry.card.version;
    // Only when nothing newer is on its way does the server's word replace what is shown.
    if (entry.outcome && !this.#isPending(sent.key)) entry.outcome = outcomeOf(answer.review);
    this.#emit("answered", { entry });
  }

  #stepped(kind, card) {
    const entry = this.#session.entryOf(card.id);
    if (!entry) {
      if (kind === "undo") this.#emit("goto", { card });
      return;
    }
    const isShown = this.#session.current === entry;
    Object.assign(entry.card, card);
    if (!this.#isPending(this.#key(card.id))) entry.outcome = outcomeOf(card.review);
    // Undone further back than this page remembers: show what it was.
    if (kind === "undo" && !isShown && !this.#hasStepsWaiting()) this.#emit("goto", { card: entry.card });
    else this.#emit("answered", { entry });
  }

  #refused(entry) {
    if (entry.kind !== "undo" && entry.kind !== "redo") return;
    this.#outbox.drop(entry, "nothing to do");
    this.#emit("problem", { text: entry.code === "not_found" ? `There is nothing to ${entry.kind}.` : entry.message });
  }

  #dropped(entry, why) {
    const held = entry.kind === "review" ? this.#session.entryOf(Number(entry.key.split(":").at(-1))) : null;
    if (!held) return;
    if (why === "theirs" && entry.current) {
      // Somebody else's answer stands as it is: this reviewer has none.
      if (entry.current.reviewer === this.#outbox.user) held.card.review = entry.current;
      held.outcome = outcomeOf(entry.current);
    } else if (why === "discarded") {
      this.#session.forget(held);
    }
    this.#emit("answered", { entry: held });
  }

  #isPending(key) { return this.#outbox.entries.some((entry) => entry.key === key); }
  #hasStepsWaiting() { return this.#outbox.entries.some((entry) => entry.project === this.#project); }
  #emit(name, detail) { this.dispatchEvent(Object.assign(new Event(name), detail)); }
}

// The samples a reviewer has in hand: those seen, the one on screen, those that come next; and what was decided here.
// An entry: {card, outcome: null | {decision, label, status}, tags: [name], note, walk}. Pure.

export class ReviewSession {
  #done = []; #undone = [];

  constructor() {
    this.entries = [];
    this.at = 0;
  }

  get current() { return this.entries[this.at] ?? null; }
  get isAtEnd() { return this.at >= this.entries.length; }

  /** Undecided ones after the current. */
  get ahead() { return this.entries.slice(this.at + 1).filter((entry) => !entry.outcome); }

  has(id) { return this.entries.some((entry) => entry.card.id === id); }
  entryOf(id) { return this.entries.find((entry) => entry.card.id === id) ?? null; }

  /** Ids not to be handed out again. */
  get undecidedIds() { return this.entries.filter((entry) => !entry.outcome).map((entry) => entry.card.id); }

  add(cards) {
    const fresh = cards.filter((card, index) => !this.has(card.id) && cards.findIndex((other) => other.id === card.id) === index);
    this.entries.push(...fresh.map(newEntry));
    return fresh.length;
  }

  /** Puts a sample on screen, from wherever it comes. */
  goTo(card) {
    const index = this.entries.findIndex((entry) => entry.card.id === card.id);
    if (index >= 0) {
      this.at = index;
      this.entries[index].card = card;
    } else {
      this.entries.splice(this.at, 0, newEntry(card));
    }
    return this.current;
  }

  move(step) {
    const to = this.at + step;
    if (to < 0 || to > this.entries.length) return false;
    this.at = to;
    return true;
  }

  /** Notes the outcome of the current sample and goes to the next undecided one. */
  decide(outcome) {
    const entry = this.current;
    this.#done.push({ entry, before: entry.outcome, after: outcome });
    this.#undone = [];
    entry.outcome = outcome;
    this.#toNextOpen();
    return entry;
  }

  /** {entry, before, after} of the last decision, which is on screen again; null when there is none in this session. */
  undo() {
    const step = this.#done.pop();
    if (!step) return null;
    this.#undone.push(step);
    step.entry.outcome = step.before;
    // What the server last said of it does not stand any more; its word on the undo is still on the way.
    const { card } = step.entry;
    if (!step.before && card.review) card.review = { ...card.review, status: "draft" };
    this.at = this.entries.indexOf(step.entry);
    return step;
  }

  redo() {
    const step = this.#undone.pop();
    if (!step) return null;
    this.#done.push(step);
    step.entry.outcome = step.after;
    this.at = this.entries.indexOf(step.entry);
    this.#toNextOpen();
    return step;
  }

  /** A decision that never counted is no step to undo. */
  forget(entry) {
    this.#done = this.#done.filter((step) => step.entry !== entry);
    this.#undone = this.#undone.filter((step) => step.entry !== entry);
    entry.outcome = null;
  }

  #toNextOpen() {
    let to = this.at + 1;
    while (to < this.entries.length && this.entries[to].outcome) to += 1;
    this.at = to;
  }
}

function newEntry(card) {
  return { card, outcome: null, tags: [], note: card.review?.note ?? "", walk: null };
}

/** What a stored review means on screen: {decision, label, status}. */
export function outcomeOf(review) {
  if (!review || review.status === "draft") return null;
  return { decision: review.status === "skipped" ? "skipped" : review.decision ?? "uncertain", label: review.new_label ?? null, status: review.status };
}

// Leak pairs in hand: which one is on screen, what was judged here and can be taken back. Pure.

export class PairSession {
  #done = [];

  constructor(first) {
    this.pairs = [...first.items];
    this.cursor = first.next_cursor ?? null;
    this.counts = { ...first.counts };
    this.at = 0;
    this.isDry = first.items.length === 0;
  }

  get current() { return this.pairs[this.at] ?? null; }
  get ahead() { return this.pairs.slice(this.at + 1); }

  /**
   * Takes in one more page. After the last page one is read from the start again: verdicts take pairs out of a view
   * while it is paged through, and a run that still goes on adds some. Nothing new there means that this is all.
   */
  add(answer) {
    const known = new Set(this.pairs.map((pair) => pair.id));
    const fresh = answer.items.filter((pair) => !known.has(pair.id));
    const wasFromStart = this.cursor === null;
    this.pairs.push(...fresh);
    this.cursor = answer.items.length ? answer.next_cursor ?? null : null;
    this.isDry = wasFromStart && fresh.length === 0 && this.cursor === null;
    return fresh.length;
  }

  move(step) {
    const to = this.at + step;
    if (to < 0 || to > this.pairs.length) return false;
    this.at = to;
    return true;
  }

  /** Judges the current pair and goes to the next. */
  judge(verdict) {
    const pair = this.current;
    this.#done.push({ pair, before: pair.verdict });
    this.#set(pair, verdict);
    this.at += 1;
    return pair;
  }

  undo() {
    const step = this.#done.pop();
    if (!step) return null;
    this.#set(step.pair, step.before);
    this.at = this.pairs.indexOf(step.pair);
    return step;
  }

  /** What the server says of a pair; its verdict only when nothing newer is on its way. */
  update(answer, isPending) {
    const pair = this.pairs.find((other) => other.id === answer.id);
    if (!pair) return;
    pair.version = answer.version;
    if (isPending || !answer.verdict) return;
    this.#set(pair, answer.verdict);
    pair.decided_by = answer.decided_by ?? null;
    pair.decided_at = answer.decided_at ?? null;
  }

  reopen(id) {
    const pair = this.pairs.find((other) => String(other.id) === String(id));
    if (pair) this.#set(pair, "open");
    this.#done = this.#done.filter((step) => step.pair !== pair);
  }

  #set(pair, verdict) {
    if (pair.verdict === verdict) return;
    this.counts[pair.verdict] = Math.max(0, (this.counts[pair.verdict] ?? 0) - 1);
    this.counts[verdict] = (this.counts[verdict] ?? 0) + 1;
    pair.verdict = verdict;
  }
}

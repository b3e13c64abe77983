// The groups in hand, of duplicates and of leaks: which image of each stays, which go, and what was decided. Pure.
// An entry: {group, keeper: id | null, staying, apart: Sets of ids, label: null | name, outcome: null | "exact" | "near" | "none"}.
// Of leaks the project's rule takes one side: each pair says which images leave once it is confirmed.

const keyOf = (group) => `${group.kind ?? "duplicate"}:${group.name}`;

export class GroupSession {
  #done = []; #undone = [];

  constructor() {
    this.entries = [];
    this.place = 0;
    this.at = 0;
  }

  get current() { return this.entries[this.place] ?? null; }
  /** Groups that come after this one. */
  get left() { return this.entries.length - this.place - 1; }
  get keeper() { return this.current.group.members.find((member) => member.id === this.current.keeper); }
  get label() { return this.current.label; }
  get going() { return this.current.group.members.filter((member) => ["going", "rule"].includes(this.roleOf(member))); }
  get isLeak() { return this.current.group.kind === "leak"; }
  /** What was decided last, and what was taken back last: {entry, sent} with whatever was sent for it. */
  get lastDone() { return this.#done.at(-1) ?? null; }
  get lastUndone() { return this.#undone.at(-1) ?? null; }

  /** Labels that differ want a word: by the one that stays, its own may be the wrong one. */
  get needsLabel() {
    const { group, keeper, apart, label } = this.current;
    return keeper !== null && !label && new Set(group.members.filter((member) => !apart.has(member.id)).map((member) => member.given_label)).size > 1;
  }

  add(groups) {
    const known = new Set(this.entries.map((entry) => keyOf(entry.group)));
    this.entries.push(...groups.filter((group) => !known.has(keyOf(group))).map((group) => ({
      group, keeper: group.keeper, staying: new Set(group.members.filter((member) => member.is_settled).map((member) => member.id)), apart: new Set(), label: null, outcome: null,
    })));
  }

  /** A group as the server has it now. What was chosen here stands where it still can. */
  update(group) {
    const entry = group && this.entries.find((one) => keyOf(one.group) === keyOf(group));
    if (!entry) return;
    entry.group = group;
    if (!group.members.some((member) => member.id === entry.keeper)) entry.keeper = group.keeper;
  }

  groupOf(sampleId) {
    return this.entries.find((entry) => entry.group.members.some((member) => member.id === sampleId))?.group.name ?? null;
  }

  /** "keeper", "staying", "going" by this answer, "rule": goes by the project's rule for leaks, or "apart": another picture. */
  roleOf(member) {
    const { keeper, staying, apart } = this.current;
    if (apart.has(member.id)) return "apart";
    if (this.#leaves(member)) return "rule";
    if (member.id === keeper) return "keeper";
    return staying.has(member.id) ? "staying" : "going";
  }

  #leaves(member) {
    const { group, apart } = this.current;
    return Boolean(member.is_leaving) || (group.pairs ?? []).some((pair) => pair.leaves.includes(member.id) && !apart.has(pair.train) && !apart.has(pair.test));
  }

  step(by) { this.moveTo(this.at + by); }

  moveTo(index) { this.at = Math.min(Math.max(0, index), this.current.group.members.length - 1); }

  keep(index) {
    const member = this.current.group.members[index];
    if (!member) return false;
    this.at = index;
    if (this.roleOf(member) === "rule") return true;
    this.current.keeper = member.id;
    this.current.staying.delete(member.id);
    this.current.apart.delete(member.id);
    return true;
  }

  /** Goes or stays too, or of leaks: is another picture. The keeper always stays, so that no group loses all. */
  toggle(index) {
    const member = this.current.group.members[index];
    if (!member || member.id === this.current.keeper) return;
    this.at = index;
    const { staying, apart } = this.current;
    const role = this.roleOf(member);
    if (role === "apart") apart.delete(member.id);
    else if (role === "rule") apart.add(member.id);
    else if (role === "going") staying.add(member.id);
    else {
      staying.delete(member.id);
      if (this.isLeak) apart.add(member.id);
    }
  }

  relabel(label) { this.current.label = this.current.label === label ? null : label; }

  move(by) {
    const to = this.place + by;
    if (to < 0 || to > this.entries.length) return false;
    this.place = to;
    this.at = 0;
    return true;
  }

  /** What goes to the server. */
  answer({ tag = "duplicate_near", keepsAll = false }) {
    const { group, keeper, label } = this.current;
    if (this.isLeak) return this.#leakAnswer(tag, keepsAll);
    const others = group.members.filter((member) => member.id !== keeper);
    const going = keepsAll ? [] : others.filter((member) => this.roleOf(member) === "going").map((member) => member.id);
    return {
      keeper, going, staying: others.filter((member) => !going.includes(member.id)).map((member) => member.id), tag,
      keeper_label: keepsAll ? null : label, samples: group.members.map(({ id, version }) => ({ id, version })),
    };
  }

  #leakAnswer(tag, keepsAll) {
    const { group, keeper, label } = this.current;
    const ids = (...roles) => group.members.filter((member) => roles.includes(keepsAll ? "apart" : this.roleOf(member))).map((member) => member.id);
    return {
      keeper: keepsAll ? null : keeper, going: ids("going", "rule"), staying: ids("staying"), apart: ids("apart"), tag,
      keeper_label: keepsAll ? null : label, samples: group.members.map(({ id, version }) => ({ id, version })),
      pairs: group.pairs.map(({ id, version }) => ({ id, version })),
    };
  }

  /** `sent` is what undoing will have to name. */
  decide(outcome, sent = null) {
    const entry = this.current;
    this.#done.push({ entry, before: entry.outcome, after: outcome, sent });
    this.#undone = [];
    entry.outcome = outcome;
    this.move(1);
    while (this.current?.outcome) this.move(1);
  }

  undo() {
    const step = this.#done.pop();
    if (!step) return null;
    this.#undone.push(step);
    return this.#goTo(step, step.before);
  }

  /** Goes back to what was taken back; `decided` is false where it has to be answered anew. */
  redo({ decided = true } = {}) {
    const step = this.#undone.pop();
    if (!step) return null;
    if (!decided) return this.#goTo(step, null);
    this.#done.push(step);
    return this.#goTo(step, step.after);
  }

  /** A decision that never counted. */
  reopen(name, kind = "duplicate") {
    const entry = this.entries.find((one) => keyOf(one.group) === keyOf({ kind, name }));
    if (!entry) return;
    this.#done = this.#done.filter((step) => step.entry !== entry);
    this.#goTo({ entry }, null);
  }

  #goTo({ entry }, outcome) {
    entry.outcome = outcome;
    this.place = this.entries.indexOf(entry);
    this.at = 0;
    return entry.group;
  }
}

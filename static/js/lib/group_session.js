// The duplicate groups in hand: which image of each stays, which go, and what was decided. Pure.
// An entry: {group, keeper: id, staying: Set of ids, label: null | name, outcome: null | "exact" | "near" | "none"}.

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
  get going() { return this.current.group.members.filter((member) => this.roleOf(member) === "going"); }

  /** Labels that differ want a word: by the one that stays, its own may be the wrong one. */
  get needsLabel() { return this.current.group.labels.length > 1 && !this.current.label; }

  add(groups) {
    const known = new Set(this.entries.map((entry) => entry.group.name));
    this.entries.push(...groups.filter((group) => !known.has(group.name)).map((group) => ({ group, keeper: group.keeper, staying: new Set(), label: null, outcome: null })));
  }

  /** A group as the server has it now. What was chosen here stands where it still can. */
  update(group) {
    const entry = group && this.entries.find((one) => one.group.name === group.name);
    if (!entry) return;
    entry.group = group;
    if (!group.members.some((member) => member.id === entry.keeper)) entry.keeper = group.keeper;
  }

  groupOf(sampleId) {
    return this.entries.find((entry) => entry.group.members.some((member) => member.id === sampleId))?.group.name ?? null;
  }

  roleOf(member) {
    if (member.id === this.current.keeper) return "keeper";
    return this.current.staying.has(member.id) ? "staying" : "going";
  }

  step(by) { this.moveTo(this.at + by); }

  moveTo(index) { this.at = Math.min(Math.max(0, index), this.current.group.members.length - 1); }

  keep(index) {
    const member = this.current.group.members[index];
    if (!member) return false;
    this.at = index;
    this.current.keeper = member.id;
    this.current.staying.delete(member.id);
    return true;
  }

  /** Goes or stays too; the keeper always stays, so that no group loses all. */
  toggle(index) {
    const member = this.current.group.members[index];
    if (!member || member.id === this.current.keeper) return;
    this.at = index;
    if (!this.current.staying.delete(member.id)) this.current.staying.add(member.id);
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
    const others = group.members.filter((member) => member.id !== keeper);
    const going = keepsAll ? [] : others.filter((member) => this.roleOf(member) === "going").map((member) => member.id);
    return {
      keeper, going, staying: others.filter((member) => !going.includes(member.id)).map((member) => member.id), tag,
      keeper_label: keepsAll ? null : label, samples: group.members.map(({ id, version }) => ({ id, version })),
    };
  }

  decide(outcome) {
    const entry = this.current;
    this.#done.push({ entry, before: entry.outcome, after: outcome });
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

  redo() {
    const step = this.#undone.pop();
    if (!step) return null;
    this.#done.push(step);
    return this.#goTo(step, step.after);
  }

  /** A decision that never counted. */
  reopen(name) {
    const entry = this.entries.find((one) => one.group.name === name);
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

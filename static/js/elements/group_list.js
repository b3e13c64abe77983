// <group-list data-api data-page data-project data-user data-can-review data-show data-differing data-kind data-name> around the
// parts of templates/pages/groups.html and <script type="application/json" id="groups-data">. One group of duplicates or leaks at
// a time: which image stays, which go, one key for all of them, and the next group at once.
import { decision, h, part, readData, setText } from "../lib/dom.js";
import { bytes, count, number } from "../lib/format.js";
import { GroupSession } from "../lib/group_session.js";
import { request, withQuery } from "../lib/http.js";
import { isTyping } from "../lib/hotkeys.js";
import { outboxOf } from "../lib/outbox_shared.js";

const PAGE = 12;
const ROLES = { keeper: ["keep", "stays"], going: ["remove", "goes"], rule: ["remove", "goes by the rule"], staying: ["keep", "stays too"], apart: ["uncertain", "another picture"] };
const TOGGLES = { going: "Stays too", rule: "Another picture", apart: "Same picture" };

export class GroupList extends HTMLElement {
  #session = new GroupSession(); #outbox; #kinds = []; #cursor = ""; #isAsking = false; #recent = []; #abort = new AbortController();

  connectedCallback() {
    this.#outbox = outboxOf(this.dataset.user);
    const on = (target, name, run) => target.addEventListener(name, run, { signal: this.#abort.signal });
    on(this, "click", (event) => this.#click(event.target));
    on(document, "keydown", (event) => this.#key(event));
    on(this.#outbox, "sent", ({ entry, answer }) => { if (entry.project === this.dataset.project) this.#sent(entry, answer); });
    on(this.#outbox, "refused", ({ entry }) => { if (entry.project === this.dataset.project) this.#refused(entry); });
    this.#kinds = this.dataset.kind ? [this.dataset.kind] : ["duplicate", "leak"];
    this.#count().catch(() => {});
    this.#fill();
  }

  disconnectedCallback() { this.#abort.abort(); }

  get #toast() { return document.getElementById("toast"); }

  /** Groups of duplicates first, then those of leaks. */
  async #fill() {
    if (this.#isAsking) return;
    this.#isAsking = true;
    try {
      while (this.#kinds.length && this.#session.left < 5) {
        const page = await this.#ask({ kind: this.#kinds[0], cursor: this.#cursor, limit: PAGE });
        this.#session.add(page.groups);
        this.#cursor = page.next_cursor ?? "";
        if (page.next_cursor === null) this.#kinds.shift();
        if (page.groups.length && this.#session.entries.length === page.groups.length) this.#show();
      }
    } catch (error) {
      this.#toast.problem(`Groups could not be fetched: ${error.message}`);
      this.#kinds = [];
    } finally {
      this.#isAsking = false;
    }
    this.#show();
  }

  #ask(query) {
    const { show, differing, name } = this.dataset;
    return request(withQuery(`${this.dataset.api}/groups`, { show, differing, name, ...query }), { timeout: 60_000 });
  }

  async #count() {
    const asked = [...this.#kinds];
    const pages = await Promise.all(asked.map((kind) => this.#ask({ kind, limit: 1, count: true })));
    const words = { duplicate: "of duplicates", leak: "of leaks" };
    const totals = pages.map((page, index) => page.total === null ? `many ${words[asked[index]]}` : `${number(page.total)} ${words[asked[index]]}`);
    const differing = pages.reduce((sum, page) => sum + (page.differing ?? 0), 0);
    setText(document.getElementById("groups-count"), `Groups: ${totals.join(", ")}${differing ? `; ${number(differing)} with differing labels` : ""}`);
  }

  // Keys and clicks

  #key(event) {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target) || document.querySelector("dialog[open]")) return;
    if (!this.#session.current || (event.target !== document.body && !this.contains(event.target) && event.target.id !== "content")) return;
    const { key } = event;
    const isOnButton = Boolean(event.target.closest?.("button, a, summary"));
    if (key === "ArrowLeft" || key === "ArrowRight") this.#session.step(key === "ArrowRight" ? 1 : -1);
    else if (/^[1-9]$/.test(key)) { if (!this.#keep(Number(key) - 1)) return; }
    else if (key === "Enter" && !isOnButton) this.#keep(this.#session.at);
    else if (key === " " && !isOnButton) this.#session.toggle(this.#session.at);
    else return;
    event.preventDefault();
    this.#showGroup();
  }

  #click(target) {
    const member = target.closest("[data-member]");
    const button = target.closest("button");
    if (member && !button) {
      this.#session.moveTo(Number(member.dataset.member));
      return this.#showGroup();
    }
    if (!button) return undefined;
    const { keeps, goes, decide, move, step, label } = button.dataset;
    if (keeps !== undefined) this.#keep(Number(keeps));
    else if (goes !== undefined) this.#session.toggle(Number(goes));
    else if (label !== undefined) this.#session.relabel(label || null);
    else if (decide) return this.#decide(decide);
    else if (move) return this.#move(move === "next" ? 1 : -1);
    else if (step) return this.#step(step);
    else return undefined;
    return this.#showGroup();
  }

  #keep(index) {
    if (!this.#session.keep(index)) return false;
    const member = this.#session.current.group.members[index];
    if (this.#session.roleOf(member) === "rule") this.#toast.problem("The project's rule takes this side of a confirmed leak, so it can't be the one that stays. A lead can change the rule, or settle this image.");
    return true;
  }

  #move(step) {
    if (!this.#session.move(step)) return;
    this.#show();
    if (this.#session.left < 5) this.#fill();
  }

  // Deciding

  async #decide(what) {
    const { group, keeper } = this.#session.current ?? {};
    if (!group || this.dataset.canReview === "false") return undefined;
    if (what === "label") return this.#chooseLabel(group);
    const { isLeak } = this.#session;
    if (what !== "none" && this.#session.needsLabel) return this.#toast.problem("The labels differ. Say which one is right: choose it above, or press L. Then decide.");
    if (what !== "none" && !isLeak && !this.#session.going.length) return this.#toast.problem("Nobody goes. Mark an image with Space, or press N when these are no duplicates.");
    if (what !== "none" && isLeak && keeper === null && this.#session.going.some((member) => this.#session.roleOf(member) !== "rule")) {
      return this.#toast.problem("Say which image stays: press its number. Where all are to be removed already, judge the pairs one by one on the leaks page.");
    }
    const body = what === "none" ? this.#session.answer({ keepsAll: true }) : this.#session.answer({ tag: what === "exact" ? "duplicate_exact" : "duplicate_near" });
    const sent = this.#outbox.add({
      project: this.dataset.project, kind: isLeak ? "leak-group" : "group", key: this.#keyOf(group), label: `Group of ${group.members[0].given_label}`,
      url: `${this.dataset.api}/groups/${isLeak ? "leaks/" : ""}decisions`, body: isLeak ? body : { group: group.name, ...body },
    });
    this.#session.decide(what, { of: sent.body.client_event_id, pairs: group.pairs.map((pair) => pair.id) });
    const gone = body.going.length;
    const staying = group.size - gone - (body.apart?.length ?? 0);
    this.#toast.done(gone ? "remove" : "keep", gone ? `${number(gone)} ${isLeak ? "to go" : "removed"}` : "all kept", gone ? `${number(staying)} of ${number(group.size)} ${staying === 1 ? "stays" : "stay"}` : isLeak ? "no leak" : "no duplicates", () => this.#step("undo"));
    this.#show();
    if (this.#session.left < 5) this.#fill();
    return undefined;
  }

  #keyOf(group) { return `${this.dataset.project}/${group.kind === "leak" ? "leak-group" : "group"}:${group.name}`; }

  async #chooseLabel(group) {
    const keeper = this.#session.keeper;
    const label = await this.querySelector("class-chooser").choose({ title: "Which label is right for the one that stays?", classes: readData("groups-data").classes, recent: [...new Set([...group.labels, ...this.#recent])], given: keeper.given_label });
    if (!label) return;
    this.#recent = [label, ...this.#recent.filter((name) => name !== label)].slice(0, 5);
    this.#session.relabel(label);
    this.#showGroup();
  }

  #step(kind) {
    const step = kind === "undo" ? this.#session.lastDone : this.#session.lastUndone;
    if (kind === "redo" && !step) return this.#toast.say("There is nothing to do again.");
    const group = step?.entry.group;
    if (kind === "redo" && group.kind === "leak") {
      this.#session.redo({ decided: false });
      this.#show();
      return this.#toast.say("This is the group: answer it again.");
    }
    if (kind === "undo") this.#session.undo();
    else this.#session.redo();
    if (group?.kind === "leak") {
      this.#outbox.add({ project: this.dataset.project, kind: "leak-group", key: this.#keyOf(group), label: "Undo", url: `${this.dataset.api}/groups/leaks/undo`, body: step.sent });
    } else {
      this.#outbox.add({ project: this.dataset.project, kind, key: `${this.dataset.project}/${kind}`, label: kind === "undo" ? "Undo" : "Redo", url: `${this.dataset.api}/reviews/${kind}`, body: {} });
    }
    this.#show();
    return this.#toast.say(kind === "undo" ? "Taken back." : "Done again.");
  }

  async #sent(entry, answer) {
    if (entry.kind === "leak-group") return this.#refresh(nameIn(entry), "leak").catch(() => {});
    const name = entry.kind === "group" ? entry.body.group : this.#session.groupOf(answer?.sample_ids?.[0]);
    return name ? this.#refresh(name).catch(() => {}) : undefined;
  }

  async #refresh(name, kind = "duplicate") {
    const page = await this.#ask({ name, show: "all", kind, differing: "false" });
    this.#session.update(page.groups.find((group) => group.name === name));
    const here = this.#session.current?.group;
    if (here?.name === name && here.kind === kind) this.#showGroup();
    this.#list();
  }

  #refused(entry) {
    if (!["group", "leak-group", "undo", "redo"].includes(entry.kind)) return;
    this.#outbox.drop(entry, "refused");
    const isStep = ["undo", "redo"].includes(entry.kind);
    this.#toast.problem(isStep ? `There is nothing to ${entry.kind}.` : entry.message);
    if (isStep) return;
    const [name, kind] = entry.kind === "group" ? [entry.body.group, "duplicate"] : [nameIn(entry), "leak"];
    this.#session.reopen(name, kind);
    this.#refresh(name, kind).catch(() => {});
    this.#show();
  }

  // Showing

  #show() {
    const entry = this.#session.current;
    this.classList.toggle("is-ended", !entry);
    const end = document.getElementById("groups-end");
    end.hidden = Boolean(entry);
    if (!entry) return this.#showEnd(end);
    this.#showGroup();
    this.#list();
    return undefined;
  }

  #showEnd(end) {
    const hasSome = this.#session.entries.length > 0;
    setText(part(end, "title"), this.#isAsking ? "Fetching groups…" : hasSome ? "No group is left" : "No group here");
    setText(part(end, "text"), this.#isAsking ? "" : hasSome ? "Every group of this view is decided." : this.dataset.show === "open"
      ? "Groups come from flags of duplicates, by a name or by reasons that name the other image, and from leak runs."
      : "Import a list of duplicates, or let a lead start a leak run first.");
    part(end, "back").hidden = !hasSome;
  }

  #showGroup() {
    const { group, outcome } = this.#session.current;
    const differs = group.labels.length > 1;
    const isLeak = group.kind === "leak";
    setText(document.getElementById("group-title"), `${isLeak ? (group.splits.length > 1 ? "leak › " : "copies inside a split › ") : "duplicates › "}${count(group.size, "image")}, ${group.splits.join(" and ")}${isLeak ? ` › ${pairWords(group.pairs)}` : ""}`);
    setText(document.getElementById("group-question"), differs ? "One picture, different labels: which one is right, and which image stays?" : isLeak ? "Are these the same shot? Which one stays?" : "Are these one picture? Which one stays?");
    for (const [what, words] of Object.entries(isLeak ? { near: "the same shot: the others go", none: "other pictures: no leak" } : { near: "near duplicates: the others go", none: "no duplicates: keep all" })) {
      const button = this.querySelector(`[data-decide="${what}"] .decision`);
      if (button) setText(button, words);
    }
    const labels = document.getElementById("group-labels");
    labels.hidden = !differs;
    const named = [...new Set([...group.labels, ...(this.#session.label ? [this.#session.label] : [])])];
    labels.replaceChildren(h("span", { class: "decision is-conflict" }, "labels differ"), ...named.map((label) =>
      h("button", { type: "button", class: "chip", "data-label": label, "aria-pressed": String(this.#session.label === label) }, label)));
    document.getElementById("group-members").replaceChildren(...group.members.map((member, index) => this.#member(member, index)));
    const rest = group.size - group.members.length;
    const more = document.getElementById("group-more");
    more.hidden = rest <= 0;
    more.replaceChildren(rest > 0 ? `${count(rest, "more image")} of this group: ` : "", isLeak ? h("a", { href: `${this.dataset.page}/leaks/pairs` }, "judge their pairs one by one")
      : h("a", { href: `${this.dataset.page}/grid?group=${encodeURIComponent(group.name)}` }, "decide them in the grid"));
    const done = document.getElementById("group-done");
    done.hidden = !outcome;
    done.replaceChildren(outcome ? decision(outcome === "none" ? "keep" : "remove", outcome === "none" ? "kept all" : "decided") : "", " Decide again to change it.");
    document.querySelector(`[data-member="${this.#session.at}"]`)?.scrollIntoView({ block: "nearest" });
  }

  #member(member, index) {
    const role = this.#session.roleOf(member);
    const differs = this.#session.current.group.labels.length > 1;
    const words = ROLES[role];
    const { group } = this.#session.current;
    const toggle = role === "staying" ? (group.kind === "leak" ? "Another picture" : "Goes") : TOGGLES[role];
    const size = member.width ? `${number(member.width)} × ${number(member.height)}` : "unreadable";
    return h("div", { class: `member is-${role}${index === this.#session.at ? " is-current" : ""}`, "data-member": index, "data-testid": "member", "data-role": role },
      h("img", { src: member.image_url, alt: `${member.given_label}, ${member.split}`, loading: "lazy", onload: (event) => event.target.classList.toggle("is-tiny", event.target.naturalWidth <= 64) }),
      h("div", { class: "member-words" },
        h("div", { class: "member-line" }, decision(words[0], words[1]), member.decision ? h("span", { class: "muted small" }, `now ${member.decision}`) : null),
        h("b", { class: differs ? "is-marked break" : "break" }, member.given_label),
        h("span", { class: "muted small break" }, `${member.split} · ${size} · ${bytes(member.bytes)} · sharpness ${number(Math.round(member.sharpness))}`),
        h("span", { class: "faint small break" }, member.key)),
      h("div", { class: "member-actions" },
        index < 9 ? h("kbd", {}, String(index + 1)) : null,
        h("button", { type: "button", class: "button is-small", "data-keeps": index, "aria-pressed": String(role === "keeper") }, "This one stays"),
        h("a", { class: "button is-small", href: `${this.dataset.page}/review/${member.id}`, ...(index === this.#session.at ? { "aria-keyshortcuts": "O", "data-key-label": "open this image: flicker, difference, evidence", "data-key-group": "picture" } : {}) }, "Open"),
        role === "keeper" ? null : h("button", { type: "button", class: "button is-small", "data-goes": index }, toggle)));
  }

  #list() {
    const { entries, place } = this.#session;
    const from = Math.max(0, place - 3);
    document.getElementById("group-strip").replaceChildren(...entries.slice(from, from + 14).map((entry, offset) => {
      const isHere = from + offset === place;
      return h("span", { class: "group-dot", "aria-current": isHere ? "true" : null },
        h("img", { src: entry.group.members[0].thumb_url, alt: "", width: 44, height: 44 }),
        entry.outcome ? decision(entry.outcome === "none" ? "keep" : "remove", "") : h("span", { class: "muted small" }, `×${entry.group.size}`));
    }));
  }
}

function nameIn(entry) { return entry.key.split("leak-group:").at(-1); }

/** What is known of a group's pairs: how sure the surest is, and how many are judged. */
function pairWords(pairs) {
  const surest = pairs.reduce((best, pair) => ((pair.score ?? -1) > (best?.score ?? -1) ? pair : best), null);
  const judged = pairs.filter((pair) => pair.verdict === "confirmed").length;
  return [`${count(pairs.length, "pair")}${judged ? `, ${number(judged)} confirmed` : ""}`, surest?.described].filter(Boolean).join(", ");
}

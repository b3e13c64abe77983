// <group-list data-api data-page data-project data-user data-can-review data-show data-differing data-name> around the parts of
// templates/pages/groups.html and <script type="application/json" id="groups-data">. One group at a time: which image stays,
// which go, one key for all of them, and the next group at once.
import { decision, h, part, readData, setText } from "../lib/dom.js";
import { bytes, count, number } from "../lib/format.js";
import { GroupSession } from "../lib/group_session.js";
import { request, withQuery } from "../lib/http.js";
import { isTyping } from "../lib/hotkeys.js";
import { outboxOf } from "../lib/outbox_shared.js";

const PAGE = 12;

export class GroupList extends HTMLElement {
  #session = new GroupSession(); #outbox; #cursor = ""; #isDry = false; #isAsking = false; #recent = []; #abort = new AbortController();

  connectedCallback() {
    this.#outbox = outboxOf(this.dataset.user);
    const on = (target, name, run) => target.addEventListener(name, run, { signal: this.#abort.signal });
    on(this, "click", (event) => this.#click(event.target));
    on(document, "keydown", (event) => this.#key(event));
    on(this.#outbox, "sent", ({ entry, answer }) => { if (entry.project === this.dataset.project) this.#sent(entry, answer); });
    on(this.#outbox, "refused", ({ entry }) => { if (entry.project === this.dataset.project) this.#refused(entry); });
    this.#fill(true);
  }

  disconnectedCallback() { this.#abort.abort(); }

  get #toast() { return document.getElementById("toast"); }

  async #fill(counting = false) {
    if (this.#isAsking || this.#isDry) return;
    this.#isAsking = true;
    try {
      const { show, differing, name } = this.dataset;
      const page = await request(withQuery(`${this.dataset.api}/groups`, { show, differing, name, cursor: this.#cursor, limit: PAGE, count: counting }), { timeout: 60_000 });
      this.#session.add(page.groups);
      this.#cursor = page.next_cursor;
      this.#isDry = page.next_cursor === null;
      if (page.total !== null) setText(document.getElementById("groups-count"), `${count(page.total, "group")}${page.differing ? `, ${number(page.differing)} with differing labels` : ""}`);
    } catch (error) {
      this.#toast.problem(`Groups could not be fetched: ${error.message}`);
      this.#isDry = true;
    } finally {
      this.#isAsking = false;
    }
    this.#show();
  }

  // Keys and clicks

  #key(event) {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target) || document.querySelector("dialog[open]")) return;
    if (!this.#session.current || (event.target !== document.body && !this.contains(event.target) && event.target.id !== "content")) return;
    const { key } = event;
    const isOnButton = Boolean(event.target.closest?.("button, a, summary"));
    if (key === "ArrowLeft" || key === "ArrowRight") this.#session.step(key === "ArrowRight" ? 1 : -1);
    else if (/^[1-9]$/.test(key)) { if (!this.#session.keep(Number(key) - 1)) return; }
    else if (key === "Enter" && !isOnButton) this.#session.keep(this.#session.at);
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
    if (keeps !== undefined) this.#session.keep(Number(keeps));
    else if (goes !== undefined) this.#session.toggle(Number(goes));
    else if (label !== undefined) this.#session.relabel(label || null);
    else if (decide) return this.#decide(decide);
    else if (move) return this.#move(move === "next" ? 1 : -1);
    else if (step) return this.#step(step);
    else return undefined;
    return this.#showGroup();
  }

  #move(step) {
    if (!this.#session.move(step)) return;
    this.#show();
    if (this.#session.left < 5) this.#fill();
  }

  // Deciding

  async #decide(what) {
    const { group } = this.#session.current ?? {};
    if (!group || this.dataset.canReview === "false") return undefined;
    if (what === "label") return this.#chooseLabel(group);
    if (what !== "none" && this.#session.needsLabel) return this.#toast.problem("The labels differ. Say which one is right: choose it above, or press L. Then decide.");
    if (what !== "none" && !this.#session.going.length) return this.#toast.problem("Nobody goes. Mark an image with Space, or press N when these are no duplicates.");
    const body = what === "none" ? this.#session.answer({ keepsAll: true }) : this.#session.answer({ tag: what === "exact" ? "duplicate_exact" : "duplicate_near" });
    this.#outbox.add({
      project: this.dataset.project, kind: "group", key: `${this.dataset.project}/group:${group.name}`, label: `Group of ${group.members[0].given_label}`,
      url: `${this.dataset.api}/groups/decisions`, body: { group: group.name, ...body },
    });
    this.#session.decide(what);
    const gone = body.going.length;
    this.#toast.done(gone ? "remove" : "keep", gone ? `${number(gone)} removed` : "all kept", gone ? `1 of ${number(group.size)} stays` : "no duplicates", () => this.#step("undo"));
    this.#show();
    if (this.#session.left < 5) this.#fill();
    return undefined;
  }

  async #chooseLabel(group) {
    const keeper = this.#session.keeper;
    const label = await this.querySelector("class-chooser").choose({ title: "Which label is right for the one that stays?", classes: readData("groups-data").classes, recent: [...new Set([...group.labels, ...this.#recent])], given: keeper.given_label });
    if (!label) return;
    this.#recent = [label, ...this.#recent.filter((name) => name !== label)].slice(0, 5);
    this.#session.relabel(label);
    this.#showGroup();
  }

  #step(kind) {
    const group = kind === "undo" ? this.#session.undo() : this.#session.redo();
    if (kind === "redo" && !group) return this.#toast.say("There is nothing to do again.");
    this.#outbox.add({ project: this.dataset.project, kind, key: `${this.dataset.project}/${kind}`, label: kind === "undo" ? "Undo" : "Redo", url: `${this.dataset.api}/reviews/${kind}`, body: {} });
    this.#show();
    return this.#toast.say(kind === "undo" ? "Taken back." : "Done again.");
  }

  async #sent(entry, answer) {
    const name = entry.kind === "group" ? entry.body.group : this.#session.groupOf(answer?.sample_ids?.[0]);
    if (name) await this.#refresh(name).catch(() => {});
  }

  async #refresh(name) {
    const page = await request(withQuery(`${this.dataset.api}/groups`, { name, show: "all" }), { timeout: 60_000 });
    this.#session.update(page.groups[0]);
    if (this.#session.current?.group.name === name) this.#showGroup();
    this.#list();
  }

  #refused(entry) {
    if (!["group", "undo", "redo"].includes(entry.kind)) return;
    this.#outbox.drop(entry, "refused");
    this.#toast.problem(entry.kind === "group" ? entry.message : `There is nothing to ${entry.kind}.`);
    if (entry.kind !== "group") return;
    this.#session.reopen(entry.body.group);
    this.#refresh(entry.body.group).catch(() => {});
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
    setText(part(end, "title"), this.#isAsking ? "Fetching groups…" : hasSome ? "No group is left" : "No group of duplicates here");
    setText(part(end, "text"), this.#isAsking ? "" : hasSome ? "Every group of this view is decided." : this.dataset.show === "open"
      ? "Groups come from flags of duplicates: an export that names groups, or reasons that name the other image."
      : "Import a list of duplicates first.");
    part(end, "back").hidden = !hasSome;
  }

  #showGroup() {
    const { group, outcome } = this.#session.current;
    const differs = group.labels.length > 1;
    setText(document.getElementById("group-title"), `${count(group.size, "image")}, ${group.splits.join(" and ")}`);
    setText(document.getElementById("group-question"), differs ? "One picture, different labels: which one is right, and which image stays?" : "Are these one picture? Which one stays?");
    const labels = document.getElementById("group-labels");
    labels.hidden = !differs;
    const named = [...new Set([...group.labels, ...(this.#session.label ? [this.#session.label] : [])])];
    labels.replaceChildren(h("span", { class: "decision is-conflict" }, "labels differ"), ...named.map((label) =>
      h("button", { type: "button", class: "chip", "data-label": label, "aria-pressed": String(this.#session.label === label) }, label)));
    document.getElementById("group-members").replaceChildren(...group.members.map((member, index) => this.#member(member, index)));
    const rest = group.size - group.members.length;
    const more = document.getElementById("group-more");
    more.hidden = rest <= 0;
    more.replaceChildren(rest > 0 ? `${count(rest, "more image")} of this group: ` : "", h("a", { href: `${this.dataset.page}/grid?group=${encodeURIComponent(group.name)}` }, "decide them in the grid"));
    const done = document.getElementById("group-done");
    done.hidden = !outcome;
    done.replaceChildren(outcome ? decision(outcome === "none" ? "keep" : "remove", outcome === "none" ? "kept all" : "decided") : "", " Decide again to change it.");
    document.querySelector(`[data-member="${this.#session.at}"]`)?.scrollIntoView({ block: "nearest" });
  }

  #member(member, index) {
    const role = this.#session.roleOf(member);
    const differs = this.#session.current.group.labels.length > 1;
    const words = { keeper: ["keep", "stays"], going: ["remove", "goes"], staying: ["keep", "stays too"] }[role];
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
        role === "keeper" ? null : h("button", { type: "button", class: "button is-small", "data-goes": index }, role === "going" ? "Stays too" : "Goes")));
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

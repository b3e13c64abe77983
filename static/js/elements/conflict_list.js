// <conflict-list data-api data-project data-user> around article.conflict[data-id][data-version][data-label] with buttons
// [data-decide], an input [data-part="note"] and [data-part="result"]; <class-chooser>; <script id="class-data">.
// One article is the current one: what has [data-key] in it is pressed by that key. Outside, buttons [data-step="1"] go to
// the next one and [data-reopen] takes the last decision back.
import { decision, h, part, readData } from "../lib/dom.js";
import { outboxOf } from "../lib/outbox_shared.js";

export class ConflictList extends HTMLElement {
  #outbox; #recent = []; #current = null; #settledHere = []; #abort = new AbortController();

  connectedCallback() {
    this.#outbox = outboxOf(this.dataset.user);
    const options = { signal: this.#abort.signal };
    document.addEventListener("click", (event) => this.#click(event.target.closest?.("button")), options);
    this.addEventListener("focusin", (event) => this.#choose(event.target.closest("article")), options);
    this.#outbox.addEventListener("sent", (event) => this.#sent(event.entry, event.answer), options);
    for (const name of ["refused", "conflict"]) this.#outbox.addEventListener(name, (event) => this.#failed(event.entry), options);
    this.#outbox.addEventListener("dropped", (event) => this.#show(this.#article(event.entry)), options);
    const wanted = location.hash ? this.querySelector(`#${CSS.escape(location.hash.slice(1))}`) : null;
    this.#choose(wanted ?? this.querySelector("article"));
  }

  disconnectedCallback() { this.#abort.abort(); }

  get #articles() { return [...this.querySelectorAll("article.conflict")]; }

  #click(button) {
    if (!button) return;
    if (button.dataset.decide && this.contains(button)) this.#decide(button.closest("article"), button.dataset.decide, button.dataset.to || null);
    else if (button.dataset.step) this.#move(Number(button.dataset.step));
    else if ("reopen" in button.dataset) this.#reopen();
  }

  /** Makes an article the one that keys work on. */
  #choose(article) {
    if (!article || article === this.#current) return;
    for (const [of, isOn] of [[this.#current, false], [article, true]]) {
      of?.classList.toggle("is-current", isOn);
      of?.setAttribute("aria-current", String(isOn));
      for (const control of of?.querySelectorAll("[data-key]") ?? []) {
        if (isOn) control.setAttribute("aria-keyshortcuts", control.dataset.key);
        else control.removeAttribute("aria-keyshortcuts");
      }
    }
    this.#current = article;
  }

  #goTo(article) {
    if (!article) return;
    this.#choose(article);
    article.focus({ preventScroll: true });
    article.scrollIntoView({ block: "nearest" });
  }

  #move(step) {
    const articles = this.#articles;
    this.#goTo(articles[articles.indexOf(this.#current) + step]);
  }

  async #decide(article, what, to) {
    let label = to;
    if (what === "relabel" && !label) {
      label = await this.querySelector("class-chooser").choose({ classes: readData("class-data"), recent: this.#recent, given: article.dataset.label });
      if (!label) return;
      this.#recent = [label, ...this.#recent.filter((name) => name !== label)].slice(0, 5);
    }
    article.dataset.decided = what;
    article.dataset.to = label ?? "";
    this.#say(article, "Sending", what, label);
    this.#settledHere.push(article);
    this.#send(article, what, label, part(article, "note").value.trim());
    article.classList.add("is-settled");
    this.#show(article);
    this.#goTo(this.#articles.slice(this.#articles.indexOf(article) + 1).find((other) => !other.classList.contains("is-settled")) ?? article);
  }

  #send(article, what, label, note) {
    const { id, version } = article.dataset;
    this.#outbox.add({
      project: this.dataset.project, kind: "adjudication", key: `${this.dataset.project}/adjudication:${id}`, label: article.dataset.label,
      url: `${this.dataset.api}/samples/${id}/adjudication`,
      body: { base_version: Number(version), decision: what, new_label: label, tags: [], note },
    });
  }

  /** A settling answer without a decision: the sample is a conflict again, and the history says why. */
  #reopen() {
    const article = this.#settledHere.pop();
    if (!article) return;
    article.classList.remove("is-settled");
    article.dataset.decided = "";
    this.#send(article, null, null, "");
    part(article, "result").replaceChildren("Taken back: it is open again.");
    this.#show(article);
    this.#goTo(article);
  }

  #article(entry) {
    if (entry.kind !== "adjudication" || entry.project !== this.dataset.project) return null;
    return this.querySelector(`[data-id="${CSS.escape(entry.key.split(":").at(-1))}"]`);
  }

  #sent(entry, answer) {
    const article = this.#article(entry);
    if (!article) return;
    if (answer?.version !== undefined) article.dataset.version = String(answer.version);
    if (entry.body.decision && article.dataset.decided === entry.body.decision) this.#say(article, "Settled:", article.dataset.decided, article.dataset.to);
  }

  #failed(entry) {
    const article = this.#article(entry);
    if (!article) return;
    this.#settledHere = this.#settledHere.filter((other) => other !== article);
    article.classList.remove("is-settled");
    part(article, "result").replaceChildren(h("span", { class: "decision is-failed" }, "not stored"), ` ${entry.message ?? ""} See the line on top of the page.`);
  }

  /** What was settled can't be settled again by the same key; taking it back comes first. */
  #show(article) {
    const actions = article && part(article, "actions");
    if (actions) for (const control of actions.querySelectorAll("button, input")) control.disabled = article.classList.contains("is-settled");
  }

  #say(article, word, what, label) {
    const result = part(article, "result");
    result.hidden = false;
    result.replaceChildren(`${word} `, decision(what), label ? ` ${label}` : "");
  }
}

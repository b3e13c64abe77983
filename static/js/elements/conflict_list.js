// <conflict-list data-api data-project data-user> around article.conflict[data-id][data-version][data-label] with buttons
// [data-decide], an input [data-part="note"] and [data-part="result"]; <class-chooser>; <script id="class-data">.
import { decision, h, part, readData } from "../lib/dom.js";
import { outboxOf } from "../lib/outbox_shared.js";

export class ConflictList extends HTMLElement {
  #outbox; #recent = []; #abort = new AbortController();

  connectedCallback() {
    this.#outbox = outboxOf(this.dataset.user);
    const options = { signal: this.#abort.signal };
    this.addEventListener("click", (event) => {
      const button = event.target.closest("button[data-decide]");
      if (button) this.#decide(button.closest("article"), button.dataset.decide, button.dataset.to ?? null);
    }, options);
    this.#outbox.addEventListener("sent", (event) => this.#settled(event.entry), options);
    for (const name of ["refused", "conflict"]) this.#outbox.addEventListener(name, (event) => this.#failed(event.entry), options);
    this.#outbox.addEventListener("dropped", (event) => this.#open(event.entry), options);
  }

  disconnectedCallback() { this.#abort.abort(); }

  async #decide(article, what, to) {
    let label = to;
    if (what === "relabel" && !label) {
      label = await this.querySelector("class-chooser").choose({ classes: readData("class-data"), recent: this.#recent, given: article.dataset.label });
      if (!label) return;
      this.#recent = [label, ...this.#recent.filter((name) => name !== label)].slice(0, 5);
    }
    const { id, version } = article.dataset;
    article.dataset.decided = what;
    article.dataset.to = label ?? "";
    this.#say(article, "Sending", what, label);
    this.#outbox.add({
      project: this.dataset.project, kind: "adjudication", key: `${this.dataset.project}/adjudication:${id}`, label: article.dataset.label,
      url: `${this.dataset.api}/samples/${id}/adjudication`,
      body: { base_version: Number(version), decision: what, new_label: label, tags: [], note: part(article, "note").value.trim() },
    });
  }

  #article(entry) {
    if (entry.kind !== "adjudication" || entry.project !== this.dataset.project) return null;
    return this.querySelector(`[data-id="${CSS.escape(entry.key.split(":").at(-1))}"]`);
  }

  #settled(entry) {
    const article = this.#article(entry);
    if (!article) return;
    article.classList.add("is-settled");
    this.#say(article, "Settled:", article.dataset.decided, article.dataset.to);
    this.#open(entry);
    article.nextElementSibling?.querySelector("button[data-decide]")?.focus();
  }

  #failed(entry) {
    const article = this.#article(entry);
    if (!article) return;
    part(article, "result").replaceChildren(h("span", { class: "decision is-failed" }, "not stored"), ` ${entry.message ?? ""} See the line on top of the page.`);
  }

  #open(entry) {
    const article = this.#article(entry);
    const actions = article && part(article, "actions");
    if (actions) for (const control of actions.querySelectorAll("button, input")) control.disabled = article.classList.contains("is-settled");
  }

  #say(article, word, what, label) {
    const result = part(article, "result");
    result.hidden = false;
    result.replaceChildren(`${word} `, decision(what), label ? ` ${label}` : "");
  }
}

// <sample-comments class="evidence" id="comments" data-api="/api/v1/projects/…" data-members='["alice"]' data-user="bob" hidden>
// The comments on a sample, and a field for one more: Ctrl+Enter posts, Tab completes @name. What is typed is kept by sample.
import { h, part } from "../lib/dom.js";
import { request } from "../lib/http.js";
import { complete, matching } from "../lib/mentions.js";
import { uuid } from "../lib/uuid.js";

export class SampleComments extends HTMLElement {
  #card = null; #drafts = new Map(); #seen = new Set(); #members = []; #sending = null;

  connectedCallback() {
    this.#members = JSON.parse(this.dataset.members ?? "[]").filter((name) => name !== this.dataset.user);
    this.replaceChildren(
      h("div", { class: "panel-head" }, h("h3", {}, h("label", { for: "comment" }, "Comments")),
        h("button", { class: "key-hint", type: "button", "data-focus": "#comment", "aria-keyshortcuts": "R", "data-key-label": "comments", "data-key-group": "write", "aria-label": "Go to the comments" }, h("kbd", {}, "R"))),
      h("ul", { class: "comments", "data-part": "list", "data-testid": "comment-list" }),
      h("textarea", { class: "textarea note-field", id: "comment", rows: 2, maxlength: 4000, dir: "auto", placeholder: "Say something; @name tells somebody", "aria-describedby": "comment-hint", "data-testid": "comment",
        oninput: () => this.#typed(), onkeydown: (event) => this.#key(event) }),
      h("p", { class: "muted small", id: "comment-hint", "data-part": "hint", "aria-live": "polite" }),
      h("div", { class: "actions is-tight" }, h("button", { class: "button is-small", type: "button", "data-part": "post", onclick: () => this.#post() }, "Comment ", h("kbd", {}, "Ctrl"), h("kbd", {}, "Enter")), h("span", { class: "small", role: "status", "data-part": "status" })));
    this.#hint();
  }

  show(card) {
    this.#card = card;
    this.hidden = false;
    this.#field.value = this.#drafts.get(card.id) ?? "";
    this.#say("");
    this.#hint();
    this.#list(card.comments);
    // Hidden when the card was made, because one's own answer was not in yet: now it is.
    if (card.comments === null && card.review?.status === "submitted") this.#refresh(card);
  }

  /** Brings the comments into view, for who followed a link to them. */
  reveal() {
    this.scrollIntoView({ block: "nearest" });
    this.#field.focus();
  }

  get #field() { return this.querySelector("textarea"); }

  #say(text, isProblem = false) {
    part(this, "status").replaceChildren(isProblem ? h("span", { class: "decision is-failed" }, text) : text);
  }

  #list(comments) {
    const list = part(this, "list");
    if (comments === null) return list.replaceChildren(h("li", { class: "muted" }, "Comments of others show once your answer is in."));
    list.replaceChildren(...comments.map((comment) => this.#item(comment)));
    if (comments.some((comment) => comment.names_me)) this.#noteSeen(this.#card.id);
    return undefined;
  }

  #item(comment) {
    const head = h("span", { class: "comment-head" }, h("b", { title: comment.author }, h("bdi", {}, comment.display_name || comment.author)), h("time", { class: "muted", datetime: comment.at }, when(comment.at)),
      comment.names_me && h("span", { class: "decision is-running" }, "names you"),
      comment.is_mine && comment.text !== null && h("button", { class: "link-button", type: "button", onclick: () => this.#withdraw(comment) }, "take back"));
    const text = comment.text === null ? h("p", { class: "muted" }, "taken back") : h("p", { class: "comment-text", dir: "auto" }, comment.text);
    return h("li", { class: "comment" }, head, text);
  }

  #typed() {
    if (this.#card) this.#drafts.set(this.#card.id, this.#field.value);
    this.#hint();
  }

  #hint() {
    const field = this.#field;
    const found = matching(field.value.slice(0, field.selectionStart), this.#members);
    part(this, "hint").replaceChildren(...(found.length ? [h("kbd", {}, "Tab"), ` ${found.slice(0, 4).map((name) => `@${name}`).join(", ")}`] : []));
    part(this, "post").disabled = this.#sending !== null || !field.value.trim();
  }

  #key(event) {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      this.#post();
    } else if (event.key === "Tab" && !event.shiftKey) {
      const field = this.#field;
      const done = complete(field.value, field.selectionStart, this.#members);
      if (!done) return;
      event.preventDefault();
      field.value = done.text;
      field.setSelectionRange(done.caret, done.caret);
      this.#typed();
    }
  }

  async #post() {
    const card = this.#card;
    const text = this.#field.value.trim();
    if (!text || this.#sending) return;
    // The same id again after a failure: a comment that did arrive is not kept twice.
    this.#sending = { id: card.commentId ??= uuid() };
    this.#say("Sending");
    try {
      const answer = await request(`${this.dataset.api}/samples/${card.id}/comments`, { method: "POST", body: { client_event_id: this.#sending.id, text } });
      card.commentId = undefined;
      card.comments = answer.items;
      this.#drafts.delete(card.id);
      this.#sending = null;
      if (this.#card === card) {
        this.show(card);
        this.#say("Posted");
      }
    } catch (error) {
      this.#sending = null;
      if (error.kind === "refused") card.commentId = undefined;
      if (this.#card === card) this.#say(`Not posted. ${error.message}`, true);
    }
    this.#hint();
  }

  async #withdraw(comment) {
    try {
      await request(`${this.dataset.api}/comments/${comment.id}/withdraw`, { method: "POST", body: {} });
      await this.#refresh(this.#card);
      this.#field.focus();
    } catch (error) {
      this.#say(`Not taken back. ${error.message}`, true);
    }
  }

  async #refresh(card) {
    const answer = await request(`${this.dataset.api}/samples/${card.id}/comments`).catch(() => null);
    if (!answer) return;
    card.comments = answer.items;
    if (this.#card === card) this.#list(card.comments);
  }

  #noteSeen(id) {
    if (this.#seen.has(id)) return;
    this.#seen.add(id);
    request(`${this.dataset.api}/samples/${id}/comments/read`, { method: "POST", body: {} }).catch(() => this.#seen.delete(id));
  }
}

function when(at) {
  const date = new Date(at);
  return Number.isNaN(date.getTime()) ? String(at) : date.toLocaleString("en-GB", { dateStyle: "short", timeStyle: "short" });
}

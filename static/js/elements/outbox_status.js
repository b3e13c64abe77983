// <outbox-status data-user="alice"></outbox-status>  What has not reached the server yet, and what to do about it. On every page.
import { h } from "../lib/dom.js";
import { count } from "../lib/format.js";
import { outboxOf, unsentOfOthers } from "../lib/outbox_shared.js";

/** Below this, sending is just under way. */
const MANY = 8;

export class OutboxStatus extends HTMLElement {
  #outbox; #onChange = () => this.#render();
  // Signed in again in another tab: what waits can go.
  #onFocus = () => { if (this.#outbox.isSignedOut) this.#outbox.signedInAgain(); };

  connectedCallback() {
    this.#outbox = outboxOf(this.dataset.user);
    this.#outbox.addEventListener("change", this.#onChange);
    addEventListener("focus", this.#onFocus);
    this.#render();
    this.#outbox.kick();
  }

  disconnectedCallback() {
    removeEventListener("focus", this.#onFocus);
    this.#outbox.removeEventListener("change", this.#onChange);
  }

  #render() {
    const notices = [this.#waiting(), ...this.#outbox.stuck.map((entry) => this.#stuck(entry)), ...this.#others()].filter(Boolean);
    if (!notices.length) {
      if (this.childElementCount) this.replaceChildren();
      return;
    }
    this.replaceChildren(h("div", { class: "outbox", role: "status" }, notices));
  }

  #waiting() {
    const waiting = this.#outbox.waiting;
    if (!waiting.length) return null;
    const what = count(waiting.length, "decision");
    if (this.#outbox.isSignedOut) {
      const next = encodeURIComponent(location.pathname + location.search);
      return notice("is-warning", `You are signed out. ${what} ${waiting.length === 1 ? "is" : "are"} kept in this browser and will be sent when you are back.`,
        h("a", { class: "button is-small", href: `/sign-in?next=${next}` }, "Sign in again"));
    }
    if (!this.#outbox.isKept) return notice("is-error", `This browser cannot keep decisions: do not close the page until ${what} ${waiting.length === 1 ? "has" : "have"} been sent.`, this.#again());
    const failing = waiting.find((entry) => entry.attempts > 0);
    if (failing) return notice("is-warning", `${what} ${waiting.length === 1 ? "waits" : "wait"} to be sent. ${failing.message ?? ""} Winnow keeps trying; you can go on.`, this.#again());
    return waiting.length >= MANY ? notice("is-info", `Sending ${what}…`) : null;
  }

  #again() {
    return h("button", { type: "button", class: "button is-small", onclick: () => this.#outbox.kick() }, "Try now");
  }

  #stuck(entry) {
    if (entry.state === "conflict") {
      const theirs = entry.current.decision ?? entry.current.verdict ?? "uncertain";
      const who = entry.seen ? `${entry.current.reviewer} answered this while you had it open:` : "this was changed elsewhere in the meantime, to";
      return notice("is-warning", `${entry.label}: ${who} ${theirs}${entry.current.new_label ? ` ${entry.current.new_label}` : ""}. Yours is ${entry.body.decision ?? (entry.body.answers?.length ? "along the questions" : "another")}${entry.body.new_label ? ` ${entry.body.new_label}` : ""}.`,
        h("button", { type: "button", class: "button is-small", "data-testid": "keep-mine", onclick: () => this.#outbox.keepMine(entry) }, "Keep mine"),
        h("button", { type: "button", class: "button is-small", "data-testid": "take-theirs", onclick: () => this.#outbox.takeTheirs(entry) }, `Take ${theirs}`));
    }
    return notice("is-error", `${entry.label}: not stored. ${entry.message ?? ""}`,
      h("button", { type: "button", class: "button is-small", onclick: () => this.#outbox.retry(entry) }, "Try again"),
      h("button", { type: "button", class: "button is-small", onclick: () => this.#outbox.drop(entry) }, "Discard"));
  }

  #others() {
    return Object.entries(unsentOfOthers(this.dataset.user)).map(([user, many]) =>
      notice("is-info", `${count(many, "decision")} of ${user} ${many === 1 ? "waits" : "wait"} in this browser, to be sent when ${user} signs in here.`));
  }
}

function notice(look, text, ...actions) {
  return h("div", { class: `notice ${look}` }, h("span", { class: "notice-text" }, text), h("span", { class: "actions" }, actions));
}

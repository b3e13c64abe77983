// <job-progress data-url="/api/v1/jobs/7" data-state="running" [data-reload]> with parts title, state, actions[data-cancel-url],
// bar, detail, error: drawn by the server, kept up to date here every second. data-reload: the page changes when it ends.
import { part, h, setText } from "../lib/dom.js";
import { count, duration, number, rate } from "../lib/format.js";
import { request } from "../lib/http.js";

const EVERY = 1000;
const LOOK = { queued: "waiting", running: "running", done: "done", done_with_errors: "warning", failed: "failed", cancelled: "skipped" };

export function isOver(state) {
  return !["queued", "running"].includes(state);
}

export function describeJob(job) {
  const parts = [];
  if (job.stage) parts.push(job.stage);
  if (job.total) parts.push(`${number(job.done ?? 0)} of ${number(job.total)}`);
  else if (job.done) parts.push(number(job.done));
  if (job.rate) parts.push(`${rate(job.rate)} a second`);
  if (job.state === "running" && job.seconds_left !== null && job.seconds_left !== undefined) parts.push(`${duration(job.seconds_left)} left`);
  if (job.problems) parts.push(count(job.problems, "problem"));
  return parts.join(", ");
}

export class JobProgress extends HTMLElement {
  #timer = null; #failures = 0;

  connectedCallback() {
    if (!isOver(this.dataset.state)) {
      this.#showCancel(part(this, "actions")?.dataset.cancelUrl);
      this.#poll();
    }
  }

  disconnectedCallback() { clearTimeout(this.#timer); }

  async #poll() {
    try {
      const job = await request(this.dataset.url);
      this.#failures = 0;
      this.#show(job);
      if (isOver(job.state)) {
        if (this.hasAttribute("data-reload")) location.reload();
        return;
      }
    } catch (error) {
      this.#failures += 1;
      if (error.kind === "signed-out" || error.kind === "refused") return this.#say(error.message);
      if (this.#failures > 2) this.#say("The server does not answer; what is shown may be old.");
    }
    this.#timer = setTimeout(() => this.#poll(), document.hidden ? EVERY * 5 : EVERY * Math.min(10, 1 + this.#failures));
  }

  #show(job) {
    this.dataset.state = job.state;
    part(this, "state")?.replaceChildren(h("span", { class: `decision is-${LOOK[job.state] ?? "waiting"}` }, job.state.replaceAll("_", " ")));
    const bar = part(this, "bar");
    if (bar && job.total) {
      bar.max = job.total;
      bar.value = job.done ?? 0;
    }
    if (bar && isOver(job.state)) bar.hidden = true;
    setText(part(this, "detail"), describeJob(job));
    this.#say(job.error ?? "");
    this.#showCancel(isOver(job.state) ? null : job.cancel_url);
  }

  #say(text) {
    const error = part(this, "error");
    if (!error) return;
    setText(error, text);
    error.hidden = !text;
  }

  #showCancel(url) {
    const actions = part(this, "actions");
    if (!actions) return;
    if (!url) return actions.replaceChildren();
    if (actions.childElementCount) return;
    const button = h("button", { type: "button", class: "button is-small", "data-testid": "cancel-job" }, "Cancel");
    button.addEventListener("click", async () => {
      button.disabled = true;
      button.textContent = "Cancelling…";
      try {
        await request(url, { method: "POST", body: {} });
      } catch (error) {
        button.disabled = false;
        button.textContent = "Cancel";
        this.#say(error.message);
      }
    });
    actions.replaceChildren(button);
  }
}

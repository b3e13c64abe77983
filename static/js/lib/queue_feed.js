// Keeps samples coming before they are needed, gives back what was not used, and says how far one is.
// Events: 'more' when samples have arrived (or none are left).
import { part, setText } from "./dom.js";
import { count, duration, number } from "./format.js";
import { request, withQuery } from "./http.js";
import { Pace } from "./timing.js";

const BATCH = 6;
const LOW = 5;
const TRY_AGAIN = 3000;
// How far the view is takes the server longest to say; in between the page counts its own decisions.
const COUNT_EVERY = 30_000;

/** Why what is still open in a view is not for this reviewer. */
export function describeRest(remaining, { skipped, answered }) {
  const held = Math.max(0, remaining - skipped - answered);
  const parts = [];
  if (answered) parts.push(`${count(answered, "sample")} ${answered === 1 ? "has" : "have"} your answer and ${answered === 1 ? "waits" : "wait"} for another reviewer's.`);
  if (skipped) parts.push(`You skipped ${number(skipped)}: go back to ${skipped === 1 ? "it" : "them"} from the list of samples, or leave ${skipped === 1 ? "it" : "them"} to others.`);
  if (held) parts.push(`${count(held, "sample")} ${held === 1 ? "is" : "are"} on other reviewers' screens; what they leave comes back within 10 minutes.`);
  return parts.join(" ");
}

export class QueueFeed extends EventTarget {
  #api; #filters; #session; #sync; #progress; #isAsking = false; #isDry = false; #problem = null; #timer = null; #pace = new Pace();
  #counts = { decided: 0, total: 0, remaining: 0, per_minute: null }; #steps = 0; #countedAt = -Infinity; #mine = { skipped: 0, answered: 0 }; #onHide;

  constructor({ api, filters, session, sync, progress }) {
    super();
    this.#api = api;
    this.#filters = filters;
    this.#session = session;
    this.#sync = sync;
    this.#progress = progress;
    // What was reserved and not decided goes back to the others at once.
    this.#onHide = () => { fetch(`${this.#api}/queue`, { method: "DELETE", keepalive: true, credentials: "same-origin" }).catch(() => {}); };
    addEventListener("pagehide", this.#onHide);
  }

  disconnect() {
    clearTimeout(this.#timer);
    removeEventListener("pagehide", this.#onHide);
  }

  /**
   * Takes in a QueueAnswer; returns how many samples were new. What it says of decisions counts only when none was on
   * its way meanwhile (`isSettled`): otherwise the figure would jump back and forth.
   */
  take(answer, isSettled = true) {
    const unsent = new Set(this.#sync.unsentIds);
    const fresh = this.#session.add(answer.items.filter((card) => !unsent.has(card.id)));
    this.#isDry = answer.items.length === 0;
    this.#problem = null;
    this.#takeCounts(answer, unsent, isSettled);
    this.refresh();
    return fresh;
  }

  #takeCounts(answer, unsent, isSettled) {
    const { total, per_minute } = answer;
    if (total === null) return;
    this.#mine = { skipped: answer.skipped, answered: answer.answered };
    this.#countedAt = performance.now();
    if (isSettled) this.#counts = { total, per_minute, decided: answer.decided + unsent.size, remaining: Math.max(0, answer.remaining - unsent.size) };
    else this.#counts = { ...this.#counts, total, per_minute };
  }

  /** Asks for more when few are left. */
  async fill() {
    if (this.#isAsking || this.#isDry || this.#session.ahead.length >= LOW) return;
    this.#isAsking = true;
    const before = this.#sync.unsentIds.length ? null : this.#steps;
    try {
      const exclude = [...new Set([...this.#session.undecidedIds, ...this.#sync.unsentIds])].join(",");
      const counts = performance.now() - this.#countedAt > COUNT_EVERY;
      const answer = await request(withQuery(`${this.#api}/queue`, { count: BATCH, counts, ...this.#filters, exclude }));
      const fresh = this.take(answer, before === this.#steps);
      this.#isAsking = false;
      if (!fresh) this.#isDry = true;
      this.#emitMore();
    } catch (error) {
      this.#isAsking = false;
      this.#problem = error;
      if (error.kind === "signed-out" || error.kind === "refused" || error.kind === "conflict") this.#isDry = true;
      else this.#timer = setTimeout(() => this.fill(), TRY_AGAIN);
      this.#emitMore();
    }
  }

  lookAgain() {
    this.#isDry = false;
    this.#problem = null;
    return this.fill();
  }

  decided(entry, outcome) {
    this.#steps += 1;
    if (outcome.decision === "skipped") return;
    this.#pace.add(performance.now());
    if (!entry.outcome || entry.outcome.decision === "skipped") this.#count(1);
    this.refresh();
  }

  redone(step) {
    this.#steps += 1;
    this.#pace.add(performance.now());
    if (!step.before && step.after.decision !== "skipped") this.#count(1);
    this.refresh();
  }

  takenBack(step) {
    this.#steps += 1;
    this.#pace.takeBack();
    if (!step.before && step.after.decision !== "skipped") this.#count(-1);
    this.refresh();
  }

  refresh() {
    const { total } = this.#counts;
    const decided = Math.min(this.#counts.decided, total);
    const progress = this.#progress;
    if (!progress) return;
    progress.hidden = !total;
    setText(part(progress, "decided"), number(decided));
    setText(part(progress, "total"), number(total));
    const bar = part(progress, "bar");
    bar.max = Math.max(1, total);
    bar.value = decided;
    setText(part(progress, "pace"), this.#paceText());
  }

  /** What to do when nothing is left. */
  showEnd(end) {
    const isFiltered = Object.values(this.#filters).some((value) => value !== null && value !== undefined && value !== "");
    const isWaiting = this.#isAsking || !this.#isDry;
    const { title, text } = this.#endText(isFiltered, isWaiting);
    setText(part(end, "title"), title);
    setText(part(end, "text"), text);
    part(end, "clear").hidden = !isFiltered;
    part(end, "sign-in").hidden = this.#problem?.kind !== "signed-out";
    part(end, "sign-in").href = `/sign-in?next=${encodeURIComponent(location.pathname + location.search)}`;
    const toImport = part(end, "import");
    if (toImport) toImport.hidden = this.#counts.total > 0 || Boolean(this.#problem);
    part(end, "back").hidden = this.#session.entries.length === 0;
    part(end, "actions").hidden = isWaiting && !this.#problem;
  }

  #endText(isFiltered, isWaiting) {
    if (this.#problem?.kind === "signed-out") return { title: "You are signed out", text: "Sign in again to go on. What you decided is kept and will be sent." };
    if (this.#problem) return { title: "The next samples could not be fetched", text: `${this.#problem.message} ${isWaiting ? "Winnow keeps trying." : ""}` };
    if (isWaiting) return { title: "Fetching the next samples…", text: "" };
    if (this.#counts.remaining > 0) return { title: "Nothing left for you right now", text: describeRest(this.#counts.remaining, this.#mine) };
    if (isFiltered) return { title: "This view is done", text: "Every sample that fits these filters is decided. Clear them to go on with the rest." };
    if (!this.#counts.total) return { title: "Nothing to review yet", text: "Samples come here once a lead imports what a detector flagged." };
    return { title: "All done", text: "Every flagged sample has your answer. Leak pairs and conflicts are what is left before a version can be frozen." };
  }

  #count(step) {
    const { decided, remaining } = this.#counts;
    this.#counts = { ...this.#counts, decided: Math.max(0, decided + step), remaining: Math.max(0, remaining - step) };
  }

  #paceText() {
    const { decided, total, per_minute: before } = this.#counts;
    const perMinute = this.#pace.perMinute ?? before;
    if (!perMinute) return "";
    const left = Math.max(0, total - decided);
    if (!left) return "";
    return `${number(Math.round(perMinute))} a minute, ${duration((left / perMinute) * 60)} left`;
  }

  #emitMore() { this.dispatchEvent(new Event("more")); }
}

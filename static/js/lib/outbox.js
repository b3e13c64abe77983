// Decisions on their way to the server. Each gets its id before the first attempt, is kept in the browser until the
// server has answered, is sent in order, and again after a failure: the server answers the same id the same way.
//
// An entry: {seq, user, project, kind, key, label, url, body: {client_event_id, ...}, state, attempts, message, current}
// state: 'waiting' | 'conflict' (somebody saved in between: keep mine or take theirs) | 'refused' (says why).
// Events: 'change'; 'sent' {entry, answer}; 'conflict', 'refused' {entry}; 'dropped' {entry, why}.

import { RequestError, request } from "./http.js";
import { uuid } from "./uuid.js";

const FIRST_WAIT = 1000;
const LONGEST_WAIT = 30_000;

export function backoff(attempts, random = Math.random) {
  const wait = Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** Math.max(0, attempts - 1));
  return Math.round(wait * (0.75 + random() * 0.5));
}

/** What an answer says about versions: {key, version, seen}, for the next change to the same thing. */
export function versionAfter(entry, answer) {
  if (entry.kind === "review") return { key: entry.key, version: answer?.review?.version, seen: answer?.state_version };
  if (entry.kind === "adjudication") return { key: entry.key, version: answer?.review?.version ?? answer?.version };
  if (entry.kind === "verdict") return { key: entry.key, version: answer?.version };
  if (answer?.sample) return { key: `${entry.project}/sample:${answer.sample.id}`, version: answer.sample.review?.version ?? 0, seen: answer.sample.version };
  return { key: null, version: undefined };
}

export class Outbox extends EventTarget {
  #entries; #store; #send; #isSending = false; #timer = null; #counter = 0; #setTimer; #clearTimer; #now;

  constructor({ user, store, send = request, setTimer = (f, ms) => setTimeout(f, ms), clearTimer = (t) => clearTimeout(t), now = () => Date.now() }) {
    super();
    this.user = user;
    this.isSignedOut = false;
    this.isKept = true;
    this.#store = store;
    this.#send = send;
    this.#setTimer = setTimer;
    this.#clearTimer = clearTimer;
    this.#now = now;
    this.#entries = store.load(user);
  }

  get entries() { return this.#entries; }
  get waiting() { return this.#entries.filter((entry) => entry.state === "waiting"); }
  get stuck() { return this.#entries.filter((entry) => entry.state !== "waiting"); }

  /** Keeps it, then sends it in the background. Returns the entry. */
  add({ project, kind, key, label = "", url, body }) {
    this.#counter += 1;
    const seq = `${String(this.#now()).padStart(15, "0")}-${String(this.#counter).padStart(6, "0")}-${uuid().slice(0, 8)}`;
    const entry = {
      seq, user: this.user, project, kind, key, label, url, body: { client_event_id: uuid(), ...body },
      state: "waiting", attempts: 0, message: null, current: null,
    };
    this.isKept = this.#store.save(entry);
    this.#entries.push(entry);
    this.#changed();
    this.kick();
    return entry;
  }

  /** Sends what waits, now. */
  kick() {
    this.#clearTimer(this.#timer);
    this.#timer = null;
    return this.#drain();
  }

  signedInAgain() {
    this.isSignedOut = false;
    return this.kick();
  }

  keepMine(entry) {
    // A new id: the old one stands for an answer that was refused.
    const own = entry.current?.reviewer === this.user || !entry.seen;
    entry.body = { ...entry.body, client_event_id: uuid(), base_version: own ? entry.current?.version ?? entry.body.base_version : entry.body.base_version };
    if (entry.seen) entry.body.seen_version = entry.seen;
    return this.retry(entry);
  }

  takeTheirs(entry) { this.drop(entry, "theirs"); }

  retry(entry) {
    Object.assign(entry, { state: "waiting", attempts: 0, message: null, current: null, seen: null });
    this.#store.save(entry);
    this.#changed();
    return this.kick();
  }

  drop(entry, why = "discarded") {
    this.#remove(entry);
    this.#emit("dropped", { entry, why });
    this.#changed();
    this.kick();
  }

  async #drain() {
    if (this.#isSending) return;
    this.#isSending = true;
    try {
      for (let entry = this.#next(); entry; entry = this.#next()) {
        if (!(await this.#deliver(entry))) return;
      }
    } finally {
      this.#isSending = false;
    }
  }

  /** The oldest that waits and is not behind something stuck on the same thing. */
  #next() {
    if (this.isSignedOut) return null;
    const blocked = new Set();
    for (const entry of this.#entries) {
      if (entry.state !== "waiting") blocked.add(entry.key);
      else if (!blocked.has(entry.key)) return entry;
    }
    return null;
  }

  /** Whether to go on with the next one. */
  async #deliver(entry) {
    if (this.isKept && !this.#store.has(entry)) {
      // Another tab has delivered it in the meantime.
      this.#remove(entry);
      this.#changed();
      return true;
    }
    try {
      const answer = await this.#send(entry.url, { method: "POST", body: entry.body, keepalive: true });
      this.#remove(entry);
      this.#passOn(versionAfter(entry, answer));
      this.#passOnSeen(entry, answer?.versions);
      this.#emit("sent", { entry, answer });
      this.#changed();
      return true;
    } catch (error) {
      return this.#failed(entry, error);
    }
  }

  #failed(entry, error) {
    if (!(error instanceof RequestError)) throw error;
    entry.attempts += 1;
    entry.message = error.message;
    if (error.kind === "signed-out") {
      this.isSignedOut = true;
    } else if (error.kind === "conflict" && error.details?.current) {
      // `seen`: somebody else answered, and this is the version of the sample that has their answer.
      Object.assign(entry, { state: "conflict", current: error.details.current, seen: error.details.seen_version ?? null });
    } else if (error.kind === "conflict" || error.kind === "refused") {
      entry.state = "refused";
      entry.code = error.code;
    } else {
      const wait = error.retryAfter ?? backoff(entry.attempts);
      this.#timer = this.#setTimer(() => this.kick(), wait);
    }
    this.#store.save(entry);
    if (entry.state !== "waiting") this.#emit(entry.state, { entry });
    this.#changed();
    return entry.state !== "waiting";
  }

  /** Later changes to the same thing were made on top of this one: they carry on from its version. */
  #passOn({ key, version, seen }) {
    if (key === null || version === undefined || version === null) return;
    for (const entry of this.#entries) {
      if (entry.key !== key || entry.attempts > 0 || !("base_version" in entry.body)) continue;
      entry.body = { ...entry.body, base_version: version };
      if (seen !== undefined && "seen_version" in entry.body) entry.body.seen_version = seen;
      this.#store.save(entry);
    }
  }

  /** The same for answers to many samples: what they changed oneself is no reason to hold the next one back. */
  #passOnSeen(sent, versions) {
    if (!versions?.length) return;
    const newer = new Map(versions.map(({ id, version }) => [id, version]));
    for (const entry of this.#entries) {
      if (entry.project !== sent.project || !entry.body.samples || entry.attempts > 0) continue;
      entry.body = { ...entry.body, samples: entry.body.samples.map(({ id, version }) => ({ id, version: newer.get(id) ?? version })) };
      this.#store.save(entry);
    }
  }

  #remove(entry) {
    this.#store.remove(entry);
    this.#entries = this.#entries.filter((other) => other !== entry);
  }

  #changed() { this.#emit("change", {}); }
  #emit(name, detail) { this.dispatchEvent(Object.assign(new Event(name), detail)); }
}

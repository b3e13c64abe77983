import assert from "node:assert/strict";
import test from "node:test";

import { RequestError } from "../../static/js/lib/http.js";
import { Outbox, backoff, versionAfter } from "../../static/js/lib/outbox.js";
import { OutboxStore } from "../../static/js/lib/outbox_store.js";

class MemoryStorage {
  #map = new Map();
  get length() { return this.#map.size; }
  key(index) { return [...this.#map.keys()][index] ?? null; }
  getItem(key) { return this.#map.get(key) ?? null; }
  setItem(key, value) { this.#map.set(key, value); }
  removeItem(key) { this.#map.delete(key); }
}

/** A server that answers with the given functions in turn, the last one again and again. */
function server(...answers) {
  const calls = [];
  const send = async (url, options) => {
    calls.push({ url, body: options.body });
    const next = answers.length > 1 ? answers.shift() : answers[0];
    return next(options.body);
  };
  return { calls, send };
}

function makeOutbox({ storage = new MemoryStorage(), send, user = "alice" }) {
  const timers = [];
  const outbox = new Outbox({ user, store: new OutboxStore(storage), send, setTimer: (run, ms) => { timers.push({ run, ms }); return timers.length; }, clearTimer: () => {} });
  return { outbox, timers, storage };
}

const review = (id = 1, more = {}) => ({ project: "p", kind: "review", key: `p/sample:${id}`, label: "tench", url: `/samples/${id}/reviews`, body: { base_version: 0, decision: "keep", ...more } });
const settle = () => new Promise((resolve) => setImmediate(resolve));
const ok = (version = 1) => () => ({ review: { version } });
const fail = (kind, extra) => () => { throw new RequestError(kind, kind, extra); };

test("a decision is kept before it is sent and gone once the server has answered", async () => {
  const storage = new MemoryStorage();
  let kept = 0;
  const { outbox } = makeOutbox({ storage, send: async () => { kept = storage.length; return { review: { version: 1 } }; } });
  outbox.add(review());
  await settle();
  assert.equal(kept, 1);
  assert.equal(storage.length, 0);
  assert.equal(outbox.entries.length, 0);
});

test("after a failure the same id is sent again, later and later", async () => {
  const { calls, send } = server(fail("offline"), fail("busy"), ok());
  const { outbox, timers } = makeOutbox({ send });
  outbox.add(review());
  await settle();
  assert.equal(timers.length, 1);
  timers[0].run();
  await settle();
  timers[1].run();
  await settle();
  assert.equal(new Set(calls.map((call) => call.body.client_event_id)).size, 1);
  assert.equal(outbox.entries.length, 0);
});

test("waiting grows and is bounded; the server's own wish counts", async () => {
  assert.equal(backoff(1, () => 0.5), 1000);
  assert.equal(backoff(3, () => 0.5), 4000);
  assert.equal(backoff(50, () => 0.5), 30000);
  const { send } = server(fail("busy", { retryAfter: 7000 }));
  const { outbox, timers } = makeOutbox({ send });
  outbox.add(review());
  await settle();
  assert.equal(timers[0].ms, 7000);
});

test("what was not sent survives a reload, in order and with its ids", async () => {
  const storage = new MemoryStorage();
  const first = makeOutbox({ storage, send: server(fail("offline")).send }).outbox;
  const ids = [first.add(review(1)), first.add(review(2))].map((entry) => entry.body.client_event_id);
  await settle();
  const { calls, send } = server(ok());
  const { outbox } = makeOutbox({ storage, send });
  assert.equal(outbox.waiting.length, 2);
  await outbox.kick();
  assert.deepEqual(calls.map((call) => call.body.client_event_id), ids);
});

test("signed out, everything is kept and nothing more is tried until one is back", async () => {
  const { calls, send } = server(fail("signed-out"), ok());
  const { outbox, storage } = makeOutbox({ send });
  outbox.add(review(1));
  await settle();
  outbox.add(review(2));
  await settle();
  assert.equal(calls.length, 1);
  assert.equal(outbox.isSignedOut, true);
  assert.equal(storage.length, 2);
  await outbox.signedInAgain();
  assert.equal(storage.length, 0);
});

test("nobody's decisions are sent under another name", async () => {
  const storage = new MemoryStorage();
  makeOutbox({ storage, send: server(fail("offline")).send }).outbox.add(review());
  await settle();
  const { calls, send } = server(ok());
  const { outbox } = makeOutbox({ storage, send, user: "bob" });
  await outbox.kick();
  assert.equal(calls.length, 0);
  assert.deepEqual(new OutboxStore(storage).others("bob"), { alice: 1 });
});

test("a conflict waits for a choice: keep mine goes out on top of theirs, with a new id", async () => {
  const { calls, send } = server(fail("conflict", { details: { current: { version: 4, decision: "remove" } } }), ok(5));
  const { outbox } = makeOutbox({ send });
  const entry = outbox.add(review());
  await settle();
  assert.equal(entry.state, "conflict");
  assert.equal(entry.current.decision, "remove");
  await outbox.keepMine(entry);
  await settle();
  assert.equal(calls[1].body.base_version, 4);
  assert.notEqual(calls[1].body.client_event_id, calls[0].body.client_event_id);
  assert.equal(outbox.entries.length, 0);
});

test("take theirs drops mine and says so", async () => {
  const { send } = server(fail("conflict", { details: { current: { version: 4 } } }));
  const { outbox } = makeOutbox({ send });
  const dropped = [];
  outbox.addEventListener("dropped", (event) => dropped.push(event.why));
  const entry = outbox.add(review());
  await settle();
  outbox.takeTheirs(entry);
  assert.deepEqual(dropped, ["theirs"]);
  assert.equal(outbox.entries.length, 0);
});

test("what is stuck holds back only what came after it on the same sample", async () => {
  const { calls, send } = server(fail("conflict", { details: { current: { version: 4 } } }), ok());
  const { outbox } = makeOutbox({ send });
  outbox.add(review(1));
  outbox.add(review(1));
  outbox.add(review(2));
  await settle();
  assert.deepEqual(calls.map((call) => call.url), ["/samples/1/reviews", "/samples/2/reviews"]);
  assert.equal(outbox.waiting.length, 1);
});

test("a second answer on a sample carries on from the version the first one got", async () => {
  const { calls, send } = server(ok(7), ok(8));
  const { outbox } = makeOutbox({ send });
  outbox.add(review(1));
  outbox.add(review(1, { decision: "remove" }));
  await settle();
  assert.deepEqual(calls.map((call) => call.body.base_version), [0, 7]);
});

test("an answer after an undo carries on from what the undo left", async () => {
  const { calls, send } = server(() => ({ sample: { id: 1, review: null } }), ok(3));
  const { outbox } = makeOutbox({ send });
  outbox.add({ project: "p", kind: "undo", key: "p/undo", url: "/undo", body: {} });
  outbox.add(review(1, { base_version: 5 }));
  await settle();
  assert.equal(calls[1].body.base_version, 0);
});

test("refused decisions stay visible with the reason", async () => {
  const { send } = server(fail("refused", { code: "unknown_class" }));
  const { outbox, timers } = makeOutbox({ send });
  const entry = outbox.add(review());
  await settle();
  assert.equal(entry.state, "refused");
  assert.equal(outbox.stuck.length, 1);
  assert.equal(timers.length, 0);
});

test("what another tab has delivered is not sent again", async () => {
  const storage = new MemoryStorage();
  const { calls, send } = server(fail("offline"), ok());
  const { outbox } = makeOutbox({ storage, send });
  const entry = outbox.add(review());
  await settle();
  new OutboxStore(storage).remove(entry);
  await outbox.kick();
  assert.equal(calls.length, 1);
  assert.equal(outbox.entries.length, 0);
});

test("without storage decisions are still sent, and it is known that they are not kept", async () => {
  const storage = new MemoryStorage();
  storage.setItem = () => { throw new Error("full"); };
  const { calls, send } = server(ok());
  const { outbox } = makeOutbox({ storage, send });
  outbox.add(review());
  assert.equal(outbox.isKept, false);
  await settle();
  assert.equal(calls.length, 1);
});

test("a broken entry in the storage is passed over", () => {
  const storage = new MemoryStorage();
  storage.setItem("winnow.outbox.1", "{not json");
  assert.deepEqual(new OutboxStore(storage).load("alice"), []);
});

test("versions come from whatever the answer carries", () => {
  assert.deepEqual(versionAfter({ kind: "verdict", key: "p/pair:3" }, { version: 2 }), { key: "p/pair:3", version: 2 });
  assert.deepEqual(versionAfter({ kind: "undo", project: "p" }, { sample: { id: 9, review: { version: 3 } } }), { key: "p/sample:9", version: 3, seen: undefined });
  assert.equal(versionAfter({ kind: "undo", project: "p" }, null).key, null);
});

test("somebody else's answer is a choice too: keep mine goes out having seen theirs", async () => {
  const theirs = { reviewer: "bob", version: 1, decision: "remove" };
  const { calls, send } = server(fail("conflict", { details: { current: theirs, seen_version: 6 } }), ok(1));
  const { outbox } = makeOutbox({ send });
  const entry = outbox.add(review(1, { seen_version: 2 }));
  await settle();
  assert.equal(entry.state, "conflict");
  await outbox.keepMine(entry);
  await settle();
  assert.deepEqual([calls[1].body.base_version, calls[1].body.seen_version], [0, 6]);
});

test("what one selection changed is no reason to hold back the next", async () => {
  const { calls, send } = server(() => ({ submitted: 2, held_back: [], versions: [{ id: 1, version: 4 }, { id: 2, version: 9 }] }), ok());
  const { outbox } = makeOutbox({ send });
  const selection = (...ids) => ({ project: "p", kind: "selection", key: "p/selection", url: "/selection", body: { samples: ids.map((id) => ({ id, version: 1 })) } });
  outbox.add(selection(1, 2));
  outbox.add(selection(2, 3));
  await settle();
  assert.deepEqual(calls[1].body.samples, [{ id: 2, version: 9 }, { id: 3, version: 1 }]);
});

import assert from "node:assert/strict";
import test from "node:test";

import { PairSession } from "../../static/js/lib/pair_session.js";
import { ReviewSession, outcomeOf } from "../../static/js/lib/review_session.js";

const card = (id) => ({ id, review: null });
const KEEP = { decision: "keep", label: null, status: "submitted" };
const REMOVE = { decision: "remove", label: null, status: "submitted" };

function session(...ids) {
  const made = new ReviewSession();
  made.add(ids.map(card));
  return made;
}

test("the same sample is never held twice", () => {
  const held = session(1, 2);
  assert.equal(held.add([card(2), card(3), card(3)]), 1);
  assert.deepEqual(held.undecidedIds, [1, 2, 3]);
});

test("deciding goes to the next open one", () => {
  const held = session(1, 2, 3);
  held.decide(KEEP);
  held.move(1);
  held.decide(KEEP);
  assert.equal(held.isAtEnd, true);
  held.move(-2);
  assert.equal(held.current.card.id, 2);
  held.decide(REMOVE);
  assert.equal(held.isAtEnd, true);
});

test("undo puts the sample on screen as it was, redo decides it again", () => {
  const held = session(1, 2);
  held.decide(KEEP);
  held.decide(REMOVE);
  assert.equal(held.undo().entry.card.id, 2);
  assert.equal(held.current.outcome, null);
  assert.equal(held.undo().entry.card.id, 1);
  assert.equal(held.undo(), null);
  assert.deepEqual(held.redo().after, KEEP);
  assert.equal(held.current.card.id, 2);
  held.decide(KEEP);
  assert.equal(held.redo(), null);
});

test("undoing a change of mind brings the first answer back", () => {
  const held = session(1, 2);
  held.decide(KEEP);
  held.move(-1);
  held.decide(REMOVE);
  held.undo();
  assert.deepEqual(held.current.outcome, KEEP);
});

test("a decision that never counted is no step to undo", () => {
  const held = session(1, 2);
  const entry = held.decide(KEEP);
  held.forget(entry);
  assert.equal(entry.outcome, null);
  assert.equal(held.undo(), null);
});

test("a sample asked for by address comes on screen whether held or not", () => {
  const held = session(1, 2);
  held.goTo(card(9));
  assert.equal(held.current.card.id, 9);
  held.goTo(card(2));
  assert.equal(held.current.card.id, 2);
  assert.equal(held.entries.length, 3);
});

test("one cannot move off either end", () => {
  const held = session(1);
  assert.equal(held.move(-1), false);
  assert.equal(held.move(1), true);
  assert.equal(held.move(1), false);
});

test("a stored review reads as an outcome", () => {
  assert.equal(outcomeOf(null), null);
  assert.equal(outcomeOf({ status: "draft" }), null);
  assert.equal(outcomeOf({ status: "skipped", decision: null }).decision, "skipped");
  assert.equal(outcomeOf({ status: "submitted", decision: null }).decision, "uncertain");
});

const pairs = () => new PairSession({ items: [{ id: 1, version: 0, verdict: "open" }, { id: 2, version: 0, verdict: "open" }], next_cursor: "2", counts: { open: 2, confirmed: 0, rejected: 0 } });

test("a verdict counts at once and can be taken back", () => {
  const held = pairs();
  held.judge("confirmed");
  assert.deepEqual(held.counts, { open: 1, confirmed: 1, rejected: 0 });
  assert.equal(held.current.id, 2);
  assert.equal(held.undo().before, "open");
  assert.deepEqual(held.counts, { open: 2, confirmed: 0, rejected: 0 });
  assert.equal(held.current.id, 1);
});

test("an old answer of the server does not take a newer verdict away", () => {
  const held = pairs();
  const pair = held.judge("confirmed");
  held.update({ id: 1, version: 1, verdict: "rejected" }, true);
  assert.deepEqual([pair.version, pair.verdict], [1, "confirmed"]);
  held.update({ id: 1, version: 2, verdict: "rejected" }, false);
  assert.deepEqual(held.counts, { open: 1, confirmed: 0, rejected: 1 });
});

test("after the last page the list is read from the start once more, and ends when nothing new is there", () => {
  const held = pairs();
  held.add({ items: [{ id: 3, verdict: "open" }], next_cursor: null });
  assert.equal(held.isDry, false);
  assert.equal(held.add({ items: [{ id: 4, verdict: "open" }, { id: 1, verdict: "open" }], next_cursor: null }), 1);
  assert.equal(held.isDry, false);
  held.add({ items: [{ id: 4, verdict: "open" }], next_cursor: null });
  assert.equal(held.isDry, true);
});

test("a view without pairs has no more", () => {
  assert.equal(new PairSession({ items: [], next_cursor: null, counts: {} }).isDry, true);
});

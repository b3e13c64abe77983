import assert from "node:assert/strict";
import test from "node:test";

import { GroupSession } from "../../static/js/lib/group_session.js";

function group(name, labels = ["cat"], count = 3, keeper = 2) {
  const members = Array.from({ length: count }, (_, index) => ({ id: index + 1 + name.charCodeAt(0) * 100, version: 7, given_label: labels[index % labels.length] }));
  return { name, labels, splits: ["train"], size: count, keeper: members[keeper - 1].id, members };
}

function session(...groups) {
  const made = new GroupSession();
  made.add(groups);
  return made;
}

test("the proposed keeper stays and the others go", () => {
  const made = session(group("a"));
  const answer = made.answer({ tag: "duplicate_exact" });
  assert.equal(answer.keeper, 9702);
  assert.deepEqual([answer.going, answer.staying, answer.tag], [[9701, 9703], [], "duplicate_exact"]);
  assert.deepEqual(answer.samples.map((sample) => sample.version), [7, 7, 7]);
});

test("the keeper always stays: a group can never lose all", () => {
  const made = session(group("a"));
  made.toggle(1);
  assert.equal(made.roleOf(made.current.group.members[1]), "keeper");
  made.toggle(0);
  assert.deepEqual(made.answer({}).going, [9703]);
  made.keep(0);
  assert.deepEqual(made.answer({}).going, [9702, 9703]);
  assert.equal(made.answer({}).keeper, 9701);
});

test("keeping all names no label and nobody goes", () => {
  const made = session(group("a", ["cat", "dog"]));
  made.relabel("dog");
  const answer = made.answer({ keepsAll: true });
  assert.deepEqual([answer.going, answer.staying, answer.keeper_label], [[], [9701, 9703], null]);
});

test("labels that differ want a word before anything goes", () => {
  const made = session(group("a", ["cat", "dog"]));
  assert.equal(made.needsLabel, true);
  made.relabel("dog");
  assert.equal(made.needsLabel, false);
  assert.equal(made.answer({}).keeper_label, "dog");
  made.relabel("dog");
  assert.equal(made.needsLabel, true);
});

test("a decision leads to the next open group, undo and redo go back and forth", () => {
  const made = session(group("a"), group("b"), group("c"));
  made.decide("near");
  made.decide("none");
  assert.equal(made.current.group.name, "c");
  assert.equal(made.undo().name, "b");
  assert.equal(made.current.outcome, null);
  made.undo();
  assert.equal(made.current.group.name, "a");
  assert.equal(made.undo(), null);
  made.redo();
  assert.equal(made.current.outcome, "near");
  made.move(1);
  made.move(1);
  made.move(1);
  assert.equal(made.current, null);
});

test("a group as the server has it now keeps what was chosen where it can", () => {
  const made = session(group("a"));
  made.keep(0);
  made.update(group("a", ["cat"], 3, 3));
  assert.equal(made.current.keeper, 9701);
  made.update({ ...group("a", ["cat"], 3, 3), members: group("a").members.slice(1) });
  assert.equal(made.current.keeper, 9703);
  made.update(undefined);
  assert.equal(made.groupOf(9703), "a");
  assert.equal(made.groupOf(1), null);
});

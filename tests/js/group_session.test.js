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

function leak() {
  const members = [["x", "test"], ["a", "train"], ["b", "train"]].map(([name, split], index) => ({ id: index + 1, key: name, split, version: 0, given_label: "cat" }));
  const pairs = [{ id: 10, version: 0, train: 2, test: 1, leaves: [1] }, { id: 11, version: 3, train: 3, test: 1, leaves: [1] }];
  return { name: "10", kind: "leak", labels: ["cat"], splits: ["test", "train"], size: 3, keeper: 2, members, pairs };
}

const rolesOf = (made) => made.current.group.members.map((member) => made.roleOf(member));

test("of leaks the project's rule says who goes, and that one cannot be the one that stays", () => {
  const made = session(leak());
  assert.deepEqual(rolesOf(made), ["rule", "keeper", "going"]);
  made.keep(0);
  assert.deepEqual(rolesOf(made), ["rule", "keeper", "going"]);
  const answer = made.answer({});
  assert.deepEqual([answer.keeper, answer.going, answer.staying, answer.apart], [2, [1, 3], [], []]);
  assert.deepEqual(answer.pairs, [{ id: 10, version: 0 }, { id: 11, version: 3 }]);
});

test("an image of a leak goes, stays, or is another picture; without its pairs nobody leaves by the rule", () => {
  const made = session(leak());
  made.toggle(2);
  assert.equal(rolesOf(made)[2], "staying");
  made.toggle(2);
  assert.equal(rolesOf(made)[2], "apart");
  assert.deepEqual(made.answer({}).apart, [3]);
  made.toggle(0);
  assert.deepEqual(rolesOf(made), ["apart", "keeper", "apart"]);
  made.toggle(0);
  assert.deepEqual(rolesOf(made), ["rule", "keeper", "apart"]);
});

test("no leak says that all are other pictures, and undoing knows what was sent", () => {
  const made = session(leak());
  const answer = made.answer({ keepsAll: true });
  assert.deepEqual([answer.keeper, answer.going, answer.apart], [null, [], [1, 2, 3]]);
  made.decide("none", { of: "sent" });
  assert.equal(made.lastDone.sent.of, "sent");
  made.undo();
  assert.equal(made.current.outcome, null);
  made.redo({ decided: false });
  assert.equal(made.lastDone, null);
});

test("a group of leaks and one of duplicates may have the same name", () => {
  const made = session(group("10"), leak());
  assert.equal(made.entries.length, 2);
  made.reopen("10", "leak");
  assert.equal(made.current.group.kind, "leak");
});

test("one that a lead settled stays at first, and one that leaves by another leak goes", () => {
  const two = leak();
  two.pairs = two.pairs.map((pair) => ({ ...pair, leaves: [] }));
  two.members[0].is_settled = true;
  two.members[2].is_leaving = true;
  assert.deepEqual(rolesOf(session(two)), ["staying", "keeper", "rule"]);
});

import assert from "node:assert/strict";
import test from "node:test";

import { answer, answersOf, contradiction, expected, labelOf, nodeOf, phrase, phraseText, start } from "../../static/js/lib/tree.js";

const UNCERTAIN = { id: "uncertain", key: "U", text: "Can't confirm", next: null, decision: null, tags: ["mislabel_uncertain"], label: null, ends: false };
const MANUAL = { id: "manual", key: "M", text: "By hand", next: "manual", decision: null, tags: [], label: null, ends: false };
const TREE = {
  nodes: {
    verify: { id: "verify", question: "Is the label {given} wrong?", answers: [
      { id: "suggested", key: "Y", text: "Yes, it is {suggested}", next: null, decision: "relabel", label: "suggested", tags: [], ends: false },
      { id: "other", key: "C", text: "Yes, another", next: null, decision: "relabel", label: "choose", tags: [], ends: false },
      { id: "right", key: "N", text: "No", next: null, decision: "keep", label: null, tags: [], ends: false }, UNCERTAIN, MANUAL] },
    exact: { id: "exact", question: "Exact?", answers: [
      { id: "yes", key: "Y", text: "Yes", next: null, decision: "remove", label: null, ends: true },
      { id: "no", key: "N", text: "No", next: "near", decision: null, label: null, ends: false }, UNCERTAIN, MANUAL] },
    near: { id: "near", question: "Near?", answers: [{ id: "no", key: "N", text: "No", next: null, decision: "keep", label: null, ends: false }] },
    manual: { id: "manual", question: "Decide by hand", answers: [] },
  },
};
const CARD = { given_label: "tench", suggested_label: "goldfish", branches: ["exact", "verify"] };

test("a sample starts at its first branch", () => {
  assert.equal(start(TREE, CARD).node, "exact");
});

test("a sample without a branch, or with unknown ones, is decided by hand", () => {
  assert.equal(start(TREE, { branches: [] }).node, "manual");
  assert.equal(start(TREE, { branches: ["gone"] }).node, "manual");
});

test("an answer leads to the next question, then to the next branch, then to the end", () => {
  let walk = answer(TREE, start(TREE, CARD), "no");
  assert.deepEqual([walk.node, walk.done], ["near", false]);
  walk = answer(TREE, walk, "no");
  assert.deepEqual([walk.node, walk.done], ["verify", false]);
  walk = answer(TREE, walk, "suggested", "goldfish");
  assert.equal(walk.done, true);
  assert.deepEqual(walk.answers, [{ node: "exact", answer: "no", label: null }, { node: "near", answer: "no", label: null }, { node: "verify", answer: "suggested", label: "goldfish" }]);
  assert.deepEqual(expected(walk.outcomes), { decision: "relabel", label: "goldfish" });
});

test("an answer that ends asks no further branch", () => {
  const walk = answer(TREE, start(TREE, CARD), "yes");
  assert.equal(walk.done, true);
  assert.deepEqual(expected(walk.outcomes), { decision: "remove", label: null });
});

test("manual leads to the manual node and is kept among the answers", () => {
  const walk = answer(TREE, start(TREE, CARD), "manual");
  assert.equal(walk.node, "manual");
  assert.equal(walk.done, false);
  assert.deepEqual(walk.answers, [{ node: "exact", answer: "manual", label: null }]);
  assert.deepEqual(nodeOf(TREE, walk).answers, []);
});

test("an outcome without a decision goes to discussion", () => {
  const walk = answer(TREE, start(TREE, { ...CARD, branches: ["verify"] }), "uncertain");
  assert.equal(walk.done, true);
  assert.equal(expected(walk.outcomes).decision, null);
});

test("an unknown answer is an error, not a decision", () => {
  assert.throws(() => answer(TREE, start(TREE, CARD), "maybe"), /no answer maybe/);
});

test("nothing is suggested where there is no suggestion", () => {
  const card = { ...CARD, branches: ["verify"], suggested_label: null };
  assert.deepEqual(answersOf(TREE, start(TREE, card), card).map((item) => item.id), ["other", "right", "uncertain", "manual"]);
});

test("a chosen label goes with the answer only where the answer asks for one", () => {
  const [suggested, other, right] = TREE.nodes.verify.answers;
  assert.equal(labelOf(suggested, CARD), "goldfish");
  assert.equal(labelOf(other, CARD, "carp"), "carp");
  assert.equal(labelOf(right, CARD, "carp"), null);
});

test("labels are set apart in a question, braces in labels are text", () => {
  assert.deepEqual(phrase("Is {given} wrong?", CARD), [{ text: "Is " }, { text: "tench", mark: true }, { text: " wrong?" }]);
  assert.equal(phraseText("Is {given} wrong?", { given_label: "{suggested}" }), "Is {suggested} wrong?");
});

test("a label as long as a paragraph is shortened in the question", () => {
  const [, label] = phrase("Is {given} wrong?", { given_label: "x".repeat(300) });
  assert.equal(label.text.length, 80);
});

test("a tag that asks for another decision is found", () => {
  const tags = [{ name: "keep", implies: "keep" }, { name: "blur", implies: null }];
  assert.equal(contradiction("remove", ["keep"], tags).name, "keep");
  assert.equal(contradiction("keep", ["keep"], tags), null);
  assert.equal(contradiction("remove", ["blur"], tags), null);
  assert.equal(contradiction(null, ["keep"], tags), null);
});

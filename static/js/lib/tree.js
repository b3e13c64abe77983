// Walks the decision tree that the server sends. The tree's rules live on the server only: this follows `next`,
// `ends` and the sample's `branches`, collects answers, and shows what an answer will most likely mean.

import { titleOf } from "./class_titles.js";

const MANUAL = "manual";

/** Where a sample starts: its first branch that the tree knows, or 'manual'. */
export function start(tree, card) {
  const branches = (card.branches ?? []).filter((id) => tree.nodes[id]);
  return { branches, branch: 0, node: branches[0] ?? MANUAL, answers: [], outcomes: [] };
}

/** Starts at the manual node, from anywhere. */
export function byHand(walk) {
  return { ...walk, node: MANUAL };
}

export function nodeOf(tree, walk) {
  return tree.nodes[walk.node] ?? { id: MANUAL, question: "Decide by hand", path: "by hand", answers: [] };
}

/** The answers that make sense on this sample: 'Yes, it is {suggested}' needs a suggestion. */
export function answersOf(tree, walk, card) {
  return nodeOf(tree, walk).answers.filter((answer) => answer.label !== "suggested" || card.suggested_label);
}

export function labelOf(answer, card, chosen = null) {
  if (answer.label === "suggested") return card.suggested_label;
  return answer.label === "choose" ? chosen : null;
}

/** One answer further. Returns the new walk; `done` says that it is to be submitted. */
export function answer(tree, walk, answerId, label = null) {
  const node = nodeOf(tree, walk);
  const given = node.answers.find((item) => item.id === answerId);
  if (!given) throw new Error(`The question ${node.id} has no answer ${answerId}.`);
  const answers = [...walk.answers, { node: node.id, answer: answerId, label }];
  if (given.id === MANUAL || given.next === MANUAL) return { ...walk, node: MANUAL, answers, done: false };
  if (given.next && tree.nodes[given.next]) return { ...walk, node: given.next, answers, done: false };
  const outcomes = [...walk.outcomes, { decision: given.decision ?? null, label, tags: given.tags ?? [] }];
  const branch = walk.branch + 1;
  if (given.ends || branch >= walk.branches.length) return { ...walk, answers, outcomes, done: true };
  return { ...walk, branch, node: walk.branches[branch], answers, outcomes, done: false };
}

const STRENGTH = ["remove", "relabel", null, "keep"];

/** What the answers look like together, until the server says: the strongest one. */
export function expected(outcomes) {
  for (const decision of STRENGTH) {
    const found = outcomes.find((outcome) => outcome.decision === decision);
    if (found) return { decision, label: found.label ?? null };
  }
  return { decision: null, label: null };
}

/** 'Is the label {given} wrong?' -> [{text}, {text, mark: true}, ...] so that labels can be set apart. */
export function phrase(text, card) {
  const values = { given: titleOf(card.given_label), suggested: titleOf(card.suggested_label) };
  return text.split(/(\{\w+\})/).filter(Boolean).map((part) => {
    const name = /^\{(\w+)\}$/.exec(part)?.[1];
    return name && name in values ? { text: shortened(values[name] ?? "?"), mark: true } : { text: part };
  });
}

/** A question stays a question with a label that is a paragraph; the evidence below shows it whole. */
function shortened(text, most = 80) {
  return text.length > most ? `${text.slice(0, most - 1).trimEnd()}…` : text;
}

export function phraseText(text, card) {
  return phrase(text, card).map((part) => part.text).join("");
}

/** The first extra tag that asks for something else than the decision does, or null. */
export function contradiction(decision, chosenTags, tags) {
  if (!decision) return null;
  return tags.find((tag) => chosenTags.includes(tag.name) && ["keep", "remove", "relabel"].includes(tag.implies) && tag.implies !== decision) ?? null;
}

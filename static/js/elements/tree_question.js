// <tree-question class="question"> with parts path, question, answers, by-hand (buttons with data-decide), mine.
// `show(tree, walk, card, outcome)`. Fires 'answer' {id} and 'decide' {what: keep|remove|relabel|suggestion|uncertain|skip}.
import { titleOf } from "../lib/class_titles.js";
import { decision, h, part, setText } from "../lib/dom.js";
import { answersOf, nodeOf, phrase, phraseText } from "../lib/tree.js";

export class TreeQuestion extends HTMLElement {
  connectedCallback() {
    part(this, "by-hand").addEventListener("click", (event) => {
      const button = event.target.closest("[data-decide]");
      if (button) this.#fire("decide", { what: button.dataset.decide });
    });
  }

  show(tree, walk, card, outcome) {
    const hadFocus = part(this, "answers").contains(document.activeElement);
    const node = nodeOf(tree, walk);
    const answers = answersOf(tree, walk, card);
    setText(part(this, "path"), node.path ?? (walk.node === "manual" ? "by hand" : ""));
    part(this, "question").replaceChildren(...phrase(node.question, card).map(({ text, mark }) => (mark ? h("em", {}, text) : text)));
    part(this, "answers").replaceChildren(...answers.map((answer, index) => this.#button(answer, index, card)));
    part(this, "answers").hidden = answers.length === 0;
    this.classList.toggle("is-manual", answers.length === 0);
    // The tree's own 'cannot say' takes the place of the one by hand.
    this.querySelector('[data-decide="uncertain"]').hidden = answers.some((answer) => answer.key === "U");
    // By hand, Y takes the suggestion where there is one; elsewhere the tree has its own Y.
    this.querySelector('[data-decide="suggestion"]').hidden = answers.length > 0 || !card.suggested_label || card.suggested_label === card.given_label;
    setText(part(this, "suggestion"), `as suggested: ${titleOf(card.suggested_label ?? "")}`);
    this.#mine(outcome);
    if (hadFocus) part(this, "question").focus();
  }

  #button(answer, index, card) {
    const text = phraseText(answer.text, card);
    return h("button", {
      class: "answer", type: "button", "data-answer": answer.id, "aria-keyshortcuts": `${answer.key} ${index + 1}`, "data-key-group": "decide",
      "data-key-label": text, onclick: () => this.#fire("answer", { id: answer.id }),
    }, h("kbd", {}, answer.key), h("span", {}, text), badge(answer));
  }

  #mine(outcome) {
    const mine = part(this, "mine");
    mine.hidden = !outcome;
    if (outcome) mine.replaceChildren("You answered:", decision(outcome.decision), outcome.label ?? "", h("span", {}, "Answer again to change it."));
  }

  #fire(name, detail) { this.dispatchEvent(new CustomEvent(name, { bubbles: true, detail })); }
}

function badge(answer) {
  if (answer.id === "manual" || answer.next === "manual") return null;
  if (answer.next) return h("span", { class: "muted small" }, "asks on");
  return answer.decision ? decision(answer.decision) : decision("uncertain", "discuss");
}

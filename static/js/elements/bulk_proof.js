// <bulk-proof data-url="/api/…/bulk/3?count=false" data-state="drawn"> with parts share, ends, agreeing, decided, open, range,
// share-mark, text, apply, blocked, seen-decided, seen-agreeing; li[data-sample] with parts said and mark anywhere on the page.
// While it is not applied, what reviewers answer meanwhile shows here by itself.
import { decision, h, part, setText } from "../lib/dom.js";
import { number, percent } from "../lib/format.js";
import { request } from "../lib/http.js";

const EVERY = 2000;
const MARKS = { agrees: "= agrees", differs: "≠ differs", open: "" };

export function describeProof({ agreeing, decided, low, high }) {
  if (!decided) return "Nobody has looked at a drawn sample yet.";
  return `${number(agreeing)} of ${number(decided)} drawn samples got this answer: of all in the stratum that is true of ${percent(low)} to ${percent(high)}, with 95 % certainty.`;
}

export class BulkProof extends HTMLElement {
  #timer = null; #failures = 0;

  connectedCallback() { if (this.dataset.state === "drawn") this.#later(); }
  disconnectedCallback() { clearTimeout(this.#timer); }

  #later() { this.#timer = setTimeout(() => this.#poll(), document.hidden ? EVERY * 5 : EVERY * Math.min(10, 1 + this.#failures)); }

  async #poll() {
    try {
      const { bulk, looks } = await request(this.dataset.url);
      this.#failures = 0;
      if (bulk.state !== "drawn") return location.reload();
      this.#show(bulk, looks);
    } catch (error) {
      this.#failures += 1;
      if (error.kind === "signed-out" || error.kind === "refused") return setText(part(this, "text"), error.message);
      if (this.#failures > 2) setText(part(this, "text"), "The server does not answer; what is shown may be old.");
    }
    return this.#later();
  }

  #show(bulk, looks) {
    const { proof } = bulk;
    const open = proof.drawn - proof.decided;
    setText(part(this, "share"), proof.share === null ? "–" : percent(proof.share));
    setText(part(this, "ends"), `${percent(proof.low)} to ${percent(proof.high)}`);
    setText(part(this, "agreeing"), number(proof.agreeing));
    setText(part(this, "decided"), number(proof.decided));
    setText(part(this, "open"), number(open));
    setText(part(this, "text"), describeProof(proof));
    this.#draw(proof);
    this.#offer(bulk, open);
    for (const look of looks) this.#showLook(look);
  }

  #draw({ share, low, high }) {
    part(this, "range").setAttribute("x", (low * 100).toFixed(3));
    part(this, "range").setAttribute("width", ((high - low) * 100).toFixed(3));
    part(this, "share-mark").setAttribute("x", Math.max(0, (share ?? 0) * 100 - 0.4).toFixed(3));
    part(this, "share-mark").setAttribute("width", share === null ? "0" : "0.8");
  }

  #offer(bulk, open) {
    setText(part(this, "blocked"), `${bulk.can_decide ? "" : "A lead applies it. "}${bulk.blocked ?? ""}`);
    part(this, "review")?.classList.toggle("is-primary", open > 0);
    const apply = part(this, "apply");
    if (!apply) return;
    apply.disabled = Boolean(bulk.blocked);
    apply.classList.toggle("is-primary", open === 0);
    part(this, "seen-decided").value = bulk.proof.decided;
    part(this, "seen-agreeing").value = bulk.proof.agreeing;
  }

  #showLook(look) {
    const item = document.querySelector(`[data-sample="${look.sample_id}"]`);
    if (!item) return;
    item.className = `look is-look-${look.said}`;
    const label = look.state === "resolved" && look.new_label ? h("span", { class: "truncate" }, look.new_label) : null;
    part(item, "said").replaceChildren(...[decision(look.state === "resolved" ? look.decision : look.state), label].filter(Boolean));
    setText(part(item, "mark"), MARKS[look.said]);
  }
}

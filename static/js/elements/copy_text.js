// <copy-text class="secret"><code>what to copy</code></copy-text>  Adds the button that copies; without it the text can be selected.
import { h } from "../lib/dom.js";

export class CopyText extends HTMLElement {
  connectedCallback() {
    if (!navigator.clipboard || this.querySelector("button")) return;
    const button = h("button", { type: "button", class: "button is-small", "aria-live": "polite" }, "Copy");
    button.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(this.querySelector("code").textContent);
        button.textContent = "Copied";
      } catch {
        button.textContent = "Select it and copy";
      }
    });
    this.append(button);
  }
}

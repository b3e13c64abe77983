// <threshold-mover data-low="0" data-high="4" data-above="200 150 …">  Inside a figure with a histogram, around a form with a
// range: tells how many images its threshold would flag, and moves the line in the histogram.
import { number } from "../lib/format.js";
import { countAt, valueAt } from "../lib/thresholds.js";

export class ThresholdMover extends HTMLElement {
  connectedCallback() {
    this.scale = { low: Number(this.dataset.low), high: Number(this.dataset.high), above: this.dataset.above.split(" ").map(Number) };
    this.range = this.querySelector("input[type=range]");
    this.button = this.querySelector("button");
    this.first = this.range.value;
    this.range.addEventListener("input", () => this.show());
    this.show();
  }

  show() {
    const step = Number(this.range.value), share = step / (this.scale.above.length - 1);
    const moved = this.range.value !== this.first;
    this.button.disabled = !moved;
    const told = `${number(countAt(this.scale, step))} above ${valueAt(this.scale, step).toFixed(2)}`;
    this.querySelector("[data-part=told]").textContent = moved ? told : "";
    this.range.setAttribute("aria-valuetext", told);
    if (!moved) return;
    const figure = this.closest("figure");
    figure.querySelector("[data-part=line]").setAttribute("x", (share * 100).toFixed(3));
    for (const bar of figure.querySelectorAll("[data-part=bar]")) {
      const middle = Number(bar.getAttribute("x")) + Number(bar.getAttribute("width")) / 1.8;
      bar.setAttribute("class", middle > share * 100 ? "bar-flagged" : "bar-usual");
    }
  }
}

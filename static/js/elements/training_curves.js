// <training-curves data-url="/api/v1/projects/x/comparisons/7">
//   <div data-part="legend" role="group" aria-label="…"></div><div data-part="charts"></div>
//   … a table whose cells have data-run="place of the run" …  <p data-part="error" role="alert" hidden></p>
// Draws each run's curve and keeps it and the table up to date while the comparison is under way.
import { h, part, setText } from "../lib/dom.js";
import { BOX, describeRun, epochTicks, extent, linePath, looks, scales, ticks } from "../lib/curves.js";
import { request } from "../lib/http.js";

const EVERY = 2000;
const LOOK = { waiting: "waiting", running: "running", done: "done", stopped: "skipped" };
const CHARTS = [
  { figure: "accuracy", title: "Accuracy on the evaluation set", form: (value) => `${Number((100 * value).toFixed(2))} %` },
  { figure: "loss", title: "Loss on the training set", form: (value) => String(value) },
];

function draw(tag, properties, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(properties)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

export class TrainingCurves extends HTMLElement {
  #timer = null; #failures = 0; #hidden = new Set(); #drawn = "";

  connectedCallback() { this.#poll(); }
  disconnectedCallback() { clearTimeout(this.#timer); }

  async #poll() {
    let wait = EVERY;
    try {
      const found = await request(this.dataset.url);
      this.#failures = 0;
      this.#say("");
      this.#show(found);
      if (!["queued", "running"].includes(found.comparison.state)) return;
    } catch (error) {
      this.#failures += 1;
      if (error.kind === "signed-out" || error.kind === "refused") return this.#say(error.message);
      if (this.#failures > 2) this.#say("The server does not answer; what is shown may be old.");
      wait *= Math.min(5, this.#failures);
    }
    this.#timer = setTimeout(() => this.#poll(), document.hidden ? wait * 5 : wait);
  }

  #say(text) {
    const error = part(this, "error");
    setText(error, text);
    error.hidden = !text;
  }

  #show({ comparison, runs }) {
    for (const cell of this.querySelectorAll("[data-run]")) {
      const run = runs[Number(cell.dataset.run)];
      const state = cell.querySelector(".decision");
      if (run.state !== cell.dataset.state) state.className = `decision is-${LOOK[run.state] ?? "waiting"}`;
      cell.dataset.state = run.state;
      setText(state, run.state);
      setText(part(cell, "detail"), describeRun(run, comparison.epochs));
    }
    const look = looks(comparison.conditions);
    const known = JSON.stringify(runs.map((run) => run.epochs_done));
    if (known === this.#drawn) return;  // a chart that stands still can be read
    this.#drawn = known;
    if (!runs.some((run) => run.epochs_done)) {
      part(this, "charts").replaceChildren(h("p", { class: "muted" }, "No epoch has ended yet."));
      return;
    }
    this.#legend(comparison, runs, look);
    part(this, "charts").replaceChildren(...CHARTS.map((chart) => this.#chart(chart, comparison, runs, look)));
  }

  #legend(comparison, runs, look) {
    const legend = part(this, "legend");
    if (legend.childElementCount) return;
    legend.append(...comparison.conditions.map((one) => {
      const line = draw("svg", { class: "curve-swatch", viewBox: "0 0 28 8", "aria-hidden": "true", focusable: "false" },
        draw("path", { class: `curve ${look[one.name]}`, d: "M0,4L28,4" }));
      const button = h("button", { type: "button", class: "chip", "aria-pressed": "true", title: one.about }, line, one.name);
      button.addEventListener("click", () => {
        const shown = this.#hidden.delete(one.name);
        if (!shown) this.#hidden.add(one.name);
        button.setAttribute("aria-pressed", String(shown));
        for (const path of this.querySelectorAll("[data-condition]")) path.classList.toggle("is-hidden", this.#hidden.has(path.dataset.condition));
      });
      return button;
    }));
  }

  #chart({ figure, title, form }, comparison, runs, look) {
    const levels = ticks(...extent(runs.map((run) => run[figure])));
    const scale = scales(comparison.epochs, levels[0], levels.at(-1));
    const lines = [];
    for (const level of levels) {
      const y = scale.y(level).toFixed(1);
      lines.push(draw("path", { class: "curve-grid", d: `M${BOX.left},${y}L${BOX.width - BOX.right},${y}` }));
      lines.push(draw("text", { class: "curve-text is-end", x: BOX.left - 6, y: Number(y) + 4 }, form(level)));
    }
    for (const epoch of epochTicks(comparison.epochs)) {
      lines.push(draw("text", { class: "curve-text is-middle", x: scale.x(epoch).toFixed(1), y: BOX.height - BOX.bottom + 16 }, String(epoch)));
    }
    // Controls first, so that they lie below what was asked for.
    const order = runs.toSorted((one, other) => (look[other.condition] === "is-control") - (look[one.condition] === "is-control"));
    for (const run of order.filter((one) => one[figure].length)) {
      const properties = { class: `curve ${look[run.condition]}${this.#hidden.has(run.condition) ? " is-hidden" : ""}`, "data-condition": run.condition };
      const place = { cx: scale.x(run[figure].length).toFixed(1), cy: scale.y(run[figure].at(-1)).toFixed(1), r: 2.5 };
      lines.push(draw("path", { ...properties, d: linePath(run[figure], scale) }));
      lines.push(draw("circle", { ...properties, class: `${properties.class} is-end-point`, ...place }));
    }
    const drawn = runs.filter((run) => run[figure].length).length;
    const svg = draw("svg", { class: "curve-chart", viewBox: `0 0 ${BOX.width} ${BOX.height}`, role: "img",
      "aria-label": `${title} by epoch: ${drawn} of ${runs.length} runs have begun. The table below has the last value of each.` }, ...lines);
    return h("figure", { class: "curve-figure" }, h("figcaption", {}, h("b", {}, title), h("span", { class: "muted small" }, " by epoch, a line a run")), svg);
  }
}

"""Style and script of the gallery page. Both stand in the page itself; nothing is loaded."""

from __future__ import annotations

import base64
import hashlib

STYLE = """
:root {
  color-scheme: light dark;
  --canvas: light-dark(#f6f6f5, #1c1c1c); --raised: light-dark(#ffffff, #242424);
  --surround: light-dark(#dcdcdc, #141414); --line: light-dark(#d9d9d6, #383838);
  --line-strong: light-dark(#8d8d88, #74746f); --ink: light-dark(#1a1a1a, #ececec);
  --ink-soft: light-dark(#565653, #adada9); --accent: light-dark(#3451d1, #8fa5ff);
  --relabel: light-dark(#2059b5, #75b0ff); --amber: light-dark(#855700, #f0b429);
  --selected: color-mix(in oklab, var(--accent) 13%, transparent);
}
*, *::before, *::after { box-sizing: border-box; }
[hidden] { display: none !important; }
body {
  margin: 0; background: var(--canvas); color: var(--ink); font-variant-numeric: tabular-nums;
  font: 400 13px/1.45 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif;
}
h1, p, ul { margin: 0; padding: 0; overflow-wrap: anywhere; }
ul { list-style: none; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
header, .toolbar, main { padding-inline: clamp(12px, 2.5vw, 32px); }
header { display: grid; gap: 4px; padding-block: 24px 8px; }
header p { color: var(--ink-soft); max-width: 90ch; }
h1 { font-size: 20px; font-weight: 600; letter-spacing: -0.01em; line-height: 1.25; }
h1 span { font-weight: 400; color: var(--ink-soft); }
.toolbar {
  position: sticky; top: 0; z-index: 1; display: flex; flex-wrap: wrap; align-items: center; gap: 8px 16px;
  padding-block: 8px; border-bottom: 1px solid var(--line); background: var(--canvas);
}
.types { display: flex; flex-wrap: wrap; gap: 4px; }
button {
  min-height: 30px; padding: 2px 12px; border: 1px solid var(--line); border-radius: 15px; background: none;
  font: inherit; color: var(--ink-soft); cursor: pointer;
}
button b { font-weight: 500; color: var(--ink); margin-inline-start: 2px; }
button:hover { border-color: var(--line-strong); color: var(--ink); }
button[aria-pressed="true"] {
  border-color: var(--accent); background: var(--selected); color: var(--accent);
  font-weight: 600;
}
button[aria-pressed="true"] b { color: inherit; font-weight: inherit; }
.search { flex: 1 1 200px; max-width: 360px; }
.search input {
  width: 100%; min-height: 32px; padding: 5px 8px; border: 1px solid var(--line-strong); border-radius: 6px;
  background: var(--raised); color: inherit; font: inherit;
}
.search input:focus-visible { outline-offset: -1px; }
.search input::placeholder { color: var(--ink-soft); opacity: 1; }
output { color: var(--ink-soft); margin-inline-start: auto; white-space: nowrap; }
main { padding-block: 16px 48px; }
.cards {
  display: grid; grid-template-columns: repeat(auto-fill, minmax(min(208px, 100%), 1fr)); gap: 16px;
  align-items: start;
}
.card:focus { outline: 2px solid var(--accent); outline-offset: 1px; }
.outcome { display: grid; gap: 2px; }
.decision { font-weight: 600; }
.decision::before {
  content: ""; display: inline-block; width: 9px; height: 9px; margin-inline-end: 6px; border-radius: 50%;
  background: var(--dot);
}
.is-remove { --dot: light-dark(#c4480a, #ff8a50); } .is-relabel { --dot: var(--relabel); }
.is-keep { --dot: light-dark(#2f8f70, #4cc3a0); } .is-open { --dot: var(--line-strong); }
.is-conflict { --dot: var(--amber); }
select {
  min-height: 32px; max-width: 220px; padding: 4px 8px; border: 1px solid var(--line-strong); border-radius: 6px;
  background: var(--raised); color: inherit; font: inherit;
}
.keys { flex-basis: 100%; color: var(--ink-soft); font-size: 12px; }
kbd {
  font: inherit; padding: 0 5px; margin-inline-start: 10px; border: 1px solid var(--line); border-radius: 4px;
  background: var(--raised); color: var(--ink);
}
kbd:first-child, kbd + kbd { margin-inline-start: 0; }
@media (pointer: coarse) { .keys { display: none; } }
.card {
  display: grid; grid-template-rows: auto 1fr; height: 100%; border: 1px solid var(--line); border-radius: 10px;
  background: var(--raised); overflow: hidden; content-visibility: auto; contain-intrinsic-size: auto 210px auto 330px;
}
.picture { display: grid; place-items: center; height: 176px; padding: 8px; background: var(--surround); min-width: 0; }
.picture img { display: block; max-width: 100%; max-height: 160px; }
.picture img.is-tiny { height: 160px; width: 100%; object-fit: contain; image-rendering: pixelated; }
.picture.is-missing { text-align: center; color: var(--ink-soft); font-size: 12px; overflow: auto; }
.picture.is-missing b { color: var(--ink); font-weight: 600; }
.about {
  display: grid; gap: 8px; align-content: start; grid-template-rows: auto auto 1fr; padding: 10px 12px 12px;
  min-width: 0;
}
.labels { font-size: 15px; font-weight: 600; line-height: 1.3; }
.labels i { font-weight: 400; color: var(--ink-soft); }
.arrow { margin-inline: 6px; font-weight: 400; color: var(--ink-soft); }
.suggested { color: var(--relabel); }
.was { display: block; font-size: 12px; font-weight: 400; color: var(--ink-soft); }
.flags { display: grid; gap: 8px; }
.flag { display: flex; align-items: center; gap: 8px; }
.type { overflow-wrap: anywhere; min-width: 0; }
progress {
  appearance: none; -webkit-appearance: none; flex: 1 1 40px; min-width: 32px; width: 40px; height: 4px; border: 0;
  border-radius: 2px; background: var(--line); overflow: hidden;
}
progress::-webkit-progress-bar { background: var(--line); }
progress::-webkit-progress-value { background: var(--amber); }
progress::-moz-progress-bar { background: var(--amber); }
.score { flex: none; }
.reason { color: var(--ink-soft); font-size: 12px; white-space: pre-line; }
details summary { cursor: pointer; color: var(--accent); font-size: 12px; }
details .flags { margin-top: 8px; }
.path {
  display: flex; flex-wrap: wrap; column-gap: 12px; align-self: end; align-content: end; padding-top: 2px;
  font: 11px/1.5 ui-monospace, "SF Mono", Menlo, Consolas, monospace;
  color: var(--ink-soft);
}
.id { white-space: nowrap; }
.nothing { padding-block: 32px; color: var(--ink-soft); text-align: center; }
.unseen {
  position: absolute; width: 1px; height: 1px; margin: -1px; overflow: hidden; clip-path: inset(50%);
  white-space: nowrap;
}
@media (pointer: coarse) { button { min-height: 36px; border-radius: 18px; } .search input { min-height: 40px; } }
@media print { .toolbar { display: none; } .card { break-inside: avoid; content-visibility: visible; } }
"""

SCRIPT = """
"use strict";
{
  const cards = [...document.getElementById("cards").children].map((element) => ({
    element,
    types: element.dataset.types.split(" "),
    decision: element.dataset.decisionIs,
    inClass: element.dataset.class,
    text: element.querySelector(".about").textContent.toLowerCase(),
  }));
  const types = [...document.querySelectorAll("[data-type]")];
  const decisions = [...document.querySelectorAll("[data-decision]")];
  const search = document.getElementById("search");
  const menu = document.getElementById("class");
  const pressed = (buttons) => buttons.find((button) => button.ariaPressed === "true");
  const filter = () => {
    const type = pressed(types).dataset.type;
    const decision = pressed(decisions)?.dataset.decision;
    const words = search.value.toLowerCase().split(/\\s+/).filter(Boolean);
    let shown = 0;
    for (const card of cards) {
      const fits = (!type || card.types.includes(type)) && (!decision || card.decision === decision)
        && (!menu?.value || card.inClass === menu.value) && words.every((word) => card.text.includes(word));
      card.element.hidden = !fits;
      shown += fits;
    }
    document.getElementById("nothing").hidden = shown > 0;
    document.getElementById("shown").textContent =
      `${shown.toLocaleString("en")} of ${cards.length.toLocaleString("en")} shown`;
  };
  const press = (buttons, chosen) => {
    for (const button of buttons) button.ariaPressed = String(button === chosen);
    filter();
  };
  for (const buttons of [types, decisions]) {
    for (const button of buttons) button.addEventListener("click", () => press(buttons, button));
  }
  const pressNext = (buttons) => {
    if (buttons.length) press(buttons, buttons[(buttons.indexOf(pressed(buttons)) + 1) % buttons.length]);
  };
  const go = (step) => {
    const visible = cards.filter((card) => !card.element.hidden).map((card) => card.element);
    const at = visible.indexOf(document.activeElement);
    const next = visible[at < 0 ? 0 : Math.min(Math.max(at + step, 0), visible.length - 1)];
    next?.focus({ preventScroll: true });
    next?.scrollIntoView({ block: "center" });
  };
  const showAll = () => {
    search.value = "";
    if (menu) menu.value = "";
    if (decisions.length) press(decisions, decisions[0]);
    press(types, types[0]);
    search.blur();
  };
  const keys = {
    j: () => go(1), k: () => go(-1), t: () => pressNext(types), d: () => pressNext(decisions),
    "/": () => search.focus(), escape: showAll,
  };
  document.addEventListener("keydown", (event) => {
    const typing = event.target.matches("input, select");
    const key = event.key.toLowerCase();
    if (event.ctrlKey || event.metaKey || event.altKey || (typing && key !== "escape") || !(key in keys)) return;
    event.preventDefault();
    keys[key]();
  });
  search.addEventListener("input", filter);
  menu?.addEventListener("change", filter);
  document.getElementById("toolbar").hidden = false;
  filter();
}
"""


def script_digest() -> str:
    """The script as a content security policy names it."""
    return f"sha256-{base64.b64encode(hashlib.sha256(SCRIPT.encode()).digest()).decode()}"

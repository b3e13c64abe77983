import assert from "node:assert/strict";
import test from "node:test";

import { describe, find, isTyping, keyMap, keyOf, normalise, shown } from "../../static/js/lib/hotkeys.js";

function element(keys, { attributes = {}, dataset = {}, ...more } = {}) {
  return {
    tagName: "BUTTON", disabled: false, dataset, textContent: "text", closest: () => null,
    getAttribute: (name) => (name === "aria-keyshortcuts" ? keys : attributes[name] ?? null),
    hasAttribute: (name) => name in attributes, ...more,
  };
}
const page = (...elements) => ({ querySelectorAll: () => elements });
const press = (key, more = {}) => ({ key, target: { tagName: "BODY" }, ...more });

test("names of keys are the same however they are written", () => {
  assert.equal(normalise("Shift+Z"), "shift+z");
  assert.equal(normalise("Plus"), "plus");
  assert.equal(normalise("+"), "plus");
  assert.equal(normalise("Space"), "space");
  assert.equal(keyOf(press(" ")), "space");
  assert.equal(keyOf(press("+", { shiftKey: true })), "plus");
  assert.equal(keyOf(press("?", { shiftKey: true })), "?");
  assert.equal(keyOf(press("Z", { shiftKey: true })), "shift+z");
});

test("caps lock is not shift", () => {
  assert.equal(keyOf(press("Z")), "z");
});

test("keys with modifiers and half-typed characters belong to the browser", () => {
  for (const more of [{ ctrlKey: true }, { metaKey: true }, { altKey: true }, { isComposing: true }]) assert.equal(keyOf(press("k", more)), null);
  assert.equal(keyOf(press("Dead")), null);
});

test("nothing fires while typing", () => {
  const root = page(element("K"));
  for (const target of [{ tagName: "TEXTAREA" }, { tagName: "SELECT" }, { tagName: "INPUT", type: "text" }, { tagName: "DIV", isContentEditable: true }]) {
    assert.equal(find(press("k", { target }), root), null);
  }
  assert.ok(find(press("k", { target: { tagName: "INPUT", type: "checkbox" } }), root));
  assert.equal(isTyping({ tagName: "INPUT", type: "search" }), true);
});

test("each of several keys presses the same button", () => {
  const yes = element("Y 1");
  const map = keyMap(page(yes));
  assert.equal(map.get("y"), yes);
  assert.equal(map.get("1"), yes);
});

test("the first of two with one key wins, hidden and disabled ones do not count", () => {
  const hidden = element("U", { closest: (selector) => (selector === "[hidden]" ? {} : null) });
  const disabled = element("U", { disabled: true });
  const first = element("U");
  assert.equal(keyMap(page(hidden, disabled, first, element("U"))).get("u"), first);
});

test("a held key decides once, and repeats only where that is wanted", () => {
  assert.equal(find(press("k", { repeat: true }), page(element("K"))), null);
  assert.ok(find(press("ArrowLeft", { repeat: true }), page(element("ArrowLeft", { attributes: { "data-key-repeat": "" } }))));
});

test("space on a button presses that button, not the one with the shortcut", () => {
  assert.equal(find(press(" ", { target: { tagName: "BUTTON" } }), page(element("Space"))), null);
  assert.ok(find(press(" "), page(element("Space"))));
});

test("the help is made from the page", () => {
  const rows = describe(page(element("Y 1", { dataset: { keyGroup: "decide", keyLabel: "yes" } }), element("Shift+Z"), element("Plus =")));
  assert.deepEqual(rows.map((row) => row.keys), [["Y", "1"], ["⇧Z"], ["+"]]);
  assert.deepEqual([rows[0].group, rows[0].label], ["decide", "yes"]);
  assert.equal(shown("ArrowLeft"), "←");
});

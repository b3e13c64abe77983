import assert from "node:assert/strict";
import { test } from "node:test";

import { complete, matching } from "../../static/js/lib/mentions.js";

const MEMBERS = ["alice", "bob", "bobby"];

test("an @ at the caret offers members, in their order", () => {
  assert.deepEqual(matching("look @", MEMBERS), MEMBERS);
  assert.deepEqual(matching("@B", MEMBERS), ["bob", "bobby"]);
  assert.deepEqual(matching("@x", MEMBERS), []);
});

test("a name that is whole, and an address of mail, offer nothing", () => {
  assert.deepEqual(matching("@bob", MEMBERS), []);
  assert.deepEqual(matching("me@al", MEMBERS), []);
  assert.deepEqual(matching("@alice ", MEMBERS), []);
});

test("completing writes the name and one space", () => {
  assert.deepEqual(complete("hi @al", 6, MEMBERS), { text: "hi @alice ", caret: 10 });
  assert.deepEqual(complete("hi @al there", 6, MEMBERS), { text: "hi @alice there", caret: 10 });
  assert.equal(complete("hi", 2, MEMBERS), null);
});

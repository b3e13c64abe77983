import assert from "node:assert/strict";
import test from "node:test";

import { remember, searchClasses } from "../../static/js/lib/class_search.js";
import { describeDifference } from "../../static/js/lib/difference.js";
import { bytes, count, duration, number, percent, rate } from "../../static/js/lib/format.js";
import { RequestError, kindOf, request, requestHtml, withQuery } from "../../static/js/lib/http.js";
import { Pictures } from "../../static/js/lib/pictures.js";
import { describeRest } from "../../static/js/lib/queue_feed.js";
import { Pace, Stopwatch } from "../../static/js/lib/timing.js";
import { uuid } from "../../static/js/lib/uuid.js";
import { codeOf, rememberTitles, titleOf } from "../../static/js/lib/class_titles.js";
import { clampOffset, fit, isPixelated, place, zoomAt, zoomTo } from "../../static/js/lib/viewport.js";

test("numbers and times read as people write them", () => {
  assert.equal(number(1281167), "1,281,167");
  assert.equal(percent(0.123), "12.3 %");
  assert.equal(percent(1), "100 %");
  assert.deepEqual([bytes(999), bytes(109000), bytes(1500), bytes(2.5e9)], ["999 B", "109 kB", "1.5 kB", "2.5 GB"]);
  assert.deepEqual([duration(42), duration(90), duration(7800), duration(3599)], ["42 s", "2 min", "2 h 10", "1 h 00"]);
  assert.deepEqual([rate(2.04), rate(1234.4)], ["2.0", "1,234"]);
  assert.deepEqual([count(1, "decision"), count(2, "decision")], ["1 decision", "2 decisions"]);
});

test("statuses say whether trying again can help", () => {
  assert.deepEqual([401, 409, 429, 503, 400, 403].map(kindOf), ["signed-out", "conflict", "busy", "busy", "refused", "refused"]);
});

test("the end of the queue says what the rest waits for", () => {
  assert.equal(describeRest(3, { skipped: 0, answered: 0 }), "3 samples are on other reviewers' screens; what they leave comes back within 10 minutes.");
  assert.equal(describeRest(1, { skipped: 0, answered: 1 }), "1 sample has your answer and waits for another reviewer's.");
  const all = describeRest(5, { skipped: 2, answered: 2 });
  assert.match(all, /^2 samples have your answer .* You skipped 2: .* 1 sample is on other/);
});

function reply(status, body, { type = "application/json", redirected = false, url = "http://x/y", retryAfter = null } = {}) {
  const headers = new Map([["Content-Type", type], ["Retry-After", retryAfter]]);
  return async () => ({ ok: status < 400, status, redirected, url, headers: { get: (name) => headers.get(name) ?? null }, json: async () => body });
}

test("an error of ours keeps its code, message and details", async () => {
  const fetcher = reply(409, { error: { code: "conflict", message: "Changed.", details: { current: { version: 2 } } } });
  await assert.rejects(request("/x", {}, fetcher), (error) => error instanceof RequestError && error.kind === "conflict" && error.details.current.version === 2);
});

test("a busy server says when to come again", async () => {
  const fetcher = reply(503, { error: { code: "busy", message: "Busy." } }, { retryAfter: "3" });
  await assert.rejects(request("/x", {}, fetcher), (error) => error.kind === "busy" && error.retryAfter === 3000);
});

test("being led to the sign-in page is being signed out, another page is not an answer", async () => {
  await assert.rejects(request("/x", {}, reply(200, null, { type: "text/html", redirected: true, url: "http://x/sign-in?next=/" })), (error) => error.kind === "signed-out");
  await assert.rejects(request("/x", {}, reply(200, null, { type: "text/html" })), (error) => error.kind === "busy");
});

test("a part of a page is its text; the sign-in page in its place is being signed out", async () => {
  assert.equal(await requestHtml("/x", {}, async () => new Response("<p>5</p>")), "<p>5</p>");
  const led = Object.defineProperties(new Response("<form>"), { redirected: { value: true }, url: { value: "http://w/sign-in?next=/" } });
  await assert.rejects(requestHtml("/x", {}, async () => led), { kind: "signed-out" });
  await assert.rejects(requestHtml("/x", {}, async () => new Response("", { status: 503 })), { kind: "busy", status: 503 });
  await assert.rejects(requestHtml("/x", {}, async () => { throw new TypeError("x"); }), { kind: "offline" });
});

test("no network is told apart from an answer", async () => {
  await assert.rejects(request("/x", {}, async () => { throw new TypeError("failed"); }), (error) => error.kind === "offline");
  assert.equal(await request("/x", {}, reply(204, null, { type: "" })), null);
});

test("only what is set goes into an address", () => {
  assert.equal(withQuery("/q", { a: null, b: "", c: 0, d: "x y" }), "/q?c=0&d=x+y");
  assert.equal(withQuery("/q", { a: undefined }), "/q");
});

test("a uuid has its version also without randomUUID", () => {
  const random = { getRandomValues: (array) => array.fill(255) };
  assert.match(uuid(random), /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  assert.notEqual(uuid(), uuid());
});

const VIEW = { width: 800, height: 600 };

test("a photo is shown whole; small ones grow to twice their size, tiny ones by a whole number", () => {
  assert.equal(fit({ width: 1600, height: 600 }, VIEW), 0.5);
  assert.equal(fit({ width: 500, height: 375 }, VIEW), 1.6);
  assert.equal(fit({ width: 300, height: 200 }, VIEW), 2);
  assert.equal(fit({ width: 32, height: 32 }, VIEW), 18);
  assert.equal(isPixelated(18), true);
  assert.equal(isPixelated(1.6), false);
});

test("a fitted picture is in the middle and cannot be moved away", () => {
  const spot = place({ width: 400, height: 300 }, VIEW, { x: 900, y: 0 });
  assert.deepEqual([spot.width, spot.height, spot.left, spot.top, spot.isMovable], [800, 600, 0, 0, false]);
});

test("zooming keeps the point under the pointer and never shrinks below the fit", () => {
  const zoomed = zoomAt({ zoom: 1, x: 0, y: 0 }, 2, { x: 100, y: 50 });
  assert.deepEqual(zoomed, { zoom: 2, x: -100, y: -50 });
  assert.deepEqual(zoomAt(zoomed, 0.1), { zoom: 1, x: 0, y: 0 });
});

test("a zoomed picture is not moved past its edges", () => {
  const state = clampOffset({ width: 400, height: 300 }, VIEW, { zoom: 2, x: 5000, y: -5000 });
  assert.deepEqual([state.x, state.y], [400, -300]);
});

test("the stopwatch does not run while the page is hidden", () => {
  let now = 0;
  const watch = new Stopwatch(() => now);
  watch.start();
  now = 400;
  watch.pause();
  now = 9000;
  watch.resume();
  now = 9100;
  assert.equal(watch.milliseconds, 500);
});

test("pace is known after a few decisions and leaves breaks out", () => {
  const pace = new Pace();
  for (const time of [0, 2000, 4000, 6000]) pace.add(time);
  assert.equal(pace.perMinute, null);
  pace.add(600_000);
  pace.add(602_000);
  assert.equal(pace.perMinute, 30);
});

const CLASSES = ["tench", "goldfish", "great white shark", "tiger shark", "box turtle", "shark fin"];

test("classes: whole prefix first, then words, then anywhere, then scattered letters", () => {
  assert.deepEqual(searchClasses(CLASSES, "shark").map((item) => item.name), ["shark fin", "tiger shark", "great white shark"]);
  assert.deepEqual(searchClasses(CLASSES, "urtl").map((item) => item.name), ["box turtle"]);
  assert.deepEqual(searchClasses(CLASSES, "gws").map((item) => item.name), ["great white shark"]);
  assert.deepEqual(searchClasses(CLASSES, "zzz"), []);
});

test("classes: the last ones used come first, unknown ones never", () => {
  assert.deepEqual(searchClasses(CLASSES, "", ["tiger shark", "gone"]).slice(0, 2), [{ name: "tiger shark", isRecent: true }, { name: "tench", isRecent: false }]);
  assert.equal(searchClasses(CLASSES, "shark", ["great white shark"])[1].name, "great white shark");
  assert.deepEqual(remember(["a", "b", "c", "d", "e"], "c"), ["c", "a", "b", "d", "e"]);
  assert.equal(remember(["a", "b", "c", "d", "e"], "f").length, 5);
});

test("pictures are loaded once, and a failed one is tried again", async () => {
  let made = 0;
  const pictures = new Pictures({ limit: 2, make: () => { made += 1; return { decode: () => (made === 3 ? Promise.reject(new Error("bad")) : Promise.resolve()) }; } });
  const first = pictures.get("/1");
  assert.equal(pictures.get("/1"), first);
  await first.ready;
  assert.equal(pictures.isReady("/1"), true);
  pictures.get("/2");
  await assert.rejects(pictures.get("/3").ready);
  pictures.get("/3");
  assert.equal(made, 4);
  assert.equal(pictures.isReady("/1"), false);
});

test("a difference is put into words", () => {
  assert.equal(describeDifference(0), "Every pixel is the same.");
  assert.match(describeDifference(3.14), /3\.1 of 255/);
});

test("a part of a picture is brought to the middle, as large as fits", () => {
  const image = { width: 400, height: 300 };
  const view = { width: 800, height: 600 };
  const part = { x: 0.5, y: 0, width: 0.25, height: 0.25 };
  const state = zoomTo(image, view, part);
  const spot = place(image, view, state);
  const middle = spot.left + (part.x + part.width / 2) * spot.width;
  assert.ok(Math.abs(middle - 400) < 1, String(middle));
  assert.ok(Math.abs(part.width * spot.width - 0.8 * 800) < 1);
  assert.deepEqual(zoomTo(image, view, { x: 0, y: 0, width: 1, height: 1 }).zoom, 1);
});

test("classes are read by their name and found by it", () => {
  rememberTitles({ n01440764: "tench" });
  assert.deepEqual([titleOf("n01440764"), codeOf("n01440764"), titleOf("cat"), codeOf("cat")], ["tench", "n01440764", "cat", null]);
  assert.deepEqual(searchClasses(["cat", "n01440764"], "ten", [], 60, titleOf).map((found) => found.name), ["n01440764"]);
});

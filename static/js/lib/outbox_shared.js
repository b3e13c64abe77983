// The one outbox of this page.
import { Outbox } from "./outbox.js";
import { OutboxStore } from "./outbox_store.js";

let shared = null;

class Forgetful {
  length = 0;
  key() { return null; }
  getItem() { return null; }
  setItem() { throw new Error("This browser keeps nothing."); }
  removeItem() {}
}

function storage() {
  try {
    return localStorage;
  } catch {
    return new Forgetful();
  }
}

export function outboxOf(user) {
  if (!shared) {
    shared = new Outbox({ user, store: new OutboxStore(storage()) });
    addEventListener("online", () => shared.kick());
  }
  return shared;
}

/** What others left unsent in this browser. */
export function unsentOfOthers(user) {
  return new OutboxStore(storage()).others(user);
}

// Where unsent decisions are kept: localStorage, one key each, because writing it is done before the next line runs.
// A decision is safe the moment its key was pressed, and two tabs never overwrite each other's.

const PREFIX = "winnow.outbox.";

export class OutboxStore {
  constructor(storage) { this.storage = storage; }

  /** All entries of one person, oldest first. */
  load(user) {
    return this.#all().filter((entry) => entry.user === user);
  }

  has(entry) {
    try {
      return this.storage.getItem(PREFIX + entry.seq) !== null;
    } catch {
      return true;
    }
  }

  /** Whether it could be kept. */
  save(entry) {
    try {
      this.storage.setItem(PREFIX + entry.seq, JSON.stringify(entry));
      return true;
    } catch {
      return false;
    }
  }

  remove(entry) {
    try {
      this.storage.removeItem(PREFIX + entry.seq);
    } catch {
      // Storage is off: there is nothing to remove.
    }
  }

  /** {name: how many} of the other people who left something unsent in this browser. */
  others(user) {
    const counts = {};
    for (const entry of this.#all()) if (entry.user !== user) counts[entry.user] = (counts[entry.user] ?? 0) + 1;
    return counts;
  }

  #all() {
    const found = [];
    try {
      for (let i = 0; i < this.storage.length; i += 1) {
        const key = this.storage.key(i);
        if (key?.startsWith(PREFIX)) found.push(parse(this.storage.getItem(key)));
      }
    } catch {
      return [];
    }
    return found.filter(Boolean).sort((a, b) => (a.seq < b.seq ? -1 : 1));
  }
}

function parse(text) {
  try {
    const entry = JSON.parse(text);
    return entry?.seq && entry.body?.client_event_id ? entry : null;
  } catch {
    return null;
  }
}

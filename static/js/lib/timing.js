// How long one decision takes, and how many a minute.

/** Counts only while the page is seen. */
export class Stopwatch {
  #now; #since = null; #sum = 0;

  constructor(now = () => performance.now()) { this.#now = now; }

  start() { this.#sum = 0; this.#since = this.#now(); }
  pause() { if (this.#since !== null) { this.#sum += this.#now() - this.#since; this.#since = null; } }
  resume() { if (this.#since === null) this.#since = this.#now(); }
  get milliseconds() { return Math.round(this.#sum + (this.#since === null ? 0 : this.#now() - this.#since)); }
}

/** Decisions a minute over the last ones; a break longer than a minute does not count as work. */
export class Pace {
  #times = [];

  constructor({ keep = 30, longest = 60_000 } = {}) { this.keep = keep; this.longest = longest; }

  add(time) {
    this.#times.push(time);
    if (this.#times.length > this.keep) this.#times.shift();
  }

  takeBack() { this.#times.pop(); }

  /** null until there are a few. */
  get perMinute() {
    let worked = 0;
    let gaps = 0;
    for (let i = 1; i < this.#times.length; i += 1) {
      const gap = this.#times[i] - this.#times[i - 1];
      if (gap <= this.longest) { worked += gap; gaps += 1; }
    }
    return gaps >= 4 && worked > 0 ? (gaps * 60_000) / worked : null;
  }
}

/**
 * From the key to the next picture on screen, as performance measures named 'decision-to-next'.
 * `ready` settles when the next picture is decoded and in the page.
 */
export function measureToPaint(startTime, ready, name = "decision-to-next") {
  return ready.then(() => new Promise((resolve) => {
    // The frame after the next callback has been painted when the message that follows it arrives.
    requestAnimationFrame(() => {
      const channel = new MessageChannel();
      channel.port1.onmessage = () => {
        channel.port1.close();
        resolve(performance.measure(name, { start: startTime, end: performance.now() }));
      };
      channel.port2.postMessage(null);
    });
  })).catch(() => null);
}

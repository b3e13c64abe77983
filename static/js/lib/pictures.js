// Decoded pictures held ready, so that the next sample is on screen in one frame.

/** Holds `limit` pictures; the ones asked for longest ago go first. */
export class Pictures {
  #held = new Map();

  constructor({ limit = 24, make = () => new Image() } = {}) {
    this.limit = limit;
    this.make = make;
  }

  /** {image, ready}: ready resolves to the decoded image, or rejects when it cannot be shown. */
  get(url) {
    let held = this.#held.get(url);
    if (held) this.#held.delete(url);
    else held = this.#load(url);
    this.#held.set(url, held);
    this.#trim();
    return held;
  }

  isReady(url) {
    return this.#held.get(url)?.isReady ?? false;
  }

  #load(url) {
    const image = this.make();
    image.decoding = "sync";
    image.draggable = false;
    image.src = url;
    const held = { image, isReady: false, ready: null };
    held.ready = image.decode().then(() => {
      held.isReady = true;
      return image;
    });
    held.ready.catch(() => {
      // Forget a failure, so that coming back to the sample tries again.
      if (this.#held.get(url) === held) this.#held.delete(url);
    });
    return held;
  }

  #trim() {
    for (const url of this.#held.keys()) {
      if (this.#held.size <= this.limit) return;
      this.#held.delete(url);
    }
  }
}

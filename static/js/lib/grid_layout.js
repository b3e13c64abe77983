// Where tiles lie in a grid of equal tiles, and which of them are in sight. Pure arithmetic, in CSS pixels.

export const GAP = 8;
export const CAPTION = 40;
export const SIZES = [64, 88, 112, 144, 192, 256, 320];

export class GridLayout {
  /** `size` is the picture's side; below 100 px a tile has no room for its caption. */
  constructor({ width, size, count }) {
    this.count = count;
    this.captioned = size >= 100;
    this.columns = Math.max(1, Math.floor((width - GAP) / (size + GAP)));
    this.size = Math.floor((width - GAP) / this.columns) - GAP;
    this.tile = { width: this.size, height: this.size + (this.captioned ? CAPTION : 0) };
    this.pitch = { x: this.size + GAP, y: this.tile.height + GAP };
  }

  get rows() { return Math.ceil(this.count / this.columns); }
  get height() { return this.rows * this.pitch.y + GAP; }

  place(index) {
    return { left: GAP + (index % this.columns) * this.pitch.x, top: GAP + Math.floor(index / this.columns) * this.pitch.y };
  }

  /** [first, last) of the tiles that a window shows, with some rows around it that are fetched ahead. */
  visible(top, height, around = 2) {
    const first = Math.max(0, Math.floor((top - GAP) / this.pitch.y) - around);
    const last = Math.ceil((top + height) / this.pitch.y) + around;
    return [Math.min(this.count, first * this.columns), Math.min(this.count, last * this.columns)];
  }

  /** Indices of the tiles that a rectangle touches: {left, top, right, bottom}. */
  touched({ left, top, right, bottom }) {
    const from = { x: Math.max(0, Math.floor((left - GAP) / this.pitch.x)), y: Math.max(0, Math.floor((top - GAP) / this.pitch.y)) };
    const found = [];
    for (let y = from.y; GAP + y * this.pitch.y <= bottom && y < this.rows; y += 1) {
      if (GAP + y * this.pitch.y + this.tile.height < top) continue;
      for (let x = from.x; x < this.columns && GAP + x * this.pitch.x <= right; x += 1) {
        const index = y * this.columns + x;
        if (GAP + x * this.pitch.x + this.size >= left && index < this.count) found.push(index);
      }
    }
    return found;
  }

  /** Where to scroll so that a tile is in sight, from where the window is now. */
  scrollTo(index, top, height) {
    const place = this.place(index);
    if (place.top - GAP < top) return Math.max(0, place.top - GAP);
    return Math.max(top, place.top + this.tile.height + GAP - height);
  }
}

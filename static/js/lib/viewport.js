// Where a picture lies in its window: fitted, zoomed around a point, moved. Pure arithmetic.

const MOST = 40;

/** The scale that shows all of it: photos grow to at most twice their size, tiny images by a whole number, crisp. */
export function fit(image, view) {
  const scale = Math.min(view.width / image.width, view.height / image.height);
  if (scale <= 1 || !Number.isFinite(scale)) return Number.isFinite(scale) && scale > 0 ? scale : 1;
  if (Math.max(image.width, image.height) > 256) return Math.min(scale, 2);
  return scale >= 3 ? Math.floor(scale) : scale;
}

/** Above twice the size, interpolation only blurs: show the pixels. */
export function isPixelated(scale) {
  return scale > 2;
}

export function place(image, view, { zoom = 1, x = 0, y = 0, base = fit(image, view) } = {}) {
  const scale = Math.min(base * zoom, MOST);
  const width = image.width * scale;
  const height = image.height * scale;
  return {
    scale, width, height,
    left: centred(view.width, width, x),
    top: centred(view.height, height, y),
    isMovable: width > view.width + 1 || height > view.height + 1,
  };
}

/** Centred plus offset, held so that no edge of a larger picture comes inside the window. */
function centred(view, size, offset) {
  const room = Math.max(0, (size - view) / 2);
  return (view - size) / 2 + Math.min(room, Math.max(-room, offset));
}

export function clampOffset(image, view, state) {
  const { width, height } = place(image, view, state);
  const limit = (offset, size, room) => Math.min(Math.max(0, (size - room) / 2), Math.max(-Math.max(0, (size - room) / 2), offset));
  return { ...state, x: limit(state.x, width, view.width), y: limit(state.y, height, view.height) };
}

/** Zooms so that the point (from the view's centre) stays where it is. */
export function zoomAt(state, factor, point = { x: 0, y: 0 }) {
  const zoom = Math.min(64, Math.max(1, state.zoom * factor));
  const real = zoom / state.zoom;
  if (zoom === 1) return { ...state, zoom: 1, x: 0, y: 0 };
  return { ...state, zoom, x: point.x - (point.x - state.x) * real, y: point.y - (point.y - state.y) * real };
}

/** The state that shows a part of the image, in shares of its sides, as large as fits with some room around it. */
export function zoomTo(image, view, part, room = 0.8) {
  const base = fit(image, view);
  const wanted = room * Math.min(view.width / (part.width * image.width * base), view.height / (part.height * image.height * base));
  const zoom = Math.min(64, Math.max(1, wanted));
  const scale = Math.min(base * zoom, MOST);
  return {
    zoom,
    x: (0.5 - part.x - part.width / 2) * image.width * scale,
    y: (0.5 - part.y - part.height / 2) * image.height * scale,
  };
}

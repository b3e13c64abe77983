// The difference of two pictures, drawn on a canvas: black where they agree.

/** {canvas, width, height, mean} where mean is 0..255 over all channels, or null when the pixels cannot be read. */
export function drawDifference(canvas, left, right) {
  const larger = left.naturalWidth * left.naturalHeight >= right.naturalWidth * right.naturalHeight ? left : right;
  const width = larger.naturalWidth;
  const height = larger.naturalHeight;
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.globalCompositeOperation = "source-over";
  context.drawImage(left, 0, 0, width, height);
  context.globalCompositeOperation = "difference";
  context.drawImage(right, 0, 0, width, height);
  return { canvas, width, height, mean: meanOf(context, width, height) };
}

function meanOf(context, width, height) {
  try {
    const { data } = context.getImageData(0, 0, width, height);
    let sum = 0;
    for (let i = 0; i < data.length; i += 4) sum += data[i] + data[i + 1] + data[i + 2];
    return sum / ((data.length / 4) * 3);
  } catch {
    return null;
  }
}

export function describeDifference(mean) {
  if (mean === null) return "Bright where they differ.";
  if (mean === 0) return "Every pixel is the same.";
  return `Bright where they differ: by ${mean.toFixed(1)} of 255 on average.`;
}

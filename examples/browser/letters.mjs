// Pictures for the network: letters and digits as the page writes them, in some font, somewhere, at some angle; and as a person draws them.

export const SIZE = 20;
const PAPER = "#111";
const INK = "#eee";

const between = (low, high) => low + (high - low) * Math.random();

export const anyOf = (list) => list[Math.floor(between(0, list.length))];

function blank(canvas, size = SIZE) {
  canvas.width = canvas.height = size;
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.fillStyle = PAPER;
  context.fillRect(0, 0, size, size);
  context.fillStyle = context.strokeStyle = INK;
  return context;
}

/** A letter or digit as a pen might have written it. */
export function write(name, canvas = document.createElement("canvas")) {
  const context = blank(canvas);
  context.translate(SIZE / 2 + between(-1.5, 1.5), SIZE / 2 + between(-1.5, 1.5));
  context.rotate(between(-0.2, 0.2));
  context.font = `${between(14, 18)}px ${anyOf(["sans-serif", "serif", "monospace"])}`;
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.fillText(name, 0, 1);
  return context.getImageData(0, 0, SIZE, SIZE);
}

/** So many pictures, of each class in turn. */
export function writeMany(classes, count) {
  const labels = Array.from({ length: count }, (_, i) => classes[i % classes.length]);
  return { inputs: { image: labels.map((label) => write(label)) }, labels };
}

/** Lets a person draw on a canvas; `onStroke` is told after each stroke. */
export function paper(canvas, onStroke) {
  const size = canvas.width;
  let context;
  let box;
  const clear = () => {
    context = blank(canvas, size);
    context.lineWidth = size / 12;
    context.lineCap = context.lineJoin = "round";
    box = undefined;
  };
  clear();
  const at = ({ offsetX, offsetY }) => [(offsetX * size) / canvas.clientWidth, (offsetY * size) / canvas.clientHeight];
  const stroke = (event) => {
    const [x, y] = at(event);
    context.lineTo(x, y);
    context.stroke();
    box ??= { left: x, right: x, top: y, bottom: y };
    box = { left: Math.min(box.left, x), right: Math.max(box.right, x), top: Math.min(box.top, y), bottom: Math.max(box.bottom, y) };
  };
  canvas.onpointerdown = (event) => {
    canvas.setPointerCapture(event.pointerId);
    context.beginPath();
    stroke(event);
  };
  canvas.onpointermove = (event) => canvas.hasPointerCapture(event.pointerId) && stroke(event);
  canvas.onpointerup = (event) => {
    canvas.releasePointerCapture(event.pointerId);
    onStroke();
  };
  return { clear, picture: () => box && fitted(canvas, box) };
}

/** What was drawn, as large and in the middle as what the page writes. */
function fitted(canvas, { left, right, top, bottom }) {
  const margin = canvas.width / 24;
  const extent = Math.max(right - left, bottom - top, canvas.width / 4) + 2 * margin;
  const context = blank(document.createElement("canvas"));
  const room = 15;
  const place = (SIZE - room) / 2;
  context.imageSmoothingQuality = "high";
  context.beginPath();
  context.rect(place, place, room, room);
  context.clip();
  context.drawImage(canvas, (left + right - extent) / 2, (top + bottom - extent) / 2, extent, extent, place, place, room, room);
  return context.getImageData(0, 0, SIZE, SIZE);
}

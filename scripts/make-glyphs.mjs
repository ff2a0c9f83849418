// Draws the image data set of the examples: the 36 glyphs 0-9 and A-Z as pen strokes, each bent, turned, shifted, thickened and
// sprinkled with noise at random, as 20x20 PNG files in one folder per class. Our own drawing, so that the first run needs no
// download; the same seed always gives the same pixels.
//
//   node scripts/make-glyphs.mjs [--out specs/examples/data/glyphs] [--sheet contact.png]

import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { deflateSync } from "node:zlib";

const SIZE = 20;
const COUNTS = { train: 80, test: 20 };
const SEED = 20;

const root = resolve(dirname(fileURLToPath(import.meta.url)), "..");
const { values: options } = parseArgs({
  options: { out: { type: "string", default: join(root, "specs/examples/data/glyphs") }, sheet: { type: "string" } },
});

// --- the alphabet: strokes in a box of [0, 1] x [0, 1], y downwards -----------------------------------------------------------

const line = (...numbers) => numbers.flatMap((x, i) => (i % 2 === 0 ? [[x, numbers[i + 1]]] : []));

/** Part of an ellipse; degrees clockwise from the right. */
function arc(cx, cy, rx, ry, from, to) {
  const steps = Math.max(4, Math.ceil(Math.abs(to - from) / 15));
  return Array.from({ length: steps + 1 }, (_, i) => {
    const angle = ((from + ((to - from) * i) / steps) * Math.PI) / 180;
    return [cx + rx * Math.cos(angle), cy + ry * Math.sin(angle)];
  });
}

const ring = (cx, cy, rx, ry) => arc(cx, cy, rx, ry, 0, 360);

const GLYPHS = {
  0: [ring(0.5, 0.5, 0.38, 0.5), line(0.7, 0.2, 0.3, 0.8)],
  1: [line(0.25, 0.25, 0.55, 0, 0.55, 1)],
  2: [[...arc(0.5, 0.28, 0.36, 0.28, 190, 390), ...line(0.1, 1, 0.9, 1)]],
  3: [arc(0.45, 0.25, 0.37, 0.25, 200, 450), arc(0.45, 0.75, 0.4, 0.25, 270, 520)],
  4: [line(0.7, 1, 0.7, 0, 0.1, 0.68, 0.95, 0.68)],
  5: [[...line(0.85, 0, 0.2, 0, 0.15, 0.45), ...arc(0.48, 0.69, 0.38, 0.31, 230, 510)]],
  6: [[...arc(0.75, 0.7, 0.62, 0.7, 275, 185), ...arc(0.5, 0.7, 0.37, 0.3, 180, -180)]],
  7: [line(0.1, 0, 0.9, 0, 0.4, 1)],
  8: [ring(0.5, 0.24, 0.3, 0.24), ring(0.5, 0.74, 0.38, 0.26)],
  9: [[...ring(0.5, 0.3, 0.37, 0.3), ...arc(0.25, 0.3, 0.62, 0.7, 0, 90)]],
  A: [line(0.05, 1, 0.5, 0, 0.95, 1), line(0.22, 0.65, 0.78, 0.65)],
  B: [
    line(0.12, 0, 0.12, 1),
    [...line(0.12, 0, 0.5, 0), ...arc(0.5, 0.24, 0.32, 0.24, 270, 450), ...line(0.12, 0.48)],
    [...line(0.5, 0.48), ...arc(0.5, 0.74, 0.38, 0.26, 270, 450), ...line(0.12, 1)],
  ],
  C: [arc(0.55, 0.5, 0.45, 0.5, 310, 50)],
  D: [line(0.12, 0, 0.12, 1), [...line(0.12, 0, 0.4, 0), ...arc(0.4, 0.5, 0.5, 0.5, 270, 450), ...line(0.12, 1)]],
  E: [line(0.9, 0, 0.12, 0, 0.12, 1, 0.9, 1), line(0.12, 0.48, 0.7, 0.48)],
  F: [line(0.9, 0, 0.12, 0, 0.12, 1), line(0.12, 0.48, 0.7, 0.48)],
  G: [[...arc(0.52, 0.5, 0.45, 0.5, 310, 20), ...line(0.95, 0.55, 0.55, 0.55)]],
  H: [line(0.1, 0, 0.1, 1), line(0.9, 0, 0.9, 1), line(0.1, 0.5, 0.9, 0.5)],
  I: [line(0.5, 0, 0.5, 1), line(0.2, 0, 0.8, 0), line(0.2, 1, 0.8, 1)],
  J: [[...line(0.35, 0, 0.8, 0, 0.8, 0.7), ...arc(0.47, 0.7, 0.33, 0.3, 0, 170)]],
  K: [line(0.12, 0, 0.12, 1), line(0.88, 0, 0.12, 0.55), line(0.35, 0.4, 0.92, 1)],
  L: [line(0.15, 0, 0.15, 1, 0.9, 1)],
  M: [line(0.05, 1, 0.12, 0, 0.5, 0.6, 0.88, 0, 0.95, 1)],
  N: [line(0.1, 1, 0.1, 0, 0.9, 1, 0.9, 0)],
  O: [ring(0.5, 0.5, 0.48, 0.5)],
  P: [line(0.12, 1, 0.12, 0), [...line(0.12, 0, 0.5, 0), ...arc(0.5, 0.27, 0.38, 0.27, 270, 450), ...line(0.12, 0.54)]],
  Q: [ring(0.48, 0.48, 0.46, 0.48), line(0.6, 0.65, 0.98, 1.05)],
  R: [
    line(0.12, 1, 0.12, 0),
    [...line(0.12, 0, 0.5, 0), ...arc(0.5, 0.26, 0.36, 0.26, 270, 450), ...line(0.12, 0.52)],
    line(0.45, 0.52, 0.92, 1),
  ],
  S: [[...arc(0.5, 0.25, 0.36, 0.25, 330, 90), ...arc(0.5, 0.75, 0.38, 0.25, 270, 510)]],
  T: [line(0.05, 0, 0.95, 0), line(0.5, 0, 0.5, 1)],
  U: [[...line(0.1, 0, 0.1, 0.6), ...arc(0.5, 0.6, 0.4, 0.4, 180, 0), ...line(0.9, 0)]],
  V: [line(0.05, 0, 0.5, 1, 0.95, 0)],
  W: [line(0, 0, 0.22, 1, 0.5, 0.35, 0.78, 1, 1, 0)],
  X: [line(0.08, 0, 0.92, 1), line(0.92, 0, 0.08, 1)],
  Y: [line(0.05, 0, 0.5, 0.5, 0.95, 0), line(0.5, 0.5, 0.5, 1)],
  Z: [line(0.1, 0, 0.9, 0, 0.1, 1, 0.9, 1), line(0.3, 0.5, 0.7, 0.5)],
};

// --- drawing ----------------------------------------------------------------------------------------------------------------

/** mulberry32: small, seedable, and the same everywhere. */
function generator(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Strokes in pixels: a random affine map about the centre, then a slow wave, so that no two pens write alike. */
function place(strokes, random) {
  const between = (low, high) => low + (high - low) * random();
  const turn = between(-0.22, 0.22);
  const slant = between(-0.25, 0.25);
  const width = between(7.5, 12.5);
  const height = between(10.5, 14.5);
  const [dx, dy] = [between(-2.2, 2.2), between(-2, 2)];
  const [wave, phaseX, phaseY] = [between(0, 0.7), between(0, 2 * Math.PI), between(0, 2 * Math.PI)];
  return strokes.map((points) =>
    points.map(([x, y]) => {
      const u = (x - 0.5) * width - slant * (y - 0.5) * height;
      const v = (y - 0.5) * height;
      return [
        SIZE / 2 + dx + u * Math.cos(turn) - v * Math.sin(turn) + wave * Math.sin(phaseX + 5 * y),
        SIZE / 2 + dy + u * Math.sin(turn) + v * Math.cos(turn) + wave * Math.sin(phaseY + 5 * x),
      ];
    }),
  );
}

function distanceToSegment(px, py, [ax, ay], [bx, by]) {
  const [dx, dy] = [bx - ax, by - ay];
  const length = dx * dx + dy * dy;
  const t = length === 0 ? 0 : Math.min(1, Math.max(0, ((px - ax) * dx + (py - ay) * dy) / length));
  return Math.hypot(px - ax - t * dx, py - ay - t * dy);
}

/** One glyph as SIZE x SIZE values of 0..15, ink bright on dark: four bits are enough for what the eye sees, and half the bytes. */
function draw(strokes, random) {
  const placed = place(strokes, random);
  const radius = 0.5 + 0.7 * random();
  const ink = 0.7 + 0.3 * random();
  const paper = 0.12 * random();
  const speckle = 0.05 * random();
  const pixels = new Uint8Array(SIZE * SIZE);
  for (let y = 0; y < SIZE; y++) {
    for (let x = 0; x < SIZE; x++) {
      let nearest = Infinity;
      for (const points of placed) {
        for (let i = 1; i < points.length; i++) nearest = Math.min(nearest, distanceToSegment(x + 0.5, y + 0.5, points[i - 1], points[i]));
      }
      const coverage = Math.min(1, Math.max(0, radius + 0.5 - nearest));
      let value = paper + (ink - paper) * coverage;
      if (random() < speckle) value += (random() - 0.4) * 0.9;
      pixels[y * SIZE + x] = Math.min(15, Math.max(0, Math.round(value * 15)));
    }
  }
  return pixels;
}

// --- PNG --------------------------------------------------------------------------------------------------------------------

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, n) => {
  let c = n;
  for (let k = 0; k < 8; k++) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1;
  return c >>> 0;
});

function chunk(type, data) {
  const body = Buffer.concat([Buffer.from(type, "latin1"), data]);
  let crc = 0xffffffff;
  for (const byte of body) crc = CRC_TABLE[(crc ^ byte) & 0xff] ^ (crc >>> 8);
  const framed = Buffer.alloc(body.length + 8);
  framed.writeUInt32BE(data.length, 0);
  body.copy(framed, 4);
  framed.writeUInt32BE((crc ^ 0xffffffff) >>> 0, body.length + 4);
  return framed;
}

/** A four-bit greyscale PNG. By hand, because sharp writes four bits only with a palette, which is larger than the picture. */
function encodePng(pixels, width, height) {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header[8] = 4;
  const stride = Math.ceil(width / 2) + 1;
  const rows = Buffer.alloc(stride * height);
  for (let i = 0; i < width * height; i++) {
    const [x, y] = [i % width, Math.floor(i / width)];
    rows[y * stride + 1 + (x >> 1)] |= pixels[i] << (x % 2 === 0 ? 4 : 0);
  }
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  return Buffer.concat([signature, chunk("IHDR", header), chunk("IDAT", deflateSync(rows, { level: 9 })), chunk("IEND", Buffer.alloc(0))]);
}

// --- files ------------------------------------------------------------------------------------------------------------------

const names = Object.keys(GLYPHS);
let [files, bytes] = [0, 0];
rmSync(options.out, { recursive: true, force: true });
for (const [split, count] of Object.entries(COUNTS)) {
  names.forEach((name, label) => {
    const folder = join(options.out, split, name);
    mkdirSync(folder, { recursive: true });
    for (let i = 0; i < count; i++) {
      const random = generator(SEED * 1_000_003 + label * 10_007 + i * 2 + (split === "test" ? 1 : 0));
      const png = encodePng(draw(GLYPHS[name], random), SIZE, SIZE);
      writeFileSync(join(folder, `${String(i).padStart(4, "0")}.png`), png);
      files++;
      bytes += png.length;
    }
  });
}
console.log(`${files} images, ${(bytes / 1000).toFixed(0)} kB, in ${options.out}`);

if (options.sheet !== undefined) {
  const columns = 18;
  const sheet = new Uint8Array(names.length * SIZE * columns * SIZE);
  names.forEach((name, row) => {
    for (let column = 0; column < columns; column++) {
      const pixels = draw(GLYPHS[name], generator(SEED * 1_000_003 + row * 10_007 + column * 2));
      for (let i = 0; i < pixels.length; i++) {
        sheet[(row * SIZE + Math.floor(i / SIZE)) * columns * SIZE + column * SIZE + (i % SIZE)] = pixels[i];
      }
    }
  });
  writeFileSync(options.sheet, encodePng(sheet, columns * SIZE, names.length * SIZE));
}

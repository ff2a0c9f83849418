// Composes the pages of the example of masks: four glyphs of the example data on each, somewhere in its quarter, and for every pixel whether it is
// paper, of a digit or of a letter; 255 where ink ends, of which nobody says what it is. Pages to test on are made of the glyphs to test on.
//
//   node scripts/make-pages.mjs        # needs sharp, which `npm ci` installs

import { mkdirSync, readdirSync, rmSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import sharp from "sharp";

const [GLYPH, CELL, CELLS] = [20, 24, 2];
const SIZE = CELL * CELLS;
const COUNTS = { train: 120, test: 40 };
/** Levels from which on a pixel is ink, and below which it is paper. */
const [INK, PAPER] = [128, 64];
const [DIGIT, LETTER, NOTHING] = [1, 2, 255];

const data = resolve(dirname(fileURLToPath(import.meta.url)), "../specs/examples/data");

/** Mulberry32: the same seed gives the same pages. */
function createRandom(seed) {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * below);
  };
}

async function glyphOf(part, name, file) {
  const { data: levels } = await sharp(join(data, "glyphs", part, name, file))
    .toColourspace("b-w")
    .raw()
    .toBuffer({ resolveWithObject: true });
  return levels;
}

async function makePage(part, number, random) {
  const names = readdirSync(join(data, "glyphs", part)).sort();
  const [page, mask] = [new Uint8Array(SIZE * SIZE), new Uint8Array(SIZE * SIZE)];
  for (let cell = 0; cell < CELLS * CELLS; cell++) {
    // As many digits as letters.
    const isDigit = random(2) === 0;
    const kind = names.filter((name) => /\d/.test(name) === isDigit);
    const name = kind[random(kind.length)];
    const files = readdirSync(join(data, "glyphs", part, name)).sort();
    const levels = await glyphOf(part, name, files[random(files.length)]);
    const top = Math.floor(cell / CELLS) * CELL + random(CELL - GLYPH + 1);
    const left = (cell % CELLS) * CELL + random(CELL - GLYPH + 1);
    levels.forEach((level, i) => {
      const at = (top + Math.floor(i / GLYPH)) * SIZE + left + (i % GLYPH);
      page[at] = level;
      mask[at] = level >= INK ? (isDigit ? DIGIT : LETTER) : level >= PAPER ? NOTHING : 0;
    });
  }
  const save = (pixels, kind) =>
    sharp(pixels, { raw: { width: SIZE, height: SIZE, channels: 1 } })
      .toColourspace("b-w")
      .png({ compressionLevel: 9 })
      .toFile(join(data, "pages", part, kind, `${String(number).padStart(3, "0")}.png`));
  await save(page, "images");
  await save(mask, "masks");
}

for (const [part, count] of Object.entries(COUNTS)) {
  rmSync(join(data, "pages", part), { recursive: true, force: true });
  for (const kind of ["images", "masks"]) mkdirSync(join(data, "pages", part, kind), { recursive: true });
  const random = createRandom(count);
  for (let number = 0; number < count; number++) await makePage(part, number, random);
}

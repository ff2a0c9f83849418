// Writes the sequence data set of the examples: 24 random tokens 0-9 and a label for every step. A 7 throws a switch on, a 3 throws
// it off, and the label is the switch: what a network without a memory cannot know, since eight tokens in ten say nothing.
// The same seed always gives the same files.
//
//   node scripts/make-sequences.mjs [--out specs/examples/data/sequences]

import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const LENGTH = 24;
const COUNTS = { train: 2000, test: 400 };
const [TURNS_ON, TURNS_OFF] = [7, 3];

const root = resolve(dirname(fileURLToPath(import.meta.url)), "..");
const { values: options } = parseArgs({ options: { out: { type: "string", default: join(root, "specs/examples/data/sequences") } } });

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

function example(random) {
  const tokens = Array.from({ length: LENGTH }, () => Math.floor(random() * 10));
  let on = 0;
  const labels = tokens.map((token) => {
    if (token === TURNS_ON) on = 1;
    if (token === TURNS_OFF) on = 0;
    return on;
  });
  return `${tokens.join(" ")},${labels.join(" ")}\n`;
}

mkdirSync(options.out, { recursive: true });
for (const [index, [split, count]] of Object.entries(COUNTS).entries()) {
  const random = generator(1000 + index);
  const rows = Array.from({ length: count }, () => example(random));
  writeFileSync(join(options.out, `${split}.csv`), `tokens,label\n${rows.join("")}`);
  console.log(`${split}: ${count} sequences of ${LENGTH}, in ${options.out}`);
}

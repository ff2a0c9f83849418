// What transfer gains where labels are few: each example of specs/examples that has a recipe with weights to begin with and one, `scratch`,
// without, over several seeds (of initial weights, order, augmentation, and of which pictures are labelled): mean and spread of the accuracy
// on test pictures. Each run is the command that a user would type.
//
//   node bench/few-labels.mjs [EXAMPLE…] [--seeds 1,2,3,4,5] [--save]
//   node bench/few-labels.mjs --draw
//
// --save keeps what was measured in bench/results/few-labels.json and draws docs/few-labels.svg of all that is there, as --draw does.

import { spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "..");
const examples = join(root, "specs/examples");
const shared = resolve(root, process.env.TLC_SHARED ?? "../shared", "data");
const PUBLISHED = "cifar10-resnet20-12fca82f.th";

/** @type {readonly { name: string, recipe: string, what: string, beside: Record<string, string> }[]} */
const EXAMPLES = [
  {
    name: "letters-to-digits",
    recipe: "digits",
    what: "letters to digits, 5 pictures a class",
    beside: { data: join(examples, "data") },
  },
  {
    name: "unlabelled",
    recipe: "few",
    what: "36 glyphs, pretrained without labels, 1 picture a class",
    beside: { data: join(examples, "data") },
  },
  {
    name: "cifar5",
    recipe: "cifar5",
    what: "ResNet-20 of CIFAR-10 to 5 classes, 20 pictures a class",
    beside: { "data/cifar10": join(shared, "cifar10"), [PUBLISHED]: join(shared, "pretrained", PUBLISHED) },
  },
];

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seeds: { type: "string", default: "1,2,3,4,5" },
    save: { type: "boolean" },
    draw: { type: "boolean" },
    device: { type: "string", default: "wasm" },
  },
});
const seeds = options.seeds.split(",").map(Number);

/** The accuracy on test pictures of a run in this folder. */
function accuracyOf(folder, spec, recipe) {
  const args = [join(root, "dist/cli/main.js"), "run", spec, "--recipe", recipe, "--root", "/", "--device", options.device, "--json"];
  return new Promise((done, fail) => {
    const child = spawn(process.execPath, args, { cwd: folder, stdio: ["ignore", "pipe", "inherit"] });
    let text = "";
    child.stdout.on("data", (chunk) => (text += chunk));
    child.on("close", (code) => {
      if (code !== 0) return fail(new Error(`${recipe} of ${spec} ended with ${code}:\n${text.slice(-2000)}`));
      // What is trained first ends first.
      const { test } = text
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line))
        .findLast(({ event }) => event === "done");
      done(test.accuracy);
    });
  });
}

/** Of an example, with and without weights to begin with: accuracies, one for each seed. */
async function measure({ name, recipe, beside }) {
  const text = readFileSync(join(examples, `${name}.tlspec`), "utf8");
  const [transferred, scratch] = [[], []];
  for (const seed of seeds) {
    const folder = mkdtempSync(join(tmpdir(), "tlc-few-labels-"));
    try {
      for (const [link, target] of Object.entries(beside)) {
        mkdirSync(dirname(join(folder, link)), { recursive: true });
        symlinkSync(target, join(folder, link));
      }
      writeFileSync(join(folder, "spec.tlspec"), text.replaceAll(/\bseed \d+/g, `seed ${seed}`));
      transferred.push(await accuracyOf(folder, "spec.tlspec", recipe));
      scratch.push(await accuracyOf(folder, "spec.tlspec", "scratch"));
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }
  return { transferred, scratch };
}

const mean = (list) => list.reduce((sum, it) => sum + it, 0) / list.length;
const deviation = (list) => Math.sqrt(list.reduce((sum, it) => sum + (it - mean(list)) ** 2, 0) / Math.max(1, list.length - 1));
const shown = (list) => `${(100 * mean(list)).toFixed(1)} ± ${(100 * deviation(list)).toFixed(1)} %`;

/** Accuracies by example and seed: those with weights to begin with, and those without. */
const SAVED = join(root, "bench/results/few-labels.json");
const saved = () => (existsSync(SAVED) ? JSON.parse(readFileSync(SAVED, "utf8")) : {});

/** Bars of the means, from 0 to 100 %, with a line from one deviation below to one above. */
function drawing(results) {
  const [width, row, left, bar] = [860, 74, 12, 18];
  const known = EXAMPLES.filter(({ name }) => results[name] !== undefined);
  const x = (accuracy) => left + accuracy * (width - left - 240);
  const rows = known.flatMap(({ name, what }, i) => {
    const y = 14 + i * row;
    const bars = ["transferred", "scratch"].map((kind, k) => {
      const list = Object.values(results[name]).map((of) => of[kind]);
      const [at, top] = [mean(list), y + 14 + k * (bar + 4)];
      const [low, high] = [at - deviation(list), at + deviation(list)].map((it) => x(it).toFixed(1));
      return `<rect x="${left}" y="${top}" width="${(x(at) - left).toFixed(1)}" height="${bar}" fill="${k === 0 ? "#2563eb" : "#94a3b8"}"/>
<path d="M${low} ${top + bar / 2}H${high}" stroke="#0f172a" stroke-width="1.5"/>
<text x="${Number(high) + 6}" y="${top + 13}">${shown(list)}${k === 0 ? "" : " from random weights"}</text>`;
    });
    return [`<text x="${left}" y="${y + 8}" font-weight="600">${what}</text>`, ...bars];
  });
  const height = 14 + known.length * row;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="system-ui, sans-serif" font-size="12" fill="#475569">
${rows.join("\n")}
</svg>
`;
}

for (const example of options.draw ? [] : EXAMPLES) {
  if (positionals.length > 0 && !positionals.includes(example.name)) continue;
  const missing = Object.values(example.beside).find((path) => !existsSync(path));
  if (missing !== undefined) {
    console.log(`${example.name}: skipped, there is no ${missing}`);
    continue;
  }
  const { transferred, scratch } = await measure(example);
  console.log(`${example.what}, ${seeds.length} seeds: ${shown(transferred)} with transfer, ${shown(scratch)} without`);
  const each = (list) => list.map((it) => (100 * it).toFixed(1)).join(" ");
  console.log(`  ${example.recipe}: ${each(transferred)}; scratch: ${each(scratch)}`);
  if (!options.save) continue;
  const measured = Object.fromEntries(seeds.map((seed, i) => [seed, { transferred: transferred[i], scratch: scratch[i] }]));
  const all = saved();
  writeFileSync(SAVED, `${JSON.stringify({ ...all, [example.name]: { ...all[example.name], ...measured } }, null, 1)}\n`);
}
if (options.save || options.draw) writeFileSync(join(root, "docs/few-labels.svg"), drawing(saved()));

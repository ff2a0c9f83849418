// What transfer gains where labels are few: each example of specs/examples that has a recipe with weights to begin with and one, `scratch`,
// without, over several seeds (of initial weights, order, augmentation, and of which pictures are labelled): mean and spread of the accuracy
// on test pictures. Each run is the command that a user would type.
//
//   node bench/few-labels.mjs [EXAMPLE…] [--seeds 1,2,3,4,5]

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
    name: "cifar5",
    recipe: "cifar5",
    what: "ResNet-20 of CIFAR-10 to 5 classes, 20 pictures a class",
    beside: { "data/cifar10": join(shared, "cifar10"), [PUBLISHED]: join(shared, "pretrained", PUBLISHED) },
  },
];

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: { seeds: { type: "string", default: "1,2,3,4,5" }, device: { type: "string", default: "wasm" } },
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

for (const example of EXAMPLES) {
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
}

// node bench/pictures.mjs: how long 4,000 small pictures take to read, the first time and from the cache, beside an epoch of training on
// them with the example's network on wasm. Medians of interleaved runs, since the machine's speed drifts. Needs dist/ (npm run build).

import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import sharp from "sharp";
import { describeData, loadSplit } from "../dist/index.js";

const at = (path) => fileURLToPath(new URL(`../${path}`, import.meta.url));
const [CLASSES, EACH, SIDE, RUNS] = [10, 400, 32, 3];

async function makePictures(folder, format) {
  let state = 1;
  const random = () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) >>> 24;
  for (let name = 0; name < CLASSES; name++) {
    const path = join(folder, "train", `c${name}`);
    mkdirSync(path, { recursive: true });
    for (let i = 0; i < EACH; i++) {
      const [dx, dy] = [random(), random()];
      const level = (k) => (Math.floor(k / 3) % SIDE) * dx + Math.floor(k / 3 / SIDE) * dy + (k % 3) * name * 25 + (random() >> 3);
      const pixels = Buffer.from(Array.from({ length: SIDE * SIDE * 3 }, (_, k) => (level(k) >> 2) & 255));
      const image = sharp(pixels, { raw: { width: SIDE, height: SIDE, channels: 3 } });
      writeFileSync(join(path, `${i}.${format}`), await image.toFormat(format).toBuffer());
    }
  }
}

const SPEC = `import { cnn } from "./cifar.tlspec"
dataset pictures {
  train images("train")
  preprocess center_crop(24) -> normalize(cifar10)
  augment random_crop(24) -> horizontal_flip
}
recipe pictures {
  network cnn(classes: pictures.classes)
  data pictures
  loss cross_entropy
  batch 64
  optimizer adam(lr: 1e-3)
  epochs 1
}
`;

function epochSeconds(folder) {
  const args = [at("dist/cli/main.js"), "run", join(folder, "pictures.tlspec"), "--device", "wasm", "--json"];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: folder, encoding: "utf8" });
  if (status !== 0) throw new Error(stderr);
  const events = stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  return events.find(({ event }) => event === "epoch").seconds;
}

const median = (values) => values.sort((a, b) => a - b)[values.length >> 1];
const root = mkdtempSync(join(tmpdir(), "tlc-pictures-"));
try {
  for (const format of ["jpeg", "png"]) {
    const folder = join(root, format);
    await makePictures(folder, format);
    copyFileSync(at("specs/examples/cifar.tlspec"), join(folder, "cifar.tlspec"));
    writeFileSync(join(folder, "pictures.tlspec"), SPEC);
    const source = { word: "images", args: { path: join(folder, "train") } };
    const crop = { word: "random_crop", args: { size: [24, 24], padding: 0 } };
    const preprocess = [{ word: "center_crop", args: { size: [24, 24] } }];
    const plan = { name: "pictures", sources: { train: source }, splits: [], preprocess, augment: [crop] };
    const info = await describeData(plan);
    const read = async (options = {}) => {
      const began = performance.now();
      await loadSplit(plan, "train", info, options);
      return (performance.now() - began) / 1000;
    };
    const cache = join(root, "cache");
    // Files that have just been written are not kept.
    await new Promise((resolve) => setTimeout(resolve, 2500));
    await read({ cache });
    const times = { read: [], cached: [], epoch: [] };
    for (let run = 0; run < RUNS; run++) {
      times.read.push(await read());
      times.cached.push(await read({ cache }));
      times.epoch.push(epochSeconds(folder));
    }
    const epoch = median(times.epoch);
    const line = (name, seconds) =>
      console.log(`  ${name.padEnd(20)} ${seconds.toFixed(2).padStart(6)} s  ${(seconds / epoch).toFixed(2)} of an epoch`);
    console.log(`${CLASSES * EACH} pictures of ${SIDE} x ${SIDE}, ${format}`);
    line("read", median(times.read));
    line("read from the cache", median(times.cached));
    line("an epoch on wasm", epoch);
  }
} finally {
  rmSync(root, { recursive: true });
}

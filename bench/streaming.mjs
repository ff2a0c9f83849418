// node bench/streaming.mjs [--pictures 2048] [--folder 100000]: what streaming costs beside holding the pictures, and what a large folder takes.
//
// 1. The same recipe on wasm, held and streamed, by turns: examples a second of epochs behind the first, and whether the weights are the same bits.
//    Threads that decode share the cores with those that compute, so this is as hard as it gets.
// 2. The trainer before a device that takes its time and no core: how busy it is, held and streamed, as it grows faster than two threads decode.
// 3. A folder of many pictures: when its first step is done, and memory over the epoch.
//
// Needs dist/ (npm run build), and Linux, of which it asks what memory a process has.

import { spawn } from "node:child_process";
import { copyFileSync, existsSync, linkSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { clearInterval } from "node:timers";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import sharp from "sharp";
import { compileSpec, loadSplit, Network, train } from "../dist/index.js";
import { PacedDevice } from "./paced-device.mjs";

const at = (path) => fileURLToPath(new URL(`../${path}`, import.meta.url));
const { values: options } = parseArgs({
  options: {
    pictures: { type: "string", default: "2048" },
    folder: { type: "string", default: "100000" },
    rounds: { type: "string", default: "3" },
    only: { type: "string" },
  },
});
const [CLASSES, ENCODINGS, SIDE] = [10, 320, 32];
const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1];

/** JPEGs of soft shapes with noise, all different. */
async function encodings() {
  let state = 1;
  const random = () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32;
  const files = [];
  for (let i = 0; i < ENCODINGS; i++) {
    const waves = Array.from({ length: 9 }, () => random() / 3);
    const level = (c, y, x) => 128 + 60 * Math.sin(waves[c] * x + waves[3 + c] * y + 9 * waves[6 + c]) + 60 * (random() - 0.5);
    const pixels = Buffer.from(
      Array.from({ length: SIDE * SIDE * 3 }, (_, k) => level(k % 3, Math.floor(k / 3 / SIDE), Math.floor(k / 3) % SIDE)),
    );
    const image = sharp(pixels, { raw: { width: SIDE, height: SIDE, channels: 3 } });
    files.push(await image.jpeg({ quality: 90 }).toBuffer());
  }
  return files;
}

/** So many pictures in folders of classes: a few hundred files, and links to them. */
function fill(folder, files, count) {
  const real = join(folder, "files");
  mkdirSync(real, { recursive: true });
  files.forEach((bytes, i) => writeFileSync(join(real, `${i}.jpg`), bytes));
  for (let name = 0; name < CLASSES; name++) mkdirSync(join(folder, "train", `c${name}`), { recursive: true });
  for (let i = 0; i < count; i++) linkSync(join(real, `${i % files.length}.jpg`), join(folder, "train", `c${i % CLASSES}`, `${i}.jpg`));
  copyFileSync(at("bench/streaming.tlspec"), join(folder, "streaming.tlspec"));
}

/** What a process has taken of all cores so far, in hundredths, as Linux counts. */
function cpuSeconds(pid) {
  if (!existsSync(`/proc/${pid}/stat`)) return 0;
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").replace(/^.*\)/, "").trim().split(" ");
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

/** A run of the command line: its events with the milliseconds when they came and the time of processors by then. */
function run(folder, args, watch) {
  const began = performance.now();
  const command = [at("dist/cli/main.js"), "run", "streaming.tlspec", "--device", "wasm", "--json", ...args];
  const child = spawn(process.execPath, command, { cwd: folder, stdio: ["ignore", "pipe", "inherit"] });
  const events = [];
  let rest = "";
  child.stdout.on("data", (text) => {
    const lines = (rest + text).split("\n");
    rest = lines.pop();
    for (const line of lines) events.push({ at: performance.now() - began, cpu: cpuSeconds(child.pid), ...JSON.parse(line) });
  });
  const timer = watch && setInterval(() => watch(child.pid, performance.now() - began), 100);
  return new Promise((resolve, reject) => {
    child.on("close", (code) => {
      clearInterval(timer);
      if (code === 0) resolve(events);
      else reject(new Error(`the run ended with ${code}`));
    });
  });
}

const show = (name, text) => console.log(`  ${name.padEnd(26)} ${text}`);
const perSecond = (value) => `${Math.round(value).toLocaleString("en")} pictures/s`;

/** The bits of the weights of the newest run in a folder. */
const weightsOf = (folder, events) => readFileSync(join(folder, events.find(({ event }) => event === "done").weights));

async function compare(folder, count) {
  console.log(`ResNet-20 on ${count} JPEGs of ${SIDE} x ${SIDE}, wasm, ${availableParallelism()} cores for computing and decoding`);
  const rates = { held: [], streamed: [] };
  // Of processors, for a picture: what decoding takes on a machine that does something else as well.
  const work = { held: [], streamed: [] };
  const weights = [];
  for (let round = 0; round < Number(options.rounds); round++)
    for (const [name, args] of [
      ["held", []],
      ["streamed", ["--stream"]],
    ]) {
      const events = await run(folder, ["--recipe", "residual", ...args]);
      const epochs = events.filter(({ event }) => event === "epoch");
      rates[name].push(...epochs.slice(1).map(({ seconds }) => count / seconds));
      work[name].push((epochs.at(-1).cpu - epochs[0].cpu) / (epochs.length - 1) / count);
      weights.push(weightsOf(folder, events));
    }
  const [held, streamed] = [median(rates.held), median(rates.streamed)];
  show("held", perSecond(held));
  show("streamed", `${perSecond(streamed)}: ${((100 * streamed) / held).toFixed(1)} %`);
  const [alone, both] = [median(work.held), median(work.streamed)];
  show(
    "time of processors",
    `${(1000 * alone).toFixed(2)} ms a picture held, ${(1000 * both).toFixed(2)} streamed: ${((100 * alone) / both).toFixed(1)} % computes`,
  );
  show("the same bits", weights.every((it) => it.equals(weights[0])) ? `yes, ${weights.length} runs` : "NO");
}

async function pace(folder, count) {
  const { artifact } = await compileSpec(join(folder, "streaming.tlspec"), { recipe: "many", target: "wasm", set: ["epochs=3"] });
  const { data: plan, dataInfo: info } = artifact;
  const held = await loadSplit(plan, "train", info);
  const streamed = await loadSplit(plan, "train", info, { streamAbove: 0 });
  const everyone = Int32Array.from({ length: count }, (_, i) => i);
  await streamed.streamed.read(everyone);
  const began = performance.now();
  await streamed.streamed.read(everyone);
  const decoded = (1000 * count) / (performance.now() - began);
  console.log(`A device that takes no core, ${count} JPEGs of ${SIDE} x ${SIDE}, two epochs behind the first`);
  show("decoded by threads", perSecond(decoded));
  for (const share of [0.25, 0.5, 0.75, 0.9]) {
    const busy = {};
    for (const [name, split] of [
      ["held", held],
      ["streamed", streamed],
    ])
      busy[name] = await busyShare(artifact, split, (64 * 1000) / (share * decoded));
    const text = `busy ${(100 * busy.held).toFixed(1)} % held, ${(100 * busy.streamed).toFixed(1)} % streamed: ${((100 * busy.streamed) / busy.held).toFixed(1)} %`;
    show(`at ${perSecond(share * decoded)}`, text);
  }
}

/** Of the time from the first epoch's end to the last one's, the share in which the device computes. */
async function busyShare(artifact, split, milliseconds) {
  const device = new PacedDevice({ train: milliseconds });
  const network = await Network.open(artifact, device);
  const seen = [];
  try {
    for await (const { event } of train(network, { train: split })) if (event === "epoch") seen.push([performance.now(), device.busy]);
  } finally {
    network.dispose();
  }
  const [[from, before], [to, after]] = [seen[0], seen.at(-1)];
  return (after - before) / (to - from);
}

async function large(folder, count) {
  console.log(`A folder of ${count.toLocaleString("en")} JPEGs of ${SIDE} x ${SIDE}, streamed, wasm`);
  const memory = [];
  const watch = (pid, at) => {
    const kilobytes = existsSync(`/proc/${pid}/status`) && /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
    if (kilobytes) memory.push([at, Number(kilobytes) / 1024]);
  };
  const events = await run(folder, ["--recipe", "many", "--stream"], watch);
  const start = events.find(({ event }) => event === "start");
  const first = events.find(({ event }) => event === "step");
  const end = events.find(({ event }) => event === "epoch");
  show("first step", `${(first.at / 1000).toFixed(1)} s after the command, ${(start.at / 1000).toFixed(1)} s of them until it begins`);
  show("an epoch", `${end.seconds.toFixed(1)} s, ${perSecond(count / end.seconds)}`);
  const near = (at) => memory.reduce((best, it) => (Math.abs(it[0] - at) < Math.abs(best[0] - at) ? it : best))[1];
  const places = [0, 0.1, 0.25, 0.5, 0.75, 1].map((share) => `${100 * share} % ${near(first.at + share * (end.at - first.at)).toFixed(0)}`);
  show("memory, MiB, of an epoch", `${places.join(", ")}; at most ${Math.max(...memory.map(([, it]) => it)).toFixed(0)}`);
}

const root = mkdtempSync(join(tmpdir(), "tlc-streaming-"));
try {
  const files = await encodings();
  const [count, many] = [Number(options.pictures), Number(options.folder)];
  const wants = (name) => options.only === undefined || options.only === name;
  if (wants("compare") || wants("pace")) fill(join(root, "few"), files, count);
  if (wants("compare")) await compare(join(root, "few"), count);
  if (wants("pace")) await pace(join(root, "few"), count);
  if (wants("folder")) {
    fill(join(root, "many"), files, many);
    await large(join(root, "many"), many);
  }
} finally {
  rmSync(root, { recursive: true });
}

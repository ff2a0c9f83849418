// One device's speed, as JSON on stdout: node bench/gpu/device.mjs NAME [--quick] [--precision tf32|bf16|f16] [--tune]
// With --tune, kernels and libraries are chosen by measuring, and how often which was taken is told.
// Milliseconds of training steps, GFLOP/s of products; the keys are those of bench/pytorch.py. All that there is so far is printed after each
// workload, in a line, so that who is cut off has measured something.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { importTypeScript } from "../bundle.mjs";
import "../relaxed-simd.mjs";
import { attempt } from "./attempt.mjs";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { quick: { type: "boolean" }, precision: { type: "string" }, tune: { type: "boolean" } },
});
const [name] = positionals;
const { quick: isQuick = false, precision, tune: isTuned = false } = values;

const { openDevice } = await importTypeScript("src/runtime/open-device.ts");
const { measureTlc } = await importTypeScript("bench/tlc-cnn.ts");
const { convolution, product, timeLstm, timeResnet } = await importTypeScript("bench/workloads.ts");
const taken = { guess: 0, kernel: 0, cuBLASLt: 0, cuDNN: 0 };
const tuned = (choices) => {
  for (const { taken: way, candidates } of choices)
    taken[/^cu(?:BLASLt|DNN)/.exec(way)?.[0] ?? (way === candidates[0].name ? "guess" : "kernel")] += 1;
};
const cache = isTuned ? mkdtempSync(join(tmpdir(), "tlc-tuning-")) : undefined;
if (cache) process.on("exit", () => rmSync(cache, { recursive: true, force: true }));
const device = await openDevice(name, { ...(cache && { tuningCache: cache, tuned }) });

// About a second of steps; the losses of 256 stay on the device.
const stepsFor = (ms) => (isQuick ? 2 : Math.max(4, Math.min(200, Math.round(1000 / ms))));

async function cnn(batch) {
  const { compileMs, loadMs, msPerStep } = await measureTlc(device, { batch, warmup: 2, steps: 2, precision });
  const steps = stepsFor(msPerStep);
  const rounds = [];
  for (let i = 0; i < (isQuick ? 1 : 3); i++) rounds.push(await measureTlc(device, { batch, steps, precision }));
  const best = rounds.reduce((one, other) => (other.msPerStep < one.msPerStep ? other : one));
  return { ms: best.msPerStep, hostUs: best.hostUs, steps, compileMs, loadMs };
}

async function steps(time) {
  const steps = stepsFor((await time({ steps: 2, precision })).ms);
  return { ...(await time({ steps, precision })), steps };
}

const lstm = (hidden, time) => steps((options) => timeLstm(device, hidden, time, options));

async function rate(made) {
  const run = await made;
  await run();
  return { gflops: Math.max(await run(), await run(), await run()) };
}

const times = isQuick ? 1 : 20;
const matmul = (m, n, k) => rate(product(device, m, times, n, k, precision));
const conv = (channels, size) =>
  rate(convolution(device, { batch: 64, inputs: channels, outputs: channels, size, kernel: 3, padding: 1 }, times, precision));

const workloads = {
  cnn64: () => cnn(64),
  lstm50: () => lstm(50, 60),
  matmul1024: () => matmul(1024),
  ...(!isQuick && {
    cnn32: () => cnn(32),
    cnn256: () => cnn(256),
    cnn512: () => cnn(512),
    lstm512: () => lstm(512, 100),
    resnet64: () => steps((options) => timeResnet(device, options)),
    matmul4096: () => matmul(4096),
    // Of BERT, a batch of 32 x 128 words.
    matmulQkv: () => matmul(4096, 2304, 768),
    matmulUp: () => matmul(4096, 3072, 768),
    matmulDown: () => matmul(4096, 768, 3072),
    // Of ResNet-18, batch 64.
    conv64: () => conv(64, 56),
    conv128: () => conv(128, 28),
    conv256: () => conv(256, 14),
    conv512: () => conv(512, 7),
  }),
};
const { description, isHardware } = device.info;
const result = { description, isHardware, precision: precision ?? "f32", ...(isTuned && { taken }) };
for (const [key, measure] of Object.entries(workloads)) {
  result[key] = await attempt(measure);
  console.log(JSON.stringify(result));
}
process.exit(0); // What measured last may still hold the process.

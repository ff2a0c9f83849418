// One device's speed, as JSON on stdout: node bench/gpu/device.mjs NAME [--quick]
// Milliseconds of training steps, GFLOP/s of products; the keys are those of bench/pytorch.py.

import { importTypeScript } from "../bundle.mjs";
import "../relaxed-simd.mjs";
import { attempt } from "./attempt.mjs";

const name = process.argv[2];
const isQuick = process.argv.includes("--quick");

const { openDevice } = await importTypeScript("src/runtime/open-device.ts");
const { measureTlc } = await importTypeScript("bench/tlc-cnn.ts");
const { measureLstm, product } = await importTypeScript("bench/workloads.ts");
const device = await openDevice(name);

// About a second of steps; the losses of 256 stay on the device.
const stepsFor = (ms) => (isQuick ? 2 : Math.max(4, Math.min(200, Math.round(1000 / ms))));

async function cnn(batch) {
  const { compileMs, loadMs, msPerStep } = await measureTlc(device, { batch, warmup: 2, steps: 2 });
  const steps = stepsFor(msPerStep);
  const rounds = [];
  for (let i = 0; i < (isQuick ? 1 : 3); i++) rounds.push((await measureTlc(device, { batch, steps })).msPerStep);
  return { ms: Math.min(...rounds), steps, compileMs, loadMs };
}

async function lstm(hidden, time) {
  const steps = stepsFor(await measureLstm(device, hidden, time));
  return { ms: await measureLstm(device, hidden, time, { steps }), steps };
}

async function matmul(size) {
  const run = await product(device, size, isQuick ? 1 : 20);
  await run();
  return { gflops: Math.max(await run(), await run(), await run()) };
}

const workloads = {
  cnn64: () => cnn(64),
  lstm50: () => lstm(50, 60),
  matmul1024: () => matmul(1024),
  ...(!isQuick && { cnn512: () => cnn(512), lstm512: () => lstm(512, 100), matmul4096: () => matmul(4096) }),
};
const { description, isHardware } = device.info;
const result = { description, isHardware };
for (const [key, measure] of Object.entries(workloads)) result[key] = await attempt(measure);
console.log(JSON.stringify(result));
process.exit(0); // What measured last may still hold the process.

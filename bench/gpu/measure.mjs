// Tests and measures this machine, beside PyTorch and TensorFlow.js, into one JSON file:
//   node bench/gpu/measure.mjs FILE [STEP...] [--quick] [--seconds N]
// Steps are those of steps.mjs, in that order unless named. The file is written anew after every step, each of which has its own limit of time, or N
// seconds where that is less, and goes on from what the same commit left there. Leaves with 1 if a test failed, or a step did.

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { Skipped } from "./limited.mjs";
import { machine, STEPS } from "./steps.mjs";

const { values, positionals } = parseArgs({ allowPositionals: true, options: { quick: { type: "boolean" }, seconds: { type: "string" } } });
const isQuick = values.quick === true;
const most = Number(values.seconds ?? Infinity);
const [file, ...wanted] = positionals;

if (file === undefined || wanted.some((name) => !(name in STEPS)) || !(most >= 1)) {
  console.error(`usage: node bench/gpu/measure.mjs FILE [STEP...] [--quick] [--seconds N]\nsteps: ${Object.keys(STEPS).join(" ")}`);
  process.exit(2);
}

const found = await machine();
const earlier = existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : undefined;
const goesOn = earlier?.commit === found.commit;
const results = { ...found, ...(isQuick && { quick: "too short to be a measurement" }), steps: goesOn ? earlier.steps : {} };
/** Where run.sh looks for what there is, should FILE be gone. */
const copy = process.env.TLC_RESULTS_COPY;
const write = () => {
  for (const each of [file, copy]) if (each !== undefined) writeFileSync(each, `${JSON.stringify(results, null, 2)}\n`);
};
const doctor = () => {
  if (!results.doctor.error) return results.doctor;
  throw new Error(`tlc doctor: ${results.doctor.error}`);
};

async function result(name) {
  const { seconds, run } = STEPS[name];
  const start = performance.now();
  const took = () => Math.round((performance.now() - start) / 1000);
  try {
    const outcome = await run(Math.min(seconds, most), { isQuick, doctor });
    return { seconds: took(), ...outcome };
  } catch (error) {
    return { seconds: took(), ...(error instanceof Skipped ? { skipped: error.message } : { error: error.message }) };
  }
}

write();
let isBad = false;
for (const name of wanted.length > 0 ? wanted : Object.keys(STEPS)) {
  results.steps[name] = await result(name);
  write();
  const step = results.steps[name];
  isBad ||= step.error !== undefined || step.failed?.length > 0 || step.errors > 0;
  console.log(name, JSON.stringify(step, null, 1));
}
process.exit(isBad ? 1 : 0);

// Tests and measures this machine, beside PyTorch and TensorFlow.js, into one JSON file:
//   node bench/gpu/measure.mjs FILE [STEP...] [--quick] [--seconds N] [--within N]
// Steps are those of steps.mjs, in that order; unless some are named, all that the file has no result of yet. Each has its own limit of time, or
// --seconds where that is less. With --within, a step that could end later than so many seconds from now is left for another call, but for the first,
// which has that limit. The file is written whenever there is something new, also in the middle of a step, so that whoever is ended has lost nothing; it
// goes on from what the same commit left there on the same GPU, and another one's is kept beside it. Leaves with 1 if a test failed, or a step did.

import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { constants } from "node:os";
import { parseArgs } from "node:util";
import { endAll, Skipped } from "./limited.mjs";
import { machine, STEPS } from "./steps.mjs";

/** Of a step that began: who finds it in a file knows that its call was ended. */
const UNENDED = "did not end";

const { file, wanted, isQuick, most, within } = asked();
const found = { ...(await machine()), ...(isQuick && { quick: "too short to be a measurement" }) };
/** Where run.sh has what there is, should FILE be gone. */
const copy = process.env.TLC_RESULTS_COPY;
const earlier = [file, copy].map(read).filter((each) => each !== undefined && isOfOne(each, found));
const results = { ...found, steps: Object.assign({}, ...earlier.map(({ steps }) => steps)) };

function asked() {
  const options = { quick: { type: "boolean" }, seconds: { type: "string" }, within: { type: "string" } };
  try {
    const { values, positionals } = parseArgs({ allowPositionals: true, options });
    const [file, ...wanted] = positionals;
    const [most, within] = [Number(values.seconds ?? Infinity), Number(values.within ?? Infinity)];
    const unknown = wanted.find((name) => !(name in STEPS));
    if (file === undefined) throw new Error("no file is named");
    if (unknown !== undefined) throw new Error(`there is no step ${unknown}`);
    if (!(most >= 1 && within >= 1)) throw new Error("--seconds and --within are numbers of seconds");
    return { file, wanted, isQuick: values.quick === true, most, within };
  } catch (error) {
    const usage = "usage: node bench/gpu/measure.mjs FILE [STEP...] [--quick] [--seconds N] [--within N]";
    console.error(`${error.message}\n${usage}\nsteps: ${Object.keys(STEPS).join(" ")}`);
    process.exit(2);
  }
}

/** What a file holds; undefined where it is not there or damaged. */
function read(path) {
  try {
    return JSON.parse(readFileSync(path ?? "", "utf8"));
  } catch {
    return undefined;
  }
}

/** Whether two results may stand in one file: those of another commit, GPU or driver, or those that only tried out, are others. */
function isOfOne(one, other) {
  return ["commit", "gpu", "quick"].every((key) => JSON.stringify(one[key]) === JSON.stringify(other[key]));
}

/** Puts aside what the file holds where it is of another run. */
function setAside(path) {
  const there = read(path);
  if (!existsSync(path) || (there !== undefined && isOfOne(there, found))) return;
  let number = 1;
  while (existsSync(`${path}.${number}`)) number++;
  renameSync(path, `${path}.${number}`);
}

/** Whole or not at all: what is ended while it writes leaves what was there. */
function write() {
  for (const path of [file, copy]) {
    if (path === undefined) continue;
    writeFileSync(`${path}.new`, `${JSON.stringify(results, null, 2)}\n`);
    renameSync(`${path}.new`, path);
  }
}

const doctor = () => {
  if (!results.doctor.error) return results.doctor;
  throw new Error(`tlc doctor: ${results.doctor.error}`);
};

async function measure(name, limit) {
  const start = performance.now();
  const took = () => Math.round((performance.now() - start) / 1000);
  const tell = (result) => {
    results.steps[name] = { seconds: took(), ...result, error: UNENDED };
    write();
  };
  tell({});
  try {
    const outcome = await STEPS[name].run(limit, { isQuick, doctor, tell });
    results.steps[name] = { seconds: took(), ...outcome };
  } catch (error) {
    results.steps[name] = { seconds: took(), ...(error instanceof Skipped ? { skipped: error.message } : { error: error.message }) };
  }
  write();
  return results.steps[name];
}

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"])
  process.on(signal, () => {
    endAll();
    process.exit(128 + constants.signals[signal]);
  });

for (const path of [file, copy]) if (path !== undefined) setAside(path);
write();
const hasResult = (name) => results.steps[name] !== undefined && results.steps[name].error !== UNENDED;
const names = wanted.length > 0 ? wanted : Object.keys(STEPS).filter((name) => !hasResult(name));
const left = () => Math.floor(within - performance.now() / 1000);
let isBad = false;
for (const [i, name] of names.entries()) {
  const limit = Math.min(STEPS[name].seconds, most);
  if (i > 0 && limit > left()) {
    console.log(`left for another call: ${names.slice(i).join(" ")}`);
    break;
  }
  const step = await measure(name, Math.max(1, Math.min(limit, left())));
  isBad ||= step.error !== undefined || step.failed?.length > 0 || step.errors > 0;
  console.log(name, JSON.stringify(step, null, 1));
}
process.exit(isBad ? 1 : 0);

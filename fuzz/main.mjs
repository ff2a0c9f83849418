// Three layers, so that no case brings a run down with it: this process shares the cases out, others run a part of them each, in a thread whose
// progress they watch.

import { fork } from "node:child_process";
import { clearInterval } from "node:timers";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { fileURLToPath } from "node:url";
import { importTypeScript } from "../bench/bundle.mjs";

const FILE = fileURLToPath(import.meta.url);
const LOOKS_MS = 500;
/** So many looks of a process: while it is stopped, or others have the machine, it does not look either. */
const HANGS = 240;

/** Resolves to the summary of a part, undefined where its process ended without one. */
function runPart(part) {
  // Each thread of Dawn and of the driver would keep an arena of memory of its own.
  const child = fork(FILE, [], { env: { MALLOC_ARENA_MAX: "2", ...process.env }, serialization: "advanced" });
  child.send(part);
  return new Promise((resolve) => {
    child.on("message", (summary) => {
      resolve(summary);
      child.disconnect();
    });
    child.on("exit", () => resolve(undefined));
  });
}

function watch(part) {
  // Which case is running, for how long.
  const progress = new Int32Array(new SharedArrayBuffer(4)).fill(-1);
  const worker = new Worker(FILE, { workerData: { part, progress } });
  let last = -1;
  let looks = 0;
  const watchdog = setInterval(() => {
    const now = Atomics.load(progress, 0);
    looks = now === last ? looks + 1 : 0;
    last = now;
    if (now >= 0 && looks > HANGS) {
      console.log(`case ${now} hangs: run it with --from ${now} --count 1 and the same --seed`);
      process.exit(1);
    }
  }, LOOKS_MS);
  worker.on("error", (error) => {
    console.log(error);
    process.exit(1);
  });
  worker.on("message", (summary) => {
    clearInterval(watchdog);
    process.send(summary);
  });
  // Its answer has come, or the one who asked has ended.
  process.on("disconnect", () => process.exit());
}

const { main, runCases } = isMainThread && process.send ? {} : await importTypeScript("fuzz/main.ts");
if (!isMainThread) {
  const { part, progress } = workerData;
  parentPort.postMessage(await runCases(part, (index) => Atomics.store(progress, 0, index)));
} else if (process.send) process.once("message", watch);
else process.exitCode = await main(process.argv.slice(2), runPart);

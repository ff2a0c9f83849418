// The process around the fuzzers: they run in a thread, and this one ends where a case of theirs does not.

import { clearInterval } from "node:timers";
import { isMainThread, Worker, workerData } from "node:worker_threads";
import { fileURLToPath } from "node:url";
import { importTypeScript } from "../bench/bundle.mjs";

const LOOKS_MS = 500;
/** So many looks of this process: while it is stopped, or others have the machine, it does not look either. */
const HANGS = 240;

if (isMainThread) {
  // Which case is running, for how long.
  const progress = new Int32Array(new SharedArrayBuffer(4)).fill(-1);
  const worker = new Worker(fileURLToPath(import.meta.url), { workerData: { args: process.argv.slice(2), progress } });
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
  worker.on("exit", (code) => {
    clearInterval(watchdog);
    process.exitCode = code;
  });
} else {
  const { args, progress } = workerData;
  const { main } = await importTypeScript("fuzz/main.ts");
  const code = await main(args, (index) => Atomics.store(progress, 0, index));
  Atomics.store(progress, 0, -1);
  process.exit(code);
}

// node bench/startup.mjs: how long `tlc check` takes as a process, and `tlc run` to its first line, beside a Node process that does nothing.
// Medians of interleaved runs, since the machine's speed drifts. Needs dist/ (npm run build).

import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const at = (path) => fileURLToPath(new URL(`../${path}`, import.meta.url));
const RUNS = 15;

function milliseconds(args) {
  const began = performance.now();
  const { status, stderr } = spawnSync(process.execPath, args, { encoding: "utf8" });
  if (status !== 0) throw new Error(stderr);
  return performance.now() - began;
}

/** Until the first bytes of stdout; the process is stopped then. */
function firstLine(args) {
  const began = performance.now();
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { cwd: work, stdio: ["ignore", "pipe", "ignore"] });
    child.stdout.once("data", () => {
      resolve(performance.now() - began);
      child.kill("SIGKILL");
    });
    child.once("close", () => reject(new Error(`${args.join(" ")} said nothing`)));
  });
}

const median = (values) => values.sort((a, b) => a - b)[values.length >> 1];

const work = mkdtempSync(join(tmpdir(), "tlc-startup-"));
const commands = {
  "node -e 0": ["-e", "0"],
  "tlc --version": [at("dist/cli/main.js"), "--version"],
  "tlc check cnn.tlspec": [at("dist/cli/main.js"), "check", at("specs/examples/cnn.tlspec")],
  "tlc check lstm.tlspec": [at("dist/cli/main.js"), "check", at("specs/examples/lstm.tlspec")],
};
const RUN = "tlc run cnn.tlspec";
const times = Object.fromEntries([...Object.keys(commands), RUN].map((name) => [name, []]));
for (let run = 0; run < RUNS; run++) {
  for (const [name, args] of Object.entries(commands)) times[name].push(milliseconds(args));
  times[RUN].push(await firstLine([at("dist/cli/main.js"), "run", at("specs/examples/cnn.tlspec")]));
}
rmSync(work, { recursive: true, force: true });
const bare = median(times["node -e 0"]);
for (const [name, values] of Object.entries(times)) {
  const middle = median(values);
  console.log(`${name.padEnd(22)} ${middle.toFixed(0).padStart(4)} ms  ${(middle / bare).toFixed(2)}x of a bare process`);
}

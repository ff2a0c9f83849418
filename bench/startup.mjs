// node bench/startup.mjs: how long `tlc check` of each example takes as a process, and `tlc run` to its first line, beside a Node process that
// does nothing. Medians of interleaved runs, since the machine's speed drifts, and the least; with the code that is kept after a few runs. Needs
// dist/ (npm run build).

import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const at = (path) => fileURLToPath(new URL(`../${path}`, import.meta.url));
const RUNS = 21;
/** As many processes add to the code that is kept (src/cli/kept-code.ts). */
const TEACHERS = 8;

function milliseconds(args) {
  const began = performance.now();
  const { status, stderr } = spawnSync(process.execPath, args, { encoding: "utf8", env });
  if (status !== 0) throw new Error(stderr);
  return performance.now() - began;
}

/** Until the first bytes of stdout; the process is stopped then. */
function firstLine(args) {
  const began = performance.now();
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { cwd: work, env, stdio: ["ignore", "pipe", "ignore"] });
    child.stdout.once("data", () => {
      resolve(performance.now() - began);
      child.kill("SIGKILL");
    });
    child.once("close", () => reject(new Error(`${args.join(" ")} said nothing`)));
  });
}

const median = (values) => values.sort((a, b) => a - b)[values.length >> 1];

const work = mkdtempSync(join(tmpdir(), "tlc-startup-"));
// A cache of its own: other checkouts' code would push its out.
const env = { ...process.env, XDG_CACHE_HOME: join(work, "cache") };
const examples = readdirSync(at("specs/examples")).filter((name) => name.endsWith(".tlspec"));
const commands = {
  "node -e 0": ["-e", "0"],
  "tlc --version": [at("dist/cli/main.js"), "--version"],
  ...Object.fromEntries(examples.map((name) => [`tlc check ${name}`, [at("dist/cli/main.js"), "check", at(`specs/examples/${name}`)]])),
};
const RUN = "tlc run cnn.tlspec";
const times = Object.fromEntries([...Object.keys(commands), RUN].map((name) => [name, []]));
for (let run = 0; run < TEACHERS; run++) for (const args of Object.values(commands)) milliseconds(args);
for (let run = 0; run < RUNS; run++) {
  for (const [name, args] of Object.entries(commands)) times[name].push(milliseconds(args));
  times[RUN].push(await firstLine([at("dist/cli/main.js"), "run", at("specs/examples/cnn.tlspec")]));
}
rmSync(work, { recursive: true, force: true });
const bare = median(times["node -e 0"]);
for (const [name, values] of Object.entries(times)) {
  const middle = median(values);
  const least = Math.min(...values)
    .toFixed(0)
    .padStart(4);
  console.log(
    `${name.padEnd(35)} ${middle.toFixed(0).padStart(4)} ms  ${least} at the least  ${(middle / bare).toFixed(2)}x of a bare process`,
  );
}

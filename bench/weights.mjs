// node bench/weights.mjs: how long weights of ResNet-50's size take to load, to the arrays that a device takes, and how much memory beyond the
// file; each in a process of its own, medians of several. The file is in the system's cache, as it is after a download.

import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { importTypeScript } from "./bundle.mjs";

const RUNS = 5;
const MOST_EXTRA_BYTES = 64 * 2 ** 20;

const { load, write } = await importTypeScript("bench/weights.ts");
const [option, path] = process.argv.slice(2);
if (option === "--load") console.log(JSON.stringify(await load(path)));
else await main();

async function main() {
  const folder = mkdtempSync(join(tmpdir(), "tlspec-bench-"));
  try {
    let isGood = true;
    for (const { name, file, bytes, most } of await write(folder)) {
      const runs = Array.from({ length: RUNS }, () => {
        const { status, stdout, stderr } = spawnSync(process.execPath, [fileURLToPath(import.meta.url), "--load", file], {
          encoding: "utf8",
        });
        if (status !== 0) throw new Error(stderr);
        return JSON.parse(stdout);
      });
      const median = (key) => runs.map((run) => run[key]).sort((a, b) => a - b)[RUNS >> 1];
      const [seconds, peak] = [median("ms") / 1000, median("peakBytes")];
      const fits = seconds < most && peak < bytes + MOST_EXTRA_BYTES;
      isGood &&= fits;
      const megabytes = (value) => `${(value / 1e6).toFixed(0)} MB`;
      console.log(
        `${name.padEnd(22)} ${seconds.toFixed(2)} s (at most ${most} s), ${megabytes(peak)} of memory for a file of ${megabytes(bytes)}${fits ? "" : "  TOO MUCH"}`,
      );
    }
    process.exitCode = isGood ? 0 : 1;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

// Tests and measures every device of this machine, beside PyTorch and TensorFlow.js, into one JSON file:
//   node bench/gpu/measure.mjs FILE [tests] [devices] [pytorch] [tfjs] [--quick]
// The file is written anew after every part, so that a run that is cut off keeps what it had. Leaves with 1 if a test failed or none ran.

import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { importTypeScript } from "../bundle.mjs";
import { attempt } from "./attempt.mjs";

const at = (path) => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const PYTHON = process.env.PYTORCH_PYTHON ?? "python3";
/** PyTorch in its best forms; `graph` is a whole step as one CUDA graph, which a processor has not. */
const PYTORCH_MODES = { cpu: ["eager"], cuda: ["eager", "reduce-overhead", "max-autotune", "graph"] };
/** What a device is held to: its own suites, and PyTorch's traces through `tlc trace`. */
const TESTS = ["test/runtime", "test/codegen/cuda-compiles.test.ts", "test/e2e/examples.test.ts", "test/e2e/freeze.test.ts"];

const names = process.argv.slice(2).filter((argument) => argument !== "--quick");
const quick = process.argv.includes("--quick") ? ["--quick"] : [];
const [file, ...wanted] = names;

/** What a command printed. */
function output(command, args) {
  const { status, stdout, stderr, error } = spawnSync(command, args, { encoding: "utf8", cwd: at("."), maxBuffer: 1 << 28 });
  if (status === 0) return stdout.trim();
  throw new Error(error?.message ?? `${command} left with ${status}: ${stderr.trim().split("\n").slice(-3).join("\n")}`);
}

const run = (script, ...args) => attempt(() => JSON.parse(output(process.execPath, [at(script), ...args])));

async function machine() {
  return {
    date: new Date().toISOString(),
    commit: process.env.TLC_COMMIT ?? output("git", ["rev-parse", "--short", "HEAD"]),
    gpu: await attempt(() => output("nvidia-smi", ["--query-gpu=name,driver_version,memory.total", "--format=csv,noheader"])),
    processor: `${cpus().length} x ${cpus()[0]?.model}`,
    node: process.version,
    doctor: await attempt(() => JSON.parse(output(process.execPath, [at("dist/cli/main.js"), "doctor", "--json"]))),
    ...(quick.length > 0 && { quick: "too short to be a measurement" }),
  };
}

function tests() {
  const folder = mkdtempSync(join(tmpdir(), "tlc-gpu-"));
  try {
    const report = join(folder, "report.json");
    const args = [at("node_modules/vitest/vitest.mjs"), "run", ...TESTS, "--reporter=json", `--outputFile.json=${report}`];
    spawnSync(process.execPath, args, { cwd: at("."), stdio: "ignore" });
    const { testResults } = JSON.parse(readFileSync(report, "utf8"));
    const all = testResults.flatMap(({ name, message, assertionResults }) =>
      assertionResults.length > 0 ? assertionResults : [{ fullName: name, status: "failed", failureMessages: [message] }],
    );
    return {
      passed: all.filter(({ status }) => status === "passed").length,
      skipped: all.filter(({ status }) => status === "pending" || status === "skipped").map(({ fullName }) => fullName),
      failed: all
        .filter(({ status }) => status === "failed")
        .map(({ fullName, failureMessages }) => ({ name: fullName, message: (failureMessages[0] ?? "").slice(0, 400) })),
    };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function devices() {
  const { REAL_DEVICES } = await importTypeScript("src/runtime/opening.ts");
  const result = {};
  for (const name of REAL_DEVICES) result[name] = await run("bench/gpu/device.mjs", name, ...quick);
  return result;
}

async function pytorch() {
  const device = output(PYTHON, ["-c", "import torch; print('cuda' if torch.cuda.is_available() else 'cpu')"]);
  const result = { device };
  const sizes = quick.length > 0 ? [] : ["--large"];
  for (const mode of quick.length > 0 ? ["eager"] : PYTORCH_MODES[device])
    for (const precision of device === "cuda" ? ["f32", "tf32"] : ["f32"]) {
      const args = ["--device", device, "--mode", mode, "--precision", precision, ...sizes];
      result[`${mode} ${precision}`] = await attempt(() => JSON.parse(output(PYTHON, [at("bench/pytorch.py"), ...args])));
    }
  return result;
}

const PARTS = { tests, devices, pytorch, tfjs: () => run("bench/tfjs-cnn.mjs") };

if (file === undefined || wanted.some((name) => !(name in PARTS))) {
  console.error(`usage: node bench/gpu/measure.mjs FILE [${Object.keys(PARTS).join("] [")}] [--quick]`);
  process.exit(2);
}
const results = await machine();
for (const name of wanted.length > 0 ? wanted : Object.keys(PARTS)) {
  const start = performance.now();
  const part = await attempt(PARTS[name]);
  results[name] = { seconds: Math.round((performance.now() - start) / 1000), ...part };
  writeFileSync(file, `${JSON.stringify(results, null, 2)}\n`);
  console.log(name, JSON.stringify(results[name], null, 1));
}
const isBad = results.tests && (results.tests.error !== undefined || results.tests.failed.length > 0 || results.tests.passed === 0);
process.exit(isBad ? 1 : 0);

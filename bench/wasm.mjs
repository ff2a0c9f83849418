// The wasm device alone, beside PyTorch where PYTORCH_PYTHON names a Python that has it: node bench/wasm.mjs. Part of npm run bench too.

import { execFileSync } from "node:child_process";
import { fileURLToPath, pathToFileURL } from "node:url";
import { importTypeScript } from "./bundle.mjs";
import "./relaxed-simd.mjs";
import { measureFirstStep } from "./first-step.mjs";

const PYTORCH = "PYTORCH_PYTHON";

/** bench/pytorch.py's figures of the same steps on this machine, or undefined, and says so. */
function measurePytorch() {
  const python = process.env[PYTORCH];
  if (!python) console.log(`  PyTorch              not measured: ${PYTORCH} names no Python that has it`);
  else {
    const lines = execFileSync(python, [fileURLToPath(new URL("pytorch.py", import.meta.url))], { encoding: "utf8" })
      .trim()
      .split("\n");
    // The last one has all.
    return JSON.parse(lines.at(-1));
  }
}

export async function printWasm() {
  const { measureProducts, openWasm } = await importTypeScript("bench/wasm.ts");
  const { measureLstm } = await importTypeScript("bench/workloads.ts");
  const { measureTlc } = await importTypeScript("bench/tlc-cnn.ts");
  const device = await openWasm(2);
  console.log(`On ${device.info.description}, Node ${process.version}`);
  const { registers, one, two } = await measureProducts();
  const percent = (part) => `${(100 * part).toFixed(0)} %`;
  console.log(`  registers only       ${registers.toFixed(1)} GFLOP/s, one thread`);
  console.log(`  matmul 1024          ${one.toFixed(1)} GFLOP/s, one thread: ${percent(one / registers)} of that`);
  console.log(`                       ${two.toFixed(1)} GFLOP/s, two threads: ${(two / one).toFixed(2)}x one`);
  const steps = [
    ["cnn64", "CNN, batch 64", async () => (await measureTlc(device)).msPerStep],
    ["lstm50", "LSTM 2x50, 60 steps", () => measureLstm(device, 50, 60)],
    ["lstm512", "LSTM 2x512, 100 steps", () => measureLstm(device, 512, 100)],
  ];
  // Ours before and after theirs: the machine's speed drifts.
  const best = {};
  const measureAll = async () => {
    for (const [key, , measure] of steps) best[key] = Math.min(best[key] ?? Infinity, await measure());
  };
  await measureAll();
  const pytorch = measurePytorch();
  await measureAll();
  for (const [key, name] of steps) {
    const beside = pytorch ? `: ${(best[key] / pytorch[key]).toFixed(1)}x PyTorch ${pytorch.torch}'s ${pytorch[key].toFixed(1)} ms` : "";
    console.log(`  ${name.padEnd(22)}${best[key].toFixed(1)} ms a step${beside}`);
  }
  device.dispose();
  const { create, first } = await measureFirstStep();
  console.log(`  first step           ${first.toFixed(0)} ms after the call of create, which took ${create.toFixed(0)} ms`);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) await printWasm();

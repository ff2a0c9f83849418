// What freezing spares, on the wasm device and beside PyTorch where PYTORCH_PYTHON names a Python that has it: node bench/transfer.mjs. Part
// of npm run bench too. All in turn, best of several rounds: machines drift.

import { execFileSync } from "node:child_process";
import { fileURLToPath, pathToFileURL } from "node:url";
import { importTypeScript } from "./bundle.mjs";
import "./relaxed-simd.mjs";

const ROUNDS = 3;

function measurePytorch() {
  const python = process.env["PYTORCH_PYTHON"];
  if (!python) return undefined;
  const script = fileURLToPath(new URL("pytorch_transfer.py", import.meta.url));
  return JSON.parse(execFileSync(python, [script], { encoding: "utf8" }));
}

export async function printTransfer() {
  const { openSteps, measureCached } = await importTypeScript("bench/transfer.ts");
  const { openWasm } = await importTypeScript("bench/wasm.ts");
  const device = await openWasm(2);
  const works = {
    full: await openSteps(device, "full"),
    half: await openSteps(device, "half"),
    head: await openSteps(device, "head"),
    resnet18: await openSteps(device, "resnet18", { size: 64 }),
  };
  const steps = {};
  const measureAll = async () => {
    for (const [name, work] of Object.entries(works)) steps[name] = await work.measure();
  };
  for (let round = 0; round < ROUNDS; round++) await measureAll();
  const pytorch = measurePytorch();
  for (let round = 0; round < ROUNDS; round++) await measureAll();
  const cached = await measureCached(device);
  for (const work of Object.values(works)) work.dispose();

  const { full, half, head, resnet18 } = steps;
  const ms = (value) => `${value.toFixed(value < 10 ? 2 : 1)} ms`;
  const beside = (ours, name) => (pytorch ? `: ${(ours / pytorch[name]).toFixed(2)}x PyTorch ${pytorch.torch}'s ${ms(pytorch[name])}` : "");
  const percent = (part, whole) => `${(100 * (1 - part / whole)).toFixed(0)} % less`;
  const backward = ({ train, forward }) => train - forward;
  const megabytes = ({ report }) => `${(report.temporary / 1e6).toFixed(1)} MB`;
  console.log(
    `Transfer, on ${device.info.description}${pytorch ? "" : "; PyTorch not measured: PYTORCH_PYTHON names no Python that has it"}`,
  );
  console.log(`  ResNet-20, batch 64  ${ms(full.train)} a step, ${ms(full.forward)} forward${beside(full.train, "full")}`);
  console.log(`  its first half frozen ${ms(half.train)} a step${beside(half.train, "half")}`);
  console.log(`    backward           ${ms(backward(half))} after ${ms(backward(full))}: ${percent(backward(half), backward(full))}`);
  console.log(
    `    temporaries        ${megabytes(half)} after ${megabytes(full)}: ${percent(half.report.temporary, full.report.temporary)}`,
  );
  console.log(`  its last layer alone ${ms(head.train)} a step without a cache${beside(head.train, "head")}`);
  console.log(
    `    from features      ${ms(cached.step)} a step: ${(head.train / cached.step).toFixed(0)}x as fast${beside(cached.step, "head")}`,
  );
  console.log(`    the features       ${ms(cached.features)} a batch, once`);
  console.log(`  ResNet-18, 64 x 64, batch 16  ${ms(resnet18.train)} a step${beside(resnet18.train, "resnet18")}`);
  device.dispose();
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) await printTransfer();

// The wasm device alone: node bench/wasm.mjs. Part of npm run bench too.

import { setFlagsFromString } from "node:v8";
import { pathToFileURL } from "node:url";
import { importTypeScript } from "./bundle.mjs";
import { measureFirstStep } from "./first-step.mjs";

/** PyTorch on a processor with two threads, where the design was measured (a Zen 4): milliseconds of the same steps. */
const PYTORCH = { cnn: 16.5, lstm50: 7.4, lstm512: 765 };

export async function printWasm() {
  // As the command line does; see src/cli/main.ts.
  if (process.versions.node.startsWith("20.")) setFlagsFromString("--experimental-wasm-relaxed-simd");
  const { measureLstm, measureProducts, openWasm } = await importTypeScript("bench/wasm.ts");
  const { measureTlc } = await importTypeScript("bench/tlc-cnn.ts");
  const device = await openWasm(2);
  console.log(`On ${device.info.description}, Node ${process.version}`);
  const { registers, one, two } = await measureProducts();
  const percent = (part) => `${(100 * part).toFixed(0)} %`;
  console.log(`  registers only       ${registers.toFixed(1)} GFLOP/s, one thread`);
  console.log(`  matmul 1024          ${one.toFixed(1)} GFLOP/s, one thread: ${percent(one / registers)} of that`);
  console.log(`                       ${two.toFixed(1)} GFLOP/s, two threads: ${(two / one).toFixed(2)}x one`);
  const steps = [
    ["CNN, batch 64", Math.min(...[await measureTlc(device), await measureTlc(device)].map(({ msPerStep }) => msPerStep)), PYTORCH.cnn],
    ["LSTM 2x50, 60 steps", await measureLstm(device, 50, 60), PYTORCH.lstm50],
    ["LSTM 2x512, 100 steps", await measureLstm(device, 512, 100), PYTORCH.lstm512],
  ];
  for (const [name, ms, pytorch] of steps)
    console.log(
      `  ${name.padEnd(22)}${ms.toFixed(1)} ms a step (${(ms / pytorch).toFixed(1)}x the ${pytorch} ms of PyTorch on another machine)`,
    );
  device.dispose();
  const { create, first } = await measureFirstStep();
  console.log(`  first step           ${first.toFixed(0)} ms after the call of create, which took ${create.toFixed(0)} ms`);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) await printWasm();

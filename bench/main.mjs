// npm run bench: what this repository claims about speed and size, measured in one run on the adapter at hand and printed as ratios.
// Close other programs first; on a software adapter they take the cores that it renders with.

import { importTypeScript } from "./bundle.mjs";
import { longSpec } from "./long-spec.mjs";
import { moduleSize } from "./size.mjs";
import { printResnet } from "./resnet.mjs";
import { printTransfer } from "./transfer.mjs";
import { printWasm } from "./wasm.mjs";
import { measureTfjs } from "./tfjs-cnn.mjs";

const { measureCompile } = await importTypeScript("bench/compile-times.ts");
const text = longSpec();
const times = await measureCompile(text);
console.log("Compiler");
console.log(`  CNN                  ${times.cnn.toFixed(0)} ms (first in the process ${times.cnnFirst.toFixed(0)} ms)`);
console.log(`  ${text.split("\n").length}-line spec      ${times.longSpec.toFixed(0)} ms`);
console.log(`  memory plan          ${times.memoryRatio.toFixed(3)}x the most bytes alive at one time`);
console.log("Generated module");
for (const target of ["webgpu", "wasm"]) {
  const { module, runtime } = await moduleSize(target);
  console.log(`  ${target.padEnd(20)} ${module + runtime} bytes gzip, ${runtime} of them the runtime`);
}
await printResnet();
await printWasm();
await printTransfer();

const { findAdapter } = await importTypeScript("src/runtime/webgpu/adapter.ts");
const { measureTlc } = await importTypeScript("bench/tlc-cnn.ts");
const { openDevice } = await importTypeScript("src/runtime/open-device.ts");
const found = await findAdapter();
if (!found) throw new Error("no WebGPU adapter: run sh scripts/setup.sh");
const device = await openDevice("webgpu", { gpu: found.gpu });
console.log(`CNN, batch 64, one training step, on ${device.info.description}`);

// Ours before and after theirs: the machine's speed drifts.
const first = await measureTlc(device);
const theirs = await measureTfjs(found.gpu, { warmup: 2, steps: 5 });
const second = await measureTlc(device);
const ours = (first.msPerStep + second.msPerStep) / 2;
console.log(`  tlc                  ${ours.toFixed(1)} ms (${first.msPerStep.toFixed(1)} before, ${second.msPerStep.toFixed(1)} after)`);
console.log(`  tfjs-backend-webgpu  ${theirs.msPerStep.toFixed(1)} ms`);
console.log(`  ratio                ${(theirs.msPerStep / ours).toFixed(2)}x`);
console.log(`  load and 4 steps     ${first.loadMs.toFixed(0)} ms the first time, ${second.loadMs.toFixed(0)} ms with the driver's cache`);
process.exit(0); // TensorFlow.js never lets go of its device.

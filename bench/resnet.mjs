// A training step of ResNet-18, batch 64, at 224 x 224: launches, bytes moved, memory, and the time to compile it, and ResNet-50. Part of
// npm run bench.

import { pathToFileURL } from "node:url";
import { importTypeScript } from "./bundle.mjs";

export async function printResnet() {
  const { compileResnet } = await importTypeScript("bench/resnet.ts");
  const gigabytes = (bytes) => (bytes / 1e9).toFixed(2);
  console.log("ResNet-18, batch 64, one training step on webgpu");
  const times = [];
  for (const buffers of [8, 10, 16]) {
    const { ms, step, temporary } = await compileResnet("webgpu", buffers);
    times.push(ms);
    const { read, written, least } = step.traffic;
    const moved = `${gigabytes(read + written)} GB moved (${gigabytes(read)} read, ${gigabytes(written)} written; ${gigabytes(least)} at the least)`;
    console.log(
      `  ${String(buffers).padEnd(2)} buffers a kernel  ${step.launches} launches, ${moved}, ${gigabytes(temporary)} GB of temporaries`,
    );
  }
  for (let i = 0; i < 3; i++) times.push((await compileResnet("webgpu", 8)).ms);
  const [first, ...others] = times;
  console.log(`  compiled in          ${Math.min(...others).toFixed(0)} ms (the first in a process ${first.toFixed(0)} ms)`);
  let resnet50 = Infinity;
  for (let i = 0; i < 3; i++) resnet50 = Math.min(resnet50, (await compileResnet("webgpu", 8, "resnet50")).ms);
  console.log(`  ResNet-50            ${resnet50.toFixed(0)} ms`);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) await printResnet();

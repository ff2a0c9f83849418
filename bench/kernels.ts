// Micro-benchmarks of the WebGPU schedules: the contractions of the example CNN and plain matrix products, in GFLOP/s.

import { convForward, convInputGradient, convWeightGradient, matmul, numbers, programOf } from "../test/codegen/kernels.ts";
import { scheduleContract } from "../src/codegen/gpu/contract.ts";
import { launchOf } from "../src/codegen/gpu/launch.ts";
import type { Tile } from "../src/codegen/gpu/tiles.ts";
import { problemOf } from "../src/codegen/problem.ts";
import { printShader } from "../src/codegen/wgsl/print.ts";
import { webgpuProfile, webgpuTarget } from "../src/codegen/wgsl/target.ts";
import type { Kernel } from "../src/ir/loop/kernel.ts";
import type { CompiledKernel, Program } from "../src/ir/program.ts";
import { findAdapter } from "../src/runtime/webgpu/adapter.ts";
import { openWebgpuDevice, type WebgpuDevice } from "../src/runtime/webgpu/device.ts";

const conv1 = { batch: 64, inputs: 3, outputs: 32, size: 24, kernel: 3, padding: 1 };
const conv2 = { batch: 64, inputs: 32, outputs: 64, size: 12, kernel: 3, padding: 1 };

const CASES: readonly (readonly [string, Kernel])[] = [
  ["matmul 512", matmul(512, 512, 512)],
  ["matmul 1024", matmul(1024, 1024, 1024)],
  ["conv2 forward", convForward(conv2)],
  ["conv2 input gradient", convInputGradient(conv2)],
  ["conv2 weight gradient b=4", convWeightGradient(conv2, 4)],
  ["conv2 weight gradient b=16", convWeightGradient(conv2, 16)],
  ["conv1 forward", convForward(conv1)],
  ["conv1 weight gradient b=16", convWeightGradient(conv1, 16)],
  ["fc1 forward", matmul(64, 128, 2304)],
  ["fc1 weight gradient", matmul(128, 2304, 64)],
  ["fc2 forward", matmul(64, 10, 128)],
];

export async function main([filter = "", ...tiles]: readonly string[]): Promise<void> {
  const found = await findAdapter();
  if (!found) throw new Error("no WebGPU adapter");
  const device = await openWebgpuDevice(found);
  console.log(device.info.description);
  for (const [name, kernel] of CASES) {
    if (!name.includes(filter)) continue;
    const program = programOf(kernel, webgpuTarget, undefined, device.limits);
    if (tiles.length === 0) await report(device, name, kernel, program);
    for (const text of tiles) {
      await report(device, `${name} ${text}`, kernel, { ...program, kernels: [compiled(kernel, text)] });
    }
  }
  device.dispose();
}

function compiled(kernel: Kernel, text: string): CompiledKernel {
  const [rows = 0, columns = 0, threadsM = 0, threadsN = 0, depth = 0, unroll = 0, lanes = 0] = text.split(",").map(Number);
  const tile: Tile = { rows, columns, threadsM, threadsN, depth, unroll, ...(lanes > 0 && { lanes }) };
  const profile = webgpuProfile(lanes > 0 ? { kind: "cpu", lanes } : {});
  return printShader(launchOf(scheduleContract(problemOf(kernel), tile, profile), profile));
}

async function report(device: WebgpuDevice, name: string, kernel: Kernel, program: Program): Promise<void> {
  const first = kernel.stages[0];
  const k = first?.kind === "contract" ? first.k.extent : 1;
  const flops = 2 * k * kernel.axes.reduce((product, axis) => product * axis.extent, 1);
  const start = performance.now();
  const session = await device.load(program);
  for (const p of kernel.params) session.write(p.name, numbers(p.length));
  session.run("predict");
  await session.sync();
  const first_ms = performance.now() - start;
  let best = Infinity;
  let cpu = Infinity;
  for (let i = 0; i < 7; i++) {
    const t = performance.now();
    const used = process.cpuUsage();
    session.run("predict");
    await session.sync();
    best = Math.min(best, performance.now() - t);
    const { user, system } = process.cpuUsage(used);
    cpu = Math.min(cpu, (user + system) / 1000);
  }
  session.dispose();
  console.log(
    `${name.padEnd(46)} ${best.toFixed(2).padStart(9)} ms ${(flops / best / 1e6).toFixed(1).padStart(8)} GFLOP/s ${(flops / cpu / 1e6).toFixed(1).padStart(6)} per CPU-second   first ${first_ms.toFixed(0)} ms`,
  );
}

/** Prints the shader of a case. */
export function show(filter: string, text: string): void {
  for (const [name, kernel] of CASES) if (name === filter) console.log(compiled(kernel, text).source);
}

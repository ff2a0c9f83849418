// What a process keeps of devices and sessions that it has disposed of: no thread, and no memory beyond what the first ones needed. Each case in
// a process of its own, with the built package.

import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, describe, expect, it } from "vitest";
import { findAdapter } from "../../src/runtime/webgpu/adapter.ts";

/** @param hidden neurons of its layer */
const spec = (hidden: number): string => `network net(classes) {
  input point: f32[2]
  fc1: linear(${hidden}) -> tanh
  fc2: linear(${hidden}) -> tanh
  fc3: linear(classes)
}
dataset points { train table("points.csv", point: point, label: side) }
recipe points {
  network net(classes: points.classes)
  data points
  loss cross_entropy
  batch 16
  optimizer sgd(lr: 0.5)
  epochs 1
  seed 2
}
`;

interface Sample {
  readonly threads: number;
  readonly megabytes: number;
}

const folder = mkdtempSync(join(tmpdir(), "tlspec-lifecycle-"));
afterAll(() => rmSync(folder, { recursive: true }));

async function probe(device: string, what: string, count: number, hidden: number): Promise<readonly [Sample, Sample]> {
  const file = join(folder, `points-${hidden}.tlspec`);
  writeFileSync(file, spec(hidden));
  const args = ["--expose-gc", "test/e2e/lifecycle-probe.mjs", file, device, what, String(count)];
  // Four lanes, as in the tests of devices: the software driver's compiler takes a third of the time for them.
  const { stdout } = await promisify(execFile)(process.execPath, args, { env: { ...process.env, LP_NATIVE_VECTOR_WIDTH: "128" } });
  return JSON.parse(stdout) as readonly [Sample, Sample];
}

const hasWebgpu = (await findAdapter()) !== undefined;

describe.skipIf(!existsSync("/proc/self/task"))("what is disposed of", () => {
  // Between a quarter of the rounds and the end; what leaks takes several times as much.
  it.for([
    ["200 times a WebGPU device", "webgpu", "devices", 200, 8, 40],
    ["20 times a WebGPU device with a network", "webgpu", "networks", 20, 8, 200],
    ["1,000 networks on one WebGPU device", "webgpu", "sessions", 1000, 8, 60],
    ["200 times the processor", "wasm", "devices", 200, 8, 40],
    ["60 times the processor with a network", "wasm", "networks", 60, 8, 40],
    ["1,000 networks on one processor", "wasm", "sessions", 1000, 8, 60],
    // 16 MB each, 960 MB in all.
    ["60 large networks on one processor", "wasm", "sessions", 60, 1500, 200],
    ["1,000 networks of the reference", "reference", "sessions", 1000, 8, 40],
  ] as const)("leaves nothing behind: %s", async ([, device, what, count, hidden, most], context) => {
    if (device === "webgpu" && !hasWebgpu) return context.skip("no WebGPU adapter");
    // What the software driver's compiler of shaders leaves behind in the heap is none of it: the driver keeps what it made for other processes.
    if (device === "webgpu" && what !== "devices") await probe(device, what, 4, hidden);
    const [early, late] = await probe(device, what, count, hidden);
    expect(late.threads).toBeLessThanOrEqual(early.threads + 4);
    expect(late.megabytes - early.megabytes).toBeLessThan(most);
  });
});

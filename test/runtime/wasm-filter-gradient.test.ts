// The gradient of a 3x3 filter on the wasm device: against the reference interpreter, by the bits on any number of threads, in place, and where
// it is an ordinary product.

import { afterAll, describe, expect, it } from "vitest";
import { referenceTarget } from "../../src/codegen/reference.ts";
import { wasmTarget } from "../../src/codegen/wasm/target.ts";
import { add, load } from "../../src/ir/loop/expr.ts";
import type { Kernel } from "../../src/ir/loop/kernel.ts";
import { openDevice } from "../../src/runtime/open-device.ts";
import { convWeightGradient, numbers, relativeError, runKernel, type ConvShape } from "../codegen/kernels.ts";

const reference = await openDevice("reference");
const devices = await Promise.all([1, 2, 3, 4].map((threads) => openDevice("wasm", { threads })));
afterAll(() => {
  for (const device of devices) device.dispose();
});

const isOfItsOwn = (kernel: Kernel): boolean => wasmTarget.compileKernel(kernel).source?.includes("call $dot") ?? false;

const shape = (batch: number, inputs: number, outputs: number, size: number, padding = 1): ConvShape => ({
  batch,
  inputs,
  outputs,
  size,
  kernel: 3,
  padding,
});

/** The same, added to what is there. */
function inPlace(kernel: Kernel): Kernel {
  const stages = kernel.stages.map((stage) =>
    stage.kind === "store"
      ? { ...stage, writes: stage.writes.map((write) => ({ ...write, value: add(load(2, write.index, "f32"), write.value) })) }
      : stage,
  );
  return { ...kernel, stages, params: kernel.params.map((p) => (p.access === "write" ? { ...p, access: "read_write" as const } : p)) };
}

describe("a filter's gradient", () => {
  it.each([
    ["a few channels", convWeightGradient(shape(3, 8, 8, 8), 1)],
    ["numbers of channels and filters that nothing divides", convWeightGradient(shape(5, 7, 9, 12), 1)],
    ["three channels", convWeightGradient(shape(4, 3, 10, 24), 1)],
    ["images of several blocks, the last one shorter", convWeightGradient(shape(2, 6, 8, 40), 1)],
    ["blocks of several images, the last one smaller", convWeightGradient(shape(19, 5, 4, 8), 1)],
    ["so many filters that channels come in several blocks", convWeightGradient(shape(2, 70, 128, 8), 1)],
    ["parts of a batch", convWeightGradient(shape(8, 12, 8, 16), 4)],
    ["images without padding", convWeightGradient(shape(4, 8, 8, 14, 0), 1)],
    ["images with much padding", convWeightGradient(shape(4, 8, 8, 10, 2), 1)],
    ["images of one channel more than units have, in place", inPlace(convWeightGradient(shape(4, 9, 6, 16), 1))],
  ])("of %s", { timeout: 60_000 }, async (_, kernel) => {
    expect(isOfItsOwn(kernel)).toBe(true);
    const inputs = Object.fromEntries(kernel.params.filter((p) => p.access !== "write").map((p, i) => [p.name, numbers(p.length, i + 1)]));
    const run = async (device: (typeof devices)[number]): Promise<Float32Array> =>
      (await runKernel(device, device === reference ? referenceTarget : wasmTarget, kernel, inputs)).get("dw") as Float32Array;
    const expected = await run(reference);
    const first = await run(devices[0] ?? reference);
    expect(relativeError(first, expected)).toBeLessThan(4e-7);
    for (const device of devices.slice(1)) expect(await run(device)).toEqual(first);
  });

  it.each([
    ["other filters", convWeightGradient({ ...shape(4, 8, 8, 8, 2), kernel: 5 }, 1)],
    ["rows that fours do not fill", convWeightGradient(shape(4, 8, 8, 14), 1)],
    ["short rows", convWeightGradient(shape(16, 8, 8, 4), 1)],
  ])("is an ordinary product for %s", (_, kernel) => {
    expect(isOfItsOwn(kernel)).toBe(false);
  });
});

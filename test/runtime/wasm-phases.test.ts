// Gradients of what convolutions with strides take in, on the wasm device: against the reference interpreter, by the bits on any number of
// threads, and where they are one product.

import { describe, expect, it } from "vitest";
import { wasmTarget } from "../../src/codegen/wasm/target.ts";
import type { Kernel } from "../../src/ir/loop/kernel.ts";
import { convInputGradient } from "../codegen/kernels.ts";
import { openThreads } from "./wasm-threads.ts";

const expectAlike = await openThreads();

const phasesOf = (kernel: Kernel): number => wasmTarget.compileKernel(kernel).source?.match(/call \$run_/g)?.length ?? 0;

const gradient = (size: number, kernel: number, stride: number, padding: number, [inputs, outputs, batch] = [9, 6, 3]): Kernel =>
  convInputGradient({ batch, inputs, outputs, size, kernel, padding, stride });

describe("the gradient of an input", () => {
  it.each([
    ["of 3x3 filters that move by two", 4, gradient(16, 3, 2, 1)],
    ["of an odd size", 4, gradient(15, 3, 2, 1)],
    ["that was not padded, whose last row no filter meets", 4, gradient(14, 3, 2, 0)],
    ["of 5x5 filters", 4, gradient(12, 5, 2, 2)],
    ["of 7x7 filters", 4, gradient(18, 7, 2, 3)],
    ["of filters that move as far as they are wide", 9, gradient(12, 3, 3, 0)],
    ["of 4x4 filters that move by three", 9, gradient(13, 4, 3, 1)],
    ["of one image", 4, gradient(32, 3, 2, 1, [8, 8, 1])],
    ["of many, in pieces for several threads", 4, gradient(32, 3, 2, 1, [16, 16, 8])],
  ])("%s", async (_, phases, kernel) => {
    expect(phasesOf(kernel)).toBe(phases);
    await expectAlike(kernel);
  });

  it.each([
    ["of filters that move by one", gradient(12, 3, 1, 1)],
    ["of filters that leave places out", gradient(12, 1, 2, 0)],
  ])("is one product %s", (_, kernel) => {
    expect(phasesOf(kernel)).toBe(0);
  });
});

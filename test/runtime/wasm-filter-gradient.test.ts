// The gradient of a 3x3 filter on the wasm device: against the reference interpreter, by the bits on any number of threads, in place, and where
// it is an ordinary product.

import { describe, expect, it } from "vitest";
import type { Kernel } from "../../src/ir/loop/kernel.ts";
import { addedInPlace, convWeightGradient, type ConvShape } from "../codegen/kernels.ts";
import { codeHas, openThreads } from "./wasm-threads.ts";

const expectAlike = await openThreads();

const isOfItsOwn = (kernel: Kernel): boolean => codeHas(kernel, "call $dot");

const shape = (batch: number, inputs: number, outputs: number, size: number, padding = 1): ConvShape => ({
  batch,
  inputs,
  outputs,
  size,
  kernel: 3,
  padding,
});

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
    ["images of one channel more than units have, in place", addedInPlace(convWeightGradient(shape(4, 9, 6, 16), 1))],
  ])("of %s", async (_, kernel) => {
    expect(isOfItsOwn(kernel)).toBe(true);
    await expectAlike(kernel);
  });

  it.each([
    ["other filters", convWeightGradient({ ...shape(4, 8, 8, 8, 2), kernel: 5 }, 1)],
    ["rows that fours do not fill", convWeightGradient(shape(4, 8, 8, 14), 1)],
    ["short rows", convWeightGradient(shape(16, 8, 8, 4), 1)],
  ])("is an ordinary product for %s", (_, kernel) => {
    expect(isOfItsOwn(kernel)).toBe(false);
  });
});

// The gradient of a 3x3 filter on the wasm device: against the reference interpreter, by the bits on any number of threads, in place, by tiles,
// and where it is an ordinary product.

import { describe, expect, it } from "vitest";
import type { Kernel } from "../../src/ir/loop/kernel.ts";
import { addedInPlace, convWeightGradient, numbers, type ConvShape } from "../codegen/kernels.ts";
import { codeHas, openThreads } from "./wasm-threads.ts";

const expectAlike = await openThreads();

const isOfItsOwn = (kernel: Kernel): boolean => codeHas(kernel, "call $over_places");
const isTiled = (kernel: Kernel): boolean => codeHas(kernel, "call $over_tiles");

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
    ["a few channels", convWeightGradient(shape(3, 8, 8, 8), 1)],
    ["numbers of channels and filters that fours do not fill", convWeightGradient(shape(5, 11, 9, 16), 1)],
    ["several blocks of rows, the last one shorter", convWeightGradient(shape(2, 9, 8, 40), 1)],
    ["several blocks of images, the last one smaller", convWeightGradient(shape(19, 8, 12, 8), 1)],
    ["rows of six tiles, in fours", convWeightGradient(shape(5, 8, 8, 12), 1)],
    ["pictures of 4", convWeightGradient(shape(24, 20, 12, 4), 1)],
    ["units that come in several turns", convWeightGradient(shape(3, 132, 256, 8), 1)],
    ["parts of a batch", convWeightGradient(shape(8, 12, 8, 16), 4)],
    ["much padding", convWeightGradient(shape(4, 8, 8, 14, 2), 1)],
    ["what is added to, in place", addedInPlace(convWeightGradient(shape(4, 9, 8, 16), 1))],
  ])("is summed by tiles for %s", async (_, kernel) => {
    expect(isTiled(kernel)).toBe(true);
    await expectAlike(kernel);
  });

  it.each([
    ["rows whose first place no tile has in its middle", convWeightGradient(shape(4, 8, 8, 14, 0), 1)],
    ["few channels", convWeightGradient(shape(4, 7, 8, 16), 1)],
    ["few filters", convWeightGradient(shape(4, 8, 4, 16), 1)],
  ])("is not for %s", (_, kernel) => {
    expect([isOfItsOwn(kernel), isTiled(kernel)]).toEqual([true, false]);
  });

  it.each([NaN, Infinity])("has %d where a plain sum has it", async (value) => {
    const kernel = convWeightGradient(shape(6, 12, 12, 16), 1);
    const x = numbers(6 * 12 * 256);
    x[3 * 256 + 17] = value;
    await expectAlike(kernel, { x });
  });

  it.each([
    ["other filters", convWeightGradient({ ...shape(4, 8, 8, 8, 2), kernel: 5 }, 1)],
    ["rows that fours do not fill", convWeightGradient(shape(4, 8, 8, 14), 1)],
    ["short rows of few channels", convWeightGradient(shape(16, 4, 8, 4), 1)],
  ])("is an ordinary product for %s", (_, kernel) => {
    expect(isOfItsOwn(kernel)).toBe(false);
  });
});

// Convolutions of very small pictures on the wasm device, which leave out what meets padding alone: against the reference interpreter, by the
// bits on any number of threads, in place, and where they are an ordinary product.

import { describe, expect, it } from "vitest";
import type { Kernel } from "../../src/ir/loop/kernel.ts";
import { addedInPlace, convForward, convInputGradient, convWeightGradient, type ConvShape } from "../codegen/kernels.ts";
import { codeHas, openThreads } from "./wasm-threads.ts";

const expectAlike = await openThreads();

const leavesPaddingOut = (kernel: Kernel): boolean => codeHas(kernel, "call $multiply");

const shape = (batch: number, inputs: number, outputs: number, size: number, padding = 1, kernel = 3): ConvShape => ({
  ...{ batch, inputs, outputs, size, kernel, padding },
});

describe("a convolution of small pictures", () => {
  it.each([
    ["2x2", convForward(shape(16, 8, 8, 2))],
    ["3x3", convForward(shape(16, 12, 8, 3))],
    ["3x3, in groups of sixteen of which the last is not full", convForward(shape(37, 9, 11, 3))],
    ["2x2, in groups of eight", convForward(shape(8, 10, 9, 2))],
    ["2x2, more of them than three groups of eight", convForward(shape(23, 10, 13, 2))],
    ["2x2, with more rows than a unit has", convForward(shape(16, 16, 150, 2))],
    ["one pixel, of whose filters all else meets nothing", convForward(shape(20, 16, 16, 1))],
    ["2x2 with much padding", convForward(shape(16, 8, 9, 2, 2))],
    ["2x2 with 5x5 filters", convForward(shape(16, 8, 8, 2, 2, 5))],
    ["the gradient of an input of 2x2", convInputGradient(shape(16, 12, 9, 2))],
    ["the gradient of an input of 3x3", convInputGradient(shape(19, 12, 9, 3))],
    ["the gradient of filters over 2x2", convWeightGradient(shape(16, 32, 24, 2), 1)],
    ["the gradient of filters over 3x3", convWeightGradient(shape(9, 9, 17, 3), 1)],
    ["the gradient of filters, parts of a batch", convWeightGradient(shape(48, 20, 10, 2), 3)],
    ["the gradient of filters, added in place", addedInPlace(convWeightGradient(shape(16, 16, 8, 2), 1))],
  ])("of %s", async (_, kernel) => {
    expect(leavesPaddingOut(kernel)).toBe(true);
    await expectAlike(kernel);
  });

  it.each([
    ["no padding", convForward(shape(16, 8, 8, 4, 0))],
    ["little padding", convForward(shape(100, 8, 10, 5))],
    ["few pictures", convForward(shape(7, 8, 8, 2))],
    ["few channels", convForward(shape(16, 7, 8, 2))],
    ["few filters", convForward(shape(16, 8, 7, 2))],
    ["as much to pack as no cache holds", convForward(shape(512, 200, 8, 2))],
    ["results in place whose columns fours do not fill", addedInPlace(convWeightGradient(shape(16, 9, 8, 2), 1))],
  ])("is an ordinary product with %s", (_, kernel) => {
    expect(leavesPaddingOut(kernel)).toBe(false);
  });
});

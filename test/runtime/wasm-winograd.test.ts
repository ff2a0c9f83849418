// Winograd's convolution on the wasm device: against the reference interpreter, by the bits on any number of threads, and where it must
// not be taken.

import { describe, expect, it } from "vitest";
import type { Kernel } from "../../src/ir/loop/kernel.ts";
import { convForward, convInputGradient } from "../codegen/kernels.ts";
import { codeHas, openThreads } from "./wasm-threads.ts";

const expectAlike = await openThreads();

const isWinograd = (kernel: Kernel): boolean => codeHas(kernel, "call $spread_image");

const shape = (batch: number, inputs: number, outputs: number, size: number, padding: number): Parameters<typeof convForward>[0] => ({
  batch,
  inputs,
  outputs,
  size,
  kernel: 3,
  padding,
});

describe("Winograd's convolution", () => {
  it.each([
    ["small images", convForward(shape(16, 8, 8, 8, 1))],
    ["an odd number of channels and images", convForward(shape(17, 9, 12, 12, 1))],
    ["images of one tile", convForward(shape(64, 20, 20, 4, 1))],
    ["one image, several blocks of rows", convForward(shape(1, 8, 100, 32, 1))],
    ["several blocks of tiles", convForward(shape(2, 40, 12, 28, 1))],
    ["images without padding", convForward(shape(9, 8, 8, 14, 0))],
    ["images with much padding", convForward(shape(5, 16, 8, 18, 2))],
    ["images of 7, whose last tiles lie over others", convForward(shape(18, 8, 8, 7, 1))],
    ["images of 13", convForward(shape(8, 8, 12, 13, 1))],
    ["the gradient of the input", convInputGradient(shape(17, 12, 9, 12, 1))],
    ["the gradient of an input of 14", convInputGradient(shape(6, 8, 10, 14, 1))],
    ["the gradient of an input that was not padded", convInputGradient(shape(6, 8, 10, 16, 0))],
  ])("of %s", async (_, kernel) => {
    expect(isWinograd(kernel)).toBe(true);
    await expectAlike(kernel);
  });

  it.each([
    ["other filters", convForward({ ...shape(16, 8, 8, 8, 2), kernel: 5 })],
    ["few channels", convForward(shape(16, 3, 8, 8, 1))],
    ["few tiles", convForward(shape(2, 8, 8, 8, 1))],
    ["images smaller than a tile", convForward(shape(100, 8, 8, 3, 1))],
    ["channels that fours do not fill", convForward(shape(16, 8, 10, 8, 1))],
  ])("is not taken for %s", (_, kernel) => {
    expect(isWinograd(kernel)).toBe(false);
  });
});

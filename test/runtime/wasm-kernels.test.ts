// The kernels of every device as WebAssembly, on one thread and on several; the split of the work must not show in a single bit.

import { afterAll, describe, expect, it } from "vitest";
import { wasmTarget } from "../../src/codegen/wasm/target.ts";
import { openDevice } from "../../src/runtime/open-device.ts";
import { convForward, convInputGradient, convWeightGradient, matmul, numbers, runKernel, softmax } from "../codegen/kernels.ts";
import { kernelSuite } from "./kernel-suite.ts";

for (const threads of [1, 3]) kernelSuite(`wasm, ${threads} threads`, wasmTarget, () => openDevice("wasm", { threads }));

const devices = await Promise.all([1, 2, 3, 4].map((threads) => openDevice("wasm", { threads })));
afterAll(() => {
  for (const device of devices) device.dispose();
});

const shape = { batch: 8, inputs: 16, outputs: 33, size: 17, kernel: 3, padding: 1 };

describe("any number of threads gives the same bits", () => {
  it.each([
    ["a product wider than high", matmul(67, 530, 1000)],
    ["a product higher than wide", matmul(1500, 61, 300)],
    ["a batch of products", matmul(40, 50, 60, 24)],
    ["a convolution", convForward(shape)],
    ["its input gradient", convInputGradient(shape)],
    ["its weight gradient", convWeightGradient(shape, 8)],
    ["a softmax", softmax(700, 333)],
  ])("%s", async (_, kernel) => {
    const inputs = Object.fromEntries(kernel.params.filter((p) => p.access === "read").map((p, i) => [p.name, numbers(p.length, i + 1)]));
    const [first, ...others] = await Promise.all(devices.map((device) => runKernel(device, wasmTarget, kernel, inputs)));
    for (const other of others) expect(other).toEqual(first);
  });
});

// The kernels of every device as WebAssembly, on one thread and on several; the split of the work must not show in a single bit.

import { afterAll, describe, expect, it } from "vitest";
import { wasmTarget } from "../../src/codegen/wasm/target.ts";
import { openDevice } from "../../src/runtime/open-device.ts";
import { referenceTarget } from "../../src/codegen/reference.ts";
import { add, axis, binary, cast, constant, float, int, load, mul, type Expr } from "../../src/ir/loop/expr.ts";
import { openReferenceDevice } from "../../src/runtime/reference/device.ts";
import {
  axesOf,
  convForward,
  convInputGradient,
  convWeightGradient,
  kernelOf,
  matmul,
  numbers,
  param,
  runKernel,
  softmax,
} from "../codegen/kernels.ts";
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

describe("in place", () => {
  it.each([3, 4, 5, 7, 8, 61])("each of %i elements is computed once", async (length) => {
    const place = axis("i", length);
    const writes = [{ buffer: 0, index: place, value: add(load(0, place, "f32"), float(1)) }];
    const kernel = kernelOf("increment", [param("x", length, "read_write")], axesOf({ i: length }), [{ kind: "store", axes: [], writes }]);
    const x = numbers(length, 2);
    for (const device of devices)
      expect((await runKernel(device, wasmTarget, kernel, { x })).get("x")).toEqual(x.map((value) => value + 1));
  });
});

describe("stores bytes", () => {
  const [rows, columns] = [7, 13];
  const [r, c] = [axis("r", rows), axis("c", columns)];
  const cell = add(mul(r, int(columns)), c);
  it.each<readonly [string, number, Expr]>([
    ["side by side", rows * columns, cell],
    ["apart", 3 * rows * columns + 1, add(mul(cell, int(3)), int(1))],
    ["across rows", rows * columns, add(mul(c, int(rows)), r)],
    ["anywhere", rows * columns, load(1, cell, "i32")],
  ])("%s", async (_, length, index) => {
    const x = load(0, cell, "f32");
    const kernel = kernelOf(
      "bytes",
      [
        param("x", rows * columns),
        param("order", rows * columns, "read", "i32"),
        param("mask", length, "read_write", "bool"),
        param("levels", length, "read_write", "u8"),
      ],
      axesOf({ r: rows, c: columns }),
      [
        {
          kind: "store",
          axes: [],
          writes: [
            { buffer: 2, index, value: binary("lt", constant(0, "f32"), x) },
            { buffer: 3, index, value: cast(mul(binary("mul", x, x), constant(60, "f32")), "u32") },
          ],
        },
      ],
    );
    const inputs = {
      x: numbers(rows * columns, 5),
      order: Int32Array.from({ length: rows * columns }, (_value, i) => (i * 10) % (rows * columns)),
      mask: new Uint8Array(length).fill(1),
      levels: new Uint8Array(length).fill(77),
    };
    const expected = await runKernel(openReferenceDevice(), referenceTarget, kernel, inputs);
    for (const device of devices) expect(await runKernel(device, wasmTarget, kernel, inputs)).toEqual(expected);
    expect(new Set(expected.get("levels")).size).toBeGreaterThan(10);
  });
});

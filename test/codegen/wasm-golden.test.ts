// The WebAssembly text of a handful of kernels, as files to read in review: `npx vitest run test/codegen -u` writes them anew.

import { describe, expect, it } from "vitest";
import { wasmTarget } from "../../src/codegen/wasm/target.ts";
import { acc, add, axis, div, float, int, load, mul, rem, select, binary } from "../../src/ir/loop/expr.ts";
import { printKernel } from "../../src/ir/loop/print.ts";
import type { Kernel } from "../../src/ir/loop/kernel.ts";
import { axesOf, convForward, elementwise, kernelOf, matmul, param, segments, softmax } from "./kernels.ts";

const i = axis("i", 1000);
/** A row of ten, each with its neighbour to the left where there is one. */
const neighbours = kernelOf("neighbours", [param("x", 1000), param("y", 1000, "write")], axesOf({ i: 1000 }), [
  {
    kind: "store",
    axes: [],
    writes: [
      {
        buffer: 1,
        index: i,
        value: add(load(0, i, "f32"), select(binary("lt", int(0), rem(i, int(10))), load(0, add(i, int(-1)), "f32"), float(0))),
      },
    ],
  },
]);

const columnSum = kernelOf("column_sum", [param("x", 640), param("y", 10, "read_write")], axesOf({ n: 10 }), [
  {
    kind: "reduce",
    axes: axesOf({ b: 64 }),
    op: "sum",
    dtype: "f32",
    value: load(0, add(mul(axis("b", 64), int(10)), axis("n", 10)), "f32"),
  },
  { kind: "store", axes: [], writes: [{ buffer: 1, index: axis("n", 10), value: add(load(1, axis("n", 10), "f32"), acc(0, "f32")) }] },
]);

const SAMPLES: [string, Kernel][] = [
  ["scale", elementwise("scale", 1000, 2, (x, y) => div(mul(x, float(0.5)), add(y, float(1))))],
  ["neighbours", neighbours],
  ["column-sum", columnSum],
  ["softmax", softmax(64, 1000)],
  ["segment-sum", segments("sum", 100, 8, 64)],
  ["matmul", matmul(60, 70, 50, 2)],
  ["conv-forward", convForward({ batch: 2, inputs: 3, outputs: 8, size: 6, kernel: 3, padding: 1 })],
];

describe("golden WebAssembly text", () => {
  it.each(SAMPLES)("%s", async (name, kernel) => {
    const { source = "", wasm } = wasmTarget.compileKernel(kernel);
    const { units, grain, scratchBytes, margin } = wasm!;
    const head = `(;\n${printKernel(kernel)}${JSON.stringify({ units, grain, scratchBytes, margin })}\n;)\n`;
    await expect(head + source).toMatchFileSnapshot(`./samples/${name}.wat`);
    for (const code of [wasm!.simd, wasm!.relaxed]) {
      const bytes = Buffer.from(code, "base64");
      expect(bytes.subarray(0, 4).toString("latin1")).toBe("\0asm");
      if (code === wasm!.simd) expect(WebAssembly.validate(bytes)).toBe(true);
    }
  });
});

// The WGSL of a handful of kernels, as files to read in review: `npx vitest run test/codegen -u` writes them anew.

import { describe, expect, it } from "vitest";
import { webgpuTarget } from "../../src/codegen/wgsl/target.ts";
import { acc, add, axis, float, int, load, mul, threefry, cast, constant, binary, select, unary } from "../../src/ir/loop/expr.ts";
import { printKernel } from "../../src/ir/loop/print.ts";
import { verifyKernel } from "../../src/ir/loop/verify.ts";
import type { Kernel } from "../../src/ir/loop/kernel.ts";
import type { DeviceLimits } from "../../src/ir/program.ts";
import { aboveMean, axesOf, convForward, elementwise, kernelOf, matmul, param, segments, softmax } from "./kernels.ts";

const i = axis("i", 1000);
const bytes = kernelOf(
  "normalize_bytes",
  [param("image", 3000, "read", "u8"), param("seed", 1, "read", "u32"), param("y", 3000, "write")],
  axesOf({ i: 1000, c: 3 }),
  [
    {
      kind: "store",
      axes: [],
      writes: [
        {
          buffer: 2,
          index: add(mul(i, int(3)), axis("c", 3)),
          value: select(
            binary(
              "lt",
              threefry(load(1, int(0), "u32"), constant(1, "u32"), cast(i, "u32"), constant(0, "u32")),
              constant(1 << 30, "u32"),
            ),
            mul(load(0, add(mul(i, int(3)), axis("c", 3)), "f32"), float(1 / 255)),
            float(0),
          ),
        },
      ],
    },
  ],
);

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

const SAMPLES: [string, Kernel, DeviceLimits?][] = [
  ["gelu", elementwise("gelu", 1000, 1, (x) => mul(mul(x, float(0.5)), add(float(1), unary("erf", mul(x, float(Math.SQRT1_2))))))],
  ["normalize-bytes", bytes],
  ["column-sum", columnSum],
  ["softmax", softmax(64, 1000)],
  ["segment-sum", segments("sum", 100, 8, 64)],
  ["bytes-of-rows", aboveMean(100, 8)],
  ["matmul-gpu", matmul(60, 70, 50, 2)],
  ["matmul-subgroups-of-8", matmul(60, 30, 50, 2), { subgroupSize: 8 }],
  ["conv-forward", convForward({ batch: 2, inputs: 3, outputs: 8, size: 6, kernel: 3, padding: 1 }), { subgroupSize: 8 }],
];

describe("golden WGSL", () => {
  it.each(SAMPLES)("%s", async (name, kernel, options) => {
    const { source, grid } = webgpuTarget.compileKernel(kernel, options);
    await expect(`/*\n${printKernel(kernel)}grid ${grid?.join() ?? "undefined"}\n*/\n${source ?? ""}`).toMatchFileSnapshot(
      `./samples/${name}.wgsl`,
    );
  });
});

describe("verifyKernel", () => {
  const good = elementwise("ok", 10, 1, (x) => x);
  const bad: readonly (readonly [string, Kernel, RegExp])[] = [
    ["an unbound axis", { ...good, axes: [] }, /kernel ok: axis i is used outside its loop/],
    ["a wrong extent", { ...good, axes: axesOf({ i: 11 }) }, /axis i has extent 11, not 10/],
    ["an axis bound twice", { ...good, axes: [...good.axes, ...good.axes] }, /axis i is bound twice/],
    [
      "a write to a read-only parameter",
      { ...good, params: good.params.map((p) => ({ ...p, access: "read" as const })) },
      /to be read only/,
    ],
    ["a missing parameter", { ...good, params: good.params.slice(1) }, /parameter 1 of 1/],
    [
      "a result used early",
      { ...good, stages: [{ kind: "store", axes: [], writes: [{ buffer: 1, index: axis("i", 10), value: acc(0, "f32") }] }] },
      /before it is there/,
    ],
    ["a contraction over other axes", { ...matmul(2, 3, 4), axes: axesOf({ b: 1, n: 3, m: 2 }) }, /must be b, m, n/],
    ["no store", { ...good, stages: [] }, /stores nothing/],
  ];
  it.each(bad)("refuses %s", (_, kernel, message) => {
    expect(() => {
      verifyKernel(kernel);
    }).toThrow(message);
  });
});

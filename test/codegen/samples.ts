// The kernels whose text is a golden file in every language of GPUs.

import { acc, add, axis, binary, cast, constant, float, int, load, mul, select, threefry, unary } from "../../src/ir/loop/expr.ts";
import type { Kernel } from "../../src/ir/loop/kernel.ts";
import type { KnownProfile, KernelPart } from "../../src/ir/program.ts";
import { inFormat } from "./operands.ts";
import { aboveMean, axesOf, convForward, convWeightGradient, elementwise, kernelOf, matmul, param, segments, softmax } from "./kernels.ts";

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

export const SAMPLES: [string, Kernel, KnownProfile?][] = [
  ["gelu", elementwise("gelu", 1000, 1, (x) => mul(mul(x, float(0.5)), add(float(1), unary("erf", mul(x, float(Math.SQRT1_2))))))],
  ["normalize-bytes", bytes],
  ["column-sum", columnSum],
  ["softmax", softmax(64, 1000)],
  ["segment-sum", segments("sum", 100, 8, 64)],
  ["bytes-of-rows", aboveMean(100, 8)],
  ["matmul-gpu", matmul(60, 70, 50, 2)],
  // On CUDA both operands are copied while threads multiply, one of them four elements at a time.
  ["matmul-aligned", matmul(64, 128, 64)],
  // Where no matrices are multiplied, operands are rounded one by one.
  ["matmul-bf16", inFormat(matmul(60, 70, 50, 2), "bf16")],
  ["matmul-cpu", matmul(60, 30, 50, 2), { kind: "cpu", lanes: 8 }],
  ["conv-forward", convForward({ batch: 2, inputs: 3, outputs: 8, size: 6, kernel: 3, padding: 1 }), { kind: "cpu", lanes: 8 }],
  // Two slices of 200 of the 400 pixels: neither operand is linear in k, but neighbouring threads must read neighbouring pixels.
  ["conv-weight-gradient-gpu", convWeightGradient({ batch: 4, inputs: 3, outputs: 8, size: 10, kernel: 3, padding: 1 }, 2)],
];

// A row of 256 threads, a thread for each element, and a row again: they share the scratch of a workgroup.
export const TOGETHER: readonly KernelPart[] = [
  { kernel: softmax(8, 2000), slots: [0, 1] },
  { kernel: elementwise("double", 300, 1, (x) => mul(x, float(2))), slots: [2, 3] },
  { kernel: columnSum, slots: [4, 5] },
];

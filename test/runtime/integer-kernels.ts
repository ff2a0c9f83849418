// The part of the kernel suite that is about integers, bytes and bools: exact, or wrong.

import { expect, it } from "vitest";
import {
  acc,
  add,
  axis,
  binary,
  cast,
  constant,
  div,
  float,
  int,
  load,
  mul,
  rem,
  select,
  sub,
  threefry,
  unary,
  type Expr,
} from "../../src/ir/loop/expr.ts";
import type { Kernel } from "../../src/ir/loop/kernel.ts";
import type { HostArray } from "../../src/runtime/device.ts";
import { aboveMean, at, axesOf, kernelOf, param } from "../codegen/kernels.ts";

/** Runs a kernel on the device and on the reference one, and holds them to each other; gives back the device's buffers. */
type Same = (kernel: Kernel, tolerance?: number, inputs?: Record<string, HostArray>) => Promise<Map<string, HostArray>>;

export function integerKernels(same: Same): void {
  it("computes with 32-bit integers exactly", async () => {
    const length = 1000;
    const i = axis("i", length);
    const x = load(0, i, "u32");
    const s = load(1, i, "i32");
    const u = (v: number): Expr => constant(v, "u32");
    const writes = [
      binary("mul", x, u(2654435761)),
      add(x, u(4294967295)),
      binary("shr", x, u(7)),
      binary("shl", x, u(3)),
      binary("bitxor", x, u(12345)),
      binary("bitand", x, u(255)),
    ].map((value, n) => ({ buffer: 2, index: add(mul(i, int(6)), int(n)), value }));
    const signed = [
      mul(s, int(-7)),
      sub(int(5), s),
      unary("abs", s),
      unary("neg", s),
      cast(binary("lt", s, int(0)), "i32"),
      binary("max", s, int(-2147483648)),
    ].map((value, n) => ({ buffer: 3, index: add(mul(i, int(6)), int(n)), value }));
    const kernel = kernelOf(
      "integers",
      [
        param("x", length, "read", "u32"),
        param("s", length, "read", "i32"),
        param("y", 6 * length, "write", "u32"),
        param("z", 6 * length, "write", "i32"),
      ],
      axesOf({ i: length }),
      [{ kind: "store", axes: [], writes: [...writes, ...signed] }],
    );
    const words = Uint32Array.from({ length }, (_, n) => Math.imul(n + 1, 2654435761) >>> 0);
    await same(kernel, 0, { x: words, s: Int32Array.from(words) });
  });

  it("finds the least and the greatest of words, which have no sign, and of integers, which do", async () => {
    const words = Uint32Array.from({ length: 6 * 40 }, (_, n) => Math.imul(n + 1, 2654435761) >>> 0);
    for (const dtype of ["u32", "i32"] as const)
      for (const op of ["max", "min"] as const)
        for (const [rows, columns] of [
          ["i", "j"],
          ["j", "i"],
        ] as const) {
          const shape = { [rows]: 6, [columns]: 40 };
          const kernel = kernelOf(
            `${op}_${dtype}_${rows}`,
            [param("x", 240, "read", dtype), param("y", 40, "write", dtype)],
            axesOf({ i: shape["i"]! }),
            [
              { kind: "reduce", axes: axesOf({ j: shape["j"]! }), op, dtype, value: load(0, at(shape), dtype) },
              { kind: "store", axes: [], writes: [{ buffer: 1, index: axis("i", shape["i"]!), value: acc(0, dtype) }] },
            ],
          );
          await same(kernel, 0, { x: dtype === "u32" ? words : Int32Array.from(words) });
        }
  });

  it("divides exactly, where a product with the reciprocal would be one too little", async () => {
    const i = axis("i", 1201);
    for (const divisor of [3, 41, 47, 55, 61, 83, 97, 107]) {
      const kernel = kernelOf(
        `divide_${divisor}`,
        [param("q", 1201, "write", "i32"), param("r", 1201, "write", "i32")],
        axesOf({ i: 1201 }),
        [
          {
            kind: "store",
            axes: [],
            writes: [
              { buffer: 0, index: i, value: div(i, int(divisor)) },
              { buffer: 1, index: i, value: rem(i, int(divisor)) },
            ],
          },
        ],
      );
      const result = await same(kernel, 0, {});
      expect([...(result.get("q") ?? [])], String(divisor)).toEqual(Array.from({ length: 1201 }, (_, n) => Math.floor(n / divisor)));
    }
  });

  it("draws the same random words", async () => {
    const i = axis("i", 500);
    const key = load(0, int(0), "u32");
    const kernel = kernelOf("random", [param("seed", 1, "read", "u32"), param("y", 500, "write", "u32")], axesOf({ i: 500 }), [
      {
        kind: "store",
        axes: [],
        writes: [{ buffer: 1, index: i, value: threefry(key, constant(7, "u32"), cast(i, "u32"), constant(0, "u32")) }],
      },
    ]);
    await same(kernel, 0, { seed: Uint32Array.of(123456789) });
  });

  it("loads bytes and bools", async () => {
    const i = axis("i", 1001);
    const kernel = kernelOf(
      "bytes",
      [param("x", 1001, "read", "u8"), param("mask", 1001, "read", "bool"), param("y", 1001, "write"), param("z", 1001, "write", "bool")],
      axesOf({ i: 1001 }),
      [
        {
          kind: "store",
          axes: [],
          writes: [
            { buffer: 2, index: i, value: select(load(1, i, "bool"), mul(load(0, i, "f32"), float(1 / 255)), float(-1)) },
            { buffer: 3, index: i, value: binary("lt", load(0, sub(int(1000), i), "f32"), float(100)) },
          ],
        },
      ],
    );
    await same(kernel, 1e-6, {
      x: Uint8Array.from({ length: 1001 }, (_, n) => n * 37),
      mask: Uint8Array.from({ length: 1001 }, (_, n) => n % 3 && 1),
    });
  });

  it("stores bytes of rows, and of a single point's loop", async () => {
    for (const [rows, columns] of [
      [1, 1],
      [1, 54],
      [3, 8],
      [70, 260],
      [5000, 12],
    ] as const)
      await same(aboveMean(rows, columns), 1e-5);
  });
}

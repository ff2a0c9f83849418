// Hand-made kernels, one after the other on a device and on the reference interpreter: the results must agree. A device's own test file
// calls this with a way to open it.

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { KnownProfile } from "../../src/ir/program.ts";
import { referenceTarget } from "../../src/codegen/reference.ts";
import type { Target } from "../../src/codegen/target.ts";
import {
  acc,
  add,
  axis,
  binary,
  cast,
  constant,
  float,
  int,
  load,
  mul,
  rem,
  select,
  sub,
  unary,
  type UnaryOp,
} from "../../src/ir/loop/expr.ts";
import type { Kernel } from "../../src/ir/loop/kernel.ts";
import { ROUNDINGS } from "../../src/ir/rounding.ts";
import type { Device, HostArray } from "../../src/runtime/device.ts";
import { openReferenceDevice } from "../../src/runtime/reference/device.ts";
import {
  at,
  axesOf,
  convForward,
  convInputGradient,
  convWeightGradient,
  elementwise,
  kernelOf,
  matmul,
  numbers,
  param,
  relativeError,
  runKernel,
  segments,
  softmax,
} from "../codegen/kernels.ts";
import { integerKernels } from "./integer-kernels.ts";

export function kernelSuite(name: string, target: Target, open: () => Promise<Device>): void {
  describe(`${name} against reference`, () => {
    let device: Device;
    const reference = openReferenceDevice();
    beforeAll(async () => {
      device = await open();
    });
    afterAll(() => device.dispose());

    async function same(
      kernel: Kernel,
      tolerance = 1e-5,
      inputs?: Record<string, HostArray>,
      loop?: { count: number; reverse: boolean },
      options: KnownProfile | undefined = device.limits,
    ): Promise<Map<string, HostArray>> {
      const data =
        inputs ?? Object.fromEntries(kernel.params.filter((p) => p.access !== "write").map((p, i) => [p.name, numbers(p.length, i + 1)]));
      const expected = await runKernel(reference, referenceTarget, kernel, data, loop);
      const actual = await runKernel(device, target, kernel, data, loop, options);
      for (const [name, values] of expected) {
        if (tolerance === 0) expect([...(actual.get(name) ?? [])], name).toEqual([...values]);
        else expect(relativeError(actual.get(name) ?? new Float32Array(), values), `${kernel.name} ${name}`).toBeLessThan(tolerance);
      }
      return actual;
    }

    it("multiplies matrices of odd sizes", async () => {
      for (const [m, n, k, b] of [
        [1, 1, 1, 1],
        [1, 10, 128, 1],
        [3, 5, 7, 2],
        [16, 16, 16, 1],
        [17, 31, 33, 3],
        [64, 64, 64, 1],
        [65, 130, 127, 1],
        [130, 1, 64, 1],
        [64, 10, 128, 1],
        [128, 128, 128, 2],
        [5, 257, 9, 4],
        [17, 40, 1100, 1],
      ] as const)
        await same(matmul(m, n, k, b));
    });

    it("convolves, and its gradients", async () => {
      for (const shape of [
        { batch: 2, inputs: 3, outputs: 5, size: 7, kernel: 3, padding: 1 },
        { batch: 4, inputs: 8, outputs: 64, size: 12, kernel: 3, padding: 1 },
        { batch: 3, inputs: 2, outputs: 9, size: 9, kernel: 2, padding: 0 },
        { batch: 1, inputs: 16, outputs: 32, size: 6, kernel: 1, padding: 0 },
      ]) {
        await same(convForward(shape));
        await same(convInputGradient(shape));
        await same(convWeightGradient(shape, 1));
        await same(convWeightGradient(shape, shape.batch));
      }
    });

    it("reduces along rows and columns of all sizes", async () => {
      for (const [points, size] of [
        [1, 1],
        [1, 100],
        [1, 36864],
        [10, 64],
        [64, 10],
        [7, 1000],
        [100, 33],
        [32, 4096],
        [2000, 40],
        [20000, 3],
      ] as const) {
        for (const op of ["sum", "max", "min"] as const) {
          for (const index of [
            add(mul(axis("p", points), int(size)), axis("r", size)),
            add(mul(axis("r", size), int(points)), axis("p", points)),
          ]) {
            const value = mul(load(0, index, "f32"), float(2));
            await same(
              kernelOf(`reduce_${op}`, [param("x", points * size), param("y", points, "write")], axesOf({ p: points }), [
                { kind: "reduce", axes: axesOf({ r: size }), op, dtype: "f32", value },
                { kind: "store", axes: [], writes: [{ buffer: 1, index: axis("p", points), value: acc(0, "f32") }] },
              ]),
              op === "sum" ? 1e-4 : 1e-6,
              undefined,
              undefined,
              op === "max" ? {} : device.limits,
            );
          }
        }
      }
    });

    it("reduces a range that each point has of its own, empty ones too", async () => {
      for (const [rows, features] of [
        [5, 1],
        [1, 7],
        [9, 4],
        [40, 33],
        [300, 2],
      ] as const) {
        const length = 50;
        const starts = Int32Array.from({ length: rows + 1 }, (_, i) => Math.floor(i / 3) * 7 - (i % 3 === 2 ? 9 : 2));
        const order = Int32Array.from({ length }, (_, i) => (i * 7) % length);
        for (const op of ["sum", "max"] as const)
          await same(segments(op, rows, features, length), 1e-6, { x: numbers(length * features, 3), starts, order });
      }
    });

    it("runs several stages in one kernel", async () => {
      for (const [rows, columns] of [
        [1, 1],
        [64, 10],
        [3, 1000],
        [70, 257],
        [2, 5000],
      ] as const) {
        await same(softmax(rows, columns));
        await same(softmax(rows, columns), 1e-5, undefined, undefined, {});
      }
    });

    it("has the scalar functions", async () => {
      const x = Float32Array.from({ length: 4001 }, (_, i) => (i - 2000) / 250);
      const functions: readonly UnaryOp[] = ["neg", "abs", "exp", "tanh", "erf", "sin", "cos", "floor", "ceil", "sign"];
      for (const op of functions) {
        const got = (
          await same(
            elementwise(op, x.length, 1, (v) => unary(op, v)),
            3e-6,
            { x0: x },
          )
        ).get("y");
        if (op === "tanh" || op === "erf")
          expect(Math.abs((got?.[2001] ?? 0) / (x[2001] ?? 1)), op).toBeCloseTo(op === "tanh" ? 1 : 1.128373, 4);
      }
      const halves = [1, 3, 5].map((odd) => 1 + odd / 2 ** 11);
      const near = [2 ** -14, 2 ** -15 + 2 ** -25, 2 ** -24, 2 ** -25, 3 * 2 ** -25, 2 ** -26, 65504, 65519, 65520, 1e6, 3e38, Infinity, 0];
      const edges = Float32Array.from([...halves, 1 + 2 ** -8, 1 + 3 * 2 ** -8, 1 + 2 ** -12, ...near].flatMap((v) => [v, -v, v * 1.0001]));
      for (const op of ["round_tf32", "round_bf16", "round_f16"] as const) {
        const kernel = elementwise(op, edges.length, 1, (v) => unary(op, v));
        const got = (await same(kernel, 0, { x0: edges })).get("y");
        expect(Array.from(got ?? [])).toEqual(Array.from(edges, (v) => ROUNDINGS[op](v)));
        expect(
          (await runKernel(device, target, kernel, { x0: edges.fill(NaN) }, undefined, device.limits)).get("y")?.every(Number.isNaN),
        ).toBe(true);
      }
      const positive = x.map((v) => Math.abs(v) + 0.001);
      for (const op of ["log", "sqrt", "rsqrt"] as const)
        await same(
          elementwise(op, x.length, 1, (v) => unary(op, v)),
          3e-6,
          { x0: positive },
        );
      await same(
        elementwise("pow", x.length, 2, (v, w) => binary("pow", v, w)),
        1e-5,
        { x0: positive, x1: x.map((v) => v / 2) },
      );
      await same(
        elementwise("square", x.length, 1, (v) => binary("pow", v, float(2))),
        1e-6,
        { x0: x },
      );
      await same(
        elementwise("saturates", 4, 1, (v) => unary("tanh", v)),
        1e-6,
        { x0: Float32Array.of(1000, -1000, 50, 1e-8) },
      );
    });

    it("keeps infinities and finds NaN", async () => {
      const x = Float32Array.of(Infinity, -Infinity, NaN, 1, 0, -0, 3e38, -3e38);
      const kernel = elementwise("finite", 8, 1, (v) =>
        select(binary("ne", v, v), float(1), select(binary("lt", unary("abs", v), constant(Infinity, "f32")), float(2), float(3))),
      );
      expect([...((await same(kernel, 0, { x0: x })).get("y") ?? [])]).toEqual([3, 3, 1, 2, 2, 2, 2, 2]);
    });

    integerKernels(same);

    it("does not load on the side of a select that is not taken", async () => {
      const i = axis("i", 100);
      const j = sub(i, int(50));
      const kernel = kernelOf("shifted", [param("x", 100), param("y", 100, "write")], axesOf({ i: 100 }), [
        { kind: "store", axes: [], writes: [{ buffer: 1, index: i, value: select(binary("le", int(0), j), load(0, j, "f32"), float(9)) }] },
      ]);
      const y = (await same(kernel, 1e-6)).get("y");
      expect(y?.[49]).toBe(9);
    });

    it("evaluates all writes of a stage before the first", async () => {
      const i = axis("i", 777);
      const a = load(0, i, "f32");
      const b = load(1, i, "f32");
      await same(
        kernelOf("swap", [param("a", 777, "read_write"), param("b", 777, "read_write")], axesOf({ i: 777 }), [
          {
            kind: "store",
            axes: [],
            writes: [
              { buffer: 0, index: i, value: b },
              { buffer: 1, index: i, value: a },
            ],
          },
          { kind: "store", axes: [], writes: [{ buffer: 0, index: i, value: add(a, mul(b, float(2))) }] },
        ]),
        1e-6,
      );
    });

    it("folds more than 65535 workgroups", async () => {
      await same(
        elementwise("many", 65536 * 64 + 100, 1, (v) => add(v, float(1))),
        1e-6,
      );
    });

    it("counts time in loops, both ways", async () => {
      const t = axis("t", 9);
      const i = axis("i", 5);
      const previous = select(binary("lt", int(0), t), load(0, add(mul(sub(t, int(1)), int(5)), i), "f32"), float(1));
      const next = select(binary("lt", t, int(8)), load(0, add(mul(add(t, int(1)), int(5)), i), "f32"), float(2));
      for (const [value, reverse] of [
        [previous, false],
        [next, true],
      ] as const) {
        const kernel = kernelOf(
          "scan",
          [param("y", 45, "read_write")],
          axesOf({ i: 5 }),
          [
            {
              kind: "store",
              axes: [],
              writes: [
                { buffer: 0, index: add(mul(t, int(5)), i), value: add(mul(value, float(0.9)), cast(add(i, rem(t, int(3))), "f32")) },
              ],
            },
          ],
          { name: "t", extent: 9 },
        );
        await same(kernel, 1e-6, {}, { count: 9, reverse });
      }
    });

    it("merges axes that are walked as one, and no others", async () => {
      const shape = { a: 4, b: 5, c: 6 };
      const transposed = add(mul(axis("c", 6), int(20)), add(mul(axis("a", 4), int(5)), axis("b", 5)));
      await same(
        kernelOf("transpose", [param("x", 120), param("y", 120, "write")], axesOf(shape), [
          { kind: "store", axes: [], writes: [{ buffer: 1, index: transposed, value: load(0, at(shape), "f32") }] },
        ]),
        1e-6,
      );
      await same(
        kernelOf("reduce_two", [param("x", 120), param("y", 5, "write")], axesOf({ b: 5 }), [
          { kind: "reduce", axes: axesOf({ a: 4, c: 6 }), op: "sum", dtype: "f32", value: load(0, at(shape), "f32") },
          { kind: "store", axes: [], writes: [{ buffer: 1, index: axis("b", 5), value: acc(0, "f32") }] },
        ]),
        1e-5,
      );
    });
  });
}

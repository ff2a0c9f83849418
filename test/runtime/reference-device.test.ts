// The interpreter against known answers: it defines what is right, so it is checked against other sources than itself.

import { describe, expect, it } from "vitest";
import { referenceTarget } from "../../src/codegen/reference.ts";
import { acc, add, axis, cast, constant, float, int, load, mul, sub, select, binary } from "../../src/ir/loop/expr.ts";
import { interpreterArray } from "../../src/ir/arrays.ts";
import { fromHalf, toHalf } from "../../src/ir/half.ts";
import { interpret, printJavaScript } from "../../src/ir/loop/interpret.ts";
import { erf, threefry2x32 } from "../../src/ir/ops/special-functions.ts";
import { printKernel } from "../../src/ir/loop/print.ts";
import { openReferenceDevice } from "../../src/runtime/reference/device.ts";
import { axesOf, convForward, elementwise, kernelOf, matmul, numbers, param, programOf, runKernel, softmax } from "../codegen/kernels.ts";

describe("interpreter", () => {
  it("knows Threefry-2x32-20 (the known answers of Random123)", () => {
    expect(threefry2x32(0, 0, 0, 0)[0]).toBe(0x6b200159);
    expect(threefry2x32(0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff)[0]).toBe(0x1cb996fc);
    expect(threefry2x32(0x13198a2e, 0x03707344, 0x243f6a88, 0x85a308d3)[0]).toBe(0xc4923a9c);
  });

  it("knows the error function", () => {
    const table: readonly (readonly [number, number])[] = [
      [0, 0],
      [1e-10, 1.1283791670955126e-10],
      [0.5, 0.5204998778130465],
      [1, 0.8427007929497149],
      [2, 0.9953222650189527],
      [2.5, 0.999593047982555],
      [3, 0.9999779095030014],
      [-1, -0.8427007929497149],
      [7, 1],
    ];
    for (const [x, y] of table) expect(Math.abs(erf(x) - y)).toBeLessThanOrEqual(4e-16 + 1e-15 * Math.abs(y));
  });

  it("multiplies and convolves as loops written by hand do", () => {
    const [m, n, k] = [5, 7, 11];
    const x = Float64Array.from(numbers(m * k)),
      w = Float64Array.from(numbers(k * n, 2)),
      bias = Float64Array.from(numbers(n, 3));
    const y = interpreterArray("f32", m * n);
    interpret(matmul(m, n, k), [x, w, bias, y]);
    for (let i = 0; i < m; i++)
      for (let j = 0; j < n; j++) {
        let sum = bias[j] ?? NaN;
        for (let l = 0; l < k; l++) sum += (x[i * k + l] ?? NaN) * (w[l * n + j] ?? NaN);
        expect(y[i * n + j]).toBeCloseTo(sum, 12);
      }
    const shape = { batch: 1, inputs: 2, outputs: 3, size: 4, kernel: 3, padding: 1 };
    const image = Float64Array.from(numbers(32)),
      filter = Float64Array.from(numbers(54, 5));
    const out = interpreterArray("f32", 48);
    interpret(convForward(shape), [filter, image, new Float64Array(3), out]);
    let corner = 0;
    for (let c = 0; c < 2; c++)
      for (let dy = 1; dy < 3; dy++)
        for (let dx = 1; dx < 3; dx++) corner += (image[c * 16 + (dy - 1) * 4 + dx - 1] ?? NaN) * (filter[c * 9 + dy * 3 + dx] ?? NaN);
    expect(out[0]).toBeCloseTo(Math.max(0, corner), 12);
  });

  it("does not load on the side of a select that is not taken", () => {
    const i = axis("i", 4);
    const kernel = kernelOf("shift", [param("x", 4), param("y", 4, "write")], axesOf({ i: 4 }), [
      {
        kind: "store",
        axes: [],
        writes: [{ buffer: 1, index: i, value: select(binary("lt", i, int(1)), float(5), load(0, sub(i, int(1)), "f32")) }],
      },
    ]);
    const y = interpreterArray("f32", 4);
    interpret(kernel, [Float64Array.of(1, 2, 3, 4), y]);
    expect([...y]).toEqual([5, 1, 2, 3]);
    expect(printJavaScript(kernel)).toMatch(/if \(/);
  });

  it("wraps integers", () => {
    const kernel = kernelOf(
      "wrap",
      [param("y", 2, "write", "u32"), param("z", 1, "write", "i32")],
      [],
      [
        {
          kind: "store",
          axes: [],
          writes: [
            { buffer: 0, index: int(0), value: mul(constant(0xffffffff, "u32"), constant(0xffffffff, "u32")) },
            { buffer: 0, index: int(1), value: cast(float(-5), "u32") },
            { buffer: 1, index: int(0), value: cast(constant(0x80000001, "u32"), "i32") },
          ],
        },
      ],
    );
    const y = interpreterArray("u32", 2),
      z = interpreterArray("i32", 1);
    interpret(kernel, [y, z]);
    expect([...y, ...z]).toEqual([1, 0, -0x7fffffff]);
  });

  it("prints kernels for people", () => {
    expect(printKernel(softmax(64, 10))).toMatchInlineSnapshot(`
      "kernel softmax(row < 64) {
        read x: f32[640]
        write y: f32[640]
        %0 = max i < 10 of x[row*10 + i]
        %1 = sum j < 10 of exp(x[row*10 + j] - %0)
        for j2 < 10: y[row*10 + j2] = exp(x[row*10 + j2] - %0)/%1
      }
      "
    `);
  });
});

describe("reference device", () => {
  it("runs programs, counted loops both ways", async () => {
    const device = openReferenceDevice();
    const t = axis("t", 3);
    const kernel = kernelOf(
      "order",
      [param("log", 3, "read_write"), param("at", 1, "read_write")],
      [],
      [
        {
          kind: "store",
          axes: [],
          writes: [
            { buffer: 0, index: t, value: load(1, int(0), "f32") },
            { buffer: 1, index: int(0), value: add(load(1, int(0), "f32"), float(1)) },
          ],
        },
      ],
      { name: "t", extent: 3 },
    );
    expect([...((await runKernel(device, referenceTarget, kernel, {}, { count: 3, reverse: false })).get("log") ?? [])]).toEqual([0, 1, 2]);
    expect([...((await runKernel(device, referenceTarget, kernel, {}, { count: 3, reverse: true })).get("log") ?? [])]).toEqual([2, 1, 0]);
  });

  it("refuses to read what was never there", async () => {
    const session = await openReferenceDevice().load(
      programOf(
        elementwise("id", 4, 1, (x) => x),
        referenceTarget,
      ),
    );
    expect(() => session.write("nothing", new Float32Array(1))).toThrow(/no buffer nothing/);
    expect(() => session.write("x0", new Float32Array(5))).toThrow(/5 elements written to x0/);
    expect(() => session.run("train")).toThrow(/no entry train/);
  });

  it("converts half floats", () => {
    for (let bits = 0; bits < 0x10000; bits++) {
      const value = fromHalf(bits);
      if (!Number.isNaN(value) && bits !== 0x8000) expect(toHalf(value)).toBe(bits);
    }
    expect([toHalf(1 + 2 ** -11), toHalf(1 + 3 * 2 ** -11), toHalf(65519), toHalf(65520), toHalf(2 ** -25), toHalf(-0)]).toEqual([
      0x3c00, 0x3c02, 0x7bff, 0x7c00, 0, 0x8000,
    ]);
  });

  it("sums in stages", async () => {
    const kernel = kernelOf(
      "total",
      [param("x", 12), param("y", 1, "write")],
      [],
      [
        {
          kind: "reduce",
          axes: axesOf({ i: 3, j: 4 }),
          op: "sum",
          dtype: "f32",
          value: load(0, add(mul(axis("i", 3), int(4)), axis("j", 4)), "f32"),
        },
        { kind: "store", axes: [], writes: [{ buffer: 1, index: int(0), value: acc(0, "f32") }] },
      ],
    );
    const result = await runKernel(openReferenceDevice(), referenceTarget, kernel, { x: Float32Array.from({ length: 12 }, (_, i) => i) });
    expect(result.get("y")?.[0]).toBe(66);
  });
});

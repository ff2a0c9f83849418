// Columns of WebAssembly kernels: tall ones are summed several vectors of a row at a time, and the last few of a row are computed once more
// with those before them, where nothing that they read has been written meanwhile.

import { describe, expect, it } from "vitest";
import { wasmTarget } from "../../src/codegen/wasm/target.ts";
import { readsItsWrites } from "../../src/codegen/wasm/overlap.ts";
import { referenceTarget } from "../../src/codegen/reference.ts";
import { acc, add, axis, binary, cast, div, float, int, load, mul, rem, select, sub, type Expr } from "../../src/ir/loop/expr.ts";
import type { Kernel } from "../../src/ir/loop/kernel.ts";
import { openDevice } from "../../src/runtime/open-device.ts";
import { openReferenceDevice } from "../../src/runtime/reference/device.ts";
import { axesOf, kernelOf, numbers, param, relativeError, runKernel } from "./kernels.ts";

/** Sum and largest of each column, then the sum of squares about them, added to what was there. */
function columns(rows: number, n: number): Kernel {
  const [r, c] = [axis("r", rows), axis("n", n)];
  const x = load(0, add(mul(r, int(n)), c), "f32");
  const about = sub(x, acc(1, "f32"));
  const reduce = (op: "sum" | "max", value: Expr) => ({ kind: "reduce", axes: axesOf({ r: rows }), op, dtype: "f32", value }) as const;
  const value = add(load(1, c, "f32"), add(acc(0, "f32"), acc(2, "f32")));
  return kernelOf("columns", [param("x", rows * n), param("y", n, "read_write")], axesOf({ n }), [
    reduce("sum", x),
    reduce("max", x),
    reduce("sum", mul(about, about)),
    { kind: "store", axes: [], writes: [{ buffer: 1, index: c, value }] },
  ]);
}

describe("columns", () => {
  it.each([
    [300, 16],
    [300, 40],
    [256, 272],
    [256, 12],
    [300, 6],
    [20, 272],
  ])("of %d rows, %d of them, are summed", async (rows, n) => {
    const kernel = columns(rows, n);
    const inputs = { x: numbers(rows * n, 3), y: numbers(n, 4) };
    const expected = await runKernel(openReferenceDevice(), referenceTarget, kernel, inputs);
    for (const threads of [1, 3]) {
      const device = await openDevice("wasm", { threads });
      expect(relativeError((await runKernel(device, wasmTarget, kernel, inputs)).get("y")!, expected.get("y")!)).toBeLessThan(1e-5);
      device.dispose();
    }
  });
});

/** What windows send back that move by `divisor`: each element of a row takes from its window by its place within it, and says which it was. */
function sentBack(rows: number, width: number, divisor: number, isInPlace = false): Kernel {
  const [row, x] = [axis("row", rows), axis("x", width)];
  const windows = Math.ceil(width / divisor);
  const [window, tap] = [div(add(x, int(1)), int(divisor)), rem(add(x, int(1)), int(divisor))];
  const sent = load(0, add(mul(row, int(windows)), window), "f32");
  const value = select(binary("lt", window, int(windows)), mul(sent, cast(add(tap, int(1)), "f32")), float(0));
  const index = add(mul(row, int(width)), x);
  const writes = [
    { buffer: 1, index, value: isInPlace ? add(load(1, index, "f32"), value) : value },
    { buffer: 2, index, value: cast(tap, "u32") },
  ];
  const params = [
    param("x", rows * windows),
    param("y", rows * width, isInPlace ? "read_write" : "write"),
    param("taps", rows * width, "write", "u8"),
  ];
  return kernelOf("sent_back", params, axesOf({ row: rows, x: width }), [{ kind: "store", axes: [], writes }]);
}

describe("columns whose indices are divided", () => {
  const isScattered = (kernel: Kernel): boolean => /call \$(gather|scatter)/.test(wasmTarget.compileKernel(kernel).source ?? "");

  it.each([
    ["by two", sentBack(70, 16, 2), false],
    ["by three", sentBack(5, 24, 3), false],
    ["by two, where fours do not fill half of a row", sentBack(70, 12, 2), true],
    ["by more than there are registers for", sentBack(5, 40, 5), true],
    ["by two, where they are added to", sentBack(70, 16, 2, true), true],
  ])("%s are several elements to a point, or else looked up one by one", async (_, kernel, scattered) => {
    expect(isScattered(kernel)).toBe(scattered);
    const inputs = Object.fromEntries(kernel.params.filter((p) => p.access !== "write").map((p, i) => [p.name, numbers(p.length, i + 1)]));
    const expected = await runKernel(openReferenceDevice(), referenceTarget, kernel, inputs);
    const device = await openDevice("wasm", { threads: 2 });
    const results = await runKernel(device, wasmTarget, kernel, inputs);
    device.dispose();
    expect(results.get("y")).toEqual(expected.get("y"));
    expect(results.get("taps")).toEqual(expected.get("taps"));
  });
});

describe("rows", () => {
  // As a batch norm's gradient: two long sums for each channel, and then more of what belongs to channels than was summed.
  const [image, pixel, channel] = [axis("r0", 5), axis("r1", 300), axis("i", 16)];
  const x = load(0, add(mul(add(mul(image, int(16)), channel), int(300)), pixel), "f32");
  const reduce = (value: Expr) => ({ kind: "reduce", axes: axesOf({ r0: 5, r1: 300 }), op: "sum", dtype: "f32", value }) as const;
  const ofChannel = (buffer: number): Expr => load(buffer, channel, "f32");
  const kernel = kernelOf(
    "rows",
    [param("x", 5 * 16 * 300), ...["a", "b", "c", "d"].map((name) => param(name, 16)), param("y", 16, "write")],
    axesOf({ i: 16 }),
    [
      reduce(x),
      reduce(mul(x, x)),
      {
        kind: "store",
        axes: [],
        writes: [{ buffer: 5, index: channel, value: [1, 2, 3, 4].map(ofChannel).reduce(mul, add(acc(0, "f32"), acc(1, "f32"))) }],
      },
    ],
  );

  it("are summed as they lie, and by several threads, however much is read for each of them once", async () => {
    const { wasm } = wasmTarget.compileKernel(kernel);
    expect(wasm?.units).toBe(16);
    const inputs = Object.fromEntries(kernel.params.slice(0, 5).map(({ name, length }, i) => [name, numbers(length, i)]));
    const expected = await runKernel(openReferenceDevice(), referenceTarget, kernel, inputs);
    const device = await openDevice("wasm", { threads: 2 });
    expect(relativeError((await runKernel(device, wasmTarget, kernel, inputs)).get("y")!, expected.get("y")!)).toBeLessThan(1e-6);
    device.dispose();
  });
});

describe("a kernel reads what it writes", () => {
  const [t, i, j] = [axis("t", 5), axis("i", 3), axis("j", 6)];
  const cell = add(mul(i, int(6)), j);
  const slot = (by: number, index: Expr = cell): Expr => add(mul(add(t, int(by)), int(18)), index);
  const step = (to: Expr, ...from: readonly Expr[]): Kernel =>
    kernelOf(
      "step",
      [param("y", 18 * 6, "read_write")],
      axesOf({ i: 3, j: 6 }),
      [{ kind: "store", axes: [], writes: [{ buffer: 0, index: to, value: from.map((index) => load(0, index, "f32")).reduce(add) }] }],
      { name: "t", extent: 5 },
    );

  it.each<[string, boolean, Kernel]>([
    ["in place", true, step(slot(0), slot(0))],
    ["not from one slot of time to the next", false, step(slot(1), slot(0))],
    ["nor back", false, step(slot(0), slot(1))],
    ["from neighbours", true, step(slot(0), slot(0, add(cell, int(1))))],
    ["where any of its loads does", true, step(slot(1), slot(0), slot(1))],
    ["where slots do not move alike", true, step(slot(1), cell)],
    ["where nobody knows", true, step(slot(1), mul(t, t))],
  ])("%s: %s", (_, expected, kernel) => expect(readsItsWrites(kernel)).toBe(expected));
});

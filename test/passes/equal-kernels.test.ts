// Kernels that do the same are compiled once, whatever they are called; those that differ in anything are not.

import { expect, it } from "vitest";
import { referenceTarget } from "../../src/codegen/reference.ts";
import { acc, axis, float, int, load, mul } from "../../src/ir/loop/expr.ts";
import type { Kernel, Stage } from "../../src/ir/loop/kernel.ts";
import { assemble } from "../../src/passes/assemble.ts";
import type { Buffer, Task } from "../../src/passes/lowered.ts";
import { planMemory } from "../../src/passes/plan-memory.ts";
import { axesOf, kernelOf, param } from "../codegen/kernels.ts";

const [i, k] = [axis("i", 8), axis("k", 4)];
const x = load(0, i, "f32");
const params = [param("x", 8), param("y", 8, "write"), param("z", 8, "write")];
const write = (buffer: number, value = x) => ({ buffer, index: i, value });
const store = (...writes: ReturnType<typeof write>[]): Stage => ({ kind: "store", axes: [], writes });
const both = [store(write(1), write(2, mul(x, float(2))))];
const sum: Stage = { kind: "reduce", axes: axesOf({ k: 4 }), op: "sum", dtype: "f32", value: load(0, k, "f32") };
const result = store(write(1, acc(0, "f32")), write(2, acc(0, "f32")));
const range = { from: int(0), to: int(4), mean: 2 };
const plain = kernelOf("plain", params, axesOf({ i: 8 }), both);
const summing = kernelOf("summing", params, axesOf({ i: 8 }), [sum, result]);

function compiledFrom(...kernels: readonly Kernel[]): number {
  const tasks = kernels.map((kernel, n): Task => {
    const buffers = kernel.params.map(({ name, dtype, length }): Buffer => ({
      name: `${name}${String(n)}`,
      role: "output",
      dtype,
      shape: [length],
    }));
    return { kind: "kernel", call: { kernel, buffers, reads: new Set(buffers.slice(0, 1)), writes: new Set(buffers.slice(1)) } };
  });
  const { kernels: compiled, entries } = assemble({ entries: new Map([["run", tasks]]), packs: [] }, planMemory([tasks]), referenceTarget);
  expect(entries["run"]).toHaveLength(kernels.length);
  expect(new Set(compiled.map(({ name }) => name)).size).toBe(compiled.length);
  return compiled.length;
}

it("kernels by other names are one", () => {
  const renamed = { ...plain, name: "other", params: params.map((p, n) => ({ ...p, name: `q${String(n)}` })) };
  expect(compiledFrom(plain, renamed, plain)).toBe(1);
  expect(compiledFrom(summing, { ...summing, name: "other" })).toBe(1);
});

it.each<[string, Kernel, Kernel]>([
  ["what they write where", plain, { ...plain, stages: [store(write(2), write(1, mul(x, float(2))))] }],
  ["the order of values", plain, { ...plain, stages: [store(write(1, mul(x, float(2))), write(2))] }],
  ["stores of their own", plain, { ...plain, stages: [store(write(1)), store(write(2, mul(x, float(2))))] }],
  ["the type of a parameter", plain, { ...plain, params: [param("x", 8, "read", "f16"), ...params.slice(1)] }],
  ["the length of a parameter", plain, { ...plain, params: [param("x", 9), ...params.slice(1)] }],
  ["an access", plain, { ...plain, params: [param("x", 8, "read_write"), ...params.slice(1)] }],
  ["an axis", plain, { ...plain, axes: axesOf({ i: 8, j: 2 }) }],
  ["time", plain, { ...plain, time: { name: "t", extent: 3 } }],
  ["the reduction", summing, { ...summing, stages: [{ ...sum, op: "max" }, result] }],
  ["the axes of a reduction", summing, { ...summing, stages: [{ ...sum, axes: axesOf({ j: 2, k: 4 }) }, result] }],
  ["a range", summing, { ...summing, stages: [{ ...sum, range }, result] }],
  [
    "the mean of a range",
    { ...summing, stages: [{ ...sum, range }, result] },
    { ...summing, stages: [{ ...sum, range: { ...range, mean: 3 } }, result] },
  ],
])("kernels that differ in %s are two", (_, one, other) => expect(compiledFrom(one, { ...other, name: one.name })).toBe(2));

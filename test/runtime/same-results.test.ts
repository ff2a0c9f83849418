// Whether two ways make the same numbers, without a device: what rounding and order change, and what a wrong way does.

import { describe, expect, it } from "vitest";
import { HOST_ARRAYS } from "../../src/ir/arrays.ts";
import type { DType } from "../../src/ir/types.ts";
import { areSame, isTelling, samplesOf, TrialNumbers } from "../../src/runtime/tuning/same-results.ts";

const numbers = new TrialNumbers(-1);
const floats = (length: number, place = 0): Float32Array => Float32Array.from(numbers.of("f32", place).subarray(0, length));

describe("numbers of a trial", () => {
  it("are of both signs, each buffer's of its own, and the same whenever they are asked for", () => {
    const [first, second] = [floats(4096), floats(4096, 1)];
    expect([first.every((x) => x >= -1 && x < 1), first.some((x) => x < -0.9), first.some((x) => x > 0.9)]).toEqual([true, true, true]);
    expect(new Set(first).size).toBeGreaterThan(4000);
    expect(second).not.toEqual(first);
    expect(Float32Array.from(new TrialNumbers(-1).of("f32", 0).subarray(0, 4096))).toEqual(first);
    expect(new TrialNumbers(0.5).of("f32", 0).every((x) => x >= 0.5)).toBe(true);
  });

  it.each(["f16", "bf16", "bool", "u8", "i32", "u32"] as DType[])("are what memory holds of %s, in whole words", (dtype) => {
    const values = numbers.of(dtype, 3);
    expect(values).toBeInstanceOf(HOST_ARRAYS[dtype]);
    expect(values.byteLength % 4).toBe(0);
    // Zeros index and count whatever there is.
    if (dtype === "i32" || dtype === "u32") expect(new Set(values)).toEqual(new Set([0]));
    if (dtype === "bool") expect(new Set(values)).toEqual(new Set([0, 1]));
    if (dtype === "f16") expect(isTelling(values, dtype)).toBe(true);
    expect(areSame(values, values.slice(), dtype)).toBe(true);
    if (dtype.endsWith("16")) expect(areSame(values, numbers.of(dtype, 4), dtype)).toBe(false);
  });

  it("are compared as a whole, or at both ends and in the middle", () => {
    expect(samplesOf(49152)).toEqual([{ start: 0, length: 49152 }]);
    const [first, middle, last] = samplesOf(1_000_003);
    expect([first, middle]).toEqual([
      { start: 0, length: 16384 },
      { start: 491_808, length: 16384 },
    ]);
    expect([(last?.start ?? 1) % 4, (last?.start ?? 0) + (last?.length ?? 0)]).toEqual([0, 1_000_003]);
  });
});

describe("results", () => {
  const expected = floats(10_000);
  const changed = (change: (x: number, i: number) => number): Float32Array => expected.map(change);

  it("are the same where sums have another order, are rounded to bf16, or a condition of few holds the other way", () => {
    expect(
      areSame(
        expected,
        changed((x) => x * (1 + 1e-5)),
        "f32",
      ),
    ).toBe(true);
    expect(
      areSame(
        expected,
        changed((x) => x * (1 + 2 ** -7)),
        "f32",
      ),
    ).toBe(true);
    expect(
      areSame(
        expected,
        changed((x, i) => (i % 1000 === 0 ? 5 : x)),
        "f32",
      ),
    ).toBe(true);
    expect(areSame(new Float32Array(9), new Float32Array(9), "f32")).toBe(true);
  });

  it("are not where a row or a column is wrong, all are a little off, or there are no numbers", () => {
    expect(
      areSame(
        expected,
        changed((x, i) => (i % 100 === 99 ? 0 : x)),
        "f32",
      ),
    ).toBe(false);
    expect(
      areSame(
        expected,
        changed((x, i) => (i >= 9900 ? 0 : x)),
        "f32",
      ),
    ).toBe(false);
    expect(
      areSame(
        expected,
        changed((x) => x * 1.1),
        "f32",
      ),
    ).toBe(false);
    expect(
      areSame(
        expected,
        changed((_, i) => expected[i ^ 1] ?? 0),
        "f32",
      ),
    ).toBe(false);
    expect(
      areSame(
        expected,
        changed(() => NaN),
        "f32",
      ),
    ).toBe(false);
    expect(areSame(new Float32Array(9), new Float32Array(9).fill(1e-9), "f32")).toBe(false);
  });

  it("say nothing where a kernel makes no numbers, and a few that are very large hide nothing", () => {
    const broken = changed((x, i) => (i % 2 === 0 ? NaN : i % 3 === 0 ? Infinity : x));
    expect([isTelling(broken, "f32"), isTelling(new Float32Array(9).fill(NaN), "f32")]).toEqual([true, false]);
    expect(
      areSame(
        broken,
        changed((x, i) => (i % 2 === 0 ? 7 : x)),
        "f32",
      ),
    ).toBe(true);
    const large = changed((x, i) => (i % 50 === 0 ? 1e9 : x));
    expect(
      areSame(
        large,
        large.map((x) => (x < 1e8 ? 0 : x)),
        "f32",
      ),
    ).toBe(false);
  });
});

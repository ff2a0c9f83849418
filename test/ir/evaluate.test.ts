// The graph interpreter where floats and integers part.

import { describe, expect, it } from "vitest";
import { createBuilder } from "../../src/ir/builder.ts";
import { evaluateNodes } from "../../src/ir/evaluate.ts";
import { tensorType, type DType } from "../../src/ir/types.ts";
import { canonicalize } from "../../src/passes/canonicalize.ts";

/** x * y: as a graph of inputs, and folded as one of constants. */
function products(dtype: DType, x: number, y: number): readonly (number | undefined)[] {
  const b = createBuilder();
  const type = tensorType(dtype, []);
  const [p, q] = [b.input({ name: "x", role: "batch", type }), b.input({ name: "y", role: "batch", type })];
  const bindings = new Map([
    [p, Float64Array.of(x)],
    [q, Float64Array.of(y)],
  ]);
  const folded = canonicalize({
    builder: b,
    outputs: new Map([["y", b.mul(b.constant({ value: x, type }), b.constant({ value: y, type }))]]),
  }).outputs.get("y");
  return [evaluateNodes([b.mul(p, q)], bindings)[0]?.[0], (folded?.attrs as { value?: number }).value];
}

describe("a product", () => {
  it("of large whole floats is a float", () => {
    expect(products("f32", 1e9, 1e9)).toEqual([1e18, Math.fround(1e18)]);
    expect(products("f32", -3e30, 2 ** 20)).toEqual([-3e30 * 2 ** 20, Math.fround(-3e30 * 2 ** 20)]);
  });

  it("of integers keeps its low 32 bits", () => {
    expect(products("i32", 1_000_000_007, 1_000_000_009)).toEqual([
      Math.imul(1_000_000_007, 1_000_000_009),
      Math.imul(1_000_000_007, 1_000_000_009),
    ]);
    expect(products("u32", 0xffffffff, 0xfffffffd)).toEqual([3, 3]);
  });
});

// Algebra that holds to the last bit, the sign of zero included.

import { describe, expect, it } from "vitest";
import { createBuilder } from "../../src/ir/builder.ts";
import * as e from "../../src/ir/loop/expr.ts";
import { createNumbering } from "../../src/ir/loop/numbering.ts";
import type { Node } from "../../src/ir/node.ts";
import { tensorType, type DType } from "../../src/ir/types.ts";
import { canonicalize } from "../../src/passes/canonicalize.ts";

const b = createBuilder();
const folded = (node: Node): Node | undefined => canonicalize({ builder: b, outputs: new Map([["y", node]]) }).outputs.get("y");
const x = b.input({ name: "x", role: "batch", type: tensorType("f32", [3]) });
const i = b.input({ name: "i", role: "batch", type: tensorType("i32", [3]) });
const zero = (value: number, dtype: DType): Node => b.constant({ value, type: tensorType(dtype, [3]) });

describe("zero", () => {
  it("is kept where it makes 0 of -0", () => {
    for (const sum of [b.add(x, zero(0, "f32")), b.add(zero(0, "f32"), x), b.sub(x, zero(-0, "f32"))]) expect(folded(sum)).toBe(sum);
  });
  it("is dropped where it changes nothing", () => {
    for (const sum of [b.add(x, zero(-0, "f32")), b.add(zero(-0, "f32"), x), b.sub(x, zero(0, "f32"))]) expect(folded(sum)).toBe(x);
    for (const sum of [b.add(i, zero(0, "i32")), b.add(zero(0, "i32"), i), b.sub(i, zero(0, "i32"))]) expect(folded(sum)).toBe(i);
  });
  it("has two numbers as a float and one as an integer", () => {
    const number = createNumbering();
    expect(number(e.float(-0))).not.toBe(number(e.float(0)));
    expect(number(e.add(e.load(0, e.int(1), "f32"), e.float(-0)))).not.toBe(number(e.add(e.load(0, e.int(1), "f32"), e.float(0))));
    expect(number(e.int(-0))).toBe(number(e.int(0)));
  });
});

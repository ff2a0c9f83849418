import { describe, expect, it } from "vitest";
import * as e from "../../src/ir/loop/expr.ts";
import type { Expr } from "../../src/ir/loop/expr.ts";
import { createNumbering } from "../../src/ir/loop/numbering.ts";
import { Triples } from "../../src/ir/loop/triples.ts";
import { createRandom } from "../support/random.ts";

describe("threes of numbers", () => {
  it("have numbers in the order in which they come, however many there are", () => {
    const triples = new Triples();
    const draw = createRandom(1);
    const known = new Map<string, number>();
    // Few enough that most come again, and some that only differ by their order or by high bits.
    for (let i = 0; i < 20_000; i++) {
      const triple = [0, 1, 2].map(() => Math.floor(draw() * 20) * (i % 2 === 0 ? 1 : 2 ** 26)) as [number, number, number];
      const key = triple.join();
      const id = triples.number(...triple);
      expect(id).toBe(known.get(key) ?? known.size);
      known.set(key, id);
    }
    expect(known.size).toBeGreaterThan(10_000);
  });
});

describe("expressions", () => {
  /** Of each kind, from what was made before. */
  function someOf(draw: () => number, made: readonly Expr[]): Expr {
    const pick = (dtype: string): Expr | undefined => {
      const fitting = made.filter((it) => it.dtype === dtype);
      return fitting[Math.floor(draw() * fitting.length)];
    };
    const x = pick("f32") ?? e.float(1);
    const y = pick("f32") ?? e.float(2);
    const i = pick("i32") ?? e.int(0);
    const forms: readonly (() => Expr)[] = [
      () => ({ kind: "const", dtype: "f32", value: [0, -0, NaN, Infinity, 0.5][Math.floor(draw() * 5)] ?? 0 }),
      () => ({ kind: "const", dtype: "i32", value: Math.floor(draw() * 3) }),
      () => ({ kind: "axis", dtype: "i32", name: draw() < 0.5 ? "a" : "b", extent: draw() < 0.5 ? 4 : 2 ** 31 }),
      () => ({ kind: "load", dtype: "f32", buffer: Math.floor(draw() * 2), index: i }),
      () => ({ kind: "acc", dtype: "f32", stage: Math.floor(draw() * 2) }),
      () => ({ kind: "unary", dtype: "f32", op: draw() < 0.5 ? "exp" : "neg", x }),
      () => ({ kind: "cast", dtype: draw() < 0.5 ? "f32" : "u32", x: i }),
      () => ({ kind: "binary", dtype: "f32", op: draw() < 0.5 ? "add" : "sub", x, y }),
      () => ({ kind: "select", dtype: "f32", cond: { kind: "binary", dtype: "bool", op: "lt", x, y }, x: y, y: x }),
      () => ({ kind: "threefry", dtype: "u32", k0: i, k1: e.int(1), c0: i, c1: i }),
    ];
    return at(forms, Math.floor(draw() * forms.length))();
  }
  const at = <T>(list: readonly T[], i: number): T => list[i] as T;
  const textOf = (expr: Expr): string =>
    JSON.stringify(expr, (_, value: unknown) => (typeof value === "number" ? (Object.is(value, -0) ? "-0" : String(value)) : value));

  it("have equal numbers where they are equal by structure, and only there", () => {
    const draw = createRandom(2);
    const number = createNumbering();
    const numbers = new Map<string, number>();
    const texts = new Map<number, string>();
    let made: Expr[] = [];
    for (let i = 0; i < 4000; i++) {
      const expr = someOf(draw, made);
      const text = textOf(expr);
      const id = number(expr);
      expect(numbers.get(text) ?? id).toBe(id);
      expect(texts.get(id) ?? text).toBe(text);
      numbers.set(text, id);
      texts.set(id, text);
      // Trees stay small, so that equal ones come again.
      made = text.length < 300 ? [...made.slice(-30), expr] : made;
    }
    expect(numbers.size).toBeLessThan(3500);
  });
});

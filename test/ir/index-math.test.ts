// Index simplification against plain arithmetic: random expressions over random loop variables, every point of them.

import { describe, expect, it } from "vitest";
import * as e from "../../src/ir/loop/expr.ts";
import type { Expr } from "../../src/ir/loop/expr.ts";
import { delinearize, linearize, simplifyIndex } from "../../src/ir/loop/index-math.ts";
import { createRandom } from "../support/random.ts";

const valueOf = (expr: Expr, at: Readonly<Record<string, number>>): number => {
  if (expr.kind === "const") return expr.value;
  if (expr.kind === "axis") return at[expr.name] ?? NaN;
  if (expr.kind !== "binary") throw new Error(expr.kind);
  const [x, y] = [valueOf(expr.x, at), valueOf(expr.y, at)];
  switch (expr.op) {
    case "add":
      return x + y;
    case "sub":
      return x - y;
    case "mul":
      return x * y;
    case "div":
      return Math.trunc(x / y);
    case "rem":
      return x % y;
    default:
      throw new Error(expr.op);
  }
};

const sizeOf = (expr: Expr): number => (expr.kind === "binary" ? 1 + sizeOf(expr.x) + sizeOf(expr.y) : 1);

/** A random non-negative index over the axes: as data for the constructors, and as a plain function. */
function randomIndex(
  random: () => number,
  axes: readonly Expr[],
  depth: number,
): { expr: Expr; plain: (at: Readonly<Record<string, number>>) => number } {
  const pick = (n: number): number => Math.floor(random() * n);
  if (depth === 0 || random() < 0.15) {
    const axis = axes[pick(axes.length)];
    if (!axis || random() < 0.1) {
      const c = pick(9);
      return { expr: e.int(c), plain: () => c };
    }
    return { expr: axis, plain: (at) => valueOf(axis, at) };
  }
  const x = randomIndex(random, axes, depth - 1);
  const c = 1 + pick(12);
  switch (pick(4)) {
    case 0: {
      const y = randomIndex(random, axes, depth - 1);
      return { expr: e.add(x.expr, y.expr), plain: (at) => x.plain(at) + y.plain(at) };
    }
    case 1:
      return { expr: e.mul(x.expr, e.int(c)), plain: (at) => x.plain(at) * c };
    case 2:
      return { expr: e.div(x.expr, e.int(c)), plain: (at) => Math.floor(x.plain(at) / c) };
    default:
      return { expr: e.rem(x.expr, e.int(c)), plain: (at) => x.plain(at) % c };
  }
}

function points(axes: readonly Expr[]): Record<string, number>[] {
  return axes.reduce<Record<string, number>[]>(
    (all, axis) =>
      axis.kind === "axis" ? all.flatMap((at) => Array.from({ length: axis.extent }, (_, i) => ({ ...at, [axis.name]: i }))) : all,
    [{}],
  );
}

const range = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, i) => from + i);

describe("index arithmetic", () => {
  it("means the same simplified", () => {
    for (let seed = 1; seed <= 3000; seed++) {
      const random = createRandom(seed);
      const axes = ["a", "b", "c"].map((name) => e.axis(name, 1 + Math.floor(random() * 7)));
      const { expr, plain } = randomIndex(random, axes, 5);
      const simplified = simplifyIndex(expr);
      for (const at of points(axes)) {
        if (valueOf(expr, at) !== plain(at) || valueOf(simplified, at) !== plain(at)) expect.fail(`seed ${seed} at ${JSON.stringify(at)}`);
      }
    }
  });

  it("undoes a reshape by its inverse", () => {
    for (let seed = 1; seed <= 500; seed++) {
      const random = createRandom(seed);
      const shape = Array.from({ length: 1 + Math.floor(random() * 4) }, () => 1 + Math.floor(random() * 5));
      const size = shape.reduce((x, y) => x * y, 1);
      const i = e.axis("i", size);
      expect(linearize(delinearize(i, shape), shape)).toEqual(i);
    }
  });

  // (a*x + r) / (a*b) -> x/b and (a*x + r) % (a*b) -> a*(x % b) + r need 0 <= r < a and nothing else: every small a, b and extent, with
  // r on both sides of a, an offset below zero, a term more, and a second division on top.
  it("divides by what its terms have in common, in every small case", () => {
    const [x, y] = [3, 2] as const;
    for (const a of range(1, 6))
      for (const b of range(1, 5))
        for (const extent of range(1, 7))
          for (const offset of range(-a, 2 * a)) {
            const [i, j, r] = [e.axis("x", x * b), e.axis("y", y), e.axis("r", extent)];
            const plain = ({ x = 0, y = 0, r = 0 }: Readonly<Record<string, number>>): number => a * x + a * b * y + r + offset;
            const sum = e.add(e.add(e.add(e.mul(i, e.int(a)), e.mul(j, e.int(a * b))), r), e.int(offset));
            const divided = e.div(sum, e.int(a * b));
            const rest = e.rem(sum, e.int(a * b));
            const cases: [Expr, (value: number) => number][] = [
              [divided, (value) => Math.floor(value / (a * b))],
              [rest, (value) => value % (a * b)],
              ...range(2, 4).flatMap((c): typeof cases => [
                [e.rem(divided, e.int(c)), (value) => Math.floor(value / (a * b)) % c],
                [e.div(rest, e.int(c)), (value) => Math.floor((value % (a * b)) / c)],
                [simplifyIndex(e.add(e.mul(divided, e.int(a * b * c)), e.mul(rest, e.int(c)))), (value) => value * c],
              ]),
            ];
            for (const at of points([i, j, r])) {
              const value = plain(at);
              // An index below zero is guarded elsewhere.
              if (value < 0) continue;
              const wrong = cases.findIndex(([expr, expected]) => valueOf(expr, at) !== expected(value));
              if (wrong >= 0)
                expect.fail(`case ${String(wrong)} of a = ${String(a)}, b = ${String(b)}, r < ${String(extent)}, offset ${String(offset)}`);
            }
          }
  });

  it("divides only what is left of a common factor", () => {
    const [row, column] = [e.axis("row", 12), e.axis("column", 20)];
    const sum = e.add(e.mul(row, e.int(20)), column);
    expect(e.div(sum, e.int(140))).toEqual(e.div(row, e.int(7)));
    expect(simplifyIndex(e.rem(sum, e.int(140)))).toEqual(e.add(e.mul(e.rem(row, e.int(7)), e.int(20)), column));
    // 21 columns reach into the next row.
    const wide = e.add(e.mul(row, e.int(20)), e.axis("column", 21));
    expect(e.div(wide, e.int(140))).toMatchObject({ op: "div", y: e.int(140) });
  });

  it("puts together the digits of a sum that was divided term by term", () => {
    // A slice of 640 of a reduction over images of 10x10 pixels.
    const position = e.add(e.mul(e.axis("b", 5), e.int(640)), e.axis("k", 640));
    const [image, y, x] = delinearize(position, [32, 10, 10]);
    expect(linearize([e.int(0), y ?? e.int(0), x ?? e.int(0)], [32, 10, 10])).toEqual(e.rem(position, e.int(100)));
    expect(linearize([image ?? e.int(0), y ?? e.int(0), x ?? e.int(0)], [32, 10, 10])).toEqual(position);
  });

  it("leaves no division where a sequence is read as rows of features", () => {
    const [m, k] = [e.axis("m", 16 * 7), e.axis("k", 20)];
    const position = linearize([m, k], [16 * 7, 20]);
    expect(sizeOf(linearize(delinearize(position, [16, 7, 20]), [16, 7, 20]))).toBe(sizeOf(position));
  });

  it("leaves no division where a flattened feature map is read row by row", () => {
    const [k, n] = [e.axis("k", 64), e.axis("n", 2304)];
    const position = linearize([k, n], [64, 2304]);
    const throughFourAxes = linearize(delinearize(position, [64, 64, 6, 6]), [64, 64, 6, 6]);
    expect(sizeOf(throughFourAxes)).toBe(sizeOf(position));
  });
});

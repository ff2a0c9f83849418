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

  it("leaves no division where a flattened feature map is read row by row", () => {
    const [k, n] = [e.axis("k", 64), e.axis("n", 2304)];
    const position = linearize([k, n], [64, 2304]);
    const throughFourAxes = linearize(delinearize(position, [64, 64, 6, 6]), [64, 64, 6, 6]);
    expect(sizeOf(throughFourAxes)).toBe(sizeOf(position));
  });
});

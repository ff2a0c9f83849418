// Bounds of index expressions, on which their simplification rests: no value is ever outside of them, and sums and products of single
// variables reach them.

import { expect, it } from "vitest";
import { axis, binary, div, int, mul, rem, add, sub, type Expr } from "../../src/ir/loop/expr.ts";
import { boundsOf } from "../../src/ir/loop/index-math.ts";
import { createRandom } from "../support/random.ts";

const EXTENTS = { i: 4, j: 3, k: 5 };
type At = Readonly<Record<keyof typeof EXTENTS, number>>;
const POINTS: readonly At[] = Array.from({ length: 60 }, (_, n) => ({ i: n % 4, j: Math.floor(n / 4) % 3, k: Math.floor(n / 12) }));

interface Index {
  readonly expr: Expr;
  readonly at: (at: At) => number;
}

function randomIndex(random: () => number, depth: number): Index {
  const pick = (n: number): number => Math.floor(random() * n);
  if (depth === 0) {
    const name = (["i", "j", "k"] as const)[pick(3)] ?? "i";
    const c = pick(9) - 4;
    return pick(4) === 0 ? { expr: int(c), at: () => c } : { expr: axis(name, EXTENTS[name]), at: (at) => at[name] };
  }
  const [x, y] = [randomIndex(random, depth - 1), randomIndex(random, pick(depth))];
  const c = 1 + pick(6);
  // What is divided is never negative: see index-math.ts.
  const kind = pick(7);
  switch ((kind === 3 || kind === 4) && POINTS.some((point) => x.at(point) < 0) ? 0 : kind) {
    case 0:
      return { expr: add(x.expr, y.expr), at: (at) => x.at(at) + y.at(at) };
    case 1:
      return { expr: sub(x.expr, y.expr), at: (at) => x.at(at) - y.at(at) };
    case 2:
      return { expr: mul(x.expr, int(c - 3)), at: (at) => x.at(at) * (c - 3) };
    case 3:
      return { expr: div(x.expr, int(c)), at: (at) => Math.trunc(x.at(at) / c) };
    case 4:
      return { expr: rem(x.expr, int(c)), at: (at) => x.at(at) % c };
    case 5:
      return { expr: binary("min", x.expr, y.expr), at: (at) => Math.min(x.at(at), y.at(at)) };
    default:
      return { expr: binary("max", x.expr, y.expr), at: (at) => Math.max(x.at(at), y.at(at)) };
  }
}

it("no index is outside of its bounds", () => {
  const random = createRandom(3);
  let known = 0;
  for (let n = 0; n < 3000; n++) {
    const { expr, at } = randomIndex(random, 1 + (n % 3));
    const bounds = boundsOf(expr);
    if (!bounds) continue;
    known++;
    const values = POINTS.map(at);
    expect(Math.min(...values), JSON.stringify(expr)).toBeGreaterThanOrEqual(bounds[0]);
    expect(Math.max(...values), JSON.stringify(expr)).toBeLessThanOrEqual(bounds[1]);
  }
  expect(known).toBeGreaterThan(1500);
});

it.each<[string, Expr, readonly [number, number]]>([
  ["i + j", add(axis("i", 4), axis("j", 3)), [0, 5]],
  ["i - j", sub(axis("i", 4), axis("j", 3)), [-2, 3]],
  ["-2 * i", mul(axis("i", 4), int(-2)), [-6, 0]],
  ["k / 2", div(axis("k", 5), int(2)), [0, 2]],
  ["k % 3", rem(axis("k", 5), int(3)), [0, 2]],
])("bounds of %s are reached", (_, expr, bounds) => {
  expect(boundsOf(expr)?.map((bound) => bound + 0)).toEqual(bounds);
});

// Operands that windows slide over are found in what guards and indices say, and only where all of them say the same.

import { describe, expect, it } from "vitest";
import { byPosition, windowOf, type Sliding, type Window } from "../../src/codegen/windows.ts";
import { simplifyIndex } from "../../src/ir/loop/index-math.ts";
import { add, axis, binary, div, int, load, mul, rem, sub, type Expr } from "../../src/ir/loop/expr.ts";

const [place, tap] = [
  { name: "row", extent: 9 },
  { name: "down", extent: 3 },
];
const sliding: Sliding = { place, tap, name: "y", isTurned: false };
const turned: Sliding = { ...sliding, isTurned: true };
const [row, down] = [axis("row", 9), axis("down", 3)];
const above = (x: Expr): Expr => binary("le", int(0), x);
const below = (x: Expr, limit: number): Expr => binary("lt", x, int(limit));
const found = (guards: readonly Expr[], of: Sliding, steps: readonly [number, number] = [0, 0]): Window | undefined =>
  windowOf(guards, steps, of);

describe("a window", () => {
  const forward = sub(add(mul(row, int(2)), mul(down, int(3))), int(4));
  const back = sub(add(row, int(2)), mul(down, int(3)));
  it("is what guards say", () => {
    expect(found([above(forward), below(forward, 17)], sliding)).toEqual({ stride: 2, dilation: 3, padding: 4, limit: 17, reach: 19 });
    const multiple = binary("eq", rem(back, int(2)), int(0));
    expect(found([above(back), multiple, below(div(back, int(2)), 4)], turned)).toMatchObject({
      stride: 2,
      dilation: 3,
      padding: 2,
      limit: 4,
    });
  });

  it("is what indices say where there are no guards", () => {
    expect(found([], sliding, [34, 17])).toMatchObject({ stride: 2, dilation: 1, padding: 0, reach: 19 });
    expect(windowOf([], [34, 34], sliding, 17)).toMatchObject({ stride: 2, dilation: 2 });
    expect(found([], turned, [17, -17])).toBeUndefined();
  });

  it("is none where what is read beside an operand is not zero, or where guards say different things", () => {
    expect(found([below(forward, 17)], sliding)).toBeUndefined();
    expect(found([above(back), below(div(back, int(2)), 4)], turned)).toBeUndefined();
    expect(found([above(forward), below(add(forward, int(1)), 17)], sliding)).toBeUndefined();
    expect(found([above(forward), below(forward, 17), below(forward, 16)], sliding)).toBeUndefined();
    expect(found([above(forward), binary("lt", axis("m", 4), row)], sliding)).toBeUndefined();
  });
});

describe("an operand by positions", () => {
  const window: Window = { stride: 2, dilation: 3, padding: 4, reach: 19 };
  it("has them in place of places and taps, within quotients as well", () => {
    const position = sub(add(mul(row, int(2)), mul(down, int(3))), int(4));
    const read = byPosition(load(0, add(mul(position, int(5)), div(position, int(4))), "f32"), [[sliding, window]]);
    const index = read?.kind === "load" ? read.index : int(-1);
    expect(simplifyIndex(index)).toEqual(simplifyIndex(add(mul(axis("y", 19), int(5)), div(axis("y", 19), int(4)))));
  });

  it("is none where an index goes on otherwise", () => {
    for (const index of [add(row, down), add(mul(row, int(2)), down), mul(row, down), row, add(mul(row, int(4)), mul(down, int(3)))])
      expect(byPosition(load(0, index, "f32"), [[sliding, window]])).toBeUndefined();
  });
});

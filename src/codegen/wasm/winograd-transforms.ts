// The linear maps of Winograd's convolutions: F(4x4, 3x3), where 36 products make 16 results that take 144 otherwise, and for the gradient
// of the filter F(3x3, 4x4), 9 of as many. Lavin & Gray, "Fast Algorithms for Convolutional Neural Networks" (2016), with interpolation
// points 0, 1, -1, 2, -2 and infinity.

import type { WasmFunction } from "./function.ts";
import { present, type Value, type Values } from "./values.ts";

/** Results of a tile in each direction, taps of the filter, and what of the image they see. */
export const TILE = 4;
export const TAPS = 3;
export const PATCH = TILE + TAPS - 1;

type Map1d = (v: Values, x: readonly Value[]) => Value[];

const scaled = (v: Values, x: Value, by: number): Value => v.binary("f32x4.mul", x, v.splat(v.f32(by)));
const plus = (v: Values, x: Value, y: Value): Value => v.binary("f32x4.add", x, y);
const minus = (v: Values, x: Value, y: Value): Value => v.binary("f32x4.sub", x, y);
/** z + by x */
const fused = (v: Values, z: Value, by: number, x: Value): Value => v.make("f32x4.madd", "v128", [x, v.splat(v.f32(by)), z]);

/** Six of an image to the six factors of the products. */
export const spreadImage: Map1d = (v, d) => {
  const [d0, d1, d2, d3, d4, d5] = d.map(present) as [Value, Value, Value, Value, Value, Value];
  const [a, b] = [fused(v, d4, -4, d2), fused(v, d3, -4, d1)];
  const [c, e] = [minus(v, d4, d2), scaled(v, minus(v, d3, d1), 2)];
  return [
    fused(v, fused(v, d4, -5, d2), 4, d0),
    plus(v, a, b),
    minus(v, a, b),
    plus(v, c, e),
    minus(v, c, e),
    fused(v, fused(v, d5, -5, d3), 4, d1),
  ];
};

/** Three of a filter to the six others. */
export const spreadFilter: Map1d = (v, g) => {
  const [g0, g1, g2] = g.map(present) as [Value, Value, Value];
  const [sum, middle] = [scaled(v, plus(v, g0, g2), -1 / 6), scaled(v, g1, 1 / 6)];
  const [outer, inner] = [fused(v, scaled(v, g2, 1 / 6), 1 / 24, g0), scaled(v, g1, 1 / 12)];
  return [scaled(v, g0, 1 / 4), minus(v, sum, middle), plus(v, sum, middle), plus(v, outer, inner), minus(v, outer, inner), g2];
};

/** Four of a gradient to the six others. */
export const spreadGradient: Map1d = (v, g) => {
  const [g0, g1, g2, g3] = g.map(present) as [Value, Value, Value, Value];
  const [even, odd] = [scaled(v, plus(v, g0, g2), -1 / 6), scaled(v, plus(v, g1, g3), -1 / 6)];
  const [outer, inner] = [fused(v, scaled(v, g2, 1 / 6), 1 / 24, g0), fused(v, scaled(v, g3, 1 / 3), 1 / 12, g1)];
  return [scaled(v, g0, 1 / 4), plus(v, even, odd), minus(v, even, odd), plus(v, outer, inner), minus(v, outer, inner), g3];
};

/** Six products to three taps of a filter. */
export const collectTaps: Map1d = (v, p) => {
  const [p0, p1, p2, p3, p4, p5] = p.map(present) as [Value, Value, Value, Value, Value, Value];
  const [near, far] = [plus(v, p1, p2), plus(v, p3, p4)];
  return [plus(v, p0, plus(v, near, far)), fused(v, minus(v, p1, p2), 2, minus(v, p3, p4)), plus(v, fused(v, near, 4, far), p5)];
};

/** Six products to four results. */
export const collect: Map1d = (v, p) => {
  const [p0, p1, p2, p3, p4, p5] = p.map(present) as [Value, Value, Value, Value, Value, Value];
  const [near, nearOdd] = [plus(v, p1, p2), minus(v, p1, p2)];
  const [far, farOdd] = [plus(v, p3, p4), minus(v, p3, p4)];
  return [plus(v, p0, plus(v, near, far)), fused(v, nearOdd, 2, farOdd), fused(v, near, 4, far), plus(v, fused(v, nearOdd, 8, farOdd), p5)];
};

/** A map over the columns of a square, then over its rows. What comes in between is computed first, column by column: registers are few. */
export function map2d(f: WasmFunction, map: Map1d, square: readonly (readonly Value[])[]): Value[][] {
  const columns = present(square[0]).map((_, j) => {
    const column = map(
      f.values,
      square.map((row) => present(row[j])),
    );
    column.forEach((value) => f.evaluate(value));
    return column;
  });
  return present(columns[0]).map((_, i) =>
    map(
      f.values,
      columns.map((column) => present(column[i])),
    ),
  );
}

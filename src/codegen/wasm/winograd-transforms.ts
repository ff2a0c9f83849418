// The linear maps of Winograd's convolution F(2x2, 3x3), where 16 products make four results that take 36 otherwise. Lavin & Gray, "Fast
// Algorithms for Convolutional Neural Networks" (2016), with interpolation points 0, 1, -1 and infinity. These have factors of 1 and 1/2 only, so
// that nothing is rounded but sums, and a result takes products only of what its own filter lies over: what is large beside it does not touch it.

import type { WasmFunction } from "./function.ts";
import { present, type Value, type Values } from "./values.ts";

/** Results of a tile in each direction, taps of the filter, and what of the image they see. */
export const TILE = 2;
export const TAPS = 3;
export const PATCH = TILE + TAPS - 1;

type Map1d = (v: Values, x: readonly Value[]) => Value[];

const halved = (v: Values, x: Value): Value => v.binary("f32x4.mul", x, v.splat(v.f32(0.5)));
const plus = (v: Values, x: Value, y: Value): Value => v.binary("f32x4.add", x, y);
const minus = (v: Values, x: Value, y: Value): Value => v.binary("f32x4.sub", x, y);

/** Four of an image to the four factors of the products. */
export const spreadImage: Map1d = (v, d) => {
  const [d0, d1, d2, d3] = d.map(present) as [Value, Value, Value, Value];
  return [minus(v, d0, d2), plus(v, d1, d2), minus(v, d2, d1), minus(v, d1, d3)];
};

/** Three of a filter to the four others. */
export const spreadFilter: Map1d = (v, g) => {
  const [g0, g1, g2] = g.map(present) as [Value, Value, Value];
  const outer = plus(v, g0, g2);
  return [g0, halved(v, plus(v, outer, g1)), halved(v, minus(v, outer, g1)), g2];
};

/** Two of a gradient to the four others, for taps: twice the second and third. */
export const spreadGradient: Map1d = (v, g) => {
  const [g0, g1] = g.map(present) as [Value, Value];
  return [g0, plus(v, g0, g1), minus(v, g0, g1), g1];
};

/** Four sums of such products to three taps. */
export const collectTaps: Map1d = (v, p) => {
  const [p0, p1, p2, p3] = p.map(present) as [Value, Value, Value, Value];
  const even = halved(v, plus(v, p1, p2));
  return [plus(v, p0, even), halved(v, minus(v, p1, p2)), minus(v, even, p3)];
};

/** Four products to two results. */
export const collect: Map1d = (v, p) => {
  const [p0, p1, p2, p3] = p.map(present) as [Value, Value, Value, Value];
  return [plus(v, plus(v, p0, p1), p2), minus(v, minus(v, p1, p2), p3)];
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

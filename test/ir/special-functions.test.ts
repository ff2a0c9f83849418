// The functions that JavaScript lacks, against published values.

import { expect, it } from "vitest";
import { erf, threefry2x32 } from "../../src/ir/ops/special-functions.ts";

// Known answers of Salmon et al.'s Random123: the same bits on every target, and in every version.
it.each([
  [0, 0, 0, 0, 0x6b200159, 0x99ba4efe],
  [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0x1cb996fc, 0xbb002be7],
  [0x13198a2e, 0x03707344, 0x243f6a88, 0x85a308d3, 0xc4923a9c, 0x483df7a0],
])("Threefry of key %i %i and counter %i %i is the published one", (k0, k1, c0, c1, x0, x1) => {
  expect(threefry2x32(k0, k1, c0, c1)).toEqual([x0, x1]);
});

it("erf is right to fourteen digits", () => {
  // By C's erf, which is within an ulp.
  const table: readonly (readonly [x: number, y: number])[] = [
    [0, 0.0],
    [1e-10, 1.1283791670955126e-10],
    [0.3, 0.3286267594591274],
    [-0.5, -0.5204998778130465],
    [1, 0.8427007929497149],
    [1.7, 0.9837904585907745],
    [2.4999, 0.9995928300996666],
    [2.5, 0.999593047982555],
    [2.75, 0.9998993780778803],
    [3, 0.9999779095030014],
    [-3.5, -0.9999992569016276],
    [4.2, 0.9999999971445058],
    [5.9, 0.9999999999999999],
    [7, 1.0],
  ];
  for (const [x, y] of table) expect(Math.abs(erf(x) - y), `erf(${x})`).toBeLessThanOrEqual(1e-14 * Math.abs(y));
});

// What cells hold, told without making a text of each of their numbers: it must be what splitting them tells.

import { describe, expect, it } from "vitest";
import { isInt32, plainWholes, splitCell } from "../../../src/runtime/data/cells.ts";

const CELLS = ["0", "7 8 6", "10 9 999999999", "007 1"];
const OTHERS = ["", "1  2", "1\t2", "1 2 ", " 1", "-1 2", "1.0 2", "1e3", "1000000000 2", "1 x", "١ ٢", "1,2", "1\u00a02"];

describe("plain whole numbers of a cell", () => {
  it.each(CELLS)("%j: how many and the highest", (cell) => {
    const tokens = splitCell(cell);
    expect(tokens.every(isInt32)).toBe(true);
    expect(plainWholes(cell)).toEqual({ count: tokens.length, highest: Math.max(...tokens.map(Number)) });
  });

  it.each(OTHERS)("%j is left to who splits it", (cell) => {
    expect(plainWholes(cell)).toBeUndefined();
  });
});

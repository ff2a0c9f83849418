// Which operands the machine may copy sixteen bytes at a time: a GPU faults where these are not aligned, and the emulation does not.

import { expect, it } from "vitest";
import { isInRuns } from "../../src/codegen/gpu/copied-operands.ts";
import { add, axis, div, int, mul, rem, type Expr } from "../../src/ir/loop/expr.ts";

const [m, k] = [axis("m", 8), axis("k", 64)];

it.each<[string, boolean, Expr]>([
  ["rows of a multiple of four", true, add(mul(m, int(64)), k)],
  ["rows of another length", false, add(mul(m, int(63)), k)],
  ["a first element that is not aligned", false, add(add(mul(m, int(64)), k), int(2))],
  ["a first element that is", true, add(add(mul(m, int(64)), k), int(4))],
  ["every other element", false, add(mul(m, int(64)), mul(k, int(2)))],
  ["columns", false, add(mul(k, int(64)), m)],
  ["runs of eight in pictures", true, add(mul(div(k, int(8)), int(256)), rem(k, int(8)))],
  ["runs of six in pictures", false, add(mul(div(k, int(6)), int(256)), rem(k, int(6)))],
])("%s: %s", (_, aligned, index) => {
  expect(isInRuns(index, "k", 4)).toBe(aligned);
});

// What comes after a contraction: the kernel's store stages over a finished block of its results.

import { add, axis, int, mul } from "../../ir/loop/expr.ts";
import type { Stage } from "../../ir/loop/kernel.ts";
import { mapExpressions } from "../../ir/loop/map-expr.ts";
import { InternalError } from "../../ir/types.ts";
import { strideAlong, substituter } from "../axes.ts";
import type { Problem } from "../problem.ts";
import { Expressions } from "./expressions.ts";
import { WasmFunction } from "./function.ts";
import type { Unit } from "./unit.ts";
import { present, type Value } from "./values.ts";

/**
 * How the results of a block lie in memory:
 * - panels: eight columns after eight columns, `pitch` bytes for each, 32 bytes a row; `first` is the first panel. `from` and `to` count fours of columns.
 * - singles: the same; `from` and `to` count columns. For the last few of rows that fours do not fill.
 * - rows: row after row, `pitch` bytes for each; `first` is the first column. `from` and `to` count columns, at least four, and the last four come twice where
 *   fours do not fill a row.
 * - row singles: the same, one column at a time.
 */
export type Layout = "panels" | "singles" | "rows" | "row singles";

/** The column that lanes begin at, where that is a multiple of four: so many fours. */
const FOURS = "fours";

/**
 * The store stages as a function of columns `from` to `to` and rows `m0` to `m1` of the block at `c`. Where columns `areFours`, `from` and `to` are
 * multiples of four, as they are for panels.
 */
export function storeFunction(
  name: string,
  problem: Problem,
  stages: readonly Stage[],
  unit: Unit,
  layout: Layout,
  areFours = layout === "panels",
): string {
  const { kernel } = problem;
  const aligned = areFours ? alignedStages(stages, problem.n) : undefined;
  const f = new WasmFunction(name, ["args", "time", "batch", "from", "to", "m0", "m1", "c", "first", "pitch"]);
  const v = f.values;
  const isVector = layout === "panels" || layout === "rows";
  const isRows = layout === "rows" || layout === "row singles";
  const down = (rows: Value): Value => (isRows ? v.binary("i32.mul", rows, f.param("pitch")) : v.mul(rows, 32));
  const top = v.binary("i32.sub", f.param("c"), down(f.param("m0")));
  // The number of a column, or of the first of four, and where it is in row 0.
  const column = (at: Value): readonly [Value, Value] => {
    if (isRows && areFours) return [at, v.add(top, v.mul(v.binary("i32.sub", at, f.param("first")), 4))];
    if (isRows) {
      const last = v.add(f.param("to"), v.i32(-4));
      const n = isVector ? v.make("select", "i32", [at, last, v.binary("i32.lt_s", at, last)]) : at;
      return [n, v.add(top, v.mul(v.binary("i32.sub", n, f.param("first")), 4))];
    }
    const panel = v.binary("i32.shr_u", at, v.i32(isVector ? 1 : 3));
    const within = v.binary("i32.and", at, v.i32(isVector ? 1 : 7));
    const over = v.binary("i32.mul", v.binary("i32.sub", panel, f.param("first")), f.param("pitch"));
    return [isVector ? v.mul(at, 4) : at, v.sum([top, over, v.mul(within, isVector ? 16 : 4)])];
  };
  const body = (m: Value, [n, place]: readonly [Value, Value]): void => {
    const address = v.add(place, down(m));
    const result = v.unstable(isVector ? "v128.load" : "f32.load", isVector ? "v128" : "f32", [address], "", f.depth);
    const axes = new Map([
      ["b", f.param("batch")],
      ["m", m],
      ...(aligned
        ? ([
            [FOURS, v.binary("i32.shr_u", n, v.i32(2))],
            ["n", v.i32(0)],
          ] as const)
        : ([["n", n]] as const)),
    ]);
    if (kernel.time) axes.set(kernel.time.name, f.param("time"));
    const e = new Expressions(f, unit, { axes, accs: new Map([[0, result]]), ...(isVector && { lane: "n" }) });
    for (const stage of aligned ?? stages) {
      if (stage.kind !== "store" || stage.axes.length > 0)
        throw new InternalError(`kernel ${kernel.name}: a ${stage.kind} after a contraction`);
      const values = stage.writes.map(({ value }) => (isVector ? e.vector(value) : e.scalar(value)));
      if (values.length > 1) values.forEach((value) => f.evaluate(value));
      stage.writes.forEach(({ buffer, index }, i) => e.store(buffer, index, present(values[i])));
      v.forgetLoads();
    }
  };
  const overRows = (inner: (m: Value) => void): void => f.loop(f.param("m0"), f.param("m1"), 1, inner);
  const overColumns = (inner: (at: Value) => void): void => f.loop(f.param("from"), f.param("to"), layout === "rows" ? 4 : 1, inner);
  // Where a row of the result is a row of memory, row by row; else what the index of a column costs is paid once for all rows.
  if (isLinear(aligned ?? stages)) overRows((m) => overColumns((at) => body(m, column(at))));
  else
    overColumns((at) => {
      const place = column(at);
      overRows((m) => body(m, place));
    });
  return f.text();
}

/** Whether what is written lies along columns. */
const isLinear = (stages: readonly Stage[]): boolean =>
  stages.every((stage) => stage.kind === "store" && stage.writes.every(({ index }) => strideAlong(index, "n") !== undefined));

/** The stages with lanes along `n` from a multiple of four on, if what is written then lies side by side: fours of an image's places do. */
function alignedStages(stages: readonly Stage[], n: number): Stage[] | undefined {
  const aligned = substituter(new Map([["n", add(mul(axis(FOURS, Math.ceil(n / 4)), int(4)), axis("n", 4))]]));
  const changed = stages.map((stage) => mapExpressions(stage, aligned));
  return !isLinear(stages) && isLinear(changed) ? changed : undefined;
}

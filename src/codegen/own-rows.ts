// Rows that have nothing to do with each other: in a loop over time, what a thread or a workgroup did for its rows of one kernel is all that it needs for
// the same rows of the next, and it need not meet others after each. Known from the indices: every access of a buffer lies in the part of it
// that belongs to the row, of as many equal parts as there are rows.

import type { Expr } from "../ir/loop/expr.ts";
import { boundsOf } from "../ir/loop/index-math.ts";
import { expressionsOf, type Axis, type Kernel } from "../ir/loop/kernel.ts";
import { loadsOf } from "../ir/loop/loads.ts";
import type { WasmRows } from "../ir/program.ts";
import { strideAlong, termsOf } from "./axes.ts";

/**
 * @param perUnit rows of a work unit
 * @returns undefined where a row writes to what belongs to others
 */
export function rowsOf(kernel: Kernel, row: Axis, perUnit: number): WasmRows | undefined {
  const { time } = kernel;
  if (!time) return undefined;
  const indices = new Map<number, Expr[]>();
  const touch = (buffer: number, index: Expr): void => void indices.set(buffer, [...(indices.get(buffer) ?? []), index]);
  for (const stage of kernel.stages) {
    for (const { buffer, index } of loadsOf(expressionsOf(stage))) touch(buffer, index);
    if (stage.kind === "store") for (const { buffer, index } of stage.writes) touch(buffer, index);
  }
  const own = [...indices].flatMap(([param, all]) => {
    const [first] = all;
    const stride = (first && strideAlong(first, row.name)) ?? 0;
    return stride > 0 && all.every((index) => isOwn(index, row, stride, time)) ? [{ param, stride }] : [];
  });
  const isWritten = (param: number): boolean => kernel.params[param]?.access !== "read";
  const areWritesOwn = [...indices.keys()].every((param) => !isWritten(param) || own.some((it) => it.param === param));
  return areWritesOwn ? { extent: row.extent, perUnit, own } : undefined;
}

/** Whether the index is `slot * (stride * rows) + row * stride + rest` with a slot that only time decides and 0 <= rest < stride. */
function isOwn(index: Expr, row: Axis, stride: number, time: Axis): boolean {
  const slot = stride * row.extent;
  let [least, most, along] = [0, 0, 0];
  for (const [scale, factor] of termsOf(index)) {
    if (factor?.kind === "axis" && factor.name === row.name) along += scale;
    else if (factor?.kind === "axis" && factor.name === time.name && scale % slot === 0) continue;
    else {
      const bounds = factor ? boundsOf(factor) : ([1, 1] as const);
      if (!bounds || (factor && strideAlong(factor, row.name) !== 0)) return false;
      least += Math.min(scale * bounds[0], scale * bounds[1]);
      most += Math.max(scale * bounds[0], scale * bounds[1]);
    }
  }
  const start = Math.floor(least / slot) * slot;
  return along === stride && most - start < stride;
}

// Bytes that kernels move through memory, counted from their loops: each pass over a buffer once, whatever a cache may save beyond that.

import type { Expr } from "../ir/loop/expr.ts";
import { operands } from "../ir/loop/expr.ts";
import { createNumbering } from "../ir/loop/numbering.ts";
import { expressionsOf, sideBySide, stripOf, type Axis, type Kernel, type Stage } from "../ir/loop/kernel.ts";
import { loadsOf } from "../ir/loop/loads.ts";
import { perKernel } from "../ir/loop/per-kernel.ts";
import { at } from "../ir/ops/define.ts";
import { bytesPerElement } from "../ir/types.ts";
import { callsOf, type Buffer, type Task } from "./lowered.ts";
import { bytesOf, peakOf } from "./plan-memory.ts";

export interface Traffic {
  readonly read: number;
  readonly written: number;
}

// What one point reads again in a later stage is still in its cache up to this many elements.
const CACHED = 1 << 14;

/** What one run of a kernel reads and writes. */
export const trafficOf = perKernel((kernel): Traffic => {
  const number = createNumbering();
  const points = sizeOf(kernel.axes);
  const reads = new Map<number, number>();
  let written = 0;
  for (const loop of loopsOf(kernel)) {
    const own = new Map<number, Map<number, number>>();
    for (const load of loadsOf(loop.flatMap(expressionsOf))) {
      const seen = own.get(load.buffer) ?? new Map<number, number>();
      own.set(load.buffer, seen);
      const index = number(load.index);
      if (!seen.has(index)) seen.set(index, elementsOf(load.index));
    }
    for (const [buffer, indices] of own) {
      const { length } = at(kernel.params, buffer);
      const all = [...indices.values()].reduce((sum, elements) => sum + elements, 0);
      const elements = length === 0 ? all : Math.min(all, length);
      const before = reads.get(buffer) ?? 0;
      reads.set(buffer, elements <= CACHED * points ? Math.max(before, elements) : before + elements);
    }
    for (const stage of loop) {
      if (stage.kind !== "store") continue;
      const places = stage.perStrip ? points / stripOf(kernel) : points * sizeOf(stage.axes);
      for (const { buffer } of stage.writes) written += places * bytesPerElement(at(kernel.params, buffer).dtype);
    }
  }
  let read = 0;
  for (const [buffer, elements] of reads) read += elements * bytesPerElement(at(kernel.params, buffer).dtype);
  return { read, written };
});

/** The stages that each loop of a kernel runs. */
function loopsOf({ stages }: Kernel): (readonly Stage[])[] {
  const loops: (readonly Stage[])[] = [];
  for (let i = 0; i < stages.length; i += loops.at(-1)?.length ?? 1) {
    const together = sideBySide(stages, i);
    loops.push(together.length > 0 ? together : stages.slice(i, i + 1));
  }
  return loops;
}

/** What an entry's tasks move in one run, loops counted. */
export function trafficOfTasks(tasks: readonly Task[]): Traffic {
  let [read, written] = [0, 0];
  for (const task of tasks) {
    const times = task.kind === "loop" ? task.count : 1;
    for (const { kernel } of callsOf(task)) {
      const traffic = trafficOf(kernel);
      read += times * traffic.read;
      written += times * traffic.written;
    }
  }
  return { read, written };
}

/**
 * The least that a program for this could move: all that is kept from run to run once as it is read and once as it is written, and what lies
 * in memory at the peak in between, written and read once.
 */
export function leastTraffic(tasks: readonly Task[]): number {
  const calls = tasks.flatMap(callsOf);
  const kept = (sets: readonly ReadonlySet<Buffer>[]): number => {
    const buffers = new Set(sets.flatMap((set) => [...set]).filter(({ role }) => role !== "temp" && role !== "data"));
    return [...buffers].reduce((sum, buffer) => sum + bytesOf(buffer), 0);
  };
  return kept(calls.map((call) => call.reads)) + kept(calls.map((call) => call.writes)) + 2 * peakOf(tasks);
}

const sizeOf = (axes: readonly Axis[]): number => axes.reduce((size, axis) => size * axis.extent, 1);

/** How many elements an index can mean, at most: one for every value of the loop variables in it but the step of a loop over time. */
function elementsOf(index: Expr): number {
  const axes = new Map<string, number>();
  const seen = new Set<Expr>();
  const visit = (expr: Expr): void => {
    if (seen.has(expr)) return;
    seen.add(expr);
    if (expr.kind === "axis" && expr.name !== "t") axes.set(expr.name, expr.extent);
    operands(expr).forEach(visit);
  };
  visit(index);
  return [...axes.values()].reduce((size, extent) => size * extent, 1);
}

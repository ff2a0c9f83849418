// Decides where the next value of each state is written. Over the old one, where its kernel reads that only at the element it is about to
// write, and everybody else can read it before. Where others need the old value afterwards, they read a copy that is made first. Where the
// kernel itself reads other elements, the new value gets memory of its own and is copied over the old one in the end.

import * as e from "../ir/loop/expr.ts";
import type { Expr } from "../ir/loop/expr.ts";
import { createNumbering } from "../ir/loop/numbering.ts";
import { expressionsOf, type Kernel, type KernelParameter, type Stage } from "../ir/loop/kernel.ts";
import { loadsOf } from "../ir/loop/loads.ts";
import { perKernel } from "../ir/loop/per-kernel.ts";
import { mapExpr, mapExpressions } from "../ir/loop/map-expr.ts";
import { at } from "../ir/ops/define.ts";
import { isHalf, sizeOf } from "../ir/types.ts";
import { dependencies, mapCalls, readsOf, writesOf, type Buffer, type KernelCall, type Task } from "./lowered.ts";

/** The same tasks over the memory of states; an order that `before` allows gives every reader its value. */
export interface Placed {
  readonly tasks: readonly Task[];
  /** For each task, those that must run earlier, by their places in the list. */
  readonly before: readonly ReadonlySet<number>[];
}

export function placeUpdates(given: readonly Task[]): Placed {
  const tasks = [...given];
  const before = dependencies(tasks);
  const after = tasks.map((): number[] => []);
  before.forEach((set, i) => set.forEach((j) => after[j]?.push(i)));
  const order = (first: number, second: number): void => {
    before[second]?.add(first);
    after[first]?.push(second);
  };
  const add = (task: Task): number => {
    before.push(new Set());
    after.push([]);
    return tasks.push(task) - 1;
  };
  const [reading, writing] = [indexBy(given, readsOf), indexBy(given, writesOf)];
  const updates = [...writing.keys()].filter((buffer) => buffer.replaces);
  const size = ({ shape }: Buffer): number => sizeOf(shape);
  // Deciding about one state changes no reader of another.
  const readers = (buffer: Buffer): readonly number[] => reading.get(buffer) ?? [];

  for (const next of updates.sort((x, y) => size(y) - size(x))) {
    const old = next.replaces;
    if (!old) continue;
    const writers = writing.get(next) ?? [];
    const writer = at(writers, 0);
    const others = readers(old).filter((i) => i !== writer);
    if (writers.length > 1 || !readsOnlyWhatItReplaces(at(tasks, writer), old, next)) {
      const fresh: Buffer = { ...next, name: `${next.name}.next`, role: "temp" };
      const { replaces: _, ...own } = fresh;
      for (const i of new Set([...writers, ...readers(next)])) tasks[i] = withBuffer(at(tasks, i), next, own);
      const last = [...writers, ...readers(old)];
      const copy = add(copyTask(own, old));
      for (const i of last) order(i, copy);
      continue;
    }
    const later = others.length > 0 ? reachableFrom(after, writer) : new Set<number>();
    const late = others.filter((i) => later.has(i));
    for (const i of others) if (!later.has(i)) order(i, writer);
    if (late.length > 0) {
      const saved: Buffer = { ...old, name: `${old.name}.old`, role: "temp" };
      const copy = add(copyTask(old, saved));
      order(copy, writer);
      for (const i of late) {
        tasks[i] = withBuffer(at(tasks, i), old, saved);
        order(copy, i);
      }
    }
    for (const i of new Set([writer, ...readers(next)])) tasks[i] = withBuffer(at(tasks, i), next, old);
  }
  return { tasks, before };
}

/** The tasks that touch each buffer, by their places. */
function indexBy(tasks: readonly Task[], touched: (task: Task) => ReadonlySet<Buffer>): Map<Buffer, number[]> {
  const index = new Map<Buffer, number[]>();
  tasks.forEach((task, i) => touched(task).forEach((buffer) => index.set(buffer, [...(index.get(buffer) ?? []), i])));
  return index;
}

/** What runs after a task, by what has been decided so far. */
function reachableFrom(after: readonly (readonly number[])[], start: number): Set<number> {
  const reached = new Set([start]);
  for (const i of reached) for (const j of at(after, i)) reached.add(j);
  return reached;
}

/** Whether a kernel may write `next` over `old`: it loads of it only the element that it is about to store. */
function readsOnlyWhatItReplaces(task: Task, old: Buffer, next: Buffer): boolean {
  if (task.kind !== "kernel") return !readsOf(task).has(old);
  const { kernel, buffers } = task.call;
  const [from, to] = [buffers.indexOf(old), buffers.indexOf(next)];
  if (from < 0) return true;
  return loadsOnlyWhatItStores(kernel)(from, to);
}

/** Whether all that a kernel loads of one parameter is loaded where it stores to another, which is asked for each pair once. */
const loadsOnlyWhatItStores = perKernel(({ stages }) => {
  const number = createNumbering();
  return ofPair((from, to) =>
    stages.every((stage) => {
      const own = stage.kind === "store" ? stage.writes.filter((write) => write.buffer === to).map((write) => number(write.index)) : [];
      return loadsOf(expressionsOf(stage)).every((load) => load.buffer !== from || own.includes(number(load.index)));
    }),
  );
});

function ofPair<T>(answer: (x: number, y: number) => T): (x: number, y: number) => T {
  const known = new Map<string, { readonly answered: T }>();
  return (x, y) => {
    const key = `${x} ${y}`;
    let found = known.get(key);
    if (!found) known.set(key, (found = { answered: answer(x, y) }));
    return found.answered;
  };
}

const withBuffer = (task: Task, from: Buffer, to: Buffer): Task => mapCalls(task, (call) => replaceBuffer(call, from, to));

/** A call with one buffer for another; where it has both, they become one parameter. */
function replaceBuffer(call: KernelCall, from: Buffer, to: Buffer): KernelCall {
  const slot = call.buffers.indexOf(from);
  if (slot < 0) return call;
  const swap = (set: ReadonlySet<Buffer>): Set<Buffer> => new Set([...set].map((buffer) => (buffer === from ? to : buffer)));
  const [reads, writes] = [swap(call.reads), swap(call.writes)];
  const buffers = call.buffers.map((buffer) => (buffer === from ? to : buffer));
  const twin = call.buffers.indexOf(to);
  if (twin < 0) return { ...call, buffers, reads, writes };
  const kernel: Kernel = { ...call.kernel, ...asOne(call.kernel)(slot, twin) };
  return { ...call, kernel, buffers: buffers.filter((_, i) => i !== slot), reads, writes };
}

/** Parameters and stages of a kernel whose parameter `slot` is the same memory as its parameter `twin`: it goes, those behind it move up. */
const asOne = perKernel(({ params, stages }) =>
  ofPair((slot, twin) => {
    const kept = twin > slot ? twin - 1 : twin;
    const moved = (i: number): number => (i === slot ? kept : i > slot ? i - 1 : i);
    const memo = new Map<Expr, Expr>();
    const map = (expr: Expr): Expr => mapExpr(expr, (load) => e.load(moved(load.buffer), load.index, load.dtype), memo);
    const left = params.flatMap((param, i): KernelParameter[] =>
      i === slot ? [] : [{ ...param, name: `p${moved(i)}`, access: i === twin ? "read_write" : param.access }],
    );
    return { params: left, stages: stages.map((stage) => mapStage(stage, map, moved)) };
  }),
);

function mapStage(given: Stage, map: (expr: Expr) => Expr, moved: (buffer: number) => number): Stage {
  const stage = mapExpressions(given, map);
  return stage.kind === "store" ? { ...stage, writes: stage.writes.map((w) => ({ ...w, buffer: moved(w.buffer) })) } : stage;
}

function copyTask(from: Buffer, to: Buffer): Task {
  const extent = sizeOf(from.shape);
  const i = e.axis("i", extent);
  const dtype = from.dtype === "u8" ? "u32" : isHalf(from.dtype) ? "f32" : from.dtype;
  const parameter = (name: string, access: "read" | "write"): KernelParameter => ({ name, dtype: from.dtype, length: extent, access });
  const kernel: Kernel = {
    name: "copy",
    params: [parameter("p0", "read"), parameter("p1", "write")],
    axes: extent > 1 ? [{ name: "i", extent }] : [],
    stages: [{ kind: "store", axes: [], writes: [{ buffer: 1, index: i, value: e.load(0, i, dtype) }] }],
  };
  return { kind: "kernel", call: { kernel, buffers: [from, to], reads: new Set([from]), writes: new Set([to]) } };
}

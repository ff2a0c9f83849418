// Joins elementwise kernels of one size into one with several results: fewer launches, and shared operands are loaded once. An Adam
// update (two moments and the weight) becomes a single kernel this way, and the gates of an LSTM's step another.

import * as e from "../ir/loop/expr.ts";
import { mapExpr } from "../ir/loop/map-expr.ts";
import type { Expr } from "../ir/loop/expr.ts";
import { createNumbering } from "../ir/loop/index-math.ts";
import type { Kernel, KernelParameter, StoreStage } from "../ir/loop/kernel.ts";
import { at } from "../ir/ops/define.ts";
import { callsOf, memoryOf, readsOf, writesOf, type Buffer, type KernelCall, type Task } from "./lowered.ts";

// How many kernels one may move up over.
const WINDOW = 48;

export function mergeKernels(tasks: readonly Task[], options: { readonly maxBuffers: number }): Task[] {
  return mergeList(
    tasks.map((task) =>
      task.kind === "kernel"
        ? task
        : {
            ...task,
            calls: mergeList(
              task.calls.map((call): Task => ({ kind: "kernel", call })),
              options,
            ).flatMap(callsOf),
          },
    ),
    options,
  );
}

function mergeList(tasks: readonly Task[], { maxBuffers }: { readonly maxBuffers: number }): Task[] {
  const merged: Task[] = [];
  for (const task of tasks) {
    const store = elementwise(task);
    // Move the kernel up to an earlier one of its size, as far as nothing between them minds.
    let host = -1;
    if (store) {
      for (let i = merged.length - 1; i >= Math.max(0, merged.length - WINDOW) && host < 0; i--) {
        const earlier = at(merged, i);
        if (elementwise(earlier) && extentOf(earlier) === extentOf(task)) {
          const joined = join(callOf(earlier), callOf(task), maxBuffers);
          if (joined) {
            merged[i] = { kind: "kernel", call: joined };
            host = i;
          }
        }
        if (host < 0 && conflicts(earlier, task)) break;
      }
    }
    if (host < 0) merged.push(task);
  }
  return merged;
}

const callOf = (task: Task): KernelCall => (task.kind === "kernel" ? task.call : at(task.calls, 0));

function elementwise(task: Task): StoreStage | undefined {
  if (task.kind !== "kernel" || task.call.kernel.stages.length !== 1) return undefined;
  const [stage] = task.call.kernel.stages;
  return stage?.kind === "store" && stage.axes.length === 0 ? stage : undefined;
}

const extentOf = (task: Task): number => callOf(task).kernel.axes.reduce((size, axis) => size * axis.extent, 1);

/** Whether `later` must stay behind `earlier`. */
function conflicts(earlier: Task, later: Task): boolean {
  const [readEarlier, writtenEarlier] = [readsOf(earlier), writesOf(earlier)];
  const laterTouches = new Set([...readsOf(later), ...writesOf(later)].map(memoryOf));
  const laterWrites = new Set([...writesOf(later)].map(memoryOf));
  return [...writtenEarlier].some((b) => laterTouches.has(memoryOf(b))) || [...readEarlier].some((b) => laterWrites.has(memoryOf(b)));
}

/** Both kernels as one, or undefined where that cannot be: too many buffers, or the second needs what the first computes at other points. */
function join(first: KernelCall, second: KernelCall, maxBuffers: number): KernelCall | undefined {
  const buffers = [...new Set([...first.buffers, ...second.buffers])];
  if (buffers.length > maxBuffers) return undefined;
  const [storeA, storeB] = [at(first.kernel.stages, 0) as StoreStage, at(second.kernel.stages, 0) as StoreStage];
  const number = createNumbering();
  const slotB = (i: number): number => buffers.indexOf(at(second.buffers, i));
  const results = new Map(storeA.writes.map((w) => [`${buffers.indexOf(at(first.buffers, w.buffer))}:${number(w.index)}`, w.value]));
  const writtenByA = new Set(storeA.writes.map((w) => at(first.buffers, w.buffer)));
  const written = new Set([...first.writes].map(memoryOf));
  // The first would overwrite what the second wants to read of old, or the other way round, at another point.
  let possible = [...second.writes].every((b) => !written.has(memoryOf(b)));
  const fresh = new Set<Buffer>([...second.reads].filter((b) => first.writes.has(b)).map(memoryOf));

  const moveLoad = (load: Extract<Expr, { kind: "load" }>): Expr => {
    const slot = slotB(load.buffer);
    const buffer = at(buffers, slot);
    const key = `${slot}:${number(load.index)}`;
    if (writtenByA.has(buffer)) {
      const own = results.get(key);
      if (!own) possible = false;
      else if (fresh.has(buffer)) return own;
    }
    return e.load(slot, load.index, load.dtype);
  };
  const writesB = storeB.writes.map((w) => ({
    buffer: slotB(w.buffer),
    index: mapExpr(w.index, moveLoad),
    value: mapExpr(w.value, moveLoad),
  }));
  const writesA = storeA.writes.map((w) => ({ ...w, buffer: buffers.indexOf(at(first.buffers, w.buffer)) }));
  // Loads by the first of what the second overwrites must be at the second's own point.
  const overwritten = new Map(writesB.map((w) => [w.buffer, number(w.index)]));
  const checkLoad = (load: Extract<Expr, { kind: "load" }>): Expr => {
    const slot = buffers.indexOf(at(first.buffers, load.buffer));
    const point = overwritten.get(slot);
    if (point !== undefined && point !== number(load.index)) possible = false;
    return slot === load.buffer ? load : e.load(slot, load.index, load.dtype);
  };
  const checkedA = writesA.map((w) => ({ ...w, index: mapExpr(w.index, checkLoad), value: mapExpr(w.value, checkLoad) }));
  if (!possible) return undefined;

  const all = [...checkedA, ...writesB];
  const loaded = new Set<number>();
  const note = (load: Extract<Expr, { kind: "load" }>): Expr => {
    loaded.add(load.buffer);
    return load;
  };
  all.forEach((w) => [w.index, w.value].forEach((x) => mapExpr(x, note)));
  const params = buffers.map((buffer, i): KernelParameter => {
    const source = first.buffers.includes(buffer)
      ? at(first.kernel.params, first.buffers.indexOf(buffer))
      : at(second.kernel.params, second.buffers.indexOf(buffer));
    const isWritten = all.some((w) => w.buffer === i);
    return { ...source, name: `p${i}`, access: isWritten ? (loaded.has(i) ? "read_write" : "write") : "read" };
  });
  const kernel: Kernel = {
    name: `${first.kernel.name}__${second.kernel.name}`.slice(0, 60),
    params,
    axes: first.kernel.axes,
    ...(first.kernel.time && { time: first.kernel.time }),
    stages: [{ kind: "store", axes: [], writes: all }],
  };
  const reads = new Set([...first.reads, ...[...second.reads].filter((b) => !first.writes.has(b))]);
  return { kernel, buffers, reads, writes: new Set([...first.writes, ...second.writes]) };
}

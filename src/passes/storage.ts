// How values of one byte, bools and u8, are stored: as bytes where every kernel that writes them can do so on this target, else as words.
// Decided for all entries at once, since they share buffers.

import * as e from "../ir/loop/expr.ts";
import type { Expr } from "../ir/loop/expr.ts";
import type { Kernel, Stage } from "../ir/loop/kernel.ts";
import { mapExpr, mapExpressions, type Load } from "../ir/loop/map-expr.ts";
import { isByte } from "../ir/types.ts";
import { callsOf, type Buffer, type KernelCall, type Task } from "./lowered.ts";

export function settleStorage<Name>(
  entries: ReadonlyMap<Name, readonly Task[]>,
  target: { storesBytes(kernel: Kernel): boolean },
): ReadonlyMap<Name, readonly Task[]> {
  const wide = new Set<Buffer>();
  for (const { kernel, buffers } of [...entries.values()].flat().flatMap(callsOf)) {
    const bytes = buffers.filter((buffer, i) => isByte(buffer.dtype) && kernel.params[i]?.access !== "read");
    if (bytes.length > 0 && !target.storesBytes(kernel)) bytes.forEach((buffer) => wide.add(buffer));
  }
  if (wide.size === 0) return entries;
  const known = new Map<Buffer, Buffer>();
  const asWords = (buffer: Buffer): Buffer => {
    if (!wide.has(buffer) && !(buffer.replaces && wide.has(buffer.replaces))) return buffer;
    let words = known.get(buffer);
    if (!words) known.set(buffer, (words = { ...buffer, dtype: "u32", ...(buffer.replaces && { replaces: asWords(buffer.replaces) }) }));
    return words;
  };
  const settle = (call: KernelCall): KernelCall => ({
    kernel: withWords(call.kernel, new Set(call.buffers.flatMap((buffer, i) => (wide.has(buffer) ? [i] : [])))),
    buffers: call.buffers.map(asWords),
    reads: new Set([...call.reads].map(asWords)),
    writes: new Set([...call.writes].map(asWords)),
  });
  const settleTask = (task: Task): Task =>
    task.kind === "kernel" ? { ...task, call: settle(task.call) } : { ...task, calls: task.calls.map(settle) };
  return new Map([...entries].map(([name, tasks]) => [name, tasks.map(settleTask)]));
}

/** The kernel with these of its parameters, of bools or u8, as words. */
function withWords(kernel: Kernel, slots: ReadonlySet<number>): Kernel {
  if (slots.size === 0) return kernel;
  const widened = (load: Load): Expr => {
    if (!slots.has(load.buffer)) return load;
    const word = e.load(load.buffer, load.index, "u32");
    return load.dtype === "bool" ? e.binary("ne", word, e.constant(0, "u32")) : e.cast(word, load.dtype);
  };
  const memo = new Map<Expr, Expr>();
  const stages = kernel.stages.map((given): Stage => {
    const stage = mapExpressions(given, (expr) => mapExpr(expr, widened, memo));
    if (stage.kind !== "store") return stage;
    return { ...stage, writes: stage.writes.map((w) => (slots.has(w.buffer) ? { ...w, value: e.cast(w.value, "u32") } : w)) };
  });
  return { ...kernel, params: kernel.params.map((param, i) => (slots.has(i) ? { ...param, dtype: "u32" } : param)), stages };
}

// A kernel that touches more buffers than it may bind gets those of one pack, the little values of a block, as one parameter: the planner
// puts them side by side, and the kernel adds to each index where in the pack its buffer begins. Decided for all entries at once, since
// they share states. Other kernels bind each for itself.

import * as e from "../ir/loop/expr.ts";
import type { Expr } from "../ir/loop/expr.ts";
import type { KernelParameter, Stage } from "../ir/loop/kernel.ts";
import { mapExpr, mapExpressions } from "../ir/loop/map-expr.ts";
import { packKey } from "../ir/fusion/buffers.ts";
import { at } from "../ir/ops/define.ts";
import { bytesPerElement, sizeOf } from "../ir/types.ts";
import { buffersOf, isManyLaunches, launchesOf, type Buffer, type KernelCall, type Pack, type Task } from "./lowered.ts";
import { aligned, bytesOf } from "./plan-memory.ts";

export interface Packed<Name> {
  readonly entries: ReadonlyMap<Name, readonly Task[]>;
  readonly packs: readonly Pack[];
}

/** How many buffers a kernel has to bind. */
export const bindingsOf = (buffers: readonly Buffer[]): number => new Set(buffers.map(keyOf)).size;

const keyOf = (buffer: Buffer): unknown => (buffer.pack === undefined ? buffer : packKey(buffer.pack, buffer.dtype));

export function bindPacks<Name>(entries: ReadonlyMap<Name, readonly Task[]>, maxBuffers: number): Packed<Name> {
  const members = new Map<unknown, Set<Buffer>>();
  for (const launch of [...entries.values()].flat().flatMap(launchesOf)) {
    for (const [key, group] of packsIn(buffersOf(launch), maxBuffers)) {
      const known = members.get(key) ?? new Set();
      group.forEach((buffer) => known.add(buffer));
      members.set(key, known);
    }
  }
  const packs = new Map([...members].map(([key, buffers]) => [key, packOf([...buffers])]));
  const bind = (launch: readonly KernelCall[]): KernelCall[] => {
    const together = [...packsIn(buffersOf(launch), maxBuffers).keys()].flatMap((key) => packs.get(key) ?? []);
    return together.length === 0 ? [...launch] : launch.map((call) => bound(call, together));
  };
  const bindTask = (task: Task): Task => {
    if (isManyLaunches(task)) return { ...task, calls: task.calls.flatMap((call) => bind([call])) };
    return task.kind === "kernel" ? { ...task, call: at(bind([task.call]), 0) } : { ...task, calls: bind(task.calls) };
  };
  return {
    entries: new Map([...entries].map(([name, tasks]) => [name, tasks.map(bindTask)])),
    packs: [...packs.values()],
  };
}

/** What a launch must bind as one of these buffers, by pack: nothing where each can be bound for itself. */
function packsIn(buffers: readonly Buffer[], maxBuffers: number): Map<unknown, readonly Buffer[]> {
  const groups = new Map<unknown, Buffer[]>();
  if (buffers.length <= maxBuffers) return groups;
  for (const buffer of buffers) groups.set(keyOf(buffer), [...(groups.get(keyOf(buffer)) ?? []), buffer]);
  return new Map([...groups].filter(([, group]) => group.length > 1));
}

function packOf(members: readonly Buffer[]): Pack {
  const { pack = "", dtype } = at(members, 0);
  const offsets = new Map<Buffer, number>();
  let end = 0;
  for (const buffer of members) {
    offsets.set(buffer, end);
    end += aligned(bytesOf(buffer)) / bytesPerElement(dtype);
  }
  return { buffer: { name: `pack/${pack}/${dtype}`, role: "pack", dtype, shape: [end] }, offsets };
}

/** Where a buffer of a call lies now: the number of its parameter, and how many elements into it. */
interface Slot {
  readonly parameter: number;
  readonly offset: number;
}

/** The call with one parameter for its buffers of each of these packs, behind those of the others. */
function bound(call: KernelCall, together: readonly Pack[]): KernelCall {
  const { kernel, buffers } = call;
  const packs = new Map(together.flatMap((pack) => buffers.filter((buffer) => pack.offsets.has(buffer)).map((buffer) => [buffer, pack])));
  if (packs.size === 0) return call;
  const used = [...new Set(packs.values())];
  const kept = buffers.flatMap((buffer, i) => (packs.has(buffer) ? [] : [i]));
  const slots = buffers.map((buffer, i): Slot => {
    const pack = packs.get(buffer);
    if (!pack) return { parameter: kept.indexOf(i), offset: 0 };
    return { parameter: kept.length + used.indexOf(pack), offset: pack.offsets.get(buffer) ?? 0 };
  });
  const params = [
    ...kept.map((i) => at(kernel.params, i)),
    ...used.map((pack, p) =>
      parameterOf(
        kernel.params.filter((_, i) => slots[i]?.parameter === kept.length + p),
        pack,
      ),
    ),
  ];
  const swap = (set: ReadonlySet<Buffer>): Set<Buffer> => new Set([...set].map((buffer) => packs.get(buffer)?.buffer ?? buffer));
  return {
    ...call,
    kernel: {
      ...kernel,
      params: params.map((param, i) => ({ ...param, name: `p${i}` })),
      stages: moved(kernel.stages, slots),
      ...(kernel.room !== undefined && { room: at(slots, kernel.room).parameter }),
    },
    buffers: [...kept.map((i) => at(buffers, i)), ...used.map(({ buffer }) => buffer)],
    reads: swap(call.reads),
    writes: swap(call.writes),
  };
}

/** The stages with what they load and store in its new slots, by the old number of the parameter. */
function moved(stages: readonly Stage[], slots: readonly Slot[]): Stage[] {
  const place = (buffer: number, index: Expr): Expr => e.add(e.int(at(slots, buffer).offset), index);
  const memo = new Map<Expr, Expr>();
  const map = (expr: Expr): Expr =>
    mapExpr(expr, ({ buffer, index, dtype }) => e.load(at(slots, buffer).parameter, place(buffer, index), dtype), memo);
  return stages.map((given): Stage => {
    const stage = mapExpressions(given, map);
    if (stage.kind !== "store") return stage;
    return {
      ...stage,
      writes: stage.writes.map((w) => ({ ...w, buffer: at(slots, w.buffer).parameter, index: place(w.buffer, w.index) })),
    };
  });
}

/** One parameter for those that lie in a pack. */
function parameterOf(members: readonly KernelParameter[], { buffer }: Pack): KernelParameter {
  const all = members.map(({ access }) => access);
  const access = all.every((it) => it === "read") ? "read" : all.every((it) => it === "write") ? "write" : "read_write";
  return { name: "", dtype: buffer.dtype, length: sizeOf(buffer.shape), access };
}

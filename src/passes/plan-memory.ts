// Gives every buffer a fixed place in one arena before anything runs. Temporaries whose lives do not overlap share bytes; entries share
// one temporary region, since they never run at the same time.

import { ALIGNMENT } from "../ir/program.ts";
import { bytesPerElement, formatType, InternalError, tensorType, wordBytes } from "../ir/types.ts";
import { callsOf, type Buffer, type Pack, type Task } from "./lowered.ts";

/** Size in the arena. */
export const bytesOf: (buffer: Buffer) => number = wordBytes;

export interface MemoryPlan {
  /** Byte offset of every buffer but `data`. */
  readonly offsets: ReadonlyMap<Buffer, number>;
  readonly arenaBytes: number;
  /** Peak of the temporary region, and the least it could be: the most bytes alive at one time. */
  readonly temporaryBytes: number;
  readonly lowerBound: number;
}

export const aligned = (bytes: number): number => Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;

interface Life {
  readonly buffer: Buffer;
  readonly bytes: number;
  readonly first: number;
  readonly last: number;
}

/** @param packs buffers that lie side by side: they keep their places, temporaries among them too */
export function planMemory(entries: readonly (readonly Task[])[], packs: readonly Pack[] = []): MemoryPlan {
  const offsets = new Map<Buffer, number>();
  let persistentBytes = 0;
  for (const pack of packs) {
    offsets.set(pack.buffer, persistentBytes);
    pack.offsets.forEach((elements, buffer) => offsets.set(buffer, persistentBytes + elements * bytesPerElement(buffer.dtype)));
    persistentBytes += aligned(bytesOf(pack.buffer));
  }
  for (const buffer of buffersOf(entries.flat())) {
    if (buffer.role === "temp" || buffer.role === "data" || offsets.has(buffer)) continue;
    offsets.set(buffer, persistentBytes);
    persistentBytes += aligned(bytesOf(buffer));
  }
  let temporaryBytes = 0;
  let lowerBound = 0;
  for (const tasks of entries) {
    const lives = livesOf(tasks).filter(({ buffer }) => !offsets.has(buffer));
    const placed = place(lives);
    placed.forEach((offset, buffer) => offsets.set(buffer, persistentBytes + offset));
    for (const life of lives) temporaryBytes = Math.max(temporaryBytes, (placed.get(life.buffer) ?? 0) + life.bytes);
    lowerBound = Math.max(lowerBound, mostAlive(lives, tasks.length));
  }
  return { offsets, temporaryBytes, lowerBound, arenaBytes: persistentBytes + temporaryBytes };
}

function livesOf(tasks: readonly Task[]): Life[] {
  const spans = new Map<Buffer, { first: number; last: number }>();
  tasks.forEach((task, t) => {
    for (const buffer of callsOf(task).flatMap((call) => call.buffers)) {
      if (buffer.role !== "temp") continue;
      const span = spans.get(buffer);
      if (span) span.last = t;
      else spans.set(buffer, { first: t, last: t });
    }
  });
  return [...spans].map(([buffer, span]) => ({ buffer, bytes: aligned(bytesOf(buffer)), ...span }));
}

/** The most bytes of temporaries that are alive at one time when the tasks run in this order. */
export const peakOf = (tasks: readonly Task[]): number => mostAlive(livesOf(tasks), tasks.length);

function mostAlive(lives: readonly Life[], times: number): number {
  const change = new Array<number>(times + 1).fill(0);
  for (const { first, last, bytes } of lives) {
    change[first] = (change[first] ?? 0) + bytes;
    change[last + 1] = (change[last + 1] ?? 0) - bytes;
  }
  let alive = 0;
  return change.reduce((most, by) => Math.max(most, (alive += by)), 0);
}

/** Buffers of an entry in the order of their places: `1024+512  hidden : f32[4, 32]  tasks 3 to 7`. */
export function printMemory(tasks: readonly Task[], { offsets }: MemoryPlan): string {
  const spans = new Map(livesOf(tasks).map(({ buffer, first, last }) => [buffer, `  tasks ${first} to ${last}`]));
  const offsetOf = (buffer: Buffer): number => offsets.get(buffer) ?? -1;
  const lines = [...buffersOf(tasks)]
    .sort((a, b) => offsetOf(a) - offsetOf(b))
    .map((buffer) => {
      const place = buffer.role === "data" ? "apart" : `${offsetOf(buffer)}+${bytesOf(buffer)}`;
      return `${place}  ${buffer.name} : ${formatType(tensorType(buffer.dtype, buffer.shape))}${spans.get(buffer) ?? ""}\n`;
    });
  return lines.join("");
}

/** Buffers that are alive at one time lie apart, and all within the arena. */
export function verifyMemory(tasks: readonly Task[], { offsets, arenaBytes }: MemoryPlan): void {
  const always = [...buffersOf(tasks)].filter(({ role }) => role !== "temp" && role !== "data");
  const persistent = always.map((buffer): Life => ({ buffer, bytes: bytesOf(buffer), first: 0, last: tasks.length }));
  const places = [...persistent, ...livesOf(tasks)].map((life) => ({ ...life, offset: offsets.get(life.buffer) ?? -1 }));
  places.sort((a, b) => a.offset - b.offset);
  places.forEach((place, i) => {
    const end = place.offset + place.bytes;
    if (place.offset < 0 || end > arenaBytes) throw new InternalError(`${place.buffer.name} lies outside of the arena`);
    for (let next = i + 1; next < places.length; next++) {
      const other = places[next];
      if (!other || other.offset >= end) break;
      if (place.first <= other.last && other.first <= place.last)
        throw new InternalError(`${place.buffer.name} and ${other.buffer.name} share memory and are alive at one time`);
    }
  });
}

const buffersOf = (tasks: readonly Task[]): Set<Buffer> => new Set(tasks.flatMap(callsOf).flatMap((call) => call.buffers));

// Beyond this many, trying several orders takes longer than it is worth.
const MANY_LIVES = 1000;
// How often what lies on top is placed first instead.
const ROUNDS = 8;

interface Layout {
  readonly offsets: Map<Buffer, number>;
  readonly peak: number;
}

// First fit in several orders, the best of which is kept: largest first is usually within a few percent of the bound, and where it is not,
// what ended up on top is placed before the others.
function place(lives: readonly Life[]): Map<Buffer, number> {
  const byTime = (a: Life, b: Life): number => a.first - b.first || b.bytes - a.bytes;
  const inTime = firstFit([...lives].sort(byTime), true);
  if (lives.length > MANY_LIVES) return inTime.offsets;
  const bound = mostAlive(lives, Math.max(0, ...lives.map((life) => life.last + 1)));
  const orders: ((a: Life, b: Life) => number)[] = [
    (a, b) => b.bytes - a.bytes || a.first - b.first,
    (a, b) => b.bytes * (b.last - b.first + 1) - a.bytes * (a.last - a.first + 1) || a.first - b.first,
  ];
  let best: Layout = inTime;
  for (const order of orders) {
    let sorted = [...lives].sort(order);
    for (let round = 0; round < ROUNDS && best.peak > bound; round++) {
      const layout = firstFit(sorted, false);
      if (layout.peak < best.peak) best = layout;
      const isOnTop = (life: Life): boolean => (layout.offsets.get(life.buffer) ?? 0) + life.bytes === layout.peak;
      sorted = [...sorted.filter(isOnTop), ...sorted.filter((life) => !isOnTop(life))];
    }
  }
  return best.offsets;
}

/** @param isByTime the lives begin in this order: what has ended is in nobody's way any more */
function firstFit(lives: readonly Life[], isByTime: boolean): Layout {
  const offsets = new Map<Buffer, number>();
  let placed: { readonly life: Life; readonly offset: number }[] = []; // by offset
  let peak = 0;
  for (const life of lives) {
    if (isByTime) placed = placed.filter((p) => p.life.last >= life.first);
    let offset = 0;
    for (const other of placed) {
      if (other.life.last < life.first || life.last < other.life.first) continue;
      if (other.offset >= offset + life.bytes) break;
      offset = Math.max(offset, other.offset + other.life.bytes);
    }
    offsets.set(life.buffer, offset);
    const index = placed.findIndex((p) => p.offset > offset);
    placed.splice(index < 0 ? placed.length : index, 0, { life, offset });
    peak = Math.max(peak, offset + life.bytes);
  }
  return { offsets, peak };
}

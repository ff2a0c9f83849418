// Gives every buffer a fixed place in one arena before anything runs. Temporaries whose lives do not overlap share bytes; entries share
// one temporary region, since they never run at the same time.

import { bytesPerElement, sizeOf } from "../ir/types.ts";
import { callsOf, memoryOf, type Buffer, type Task } from "./lowered.ts";

/** Offsets of WebGPU bindings are multiples of this (minStorageBufferOffsetAlignment's default). */
export const ALIGNMENT = 256;

export interface MemoryPlan {
  /** Byte offset of every buffer but `data`. */
  readonly offsets: ReadonlyMap<Buffer, number>;
  readonly arenaBytes: number;
  readonly persistentBytes: number;
  /** Peak of the temporary region, and the least it could be: the most bytes alive at one time. */
  readonly temporaryBytes: number;
  readonly lowerBound: number;
}

/** Size in the arena: whole 32-bit words, aligned. */
export const bytesOf = (buffer: Buffer): number => Math.max(4, Math.ceil((sizeOf(buffer.shape) * bytesPerElement(buffer.dtype)) / 4) * 4);

const aligned = (bytes: number): number => Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;

interface Life {
  readonly buffer: Buffer;
  readonly bytes: number;
  readonly first: number;
  readonly last: number;
}

export function planMemory(entries: readonly (readonly Task[])[]): MemoryPlan {
  const offsets = new Map<Buffer, number>();
  let persistentBytes = 0;
  for (const buffer of new Set(entries.flat().flatMap(callsOf).flatMap((call) => call.buffers.map(memoryOf)))) {
    if (buffer.role === "temp" || buffer.role === "data") continue;
    offsets.set(buffer, persistentBytes);
    persistentBytes += aligned(bytesOf(buffer));
  }
  let temporaryBytes = 0;
  let lowerBound = 0;
  for (const tasks of entries) {
    const lives = livesOf(tasks);
    const placed = place(lives);
    placed.forEach((offset, buffer) => offsets.set(buffer, persistentBytes + offset));
    for (const life of lives) temporaryBytes = Math.max(temporaryBytes, (placed.get(life.buffer) ?? 0) + life.bytes);
    tasks.forEach((_, t) => {
      const alive = lives.reduce((sum, l) => (l.first <= t && t <= l.last ? sum + l.bytes : sum), 0);
      lowerBound = Math.max(lowerBound, alive);
    });
  }
  return { offsets, persistentBytes, temporaryBytes, lowerBound, arenaBytes: persistentBytes + temporaryBytes };
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

// First fit in several orders, the best of which is kept: largest first is usually within a few percent of the bound.
function place(lives: readonly Life[]): Map<Buffer, number> {
  const orders: ((a: Life, b: Life) => number)[] = [
    (a, b) => b.bytes - a.bytes || a.first - b.first,
    (a, b) => b.bytes * (b.last - b.first + 1) - a.bytes * (a.last - a.first + 1) || a.first - b.first,
    (a, b) => a.first - b.first || b.bytes - a.bytes,
  ];
  const plans = orders.map((order) => firstFit([...lives].sort(order)));
  const best = plans.reduce((x, y) => (y.peak < x.peak ? y : x));
  return best.offsets;
}

function firstFit(lives: readonly Life[]): { readonly offsets: Map<Buffer, number>; readonly peak: number } {
  const offsets = new Map<Buffer, number>();
  const placed: { readonly life: Life; readonly offset: number }[] = []; // by offset
  let peak = 0;
  for (const life of lives) {
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

// Kernels written by hand for the tests of the wasm device: each shows one thing that a launch must get right, and would show it in its
// numbers. The code generator is not asked, so that its kernels' habits do not hide a fault.

import { availableParallelism } from "node:os";
import { pathToFileURL } from "node:url";
import { assemble } from "../../src/codegen/wasm/assemble.ts";
import { PROGRAM_VERSION, type BufferPlan, type BufferRole, type CompiledKernel, type Launch, type Program } from "../../src/ir/program.ts";
import type { Device } from "../../src/runtime/device.ts";
import { openWasmDevice, type WasmOptions } from "../../src/runtime/wasm/device.ts";
import { nodeWorkers } from "../../src/runtime/wasm/workers.ts";

export const WORKER = pathToFileURL("dist/wasm-worker.mjs");

export function openWasm(threads: number, options: Partial<WasmOptions> = {}): Promise<Device> {
  const start = nodeWorkers(() => WORKER);
  return Promise.resolve(openWasmDevice({ start, threads, cores: availableParallelism(), isShared: true, ...options }));
}

interface Shape {
  readonly units: number;
  readonly grain?: number;
  readonly piece?: number;
  readonly writes: readonly number[];
  readonly scratchBytes?: number;
  readonly keeps?: { readonly params: readonly number[]; readonly bytes: number };
}

/** @param body in the loop over `$i`, from `begin` to `end`; the address of word `i` of parameter p is `(call $at p i)` */
export function kernel(
  name: string,
  body: string,
  { units, grain = 1, piece = grain, writes, scratchBytes = 0, keeps }: Shape,
): CompiledKernel {
  const text = `(module (import "env" "memory" (memory 1 65536 shared))
    (func $run (export "run") (param $args i32) (param $time i32) (param $begin i32) (param $end i32) (param $scratch i32) (param $kept i32) (param $fresh i32) (param $first i32)
      (local $i i32)
      (local.set $i (local.get $begin))
      (block $out (loop $next
        (br_if $out (i32.ge_s (local.get $i) (local.get $end)))
        ${body.replaceAll("$at", "$at (local.get $args)")}
        (local.set $i (i32.add (local.get $i) (i32.const 1)))
        (br $next))))
    (func $at (param $args i32) (param $p i32) (param $i i32) (result i32)
      (i32.add (i32.load (i32.add (local.get $args) (i32.shl (local.get $p) (i32.const 2)))) (i32.shl (local.get $i) (i32.const 2)))))`;
  const encoded = (relaxed: boolean): string => Buffer.from(assemble(text, { relaxed })).toString("base64");
  return {
    name,
    source: text,
    wasm: { relaxed: encoded(true), simd: encoded(false), units, grain, piece, scratchBytes, writes, margin: 64, ...(keeps && { keeps }) },
  };
}

/** y[i] = x[i + 1] + 1, around the end: whoever runs ahead of the others reads an old number. */
export const turn = (units: number, grain = 1): CompiledKernel =>
  kernel(
    `turn${String(grain)}`,
    `(i32.store (call $at (i32.const 1) (local.get $i))
      (i32.add (i32.const 1) (i32.load (call $at (i32.const 0) (i32.rem_u (i32.add (local.get $i) (i32.const 1)) (i32.const ${String(units)}))))))`,
    { units, grain, writes: [1] },
  );

/** log[++log[0]] = time, by one thread. */
export const logTime = (): CompiledKernel =>
  kernel(
    "log_time",
    `(i32.store (call $at (i32.const 0) (i32.const 0)) (i32.add (i32.load (call $at (i32.const 0) (i32.const 0))) (i32.const 1)))
     (i32.store (call $at (i32.const 0) (i32.load (call $at (i32.const 0) (i32.const 0)))) (local.get $time))`,
    { units: 1, writes: [0] },
  );

/** Keeps x where it may, and adds what it kept to y; counts in z how often x was read. */
export const keeper = (units: number): CompiledKernel =>
  kernel(
    "keeper",
    `(if (local.get $fresh) (then
       (i32.store (call $at (i32.const 2) (local.get $i)) (i32.add (i32.const 1) (i32.load (call $at (i32.const 2) (local.get $i)))))
       (if (local.get $kept) (then
         (i32.store (i32.add (local.get $kept) (i32.shl (local.get $i) (i32.const 2))) (i32.load (call $at (i32.const 0) (local.get $i))))))))
     (i32.store (call $at (i32.const 1) (local.get $i)) (i32.add (i32.load (call $at (i32.const 1) (local.get $i)))
       (if (result i32) (local.get $kept)
         (then (i32.load (i32.add (local.get $kept) (i32.shl (local.get $i) (i32.const 2)))))
         (else (i32.load (call $at (i32.const 0) (local.get $i)))))))`,
    { units, writes: [1, 2], keeps: { params: [0], bytes: 4 * units } },
  );

/** Traps at the last unit, which the last thread has. */
export const trap = (units: number): CompiledKernel =>
  kernel("trap", `(if (i32.eq (local.get $i) (i32.const ${String(units - 1)})) (then (unreachable)))`, { units, writes: [] });

/** What stands in scratch after all units are through: another thread's number, were the memory one. */
export const scratch = (units: number): CompiledKernel =>
  kernel(
    "scratch",
    `(if (i32.eq (local.get $i) (local.get $begin)) (then (i32.store (local.get $scratch) (local.get $begin))))
     (i32.store (call $at (i32.const 0) (local.get $i)) (i32.load (local.get $scratch)))`,
    { units, piece: units, writes: [0], scratchBytes: 64 },
  );

/**
 * y[i] = 1000 * time + which call of its thread in this launch did it, as the thread's scratch knows; z[i] = where that scratch is, and w[i] counts.
 * The second half of the units takes long.
 */
export const calls = (units: number): CompiledKernel =>
  kernel(
    "calls",
    `(if (i32.eq (local.get $i) (local.get $begin)) (then
       (if (local.get $first) (then (i32.store (local.get $scratch) (i32.mul (local.get $time) (i32.const 1000)))))
       (i32.store (local.get $scratch) (i32.add (i32.load (local.get $scratch)) (i32.const 1)))))
     (i32.store (call $at (i32.const 0) (local.get $i)) (i32.load (local.get $scratch)))
     (i32.store (call $at (i32.const 1) (local.get $i)) (local.get $scratch))
     (i32.store (call $at (i32.const 2) (local.get $i)) (i32.add (i32.load (call $at (i32.const 2) (local.get $i))) (i32.const 1)))
     (i32.store offset=4 (local.get $scratch) (select (i32.const 100000) (i32.const 1) (i32.ge_u (local.get $i) (i32.const ${String(units / 2)}))))
     (loop $wait
       (i32.store offset=4 (local.get $scratch) (i32.sub (i32.load offset=4 (local.get $scratch)) (i32.const 1)))
       (br_if $wait (i32.load offset=4 (local.get $scratch))))`,
    { units, writes: [0, 1, 2], scratchBytes: 64 },
  );

export interface BufferSpec {
  readonly name: string;
  readonly words: number;
  readonly role?: BufferRole;
  /** Bytes from the start of the arena, where it is to lie over another. */
  readonly offset?: number;
}

export function programOf(kernels: readonly CompiledKernel[], specs: readonly BufferSpec[], entries: Program["entries"]): Program {
  let end = 0;
  const buffers = specs.map(({ name, words, role = "input", offset = end }): BufferPlan => {
    const bytes = 4 * words;
    if (role !== "data") end = Math.max(end, Math.ceil((offset + bytes) / 256) * 256);
    return { name, role, dtype: "i32", shape: [words], bytes, offset: role === "data" ? -1 : offset };
  });
  return { format: "tlc-program", version: PROGRAM_VERSION, target: "wasm", arenaBytes: end, buffers, kernels, entries };
}

export const launch = (index: number, ...buffers: number[]): Extract<Launch, { kind: "kernel" }> => ({
  kind: "kernel",
  kernel: index,
  buffers,
});

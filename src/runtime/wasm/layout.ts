// Where a program lies in WebAssembly's memory: the planner's arena, the tables of addresses that kernels take, what loops keep, scratch
// for each thread. Resident data comes behind, when the host writes it.

import type { EntryName, KernelLaunch, LoopLaunch, Program, WasmKernel } from "../../ir/program.ts";
import { InternalError } from "../../ir/types.ts";
import { overlaps, rowsOfLoop } from "./loop-rows.ts";
import type { EntrySteps, LoadedProgram, Loop, LoopRows, Step } from "./messages.ts";
import { PAGE } from "./memory.ts";

const ALIGNMENT = 256;
/** Calls that a thread's share of a launch is cut into at most. */
const MOST_CALLS = 8;

const roundUp = (bytes: number): number => Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;

export function layOut(program: Program, threads: number): LoadedProgram {
  const kernels = program.kernels.map(({ name, wasm }): WasmKernel => {
    if (!wasm) throw new InternalError(`kernel ${name} was not compiled for the wasm device`);
    return wasm;
  });
  const margin = roundUp(Math.max(64, ...kernels.map((kernel) => kernel.margin)));
  // Kernels may compute addresses a little below their buffers: the arena does not start at 0.
  const arenaAt = PAGE + margin;
  const addresses = program.buffers.map(({ offset }) => (offset < 0 ? -1 : arenaAt + offset));
  let end = roundUp(arenaAt + program.arenaBytes + margin);
  const tablesAt = end;
  const words: number[] = [];
  const places: Record<number, number[]> = {};
  const tables = new Map<string, number>();
  const tableOf = (buffers: readonly number[]): number => {
    const key = buffers.join();
    let at = tables.get(key);
    if (at === undefined) {
      at = tablesAt + 4 * words.length;
      tables.set(key, at);
      for (const buffer of buffers) {
        if (program.buffers[buffer]?.role === "data") (places[buffer] ??= []).push(words.length);
        words.push(addresses[buffer] ?? -1);
      }
    }
    return at;
  };
  // Laid out after the tables, whose size is known when all launches were seen.
  const keeping: { readonly step: { kept: number; keptOfThread: number }; readonly keeps: number; readonly isOfThread: boolean }[] = [];
  const stepOf = (launch: KernelLaunch, loop?: LoopLaunch, rows?: LoopRows): Step => {
    const kernel = kernels[launch.kernel];
    if (!kernel) throw new InternalError(`the program has no kernel ${String(launch.kernel)}`);
    const useful = Math.max(1, Math.floor(kernel.units / Math.max(1, kernel.grain)));
    const shared = Math.min(threads, useful);
    const piece = kernel.piece * Math.ceil(kernel.units / (shared * MOST_CALLS * kernel.piece));
    const step = {
      kernel: launch.kernel,
      args: tableOf(launch.buffers),
      units: kernel.units,
      threads: shared,
      piece,
      kept: 0,
      keptOfThread: 0,
    };
    if (
      loop &&
      kernel.keeps &&
      !changes(
        program,
        kernels,
        loop,
        kernel.keeps.params.map((param) => launch.buffers[param] ?? -1),
      )
    )
      keeping.push({ step, keeps: kernel.keeps.bytes, isOfThread: rows !== undefined });
    return step;
  };
  const loopOf = (loop: LoopLaunch): Loop => {
    const rows = rowsOfLoop(program, kernels, loop, threads);
    return { count: loop.count, reverse: loop.reverse, body: loop.body.map((launch) => stepOf(launch, loop, rows)), ...(rows && { rows }) };
  };
  const entries: Record<EntryName, EntrySteps> = {};
  for (const [name, launches] of Object.entries(program.entries)) {
    const flat = launches.flatMap((launch) => (launch.kind === "loop" ? launch.body : [launch]));
    entries[name] = {
      steps: launches.map((launch) => (launch.kind === "kernel" ? stepOf(launch) : loopOf(launch))),
      needs: [...new Set(flat.flatMap(({ buffers }) => buffers))].filter((buffer) => program.buffers[buffer]?.role === "data"),
    };
  }
  end = roundUp(tablesAt + 4 * words.length);
  for (const { step, keeps, isOfThread } of keeping) {
    const bytes = roundUp(keeps);
    step.kept = end;
    step.keptOfThread = isOfThread ? bytes : 0;
    end += isOfThread ? threads * bytes : bytes;
  }
  const scratchAt = end;
  const scratchBytes = roundUp(Math.max(0, ...kernels.map((kernel) => kernel.scratchBytes)));
  end = roundUp(scratchAt + threads * scratchBytes + margin);
  const names = program.buffers.map(({ name }) => name);
  const entryNames = Object.keys(entries);
  return { entries, entryNames, addresses, tables: Int32Array.from(words), tablesAt, places, names, scratchAt, scratchBytes, end, margin };
}

/** Whether any launch of the loop writes to where these buffers are. */
function changes(program: Program, kernels: readonly WasmKernel[], { body }: LoopLaunch, buffers: readonly number[]): boolean {
  const watched = buffers.map((buffer) => program.buffers[buffer]);
  return body.some((launch) =>
    (kernels[launch.kernel]?.writes ?? []).some((param) => {
      const written = program.buffers[launch.buffers[param] ?? -1];
      return watched.some((plan) => overlaps(plan, written));
    }),
  );
}

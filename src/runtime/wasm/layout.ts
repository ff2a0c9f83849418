// Where a program lies in WebAssembly's memory: the planner's arena, the tables of addresses that kernels take, what loops keep, scratch
// for each thread. Resident data comes behind, when the host writes it.

import type { BufferPlan, EntryName, KernelLaunch, LoopLaunch, Program, WasmKernel } from "../../ir/program.ts";
import { InternalError } from "../../ir/types.ts";
import type { EntrySteps, LoadedProgram, Step } from "./messages.ts";
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
  const keeping: { readonly step: { kept: number }; readonly bytes: number }[] = [];
  const stepOf = (launch: KernelLaunch, loop?: LoopLaunch): Step => {
    const kernel = kernels[launch.kernel];
    if (!kernel) throw new InternalError(`the program has no kernel ${String(launch.kernel)}`);
    const useful = Math.max(1, Math.floor(kernel.units / Math.max(1, kernel.grain)));
    const shared = Math.min(threads, useful);
    const piece = kernel.piece * Math.ceil(kernel.units / (shared * MOST_CALLS * kernel.piece));
    const step = { kernel: launch.kernel, args: tableOf(launch.buffers), units: kernel.units, threads: shared, piece, kept: 0 };
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
      keeping.push({ step, bytes: kernel.keeps.bytes });
    return step;
  };
  const entries: Record<EntryName, EntrySteps> = {};
  for (const [name, launches] of Object.entries(program.entries)) {
    const flat = launches.flatMap((launch) => (launch.kind === "loop" ? launch.body : [launch]));
    entries[name] = {
      steps: launches.map((launch) =>
        launch.kind === "kernel"
          ? stepOf(launch)
          : { count: launch.count, reverse: launch.reverse, body: launch.body.map((inner) => stepOf(inner, launch)) },
      ),
      needs: [...new Set(flat.flatMap(({ buffers }) => buffers))].filter((buffer) => program.buffers[buffer]?.role === "data"),
    };
  }
  end = roundUp(tablesAt + 4 * words.length);
  for (const { step, bytes } of keeping) {
    step.kept = end;
    end += roundUp(bytes);
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
  const overlaps = (a: BufferPlan | undefined, b: BufferPlan | undefined): boolean =>
    !a || !b || a === b || (a.offset >= 0 && b.offset >= 0 && a.offset < b.offset + b.bytes && b.offset < a.offset + a.bytes);
  return body.some((launch) =>
    (kernels[launch.kernel]?.writes ?? []).some((param) => {
      const written = program.buffers[launch.buffers[param] ?? -1];
      return watched.some((plan) => overlaps(plan, written));
    }),
  );
}

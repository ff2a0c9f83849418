// Loops whose rows have nothing to do with each other: each kernel says which parts of its buffers belong to a row, and where all kernels
// mean the same parts of what the loop writes, a row's steps wait for no other row's.

import type { BufferPlan, LoopLaunch, Program, WasmKernel } from "../../ir/program.ts";
import type { LoopRows } from "./messages.ts";

/** Rows that share a pass over the weights, where there are enough of them for all threads. */
const TOGETHER = 16;

/** How the loop's rows are shared among threads; undefined where threads have to meet after each launch. */
export function rowsOfLoop(program: Program, kernels: readonly WasmKernel[], loop: LoopLaunch, threads: number): LoopRows | undefined {
  const launches = loop.body.map((launch) => ({ launch, kernel: kernels[launch.kernel] }));
  const [first] = launches;
  const extent = first?.kernel?.rows?.extent ?? 0;
  const perUnit = launches.map(({ kernel }) => kernel?.rows?.perUnit ?? 0);
  if (extent === 0 || launches.some(({ kernel }) => kernel?.rows?.extent !== extent)) return undefined;
  const touches = launches.flatMap(({ launch, kernel }) =>
    launch.buffers.map((buffer, param) => ({
      buffer: program.buffers[buffer],
      isWritten: kernel?.writes.includes(param) === true,
      stride: kernel?.rows?.own.find((own) => own.param === param)?.stride,
    })),
  );
  const isApart = touches
    .filter(({ isWritten }) => isWritten)
    .every((written) =>
      touches.every(
        ({ buffer, stride }) =>
          !overlaps(buffer, written.buffer) || (buffer === written.buffer && stride !== undefined && stride === written.stride),
      ),
    );
  if (!isApart) return undefined;
  const unit = Math.max(...perUnit);
  if (perUnit.some((rows) => unit % rows !== 0)) return undefined;
  // As many threads as all steps together are worth.
  const worth = loop.count * launches.reduce((sum, { kernel }) => sum + (kernel ? kernel.units / Math.max(1, kernel.grain) : 0), 0);
  const most = Math.min(threads, Math.max(1, Math.floor(worth)), Math.ceil(extent / unit));
  const at = most === 1 ? extent : unit * Math.ceil(Math.min(TOGETHER, extent / most) / unit);
  return { extent, at, threads: Math.min(most, Math.ceil(extent / at)), perUnit };
}

/** Whether two buffers have memory in common; a buffer that is not known yet has it with all. */
export const overlaps = (a: BufferPlan | undefined, b: BufferPlan | undefined): boolean =>
  !a || !b || a === b || (a.offset >= 0 && b.offset >= 0 && a.offset < b.offset + b.bytes && b.offset < a.offset + a.bytes);

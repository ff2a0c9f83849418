// What fits where a program does not: the largest batch whose plan the device has room for, found by compiling the spec again, since only a plan
// says what it takes; and the number of batches to gather for the steps of the batch that was asked for.

import { DeviceError } from "../runtime/device.ts";
import { compileRequest, type CompileOptions, type Opened } from "./open.ts";
import type { Terminal } from "./terminal.ts";
import type { CompileOutcome } from "./toolchain.ts";

/** Compilations, and milliseconds, that are spent on it. */
const MOST_TRIES = 12;
const LONGEST = 60_000;

/** Bytes of the stage that takes most. */
const peakOf = ({ artifact }: CompileOutcome): number =>
  Math.max(...(artifact?.stages.map(({ program }) => program.arenaBytes) ?? [Infinity]));

/** The error of a device without room, with what would fit; as it is where that is not known. */
export async function withFittingBatch(
  error: DeviceError,
  path: string,
  { artifact, device, isFolder }: Opened,
  options: CompileOptions,
  terminal: Terminal,
): Promise<DeviceError> {
  const { mostMemory } = device;
  const { batch, stages } = artifact.recipe;
  const peak = peakOf({ artifact, diagnostics: [], sources: new Map() });
  // What another program has taken of a device is not known.
  if (isFolder || mostMemory === undefined || peak <= mostMemory) return error;
  terminal.live("looking for a batch that fits");
  const peakWith = async (size: number, ...more: readonly string[]): Promise<number> => {
    const set = [...options.set, `batch=${size}`, ...more];
    return peakOf(
      await terminal.io.toolchain.compileSpec(path, compileRequest(path, { ...options, set }, device.info.kind, terminal, device)),
    );
  };
  const largest = await largestBelow(batch, peak, mostMemory, peakWith);
  if (largest === 0) return new DeviceError(error.reason, error.message, "No batch fits: freeze more layers, or take a smaller network.");
  // What is gathered takes room itself: of the gradients, once.
  const parts = Array.from({ length: batch }, (_, i) => i + 1).filter((count) => batch % count === 0 && batch / count <= largest);
  const steps = (count: number): string => `accumulate=${count * (stages[0]?.accumulate ?? 1)}`;
  const gathered = await firstOf(parts.slice(0, MOST_TRIES), async (count) => (await peakWith(batch / count, steps(count))) <= mostMemory);
  const same = gathered && ` Steps of ${batch} examples: \`--set batch=${batch / gathered} --set ${steps(gathered)}\`.`;
  const isRecomputed = stages.some(({ recompute }) => recompute);
  const fitsAnew = !isRecomputed && (await peakWith(batch, "recompute=auto")) <= mostMemory;
  const kept = fitsAnew ? " The whole batch, with values computed twice instead of kept: `--set recompute=auto`." : "";
  return new DeviceError(
    error.reason,
    error.message,
    `The largest batch that fits is ${largest}: \`--set batch=${largest}\`.${same ?? ""}${kept}`,
  );
}

async function firstOf<T>(list: readonly T[], holds: (item: T) => Promise<boolean>): Promise<T | undefined> {
  for (const item of list) if (await holds(item)) return item;
  return undefined;
}

/**
 * The largest batch whose plan takes at most `room`, or the largest that was found in time; 0 where none was. Plans grow about
 * linearly, so the next try is where a line between the two nearest ones meets the room.
 */
export async function largestBelow(
  batch: number,
  peak: number,
  room: number,
  peakWith: (batch: number) => Promise<number>,
  until = performance.now() + LONGEST,
): Promise<number> {
  let [fits, fitting] = [0, 0];
  let [fails, failing] = [batch, peak];
  for (let tries = 0; tries < MOST_TRIES && fails - fits > 1 && performance.now() < until; tries++) {
    // Of a batch of nothing it is not known what it takes; and two tries in three by the line, lest it creeps.
    const isByLine = fits > 0 && tries % 3 !== 2;
    const guess = isByLine ? fits + ((fails - fits) * (room - fitting)) / (failing - fitting) : (fits + fails) / 2;
    const next = Math.min(fails - 1, Math.max(fits + 1, Math.floor(guess)));
    const taken = await peakWith(next);
    if (taken <= room) [fits, fitting] = [next, taken];
    else [fails, failing] = [next, taken];
  }
  return fits;
}

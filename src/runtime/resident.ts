// Puts a split on the device, after checking that it is what the program was compiled for.

import type { SumBuffer } from "../ir/artifact.ts";
import { columnsIn, labelNames } from "../ir/tasks.ts";
import { formatType, sameType, sizeOf } from "../ir/types.ts";
import { columnFor, typeFor, type Column, type LoadedSplit } from "./data/loaded-split.ts";
import type { HostArray } from "./device.ts";
import { DataError } from "./errors.ts";
import { entryFor, type LoadedStage } from "./network.ts";

interface NamedColumn extends Column {
  readonly name: string;
}

/** Examples as they are trained on, for steps or for views that are kept, or as they are evaluated. */
type Purpose = "train" | "views" | "evaluate";

/** Throws where the columns of a split are not of the types that the program takes. */
export function requireColumns({ artifact }: LoadedStage, purpose: Purpose, split: LoadedSplit): void {
  const labels = labelNames(artifact.dataInfo);
  for (const info of columnsIn(artifact.dataInfo)) {
    const type = typeFor(split, info.name, labels);
    const stored = { dtype: info.dtype, shape: purpose === "evaluate" ? info.shape : (info.training?.shape ?? info.shape) };
    if (!sameType(type, stored)) {
      throw new DataError(
        `"${info.name}" is ${formatType(type)} in the data, the program was compiled for ${formatType(stored)}`,
        "compile the spec again for this data",
      );
    }
  }
}

function columnsFor(loaded: LoadedStage, purpose: Purpose, split: LoadedSplit): readonly NamedColumn[] {
  requireColumns(loaded, purpose, split);
  const { dataInfo } = loaded.artifact;
  const labels = labelNames(dataInfo);
  return columnsIn(dataInfo).map(({ name }) => ({ ...columnFor(split, name, labels), name }));
}

export function writeResident(loaded: LoadedStage, purpose: Purpose, split: LoadedSplit): void {
  const { stage, session } = loaded;
  const buffers = new Map(entryFor(stage, purpose).columns.map((it) => [it.column, it]));
  for (const column of columnsFor(loaded, purpose, split)) {
    const { buffer, places } = buffers.get(column.name) ?? {};
    if (buffer !== undefined) session.write(buffer, column.data);
    if (places !== undefined && column.places !== undefined) session.write(places, column.places);
  }
}

/** Zeros for the sums of an epoch. */
export function resetSums({ stage, session }: LoadedStage, purpose: "train" | "evaluate"): void {
  for (const { buffer } of entryFor(stage, purpose).sums) {
    const state = stage.states.find(({ name }) => name === buffer);
    session.write(buffer, new Float32Array(sizeOf(state?.type.shape ?? [])));
  }
}

/** The sums of an epoch so far, after everything enqueued. */
export async function readSums({ stage, session }: LoadedStage, purpose: "train" | "evaluate"): Promise<Map<SumBuffer["sum"], HostArray>> {
  const { sums } = entryFor(stage, purpose);
  const values = await session.read(sums.map(({ buffer }) => buffer));
  return new Map(
    sums.flatMap(({ sum, buffer }) => {
      const value = values.get(buffer);
      return value === undefined ? [] : [[sum, value] as const];
    }),
  );
}

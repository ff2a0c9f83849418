// The two questions that the rest asks about data in files: what does it look like (cheap, before compiling), and what is in it.
// Node only; in a browser a page hands over arrays through `splitFromArrays`.

import type { DataInfo, DataPlan, SourcePlan } from "../../ir/plan.ts";
import { DataError } from "../errors.ts";
import { describeImages, loadImageFolder, loadImages } from "./images.ts";
import type { LoadedSplit } from "./loaded-split.ts";
import { imageLayout } from "./pixels.ts";
import { definingSource, resolveSplit, splitNames } from "./splits.ts";
import { describeTable, loadTable } from "./table.ts";

/** From folder names and one image, or from one table: classes are what the training data has. */
export async function describeData(plan: DataPlan): Promise<DataInfo> {
  const source = definingSource(plan);
  switch (source.kind) {
    case "images":
      return describeImages(source.path, imageLayout(plan));
    case "table":
      return describeTable(source);
    default:
      return source satisfies never;
  }
}

/** `info` is what the program was compiled for, so that label 3 means the same class in every split and every run. */
export async function loadSplit(plan: DataPlan, name: string, info: DataInfo, signal?: AbortSignal): Promise<LoadedSplit> {
  const split = resolveSplit(plan, name);
  if (split === undefined) throw new DataError(`the data set ${plan.name} has no "${name}"`, `it has ${splitNames(plan).join(", ")}`);
  const loaded = await load(plan, split.source, info, split.select, signal);
  if (loaded.count === 0)
    throw new DataError(`"${name}" of the data set ${plan.name} has no examples`, "give it a larger part of the split");
  return loaded;
}

function load(
  plan: DataPlan,
  source: SourcePlan,
  info: DataInfo,
  select: (count: number) => Int32Array,
  signal?: AbortSignal,
): Promise<LoadedSplit> {
  switch (source.kind) {
    case "images":
      return loadImageFolder(source.path, imageLayout(plan), info, select, signal);
    case "table":
      return loadTable(source, info, select);
    default:
      return source satisfies never;
  }
}

/** Unlabelled examples for prediction: image files, or one table with the columns that the spec names. */
export async function loadInputs(plan: DataPlan, files: readonly string[], info: DataInfo): Promise<LoadedSplit> {
  const source = definingSource(plan);
  if (source.kind === "images") return loadImages(files, imageLayout(plan), info);
  const [path, ...rest] = files;
  if (path === undefined || rest.length > 0) throw new DataError("this network predicts from one table file at a time");
  return loadTable({ ...source, path }, info, (count) => Int32Array.from({ length: count }, (_, i) => i), false);
}

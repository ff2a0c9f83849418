// The two questions that the rest asks about data in files: what does it look like (cheap, before compiling), and what is in it.
// Node only; in a browser a page hands over arrays through `splitFromArrays`.

import { existsSync } from "node:fs";
import { extname } from "node:path";
import type { ColumnInfo, DataInfo, DataPlan, LabelRequest, WordPlan } from "../../ir/plan.ts";
import { at } from "../../ir/ops/define.ts";
import { classesOf, skipsBroken } from "../../ir/recipe/sources/images.ts";
import { masksOf, pictures } from "../../ir/recipe/sources/pictures.ts";
import { pathOf, sourceOf, type SourceName } from "../../ir/recipe/sources/index.ts";
import { columnsOf, tableFormat } from "../../ir/recipe/sources/table.ts";
import { loadSteps } from "../../ir/recipe/steps/host.ts";
import { DataError } from "../errors.ts";
import type { DataAccess } from "./access.ts";
import { describeImages, type ImageFolder } from "./images.ts";
import type { LoadedSplit } from "./loaded-split.ts";
import { describeMasked, requireNoKeys, type MaskedPictures } from "./masked.ts";
import { maskStorage, storageOf, type Purpose, type Storage } from "./pixels.ts";
import { definingSource, everything, resolveSplit, splitNames, type ResolvedSplit } from "./splits.ts";
import { describeTable, eachPart, loadTable, type TableSource, type TableSplit } from "./table.ts";

export interface LoadOptions extends DataAccess {
  /** What the examples are for: those of `train` for training, unless given. */
  readonly purpose?: Purpose;
}

/** How the files of a source are read: its classes and shapes, examples with labels, and examples without. */
interface Loader {
  readonly describe: (plan: DataPlan, source: WordPlan, labels: readonly LabelRequest[], access: DataAccess) => Promise<DataInfo>;
  readonly load: (plan: DataPlan, split: ResolvedSplit, info: DataInfo, options: LoadOptions) => Promise<LoadedSplit>;
  readonly loadInputs: (
    plan: DataPlan,
    source: WordPlan,
    files: readonly string[],
    info: DataInfo,
    access: DataAccess,
  ) => Promise<LoadedSplit>;
}

const foldersOf = (source: WordPlan): ImageFolder => ({
  folder: pathOf(source),
  classes: classesOf(source),
  skipsBroken: skipsBroken(source),
});

const maskedOf = (source: WordPlan): MaskedPictures => ({
  ...{ folder: pathOf(source), masks: masksOf(source) },
  classes: pictures.classes?.(source.args) ?? [],
});

const tableOf = (source: WordPlan): TableSource => ({ path: pathOf(source), columns: columnsOf(source), format: tableFormat(source) });

/** What is trained on, if it comes from this source: what is fitted, is fitted on it. */
const trainingSplit = (plan: DataPlan, source: WordPlan): TableSplit => {
  const split = resolveSplit(plan, "train");
  return split?.source === source ? split : WHOLE;
};

const WHOLE: TableSplit = { select: everything, keyedBy: "nothing" };

function pictureStorage({ preprocess }: DataPlan, { inputs }: DataInfo, purpose: Purpose = "evaluate"): Storage {
  const [input] = inputs;
  if (input?.shape.length !== 3) throw new DataError("the program does not take images");
  return storageOf(input, loadSteps(preprocess), purpose);
}

const LOADERS = {
  images: {
    describe: (plan, source, labels, access) => describeImages(foldersOf(source), plan, labels, trainingSplit(plan, source), access),
    // Decoders and threads are nothing for who only looks.
    load: async (plan, { source, select, keyedBy }, info, options) => {
      if (typeof keyedBy === "object") throw new DataError("pictures have no columns to split them by", "leave out `by`");
      const { loadImageFolder } = await import("./load-folder.ts");
      return loadImageFolder(foldersOf(source), pictureStorage(plan, info, options.purpose), info, select, options);
    },
    loadInputs: async (plan, _, files, info, access) =>
      (await import("./load-images.ts")).loadImages({ files, storage: pictureStorage(plan, info) }, info, access),
  },
  pictures: {
    describe: (plan, source, labels, access) => describeMasked(maskedOf(source), plan, labels, trainingSplit(plan, source), access),
    load: async (plan, { source, select, keyedBy }, info, options) => {
      requireNoKeys(keyedBy);
      const { loadMasked } = await import("./load-masked.ts");
      const storages = {
        pictures: pictureStorage(plan, info, options.purpose),
        masks: (label: ColumnInfo) => maskStorage(label, loadSteps(plan.preprocess), options.purpose ?? "evaluate"),
      };
      return loadMasked(maskedOf(source), storages, info, select, options);
    },
    loadInputs: async (plan, _, files, info, access) =>
      (await import("./load-images.ts")).loadImages({ files, storage: pictureStorage(plan, info) }, info, access),
  },
  table: {
    describe: (plan, source, labels, access) => describeTable(tableOf(source), labels, plan.columns, trainingSplit(plan, source), access),
    load: (_, split, info, access) => loadTable(tableOf(split.source), info, split, access),
    loadInputs: async (plan, _, files, info, access) => {
      const [path, ...rest] = files;
      if (path === undefined || rest.length > 0) throw new DataError("this network predicts from one table file at a time");
      const parts: LoadedSplit[] = [];
      await eachTablePart(plan, path, info, { ...access, most: Infinity }, (part) => Promise.resolve(void parts.push(part)));
      return at(parts, 0);
    },
  },
} as const satisfies Record<SourceName, Loader>;

const loaderOf = (source: WordPlan): Loader => LOADERS[sourceOf(source).name];

/**
 * From folder names and one image, or from one table: classes are what the training data has.
 * @param labels what the losses compare with
 */
export async function describeData(
  plan: DataPlan,
  labels: readonly LabelRequest[] = ONE_CLASS,
  access: DataAccess = {},
): Promise<DataInfo> {
  const source = definingSource(plan);
  return loaderOf(source).describe(plan, source, labels, access);
}

/**
 * Reads the tables that `describeData` has not looked at, of those that are there.
 * @throws DataError for rows that cannot be used, such as ones of a class that is not in the training table
 */
export async function examineTables(plan: DataPlan, info: DataInfo, access: DataAccess = {}): Promise<void> {
  const known = definingSource(plan);
  for (const source of Object.values(plan.sources)) {
    if (source === known || sourceOf(source).gives !== "columns" || !existsSync(pathOf(source))) continue;
    await loadTable(tableOf(source), info, WHOLE, access);
  }
}

/** A class for each example. */
const ONE_CLASS: readonly LabelRequest[] = [{ output: "", kind: "class", isCounted: false }];

/** `info` is what the program was compiled for, so that label 3 means the same class in every split and every run. */
export async function loadSplit(plan: DataPlan, name: string, info: DataInfo, options: LoadOptions = {}): Promise<LoadedSplit> {
  const split = resolveSplit(plan, name);
  if (split === undefined) throw new DataError(`the data set ${plan.name} has no "${name}"`, `it has ${splitNames(plan).join(", ")}`);
  const purpose = options.purpose ?? (name === "train" ? "train" : "evaluate");
  const loaded = await loaderOf(split.source).load(plan, split, info, { ...options, purpose });
  if (loaded.count === 0)
    throw new DataError(`"${name}" of the data set ${plan.name} has no examples`, "give it a larger part of the split");
  return loaded;
}

/**
 * The rows of a table for prediction, in parts, so that no more than one of them is in memory.
 * @param path `-` is the standard input
 * @throws DataError for rows that cannot be used, behind the parts before them
 */
export async function eachTablePart(
  plan: DataPlan,
  path: string,
  info: DataInfo,
  access: DataAccess & { readonly most: number },
  use: (part: LoadedSplit) => Promise<void>,
): Promise<void> {
  const source = definingSource(plan);
  const stream = path === "-" && access.stdin && { bytes: access.stdin(), kind: extname(pathOf(source)) === ".tsv" ? ".tsv" : ".csv" };
  const file = stream ? { path: "the standard input", stream } : { path };
  await eachPart({ ...tableOf(source), ...file }, info, access, use);
}

/** Unlabelled examples for prediction: image files, or one table with the columns that the spec names. */
export async function loadInputs(plan: DataPlan, files: readonly string[], info: DataInfo, access: DataAccess = {}): Promise<LoadedSplit> {
  const source = definingSource(plan);
  return loaderOf(source).loadInputs(plan, source, files, info, access);
}

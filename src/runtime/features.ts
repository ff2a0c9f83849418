// The feature cache of a stage: what its frozen part makes of each example is computed once, at the stage's first epoch, and later steps read
// it. Features are kept on the device while the stage trains, on the host for the stages after it that make the same ones, and, where
// there is a store, for the next run. Numbers are those of a training without a cache: the same graph on the same device.

import { hostArray } from "../ir/arrays.ts";
import type { Artifact, StageFeatures } from "../ir/artifact.ts";
import { InternalError, sizeOf } from "../ir/types.ts";
import { labelNames, targetsOf } from "../ir/tasks.ts";
import type { Column, LoadedSplit } from "./data/loaded-split.ts";
import type { DeviceInfo, HostArray } from "./device.ts";
import type { FeaturesEvent, UncachedEvent } from "./events.ts";
import { batchMaker, viewMaker } from "./feature-makers.ts";
import type { LoadedStage } from "./network.ts";
import { breathe } from "./pace.ts";

/** What features depend on: equal requests have equal answers. */
export interface FeatureRequest {
  /** Of the computation, and the device that does it. */
  readonly key: string;
  /** Values of the parameters that features are made of, in their order. */
  readonly parameters: readonly HostArray[];
  /** The examples, column by column. */
  readonly examples: readonly Column[];
  /** A hash of the files that hold examples which are not in memory. */
  readonly files?: string | undefined;
  readonly count: number;
  readonly columns: StageFeatures["columns"];
}

/** Where features are kept from run to run. Whatever goes wrong there is no answer, and no error. */
export interface FeatureStore {
  find(request: FeatureRequest): Promise<readonly HostArray[] | undefined>;
  keep(request: FeatureRequest, features: readonly HostArray[]): Promise<void>;
}

export interface FeatureOptions {
  readonly device: DeviceInfo;
  readonly epochs: number;
  readonly isStopped: () => boolean;
  /** Undefined for a cache within the run alone; false for none at all. */
  readonly store: FeatureStore | false | undefined;
}

/** Splits that a stage trains and validates on. */
interface StageData {
  readonly train: LoadedSplit;
  readonly val?: LoadedSplit | undefined;
}

/** A stage and its data as they train, and the stage as it evaluates. */
export interface FeaturedStage<D> {
  readonly loaded: LoadedStage;
  readonly evaluating: LoadedStage;
  readonly data: D;
}

/** Of all splits together: what does not fit on every device, or twice into a host's memory, is computed again instead. */
const MOST_BYTES = 2 ** 30;
/** Batches that are under way at one time: the device works while the host copies. */
const IN_FLIGHT = 2;

/** The features of a run, from stage to stage. */
export class FeatureMemory {
  #key = "";
  readonly #splits = new Map<LoadedSplit, LoadedSplit>();

  /** Those of this stage; others are forgotten. The parameters of one key are frozen in each stage that has it, and so between two in a row. */
  of(key: string): Map<LoadedSplit, LoadedSplit> {
    if (this.#key !== key) this.#splits.clear();
    this.#key = key;
    return this.#splits;
  }
}

/**
 * The stage as it trains from features, and its data as features: what they are made of is read from the device, where it must be already.
 * The same stage and data where it has no cache, or would not gain by one.
 */
export async function* withFeatures<D extends StageData>(
  loaded: LoadedStage,
  data: D,
  memory: FeatureMemory,
  options: FeatureOptions,
): AsyncGenerator<FeaturesEvent | UncachedEvent, FeaturedStage<D>, undefined> {
  const { artifact, stage } = loaded;
  const { device, epochs, isStopped, store } = options;
  const plain = { loaded, evaluating: loaded, data };
  const { features } = stage;
  const known = memory.of(features?.key ?? "");
  // One epoch sees each example once; but of its fixed views, no others.
  if (store === false || !features || (epochs < 2 && features.views === undefined)) return plain;
  // An evaluation asks no teacher.
  const isTaughtAlone = features.inputs !== undefined;
  if (isTaughtAlone && data.train.streamed) {
    yield { event: "uncached", stage: stage.name, reason: "the teacher's answers would stand beside examples, which are streamed" };
    return plain;
  }
  const splits = Object.entries({ train: data.train, ...(!isTaughtAlone && { val: data.val }) });
  const each = features.columns.reduce((sum, { shape }) => sum + 4 * sizeOf(shape), 0);
  const viewsIn = (name: string): number | undefined => (name === "train" ? features.views : undefined);
  const bytesOf = (name: string, split: LoadedSplit | undefined): number => each * (viewsIn(name) ?? 1) * (split?.count ?? 0);
  const bytes = splits.reduce((sum, [name, split]) => sum + bytesOf(name, split), 0);
  if (bytes > MOST_BYTES) {
    const reason = `features of all examples are ${Math.ceil(bytes / 2 ** 20)} MiB, of at most ${MOST_BYTES / 2 ** 20}`;
    yield { event: "uncached", stage: stage.name, reason };
    return plain;
  }
  const cached: { -readonly [K in keyof StageData]: StageData[K] } = { train: data.train };
  for (const [name, split] of splits) {
    if (split === undefined) continue;
    const began = performance.now();
    const views = viewsIn(name);
    const request = known.has(split) || !store ? undefined : await requestFor(loaded, features, split, { device, views });
    const found = known.get(split) ?? (request && (await stored(features, request, split, { artifact, views, store })));
    const made = found ?? (await computed(loaded, features, split, { views, isStopped }));
    if (made === undefined) return plain;
    const from = known.has(split) ? "memory" : found ? "disk" : "device";
    known.set(split, made);
    if (from === "device" && request) await store?.keep(request, arraysOf(features, made));
    cached[name as keyof StageData] = made;
    const seconds = (performance.now() - began) / 1000;
    yield {
      event: "features",
      stage: stage.name,
      split: name,
      examples: split.count,
      bytes: bytesOf(name, split),
      ...(views !== undefined && { views }),
      from,
      seconds,
    };
  }
  const featured = { ...loaded, ...trainingFrom(features, loaded), artifact: withInputs(artifact, features) };
  return { loaded: featured, evaluating: isTaughtAlone ? loaded : featured, data: { ...data, ...cached } };
}

/** With features in place of what the network takes. */
const withInputs = (artifact: Artifact, { columns, inputs = [] }: StageFeatures): Artifact => ({
  ...artifact,
  dataInfo: { ...artifact.dataInfo, inputs: [...inputs, ...columns] },
});

function trainingFrom({ entries }: StageFeatures, { stage }: LoadedStage): Pick<LoadedStage, "stage"> {
  const others = Object.entries(stage.entries).filter(([, { purpose }]) => purpose !== "train" && purpose !== "evaluate");
  return { stage: { ...stage, entries: { ...Object.fromEntries(others), ...entries } } };
}

/** @param views of each example, where it is those that are kept */
async function computed(
  loaded: LoadedStage,
  features: StageFeatures,
  split: LoadedSplit,
  { views, isStopped }: { readonly views: number | undefined; readonly isStopped: () => boolean },
): Promise<LoadedSplit | undefined> {
  const { columns, entries } = features;
  const { artifact, session } = loaded;
  const makers = { ...loaded, stage: { ...loaded.stage, entries } };
  const maker = views === undefined ? batchMaker(makers, split) : await viewMaker(makers, split, views);
  const { batch } = artifact.recipe;
  const places = columns.map((column, i) => {
    const buffer = maker.outputs[i]?.buffer;
    if (buffer === undefined) throw new InternalError(`nothing makes ${column.name}`);
    return { buffer, size: sizeOf(column.shape), data: hostArray(column.dtype, (views ?? 1) * split.count * sizeOf(column.shape)) };
  });
  const batches = Math.ceil(split.count / batch);
  const all = (views ?? 1) * batches;
  const inFlight: { readonly number: number; readonly read: Promise<ReadonlyMap<string, HostArray>> }[] = [];
  for (let number = 0; number < all || inFlight.length > 0; number++) {
    await breathe();
    if (isStopped()) return undefined;
    if (number < all) {
      await maker.write((number % batches) * batch, number);
      session.run(maker.entry);
      const read = session.read(places.map(({ buffer }) => buffer));
      // When one batch fails, so do those behind it, and nobody will await them.
      read.catch(() => undefined);
      inFlight.push({ number, read });
      if (inFlight.length < IN_FLIGHT) continue;
    }
    const done = inFlight.shift();
    if (done === undefined) break;
    const values = await done.read;
    const first = (done.number % batches) * batch;
    const row = Math.floor(done.number / batches) * split.count + first;
    for (const { buffer, size, data } of places) {
      const made = values.get(buffer);
      if (made !== undefined) data.set(made.subarray(0, Math.min(batch, split.count - first) * size), row * size);
    }
  }
  return splitOf(
    features,
    places.map(({ data }) => data),
    split,
    { artifact, views },
  );
}

/** What a split of features is beside the features. */
interface Made {
  readonly artifact: Artifact;
  readonly views: number | undefined;
}

async function stored(
  features: StageFeatures,
  request: FeatureRequest,
  split: LoadedSplit,
  { store, ...made }: Made & { readonly store: FeatureStore | undefined },
): Promise<LoadedSplit | undefined> {
  const found = await store?.find(request);
  return found && splitOf(features, found, split, made);
}

async function requestFor(
  { artifact, session }: LoadedStage,
  features: StageFeatures,
  split: LoadedSplit,
  { device, views }: { readonly device: DeviceInfo; readonly views: number | undefined },
): Promise<FeatureRequest> {
  const names = new Set(features.parameters);
  const own = artifact.parameters.filter(({ name }) => names.has(name));
  const states = [...own, ...(features.taught ? (artifact.teacher?.parameters ?? []) : [])].map(({ state }) => state);
  const values = await session.read(states);
  const labels = labelNames(artifact.dataInfo);
  return {
    // What augmentation draws is of the seed.
    key: `${features.key} ${device.kind} ${device.description}${views === undefined ? "" : ` seed ${artifact.recipe.seed}`}`,
    parameters: [...values.values()],
    examples: [...split.columns].flatMap(([name, column]) => (labels.includes(name) ? [] : [column])),
    files: split.streamed && split.printFiles?.("versions"),
    count: (views ?? 1) * split.count,
    columns: features.columns,
  };
}

function splitOf(
  { columns, inputs = [] }: StageFeatures,
  data: readonly HostArray[],
  split: LoadedSplit,
  { artifact: { dataInfo }, views }: Made,
): LoadedSplit {
  const made = columns.flatMap(({ name, dtype, shape }, i): [string, Column][] => {
    const values = data[i];
    return values ? [[name, { dtype, shape, data: values }]] : [];
  });
  const { count, classes } = split;
  const given = [...inputs, ...targetsOf(dataInfo).map(({ label }) => label)].flatMap(({ name }): [string, Column][] => {
    const column = split.columns.get(name);
    return column ? [[name, views === undefined ? column : repeated(column, views)]] : [];
  });
  return { count, classes, columns: new Map([...made, ...given]), ...(views !== undefined && { views }) };
}

/** The values of all examples, once for each view. */
function repeated({ dtype, shape, data }: Column, views: number): Column {
  const all = hostArray(dtype, views * data.length);
  for (let view = 0; view < views; view++) all.set(data, view * data.length);
  return { dtype, shape, data: all };
}

const arraysOf = ({ columns }: StageFeatures, split: LoadedSplit): readonly HostArray[] =>
  columns.flatMap(({ name }) => split.columns.get(name)?.data ?? []);

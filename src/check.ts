// The compiler's front half by itself: reads a spec and says everything that can be said of it and of what its data looks like. Apart
// from compile.ts, so that `tlc check` loads neither passes nor targets.

import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { DiagnosticSink, type Diagnostic, type Sources, type Span } from "./diagnostics.ts";
import {
  checkContract,
  checkSpec as checkLoaded,
  elaborate,
  loadSpec,
  planRecipe,
  type LoadedSpec,
  type PlannedRecipe,
  type PlannedWeights,
} from "./dsl/index.ts";
import { LIMITS } from "./dsl/limits.ts";
import { createBuilder } from "./ir/builder.ts";
import type { DataInfo, DataPlan, LabelRequest } from "./ir/plan.ts";
import { labelRequests } from "./ir/recipe/losses/index.ts";
import { pathsOf } from "./ir/recipe/sources/index.ts";
import { tasksOf } from "./ir/tasks.ts";
import type { WantedTensor } from "./ir/weights/contract.ts";
import type { FileTensor } from "./ir/weights/plan.ts";
import { packageRoot } from "./package-root.ts";
import { DataError } from "./runtime/errors.ts";
import { readRegularFileSync } from "./runtime/files.ts";
import { staysInside } from "./runtime/inside.ts";

/** What a spec may read. */
export interface SpecAccess {
  /** The folder that imports must lie in once links are followed; the spec's own unless given. */
  readonly root?: string;
}

/** Looks at the data: classes and shapes, from folder names and headers. What its labels are, the losses say. */
export type DescribeData = (plan: DataPlan, labels: readonly LabelRequest[]) => Promise<DataInfo>;

export interface CheckRequest extends SpecAccess {
  /** `path=value`: changes to the recipe and its data. */
  readonly set?: readonly string[];
  /** Left out: only what can be said without the data is checked. */
  readonly describeData?: DescribeData;
  /**
   * Looks at the header of published weights; throws a DataError for what cannot be read. Undefined where that is not at hand, such as what
   * would have to be fetched: then it is not checked. Left out, none are.
   */
  readonly describeWeights?: (source: string) => Promise<ReadonlyMap<string, FileTensor> | undefined>;
}

export interface CheckOutcome {
  readonly diagnostics: readonly Diagnostic[];
  readonly sources: Sources;
}

/** Plans every recipe of a spec and builds its network, for the data where that is there. */
export async function checkSpec(file: string, request: CheckRequest = {}): Promise<CheckOutcome> {
  const spec = await openSpec(file, request);
  const { set = [], describeData, describeWeights } = request;
  const found = new Map<string, DataInfo>();
  for (const recipe of spec.recipes) {
    if (!describeData || spec.sink.hasErrors) break;
    // What is wrong with the plan itself is said below.
    const planned = planRecipe({ ...spec, sink: new DiagnosticSink() }, { recipe, overrides: set });
    const missing = planned ? missingData(planned) : [];
    for (const { path, span, hint } of missing) spec.sink.report("data-not-there", span, { path }, { hint });
    const isThere = planned?.data && missing.every(({ split }) => split !== "train");
    const info = isThere && (await lookAtData(spec, planned, describeData));
    if (info) found.set(recipe, info);
  }
  const wanted: (readonly [PlannedWeights, readonly WantedTensor[]])[] = [];
  checkLoaded(spec, {
    builder: createBuilder,
    overrides: set,
    dataInfo: ({ plan }) => found.get(plan.name),
    ...(describeWeights && { weights: (planned, parameters) => void wanted.push([planned, parameters]) }),
  });
  for (const [planned, parameters] of wanted) {
    const { source, isRecipe } = planned.plan;
    // What is wrong with the other recipe is said already, and so is that its data is not there.
    const silent = { ...spec, sink: new DiagnosticSink() };
    const tensors = isRecipe
      ? tensorsOfRecipe(silent, planRecipe(silent, { recipe: source }), found.get(source))
      : describeWeights && (await headerOf(spec, planned, describeWeights));
    if (tensors) checkContract(planned, parameters, tensors, spec.sink);
  }
  return outcomeOf(spec);
}

/** What a recipe of the spec leaves for another to begin with; undefined where its network cannot be built. */
export function tensorsOfRecipe(
  spec: LoadedSpec,
  planned: PlannedRecipe | undefined,
  dataInfo: DataInfo | undefined,
): ReadonlyMap<string, FileTensor> | undefined {
  if (!planned || (planned.data && !dataInfo)) return undefined;
  const model = elaborate(spec, planned, { builder: createBuilder(), ...(dataInfo && { dataInfo }) });
  return model && new Map(model.parameters.map(({ name, state: { type } }) => [name, { dtype: "F32", shape: type.shape }]));
}

/** What a file of weights holds, or undefined after a report. */
export async function headerOf(
  { sink }: LoadedSpec,
  { plan, setting }: PlannedWeights,
  describe: NonNullable<CheckRequest["describeWeights"]>,
): Promise<ReadonlyMap<string, FileTensor> | undefined> {
  try {
    return await describe(plan.source);
  } catch (error) {
    if (!(error instanceof DataError)) throw error;
    const source = setting.value.kind === "string" ? setting.value.value : plan.source;
    const reason = error.message.replace(`cannot read ${plan.source}: `, "");
    sink.report("weights-unreadable", setting.value.span, { source, reason }, { ...(error.hint !== "" && { hint: error.hint }) });
    return undefined;
  }
}

/** What the recipe's data looks like; where it cannot be had, that is said at the places that name it. */
export async function lookAtData(
  { sink }: Pick<LoadedSpec, "sink">,
  planned: PlannedRecipe,
  describeData: DescribeData,
): Promise<DataInfo | undefined> {
  const { plan, data, dataSpan } = planned;
  if (!data) return undefined;
  try {
    return await describeData(data, labelRequests(tasksOf(plan)));
  } catch (error) {
    if (!(error instanceof DataError)) throw error;
    const { message: reason, hint } = error;
    const missing = missingData(planned);
    for (const { path, span, hint: wayOut } of missing) sink.report("no-such-data", span, { path }, { hint: wayOut });
    const named = Object.values(data.sources).find((source) => pathsOf(source).some((path) => reason.includes(path)));
    if (missing.length === 0) sink.report("data-unreadable", named?.span ?? dataSpan, { reason }, { hint: hint === "" ? undefined : hint });
    return undefined;
  }
}

/** Whether there is nothing to look at. */
export const isWithoutData = (planned: PlannedRecipe): boolean =>
  !planned.data || missingData(planned).some(({ split }) => split === "train");

interface MissingData {
  readonly split: string;
  readonly path: string;
  readonly span: Span;
  readonly hint: string;
}

/** Every source that is not there, so that all are named at once. */
const missingData = ({ data, dataSpan, sources: overrides }: PlannedRecipe): readonly MissingData[] =>
  Object.entries(data?.sources ?? {}).flatMap(([split, source]) => {
    const span = source.span ?? dataSpan;
    const isOverridden = [...overrides.values()].some((text) => text.startsWith(`data.${split}=`));
    const from = isOverridden ? "paths of `--set` are relative to the working directory" : "paths of a spec are relative to its folder";
    const hint = `${from}; \`--set data.${split}=PATH\` names another place`;
    return pathsOf(source).flatMap((path) => (existsSync(path) ? [] : [{ split, path, span, hint }]));
  });

/** A spec from its file, with what it imports. */
export async function openSpec(file: string, { root: folder = dirname(file) }: SpecAccess = {}): Promise<LoadedSpec> {
  const root = packageRoot();
  const zoo = join(root, "specs", "zoo");
  const host = { zoo, readFile: (path: string) => readImport(path, [folder, zoo]) };
  const text = readText(file);
  let hasJson = false;
  const noteJson = (): undefined => {
    hasJson = true;
  };
  const spec = loadSpec(file, text, { ...host, parseJson: noteJson });
  // eslint-disable-next-line @typescript-eslint/no-unnecessary-condition -- set by the host
  if (!hasJson) return spec;
  // Once more with the validator of the JSON form, which is slow to load and rarely needed.
  const { createSpecValidator } = await import("./dsl/schema.ts");
  const schema = JSON.parse(readFileSync(join(root, "specs", "schema", "tlspec.schema.json"), "utf8")) as { readonly $id: string };
  return loadSpec(file, text, { ...host, parseJson: createSpecValidator(schema) });
}

export const outcomeOf = (spec: LoadedSpec): CheckOutcome => ({ diagnostics: spec.sink.list(), sources: spec.sources });

/** A UTF-16 unit takes three bytes at most; the parser says it of a file that has a few too many. */
const readText = (path: string): string => Buffer.from(readRegularFileSync(path, 4 * LIMITS.fileLength)).toString("utf8");

function readImport(path: string, folders: readonly string[]): string | { readonly refused: string } | undefined {
  if (!existsSync(path)) return undefined;
  if (!staysInside(path, folders)) return { refused: "it leads out of the folder of the spec; `--root DIR` allows another folder" };
  try {
    return readText(path);
  } catch (error) {
    if (error instanceof DataError) return { refused: error.message.replace(`cannot read ${path}: `, "") };
    throw error;
  }
}

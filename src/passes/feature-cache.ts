// The feature cache of a stage: whether it has one, the network above the cut, which takes features for its inputs, and what makes features
// of a batch. How the cut is chosen is in feature-cut.ts; who keeps features where is the runtime's part.

import { createHash } from "node:crypto";
import type { CacheReport } from "../ir/artifact.ts";
import type { Builder } from "../ir/builder.ts";
import { bodyOf, bodyResults, substitute, topologicalOrder } from "../ir/graph.ts";
import { mapRoots, onlyOutput, rootsOf, type ForwardModel, type NetworkModel, type Parameter } from "../ir/model.ts";
import type { Node } from "../ir/node.ts";
import { at } from "../ir/ops/define.ts";
import type { ColumnInfo, DataInfo, OutputTask, StagePlan, WordPlan } from "../ir/plan.ts";
import { keepsFeatures, viewsOf } from "../ir/recipe/caches/index.ts";
import { isAgainstInput, isWithoutLabels } from "../ir/recipe/losses/index.ts";
import { isPicture } from "../ir/recipe/steps/define.ts";
import { mixSteps, stepOfMasks, type DataSteps } from "../ir/recipe/steps/index.ts";
import { targetsOf } from "../ir/tasks.ts";
import { bytesPerElement, sizeOf } from "../ir/types.ts";
import { cutForFeatures } from "./feature-cut.ts";
import { ANSWERS } from "./teacher.ts";
import { WORK_PER_BYTE, workOf } from "./work.ts";

export interface FeatureCache {
  /** What crosses the cut, [batch, …] each; nothing where only the teacher's answers are kept. */
  readonly values: readonly Node[];
  readonly parameters: readonly string[];
  /** Of those values, and of the teacher's answers behind them. */
  readonly columns: readonly ColumnInfo[];
  /** With features in place of examples. */
  readonly above: NetworkModel;
  /** What that takes of the examples as they are. */
  readonly inputs: readonly ColumnInfo[];
  /** Augmentations of each example that are kept; left out, the example as it is. */
  readonly views?: number;
  readonly report: CacheReport;
}

export interface CacheContext {
  readonly b: Builder;
  /** As the stage trains it. */
  readonly network: NetworkModel;
  /** The data set's columns. */
  readonly inputs: readonly ColumnInfo[];
  readonly steps: DataSteps;
  readonly tasks: readonly OutputTask[];
  readonly dataInfo: DataInfo;
  readonly stage: Pick<StagePlan, "features">;
  /** Of what answers in evaluation as well. */
  readonly isFrozen: (parameter: Parameter) => boolean;
}

/** A cache, or the report that says why there is none. */
export function featureCacheOf({
  b,
  network,
  inputs,
  steps,
  tasks,
  dataInfo,
  stage,
  isFrozen,
}: CacheContext): FeatureCache | { readonly report: CacheReport } {
  const no = (reason: string): { readonly report: CacheReport } => ({ report: { features: false, reason } });
  const { teacher } = network;
  const hasFrozen = network.parameters.some((parameter) => parameter.kind === "weight" && isFrozen(parameter));
  if (!hasFrozen && !teacher) return no("nothing is frozen");
  if (!keepsFeatures(stage)) return no("the recipe says `features uncached`");
  const augmentation = steps.augment.map(({ word }) => word).join(", ");
  const views = steps.augment.length > 0 ? viewsOf(stage) : undefined;
  if (views === 0)
    return no(`augmentation (${augmentation}) makes other examples in every epoch; \`features cached(views: K)\` keeps K of each`);
  const [mixing] = views === undefined ? [] : mixSteps(steps);
  if (mixing)
    return no(`${mixing.plan.word} mixes the examples of a batch, which are others in every epoch: no view of one alone can be kept`);
  const [unlabelled] = tasks.map(({ loss }) => loss).filter(isWithoutLabels);
  if (unlabelled && isAgainstInput(unlabelled)) return no(`${unlabelled.word} compares with the input itself`);
  const hasMasks = targetsOf(dataInfo).some(({ label }) => isPicture(label));
  const moving = views !== undefined && hasMasks ? stepOfMasks(steps) : undefined;
  if (moving) return no(`${moving.word} moves the masks of examples with their pictures, of which alone views are kept`);
  if (unlabelled) return no(`${unlabelled.word} compares views of each example`);
  const cut = hasFrozen ? cutForFeatures(b, network, isFrozen) : { reason: "nothing is frozen" };
  const taught = teacher && keptAnswers(b, teacher);
  // What a teacher says of a view would stand beside an example that is augmented anew.
  if ("reason" in cut) return taught && views === undefined ? answersAlone(taught, network, inputs, cut.reason) : no(cut.reason);
  // Above the cut there are no examples that a teacher could look at.
  if (teacher && !taught) return no("the teacher looks at the examples themselves, and answers sooner than its answers are read");
  const columns = cut.values.map(({ type }, i): ColumnInfo => ({ name: `features/${i}`, dtype: type.dtype, shape: type.shape.slice(1) }));
  const leaves = cut.values.map(({ type }, i) => b.input({ name: `features/${i}`, role: "local", type }));
  const roots = rootsOf(network);
  const replaced = substitute(b, roots, new Map(cut.values.map((value, i) => [value, at(leaves, i)])));
  const above: NetworkModel = {
    ...mapRoots(network, (root) => at(replaced, roots.indexOf(root))),
    inputs: new Map(columns.map(({ name }, i) => [name, at(leaves, i)])),
  };
  const paths = [...new Set(cut.values.map((value) => b.originOf(value)?.path ?? "the input"))];
  const all = taught ? [...paths, "the teacher"] : paths;
  const same = `${all.join(", ")} ${all.length > 1 ? "give" : "gives"} the same in every epoch`;
  const report = {
    features: true,
    reason: same + ofViews(views, viewsOf(stage), augmentation),
    bytes: (views ?? 1) * (cut.bytes + (taught?.report.bytes ?? 0)),
    spared: cut.spared + (taught?.report.spared ?? 0),
    ...(views !== undefined && { views }),
  };
  const { values, parameters } = cut;
  const kept = [...columns, ...(taught?.columns ?? [])];
  return { values, parameters, columns: kept, above, inputs: [], ...(views !== undefined && { views }), report };
}

/** @param views that are kept @param asked how many the recipe says */
function ofViews(views: number | undefined, asked: number, augmentation: string): string {
  if (views !== undefined) return `, of ${views} ${views === 1 ? "view" : "views"} of each example that ${augmentation} makes once`;
  return asked > 0 ? "; nothing augments the examples, so there is one view of each" : "";
}

/** The network as it is, on the examples as they are, beside what a teacher answers to each. @param reason why nothing of the network is kept */
function answersAlone({ columns, report }: KeptAnswers, above: NetworkModel, inputs: readonly ColumnInfo[], reason: string): FeatureCache {
  const both = `${report.reason}; of the network itself nothing is kept: ${reason}`;
  return { values: [], parameters: [], columns, above, inputs, report: { ...report, reason: both } };
}

interface KeptAnswers {
  readonly columns: readonly ColumnInfo[];
  readonly report: CacheReport & { readonly bytes: number; readonly spared: number };
}

/** A teacher is evaluated, so its answers to one example are always the same; undefined where computing them costs what reading them does. */
function keptAnswers(b: Builder, teacher: ForwardModel): KeptAnswers | undefined {
  const output = onlyOutput(teacher);
  const { dtype, shape } = output.type;
  const [batch = 1, ...rest] = shape;
  const bytes = sizeOf(rest) * bytesPerElement(dtype);
  const spared = topologicalOrder([output]).reduce((sum, node) => sum + workOf(b, node), 0) / batch;
  if (WORK_PER_BYTE * bytes >= spared) return undefined;
  const report = { features: true, reason: "the teacher gives the same in every epoch", bytes, spared };
  return { columns: [{ name: ANSWERS, dtype, shape: rest }], report };
}

/** The same for graphs that compute the same of the same leaves, whatever else their builders hold. */
export function keyOf(outputs: readonly Node[], precision: WordPlan | undefined): string {
  const numbers = new Map<Node, number>();
  const hash = createHash("sha256");
  // Which the graph does not know yet.
  if (precision) hash.update(`${precision.word}\n`);
  const add = (roots: readonly Node[]): void => {
    for (const node of topologicalOrder(roots, (known) => numbers.has(known))) {
      numbers.set(node, numbers.size);
      const body = bodyOf(node);
      if (body) {
        add([...body.carries, ...body.slices, ...body.invariants, ...bodyResults(body)]);
        hash.update(JSON.stringify(bodyResults(body).map((result) => numbers.get(result))));
      }
      const { body: _, ...attrs } = node.attrs as { readonly body?: unknown };
      hash.update(`${JSON.stringify([node.op.name, node.inputs.map((input) => numbers.get(input)), attrs, node.type])}\n`);
    }
  };
  add(outputs);
  return hash.digest("hex");
}

// The feature cache of a stage: whether it has one, the network above the cut, which takes features for its inputs, and what makes features
// of a batch. How the cut is chosen is in feature-cut.ts; who keeps features where is the runtime's part.

import { createHash } from "node:crypto";
import type { CacheReport } from "../ir/artifact.ts";
import type { Builder } from "../ir/builder.ts";
import { bodyOf, bodyResults, substitute, topologicalOrder } from "../ir/graph.ts";
import type { ForwardModel, Parameter } from "../ir/model.ts";
import type { Node } from "../ir/node.ts";
import { at } from "../ir/ops/define.ts";
import type { ColumnInfo, RecipePlan, StagePlan, WordPlan } from "../ir/plan.ts";
import { keepsFeatures } from "../ir/recipe/caches/index.ts";
import { isAgainstInput, isWithoutLabels } from "../ir/recipe/losses/index.ts";
import type { DataSteps } from "../ir/recipe/steps/index.ts";
import { cutForFeatures, type FeatureCut } from "./feature-cut.ts";

export interface FeatureCache extends FeatureCut {
  readonly columns: readonly ColumnInfo[];
  /** With features in place of examples. */
  readonly above: ForwardModel;
  readonly report: CacheReport;
}

export interface CacheContext {
  readonly b: Builder;
  /** As the stage trains it. */
  readonly network: ForwardModel;
  readonly steps: DataSteps;
  readonly recipe: Pick<RecipePlan, "loss" | "distill">;
  readonly stage: Pick<StagePlan, "features">;
  /** Of what answers in evaluation as well. */
  readonly isFrozen: (parameter: Parameter) => boolean;
}

/** A cache, or the report that says why there is none. */
export function featureCacheOf({
  b,
  network,
  steps,
  recipe,
  stage,
  isFrozen,
}: CacheContext): FeatureCache | { readonly report: CacheReport } {
  const no = (reason: string): { readonly report: CacheReport } => ({ report: { features: false, reason } });
  if (!network.parameters.some((parameter) => parameter.kind === "weight" && isFrozen(parameter))) return no("nothing is frozen");
  if (!keepsFeatures(stage)) return no("the recipe says `features uncached`");
  if (steps.augment.length > 0)
    return no(`augmentation (${steps.augment.map(({ word }) => word).join(", ")}) makes other examples in every epoch`);
  if (isAgainstInput(recipe.loss)) return no(`${recipe.loss.word} compares with the input itself`);
  if (recipe.distill) return no("the teacher looks at the examples themselves");
  if (isWithoutLabels(recipe.loss)) return no(`${recipe.loss.word} compares views of each example`);
  const cut = cutForFeatures(b, network, isFrozen);
  if ("reason" in cut) return no(cut.reason);
  const columns = cut.values.map(({ type }, i): ColumnInfo => ({ name: `features/${i}`, dtype: type.dtype, shape: type.shape.slice(1) }));
  const leaves = cut.values.map(({ type }, i) => b.input({ name: `features/${i}`, role: "local", type }));
  const names = [...network.updates.keys()];
  const replaced = substitute(
    b,
    [network.output, ...network.updates.values()],
    new Map(cut.values.map((value, i) => [value, at(leaves, i)])),
  );
  const above: ForwardModel = {
    ...network,
    inputs: new Map(columns.map(({ name }, i) => [name, at(leaves, i)])),
    output: at(replaced, 0),
    updates: new Map(names.map((name, i) => [name, at(replaced, i + 1)])),
  };
  const paths = cut.values.map((value) => b.originOf(value)?.path ?? "the input");
  const report = {
    features: true,
    reason: `${[...new Set(paths)].join(", ")} gives the same in every epoch`,
    bytes: cut.bytes,
    spared: cut.spared,
  };
  return { ...cut, columns, above, report };
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

// What an epoch reports is added up step by step: sums of the loss and of metrics, and the scores that rankings are made of.

import type { SumBuffer } from "../ir/artifact.ts";
import type { Builder } from "../ir/builder.ts";
import type { Node } from "../ir/node.ts";
import { at } from "../ir/ops/define.ts";
import type { DataInfo, RecipePlan } from "../ir/plan.ts";
import { LOSS_PLACE, rankedMetrics, sizesOf, tallyPlaces } from "../ir/recipe/metrics/index.ts";
import { KEPT_SCORES, rankScores } from "../ir/recipe/metrics/ranking.ts";
import { ZEROS } from "../ir/state.ts";
import { tensorType } from "../ir/types.ts";
import type { BatchLoss } from "./loss.ts";
import type { StateTable } from "./states.ts";

interface TallyContext {
  readonly b: Builder;
  readonly states: StateTable;
  readonly recipe: RecipePlan;
  readonly dataInfo: DataInfo;
}

/** Next sums go to `outputs`. */
export function addMetrics(
  { b, states, recipe, dataInfo }: TallyContext,
  prefix: "train" | "eval",
  loss: BatchLoss,
  output: Node,
  label: Node,
  outputs: Map<string, Node>,
): SumBuffer[] {
  const tallied = { output, label, weights: loss.weights, classes: dataInfo.classes.length };
  const sums = new Map([[LOSS_PLACE, [loss.sum, loss.weight, loss.count]]]);
  for (const { tally, buffer } of tallyPlaces(recipe, sizesOf(recipe, dataInfo.classes, output.type.shape.slice(1))))
    sums.set(buffer, [...(sums.get(buffer) ?? []), tally.build(b, tallied)]);
  return [...sums].map(([sum, values]) => {
    const inOne = (): Node =>
      b.concat(
        values.map((x) => b.reshape(x, { shape: [1] })),
        { axis: 0 },
      );
    const added = sum === LOSS_PLACE ? inOne() : at(values, 0);
    const buffer = `${prefix}/${sum}`;
    const old = states.declare({ name: buffer, kind: "metric", type: added.type, init: ZEROS });
    outputs.set(buffer, b.add(old, added));
    return { sum, buffer };
  });
}

/** The scores of the last batches, where a metric asks for them; the name of their buffer. */
export function keepScores(
  { b, states, recipe }: TallyContext,
  cursor: Node,
  output: Node,
  outputs: Map<string, Node>,
): string | undefined {
  if (rankedMetrics(recipe).length === 0) return undefined;
  const scores = rankScores(b, output, recipe.labels);
  const { shape } = scores.type;
  const name = "eval/scores";
  const kept = states.declare({ name, kind: "metric", type: tensorType("f32", [KEPT_SCORES, ...shape]), init: ZEROS });
  const batch = b.reshape(scores, { shape: [1, ...shape] });
  outputs.set(name, b.updateSlice(kept, batch, b.rem(cursor, KEPT_SCORES), { axis: 0 }));
  return name;
}

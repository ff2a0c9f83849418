// How far training has come, as states: batches, steps, places in an epoch, and what a schedule that watches epochs has decided.

import type { Builder } from "../ir/builder.ts";
import type { Node } from "../ir/node.ts";
import { examplesIn, type RecipePlan, type StagePlan } from "../ir/plan.ts";
import { lossScalingOf } from "../ir/recipe/precisions/index.ts";
import { ZEROS, type State } from "../ir/state.ts";
import { tensorType, type TensorType } from "../ir/types.ts";
import type { StateTable } from "./states.ts";

interface CounterContext {
  readonly b: Builder;
  readonly states: StateTable;
  readonly recipe: RecipePlan;
  readonly stage: StagePlan;
  readonly isFirst: boolean;
}

const scalar = (dtype: "i32" | "u32" | "f32"): TensorType => tensorType(dtype, []);

/** Batches, which random numbers are of; and steps of the optimizer, where a stage of the recipe takes several batches for one or leaves some out. */
export const STEP: State = { name: "train/step", kind: "counter", type: scalar("u32"), init: ZEROS };
export const updatesOf = ({ recipe }: Pick<CounterContext, "recipe">): State =>
  lossScalingOf(recipe) || recipe.stages.some(({ accumulate = 1 }) => accumulate > 1) ? { ...STEP, name: "train/updates" } : STEP;

/** Steps of the stage, for what begins with it. Those of the first are all there are; others have a count of their own, which no stage before them has. */
export function stageStep(context: CounterContext): State {
  const updates = updatesOf(context);
  return context.isFirst ? updates : { ...updates, name: `${updates.name}@${context.stage.name}` };
}

/** By what a schedule that watches epochs has the rate multiplied; each stage begins with its own. */
export const decidedState = ({ stage }: Pick<CounterContext, "stage">): State => ({
  ...{ name: `schedule/factor@${stage.name}`, kind: "counter" },
  ...{ type: scalar("f32"), init: { kind: "constant", value: 1 } },
});
export const cursorOf = (prefix: "train" | "eval"): State => ({
  name: `${prefix}/cursor`,
  kind: "counter",
  type: scalar("i32"),
  init: ZEROS,
});

interface EpochPosition {
  readonly cursor: Node;
  readonly count: Node;
  /** Of each example of the batch within the epoch, i32[batch]; past its end in the filling of the last batch. */
  readonly position: Node;
  /** bool[batch], and as the weight of an example f32[batch]. */
  readonly isReal: Node;
  readonly mask: Node;
}

export function epochPosition({ b, states, recipe }: CounterContext, prefix: "train" | "eval"): EpochPosition {
  const { batch, views = 1 } = recipe;
  const cursor = states.declare(cursorOf(prefix));
  const count = b.input({ name: `${prefix}/count`, role: "batch", type: scalar("i32") });
  const examples = examplesIn(recipe);
  const places = b.reshape(b.iota({ shape: [examples, views], axis: 0 }), { shape: [batch] });
  const position = b.add(b.mul(cursor, examples), places);
  const isReal = b.less(position, count);
  return { cursor, count, position, isReal, mask: b.cast(isReal, { dtype: "f32" }) };
}

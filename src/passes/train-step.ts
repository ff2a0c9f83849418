// From the gradients of a batch to the next states: penalties are added, gradients of several batches gathered, then clipped and handed to
// the optimizer (update.ts), and the average of the weights follows them (average.ts).

import type { Builder } from "../ir/builder.ts";
import type { Parameter } from "../ir/model.ts";
import type { Node } from "../ir/node.ts";
import type { ParameterGroup, RecipePlan, StagePlan, WordPlan } from "../ir/plan.ts";
import { penaltyOf } from "../ir/recipe/penalties/index.ts";
import { ZEROS, type State } from "../ir/state.ts";
import { tensorType } from "../ir/types.ts";
import { followWeights, type TrainedSince } from "./average.ts";
import type { Rates } from "./learning-rate.ts";
import type { StepLoss } from "./loss.ts";
import type { StateTable } from "./states.ts";
import { updateWeights, type MemoryOf } from "./update.ts";

export interface TrainStep {
  readonly b: Builder;
  readonly states: StateTable;
  readonly recipe: RecipePlan;
  readonly stage: StagePlan;
  /** Training steps before this one, u32[]. */
  readonly step: Node;
  readonly rates: Rates;
  readonly groupOf: (parameter: Parameter) => ParameterGroup;
  readonly penaltiesOf: (parameter: Parameter) => readonly WordPlan[];
  readonly memoryOf: MemoryOf;
  readonly trainedSince: TrainedSince;
}

export type Gradients = ReadonlyMap<Parameter, Node>;

/** What a step is made of where it takes several batches. */
export interface Gathered {
  /** Of the mean loss of all batches of the step so far. */
  readonly grads: Gradients;
  /** The mean loss itself, f32[]. */
  readonly mean: Node;
  /** Next values of what is gathered. */
  readonly outputs: ReadonlyMap<string, Node>;
}

/**
 * Sums over the batches of a step, so that it is the step of one batch as large as all of them.
 * @param grads of the sum of losses
 * @param isLast whether this batch is the step's last, bool[]
 */
export function gather(
  { b, states }: Pick<TrainStep, "b" | "states">,
  loss: Pick<StepLoss, "sum" | "weight">,
  grads: Gradients,
  isLast: Node,
): Gathered {
  const outputs = new Map<string, Node>();
  const sumOf = (key: string, value: Node): Node => {
    const name = `accumulated/${key}`;
    const sum = b.add(states.declare({ name, kind: "optimizer", type: value.type, init: ZEROS }), value);
    outputs.set(name, b.where(isLast, 0, sum));
    return sum;
  };
  const weight = sumOf("weight", loss.weight);
  const divisor = b.where(b.equal(weight, 0), 1, weight);
  const meanOf = (key: string, value: Node): Node => b.div(sumOf(key, value), divisor);
  return {
    mean: meanOf("loss", loss.sum),
    grads: new Map([...grads].map(([parameter, gradient]) => [parameter, meanOf(`gradient/${parameter.name}`, gradient)])),
    outputs,
  };
}

/** Gradients with those of the penalties. */
function penalized(context: Pick<TrainStep, "b" | "states" | "penaltiesOf">, grads: Gradients, outputs: Map<string, Node>): Gradients {
  const { b } = context;
  const added = ([parameter, gradient]: readonly [Parameter, Node]): readonly [Parameter, Node] => {
    const penalties = context.penaltiesOf(parameter);
    const start = (): Node => startOf(context, parameter, outputs);
    const values = penalties.map((plan) => penaltyOf(plan).value(b, plan.args, parameter.node, start));
    return [parameter, values.reduce((sum, value) => b.add(sum, b.gradient(value, parameter.node)), gradient)];
  };
  return new Map([...grads].map(added));
}

/** A weight as its first step found it: kept from then on, in this stage and those behind it. */
function startOf({ b, states }: Pick<TrainStep, "b" | "states">, { name, node, state }: Parameter, outputs: Map<string, Node>): Node {
  const known: State = { name: `start/known/${name}`, kind: "counter", type: tensorType("u32", []), init: ZEROS };
  const kept: State = { name: `start/${name}`, kind: "optimizer", type: state.type, init: ZEROS };
  const start = b.where(b.equal(states.declare(known), 0), node, states.declare(kept));
  outputs.set(kept.name, start);
  outputs.set(known.name, b.constant({ value: 1, type: known.type }));
  return start;
}

export interface NextStates {
  readonly outputs: Map<string, Node>;
  /** As the optimizer's `clip` is given them. */
  readonly grads: Gradients;
}

/** New weights, what the optimizer remembers, and averages, by their names. @param isTaken whether they are, bool[]; left out: always */
export function nextStates(context: TrainStep, grads: Gradients, isTaken?: Node): NextStates {
  const { b, states } = context;
  const outputs = new Map<string, Node>();
  const whole = penalized(context, grads, outputs);
  for (const [name, node] of updateWeights(context, whole)) outputs.set(name, node);
  for (const [name, node] of followWeights(context, outputs)) outputs.set(name, node);
  if (isTaken) for (const [name, node] of outputs) outputs.set(name, b.where(isTaken, node, states.valueOf(name)));
  return { outputs, grads: whole };
}

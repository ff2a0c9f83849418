// Loss scaling, for operands of a format whose range gradients do not fit (f16): the loss is differentiated times a scale, gradients are divided by
// it, and a step whose gradients are not all finite numbers changes nothing but the scale. torch.amp.GradScaler (Micikevicius et al. 2018).

import type { Builder } from "../ir/builder.ts";
import type { Node } from "../ir/node.ts";
import type { LossScaling } from "../ir/recipe/precisions/define.ts";
import { ZEROS, type State } from "../ir/state.ts";
import { tensorType } from "../ir/types.ts";
import type { StateTable } from "./states.ts";
import type { Gradients } from "./train-step.ts";

const LARGEST = 3.4028234663852886e38;

const scaleState = ({ initial }: LossScaling): State => ({
  ...{ name: "precision/scale", kind: "counter", type: tensorType("f32", []) },
  init: { kind: "constant", value: initial },
});
/** Steps in a row without an infinity. */
const STEPS: State = { name: "precision/steps", kind: "counter", type: tensorType("u32", []), init: ZEROS };

export interface LossScale {
  /** What the loss is multiplied by before it is differentiated, f32[]. */
  readonly factor: Node;
  /** Gradients of the loss itself. */
  unscaled(gradients: Gradients): Gradients;
}

export function lossScale(b: Builder, states: StateTable, scaling: LossScaling): LossScale {
  const factor = states.declare(scaleState(scaling));
  return { factor, unscaled: (gradients) => new Map([...gradients].map(([parameter, node]) => [parameter, b.div(node, factor)])) };
}

/** Whether all gradients are finite numbers, bool[]: the largest of them is, and what is no number is the largest. */
export function allFinite(b: Builder, gradients: Gradients): Node {
  const largest = [...gradients.values()].map((node) => b.reduceMax(b.abs(node), { axes: node.type.shape.map((_, axis) => axis) }));
  const [first, ...rest] = largest;
  if (first === undefined) return b.constant({ value: 1, type: tensorType("bool", []) });
  return b.lessEqual(
    rest.reduce((most, each) => b.maximum(most, each), first),
    LARGEST,
  );
}

/** The scale after a step, by its state's names. */
export function nextScale(b: Builder, states: StateTable, scaling: LossScaling, isFinite: Node): Map<string, Node> {
  const scale = states.declare(scaleState(scaling));
  const steps = b.add(states.declare(STEPS), 1);
  const grows = b.equal(steps, scaling.interval);
  const grown = b.where(grows, b.mul(scale, scaling.growth), scale);
  return new Map([
    [scaleState(scaling).name, b.where(isFinite, grown, b.mul(scale, scaling.backoff))],
    [STEPS.name, b.where(b.logicalOr(b.logicalNot(isFinite), grows), 0, steps)],
  ]);
}

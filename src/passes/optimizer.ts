// Optimizers as graphs: the next weight and the next slots, from the weight, its gradient and the slots. PyTorch's formulas.

import type { Builder } from "../ir/builder.ts";
import type { Node } from "../ir/node.ts";
import type { OptimizerPlan } from "../ir/plan.ts";

export interface OptimizerContext {
  readonly b: Builder;
  /** Steps done before this one, u32[]. */
  readonly step: Node;
  /** Learning rate of this step, f32[]. */
  readonly rate: Node;
  /** State of this parameter, zero at the start, of the parameter's type. */
  readonly slot: (name: string) => Node;
  /** A scalar that all parameters share, zero at the start; `next` computes its new value, which is returned. */
  readonly shared: (name: string, next: (old: Node) => Node) => Node;
}

export interface Update {
  readonly weight: Node;
  readonly slots: ReadonlyMap<string, Node>;
}

export function optimizerStep(plan: OptimizerPlan, context: OptimizerContext, weight: Node, gradient: Node): Update {
  switch (plan.kind) {
    case "sgd":
      return sgd(plan, context, weight, gradient);
    case "adam":
    case "adamw":
      return adam(plan, context, weight, gradient);
    default:
      return plan satisfies never;
  }
}

type Sgd = Extract<OptimizerPlan, { kind: "sgd" }>;
type Adam = Extract<OptimizerPlan, { kind: "adam" | "adamw" }>;

/** torch.optim.SGD. */
function sgd(plan: Sgd, { b, step, rate, slot }: OptimizerContext, weight: Node, gradient: Node): Update {
  const decayed = plan.weightDecay === 0 ? gradient : b.add(gradient, b.mul(weight, plan.weightDecay));
  if (plan.momentum === 0) return { weight: b.sub(weight, b.mul(rate, decayed)), slots: new Map() };
  const old = slot("momentum");
  const damped = b.add(b.mul(old, plan.momentum), b.mul(decayed, 1 - plan.dampening));
  // The first buffer is the gradient itself, undamped.
  const buffer = plan.dampening === 0 ? damped : b.where(b.equal(step, 0), decayed, damped);
  const direction = plan.nesterov ? b.add(decayed, b.mul(buffer, plan.momentum)) : buffer;
  return { weight: b.sub(weight, b.mul(rate, direction)), slots: new Map([["momentum", buffer]]) };
}

/** torch.optim.Adam (Kingma & Ba 2015) and AdamW (Loshchilov & Hutter 2019), with bias correction. */
function adam(plan: Adam, { b, rate, slot, shared }: OptimizerContext, weight: Node, gradient: Node): Update {
  const decoupled = plan.kind === "adamw";
  const start = decoupled && plan.weightDecay !== 0 ? b.mul(weight, b.sub(1, b.mul(rate, plan.weightDecay))) : weight;
  const g = !decoupled && plan.weightDecay !== 0 ? b.add(gradient, b.mul(weight, plan.weightDecay)) : gradient;
  const first = b.add(b.mul(slot("first_moment"), plan.beta1), b.mul(g, 1 - plan.beta1));
  const second = b.add(b.mul(slot("second_moment"), plan.beta2), b.mul(b.mul(g, g), 1 - plan.beta2));
  // 1 - beta^t by the recurrence c' = c beta + (1 - beta): computed as a difference in f32 it would lose half its digits early on.
  const correction = (name: string, beta: number): Node => shared(name, (old) => b.add(b.mul(old, beta), 1 - beta));
  const scale = b.div(rate, correction("first_correction", plan.beta1));
  const root = b.sqrt(correction("second_correction", plan.beta2));
  const denominator = b.add(b.div(b.sqrt(second), root), plan.eps);
  const next = b.sub(start, b.mul(scale, b.div(first, denominator)));
  return {
    weight: next,
    slots: new Map([
      ["first_moment", first],
      ["second_moment", second],
    ]),
  };
}

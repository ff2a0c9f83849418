// Gradients held within bounds before the optimizer sees them: what a recipe asks for, and what LAMB does by itself.

import type { Builder } from "../ir/builder.ts";
import type { Parameter } from "../ir/model.ts";
import type { Node } from "../ir/node.ts";
import { at } from "../ir/ops/define.ts";
import type { WordPlan } from "../ir/plan.ts";
import { clipOf } from "../ir/recipe/clips/index.ts";
import { sumOfSquares } from "../ir/recipe/optimizers/norm.ts";

type Gradients = ReadonlyMap<Parameter, Node>;

export function clip(b: Builder, gradients: Gradients, plan: WordPlan): Gradients {
  if (gradients.size === 0) return gradients;
  const clipped = clipOf(plan).build(b, plan.args, [...gradients.values()]);
  return new Map([...gradients.keys()].map((parameter, i) => [parameter, at(clipped, i)]));
}

/** As timm's Lamb: every gradient over one number, by which the norm of all together is at most `most`. */
export function clipNorm(b: Builder, gradients: Gradients, most: number): Gradients {
  const [first, ...rest] = [...gradients.values()].map((gradient) => sumOfSquares(b, gradient));
  if (first === undefined) return gradients;
  const whole = b.sqrt(rest.reduce((sum, square) => b.add(sum, square), first));
  const excess = b.maximum(b.div(whole, most), 1);
  return new Map([...gradients].map(([parameter, gradient]) => [parameter, b.div(gradient, excess)]));
}

// The fusion plan's interpreter: each group in its turn makes its outputs from what has memory by then, in float64.

import { evaluateNodes } from "../evaluate.ts";
import type { Node } from "../node.ts";
import { at, type Data } from "../ops/define.ts";
import { isGroup, type FusionPlan } from "./plan.ts";

/** Values of the roots, given those of the graph's inputs. */
export function evaluatePlan(plan: FusionPlan, roots: readonly Node[], bindings: ReadonlyMap<Node, Data>): Data[] {
  const memory = new Map(bindings);
  for (const step of plan.steps) {
    const nodes = isGroup(step) ? [...step.outputs] : [step];
    evaluateNodes(nodes, memory).forEach((data, i) => memory.set(at(nodes, i), data));
  }
  return evaluateNodes(roots, memory);
}

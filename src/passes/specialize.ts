// One forward graph for all that is done with a network: it says what training does, and here it becomes a training step that leaves frozen
// parameters alone, one without randomness, or an evaluation. Each op says itself what it is then (TrainingRule).

import type { Builder } from "../ir/builder.ts";
import { createRewriter } from "../ir/graph.ts";
import type { ForwardModel, Parameter } from "../ir/model.ts";
import type { Node } from "../ir/node.ts";

export type Circumstances =
  { readonly mode: "eval" } | { readonly mode: "train"; readonly isFrozen: (parameter: Parameter) => boolean; readonly isRandom: boolean };

export function specialize(b: Builder, model: ForwardModel, circumstances: Circumstances): ForwardModel {
  const parameters = new Map(model.parameters.map((parameter) => [parameter.node, parameter]));
  const isFrozen = (node: Node | undefined): boolean => {
    const parameter = node && parameters.get(node);
    return parameter !== undefined && (circumstances.mode === "eval" || circumstances.isFrozen(parameter));
  };
  const isOutside = (node: Node): boolean => {
    const rule = node.op.training;
    if (!rule || circumstances.mode === "eval") return rule !== undefined;
    return (rule.draws === true && !circumstances.isRandom) || (rule.isOutsideIf?.((i) => isFrozen(node.inputs[i])) ?? false);
  };
  // What an op that is outside of training reads stays as it is, whatever the network would make of it.
  const kept = new Set<Node>();
  const map = createRewriter(b, (node, inputs) => {
    if (!isOutside(node)) return undefined;
    node.inputs.forEach((input) => kept.add(input));
    return node.op.training?.outside(b, inputs, node);
  });
  const outputs = new Map([...model.outputs].map(([name, node]) => [name, map(node)]));
  const updates = [...model.updates].filter(([name]) => {
    const parameter = model.parameters.find((it) => it.name === name);
    return parameter && !isFrozen(parameter.node) && !kept.has(parameter.node);
  });
  return { ...model, outputs, updates: new Map(updates.map(([name, node]) => [name, map(node)])) };
}

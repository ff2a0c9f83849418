// A network on the batch that an entry has made.

import type { Builder } from "../ir/builder.ts";
import { substitute, topologicalOrder } from "../ir/graph.ts";
import type { ForwardModel, TrainingLeaves } from "../ir/model.ts";
import type { Node } from "../ir/node.ts";
import { at } from "../ir/ops/define.ts";
import { InternalError } from "../ir/types.ts";
import type { Batch } from "./mix-batch.ts";

/** A network on a batch; `leaves` as far as the network still asks for them. */
export function connect(b: Builder, model: ForwardModel, batch: Pick<Batch, "inputs">, leaves: Partial<TrainingLeaves> = {}): ForwardModel {
  const replacements = new Map<Node, Node>();
  for (const [name, node] of model.inputs) {
    const value = batch.inputs.get(name);
    if (value) replacements.set(node, b.cast(value, { dtype: node.type.dtype === "u8" ? "u32" : node.type.dtype }));
  }
  for (const name of ["mask", "seed", "step"] as const) {
    const value = leaves[name];
    if (value) replacements.set(model.leaves[name], value);
  }
  const names = [...model.updates.keys()];
  const [output, ...updates] = substitute(b, [model.output, ...model.updates.values()], replacements);
  if (!output) throw new InternalError("a model has an output");
  const { mask, seed, step } = model.leaves;
  const left = new Set([mask, seed, step].filter((leaf) => !replacements.has(leaf)));
  if (topologicalOrder([output, ...updates]).some((node) => left.has(node)))
    throw new InternalError("a network asks for what there is in training only");
  return { ...model, output, updates: new Map(names.map((name, i) => [name, at(updates, i)])) };
}

// A network on the batch that an entry has made.

import type { Builder } from "../ir/builder.ts";
import { substitute, topologicalOrder } from "../ir/graph.ts";
import { mapRoots, rootsOf, type ForwardModel, type TrainingLeaves } from "../ir/model.ts";
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
  const roots = rootsOf(model);
  const connected = substitute(b, roots, replacements);
  const { mask, seed, step } = model.leaves;
  const left = new Set([mask, seed, step].filter((leaf) => !replacements.has(leaf)));
  if (topologicalOrder(connected).some((node) => left.has(node)))
    throw new InternalError("a network asks for what there is in training only");
  const made = new Map(roots.map((root, i) => [root, at(connected, i)]));
  return mapRoots(model, (root) => made.get(root) ?? root);
}

// The layers of a network, one after the other, as people list them: what each gives, and what it has learned. Made of where the nodes of
// its graph come from.

import type { Builder } from "./builder.ts";
import { topologicalOrder } from "./graph.ts";
import type { ForwardModel } from "./model.ts";
import { sizeOf, type Shape } from "./types.ts";

export interface LayerRow {
  /** Its scope, or its keyword where it has none. */
  readonly layer: string;
  readonly kind: string;
  /** Of one example. */
  readonly output: Shape;
  /** Names of its weights, and how many numbers they have. */
  readonly weights: readonly string[];
  readonly parameters: number;
}

/** In the order in which an example goes through them. */
export function layerRows({ outputs, parameters }: ForwardModel, builder: Builder): readonly LayerRow[] {
  const rows = new Map<string, LayerRow>();
  const roots = [...outputs.values()];
  const batch = roots[0]?.type.shape[0];
  for (const node of topologicalOrder(roots)) {
    const origin = builder.originOf(node);
    if (!origin?.span || node.inputs.length === 0 || node.type.shape[0] !== batch) continue;
    const { path, what, span } = origin;
    const key = `${path} ${span.file} ${span.start}`;
    const own = parameters.filter(
      (it) => it.kind === "weight" && it.span === span && (path === what || it.name === path || it.name.startsWith(`${path}.`)),
    );
    // What comes last is what the layer gives; it stands where it began.
    rows.set(key, {
      ...{ layer: path, kind: what, output: node.type.shape.slice(1) },
      weights: own.map(({ name }) => name),
      parameters: own.reduce((sum, { node: weight }) => sum + sizeOf(weight.type.shape), 0),
    });
  }
  return [...rows.values()];
}

// Where a network of pictures or sequences has its scores: PyTorch's stand as [classes, height, width], and losses, metrics and answers take them
// as [height, width, classes]. So the former are turned once, here, and a spec is written as its network was published.

import type { Builder } from "../ir/builder.ts";
import type { ForwardModel } from "../ir/model.ts";
import type { LabelInfo } from "../ir/plan.ts";
import { areClassesFirst } from "../ir/recipe/losses/classes.ts";
import { labelPositions } from "../ir/recipe/steps/define.ts";

/** What is known of the labels of an example; no number of classes where the data has not been looked at. */
export interface KnownLabels {
  readonly label: Pick<LabelInfo["label"], "dtype" | "shape">;
  readonly classes?: number;
}

/** The network with classes behind the places that they are of. @param labelsOf an output that is compared with classes */
export function withClassesLast<M extends ForwardModel>(b: Builder, model: M, labelsOf: (output: string) => KnownLabels | undefined): M {
  const classesFirst = new Set<string>();
  const outputs = [...model.outputs].map(([name, output]) => {
    const known = labelsOf(name);
    const { shape } = output.type;
    if (!known || !areClassesFirst(shape.slice(1), labelPositions(known.label), known.classes ?? 0)) return [name, output] as const;
    classesFirst.add(name);
    const perm = [0, ...shape.slice(2).map((_, i) => i + 2), 1];
    return [name, b.withOrigin(b.originOf(output), () => b.transpose(output, { perm }))] as const;
  });
  return classesFirst.size === 0 ? model : { ...model, outputs: new Map(outputs), classesFirst };
}

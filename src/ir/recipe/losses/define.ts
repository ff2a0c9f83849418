// What a loss is: what it takes for labels, what the network's output must look like, and the losses of a batch as a graph.

import type { Builder } from "../../builder.ts";
import type { Node } from "../../node.ts";
import { at } from "../../ops/define.ts";
import type { ColumnInfo, LabelInfo, LabelKind, OutputKind } from "../../plan.ts";
import { sizeOf, type Shape } from "../../types.ts";
import { argOr, problem, type ArgSpecs, type Problem, type Values, type Word } from "../define.ts";
import type { Metric } from "../metrics/define.ts";

/** What a network gives and is given to compare with. */
export interface Comparison {
  /** Its name, for messages. */
  readonly loss: string;
  /** Of one example, as is the label. */
  readonly output: Shape;
  readonly label: Pick<ColumnInfo, "dtype" | "shape">;
  /** 0 where they are not known: a batch from outside has labels only. */
  readonly classes: number;
  /** The data set's name, for messages. */
  readonly data: string;
}

export interface Loss<N extends string = string, A extends ArgSpecs = ArgSpecs> extends Word<N, A> {
  /** What a label is: a class's index, i32; a number to come close to; or for each class 1 where it is one of the label's, and 0. */
  readonly labels: LabelKind;
  readonly outputs: OutputKind;
  /** Metrics that are reported whether or not the recipe asks for them. */
  readonly reports: readonly Metric[];
  /** Whether outputs are compared with the network's only input instead of with labels. */
  readonly comparesInput?: (args: Values<A>) => boolean;
  /** Rows of a batch that each example has, one behind the other and each augmented for itself; left out, one. They stand for labels. */
  readonly views?: number;
  /** What keeps outputs and labels from being compared. */
  readonly fits: (comparison: Comparison, args: Values<A>) => Problem | undefined;
  /** The label that stands for none and counts for nothing, if there is one. */
  readonly ignores?: (args: Values<A>) => number | undefined;
  /** Whether what it says of one label depends on others, so that it is to know which of them stand for none; others get a class for those. */
  readonly seesIgnored?: true;
  /** What it must know of the labels that are trained on, for arguments which say so; others it leaves as they are. */
  readonly counts?: (args: Values<A>) => boolean;
  readonly balanced?: (args: Values<A>, info: Pick<LabelInfo, "labelled" | "classes">) => Values<A> | Problem;
  /** Whether labels weigh differently, so that `weigh` has something to say. */
  readonly weighs?: (args: Values<A>) => boolean;
  /** How much each label weighs in the mean, f32[labels]; left out, all the same. The losses are weighted already. */
  readonly weigh?: (b: Builder, args: Values<A>, label: Node) => Node | undefined;
  /**
   * One loss for every label, f32[labels], examples one after the other.
   * @param output f32[batch, …]
   * @param label [batch, …], as the data set holds it
   * @param mask f32[batch], 0 for the filling of the last batch: for losses that compare examples with each other. Left out, there is none
   */
  readonly build: (b: Builder, args: Values<A>, output: Node, label: Node, mask?: Node) => Node;
  readonly samples: readonly LossSample<A>[];
}

/** A case for the tests; `output` and `label` with the batch axis. */
export interface LossSample<A extends ArgSpecs = ArgSpecs> {
  readonly args: Partial<Values<A>>;
  readonly output: Shape;
  readonly label: Shape;
}

/** Callers hold the arguments as plans do. */
export const defineLoss = <const N extends string, const A extends ArgSpecs>(loss: Loss<N, A>): Loss<N> =>
  Object.freeze(loss) as unknown as Loss<N>;

/** The argument of losses of numbers that an autoencoder is trained with. */
export const AGAINST = argOr(
  ["label", "input"],
  "word",
  "what the output is compared with; the input, preprocessed, for an autoencoder",
  "label",
);

export const comparesInput = ({ against }: { readonly against: "label" | "input" }): boolean => against === "input";

/** A label for every position of the output but those of the last axis, or for every position. */
export function labelsFit({ loss, output, label }: Comparison, positions: Shape): Problem | undefined {
  if (sizeOf(positions) === sizeOf(label.shape)) return undefined;
  const labels = (shape: Shape): string => (sizeOf(shape) === 1 ? "one label" : `labels [${shape.join(", ")}]`);
  return problem("label-shape", { loss, output: `[${output.join(", ")}]`, wanted: labels(positions), given: labels(label.shape) });
}

/** The mean over each example of how far its numbers are from its labels, f32[batch]. */
export function errorsOfExamples(b: Builder, output: Node, label: Node, error: (x: Node, target: Node) => Node): Node {
  const target = b.reshape(b.cast(label, { dtype: "f32" }), { shape: output.type.shape });
  const batch = at(output.type.shape, 0);
  const each = sizeOf(output.type.shape) / batch;
  return b.reduceMean(b.reshape(error(output, target), { shape: [batch, each] }), { axes: [1] });
}

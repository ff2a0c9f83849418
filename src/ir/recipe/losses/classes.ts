// What losses of class scores and class labels share.

import type { Builder } from "../../builder.ts";
import type { Node } from "../../node.ts";
import { at } from "../../ops/define.ts";
import { sameShape, sizeOf, type Shape } from "../../types.ts";
import { argOr, problem, type Problem } from "../define.ts";
import { labelsFit, type Comparison } from "./define.ts";

/** A score for every class, and a label for every row of scores. */
export function classesFit(comparison: Comparison): Problem | undefined {
  const { output, classes, data } = comparison;
  const misfit = labelsFit(comparison, output.slice(0, -1));
  const outputs = output.at(-1) ?? 1;
  if (misfit !== undefined || classes === 0 || outputs === classes) return misfit;
  return problem("class-count", { outputs, classes, data });
}

/** The argument of losses of classes for what has none: `ignore_index` of PyTorch, which has it always, and as -100. */
export const IGNORE = argOr(["nothing"], "integer", "the label that counts for nothing, such as 255 at the edges of masks", "nothing");

export const ignores = ({ ignore }: { readonly ignore: number | "nothing" }): number | undefined =>
  ignore === "nothing" ? undefined : ignore;

/**
 * Whether scores stand as PyTorch has them, [classes, …], and not [… , classes]: the labels' shape says so. Where it fits both, the classes of
 * pictures come first, and those of sequences last. @param output and labels of an example @param classes 0 where they are not known
 */
export function areClassesFirst(output: Shape, labels: Shape, classes: number): boolean {
  if (output.length !== labels.length + 1 || !sameShape(output.slice(1), labels)) return false;
  const isSequence = labels.length === 1;
  if (isSequence && classes > 0 && output[0] !== classes) return false;
  return labels.length > 0 && !(isSequence && sameShape(output.slice(0, -1), labels));
}

/** Scores f32[rows, classes] and labels i32[rows]. */
export function scoreRows(b: Builder, output: Node, label: Node): { readonly scores: Node; readonly labels: Node } {
  const classes = at(output.type.shape, output.type.shape.length - 1);
  const rows = sizeOf(output.type.shape) / classes;
  return { scores: b.reshape(output, { shape: [rows, classes] }), labels: b.reshape(label, { shape: [rows] }) };
}

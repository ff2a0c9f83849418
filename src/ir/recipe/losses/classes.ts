// What losses of class scores and class labels share.

import type { Builder } from "../../builder.ts";
import type { Node } from "../../node.ts";
import { at } from "../../ops/define.ts";
import { sizeOf } from "../../types.ts";
import { problem, type Problem } from "../define.ts";
import { labelsFit, type Comparison } from "./define.ts";

/** A score for every class, and a label for every row of scores. */
export function classesFit(comparison: Comparison): Problem | undefined {
  const { output, classes, data } = comparison;
  const misfit = labelsFit(comparison, output.slice(0, -1));
  const outputs = output.at(-1) ?? 1;
  if (misfit !== undefined || classes === 0 || outputs === classes) return misfit;
  return problem("class-count", { outputs, classes, data });
}

/** Scores f32[rows, classes] and labels i32[rows]. */
export function scoreRows(b: Builder, output: Node, label: Node): { readonly scores: Node; readonly labels: Node } {
  const classes = at(output.type.shape, output.type.shape.length - 1);
  const rows = sizeOf(output.type.shape) / classes;
  return { scores: b.reshape(output, { shape: [rows, classes] }), labels: b.reshape(label, { shape: [rows] }) };
}

// What losses of views have in common: a batch holds each example twice, one row behind the other, differently augmented. They take no
// labels: what belongs together is known from the rows.

import type { Builder } from "../../builder.ts";
import type { Node } from "../../node.ts";
import { at } from "../../ops/define.ts";
import { sizeOf, tensorType } from "../../types.ts";
import { problem, type Problem } from "../define.ts";
import type { Comparison } from "./define.ts";

/** Rows of a batch for each example. */
export const VIEWS = 2;

/** Each output is taken as one vector. */
export const vectorsFit = ({ loss, output }: Comparison): Problem | undefined =>
  sizeOf(output) > 1
    ? undefined
    : problem("wrong-rank", { layer: loss, wanted: "a vector for each picture", got: `[${output.join(", ")}]` });

export interface Views {
  /** f32[batch, numbers]. */
  readonly vectors: Node;
  /** Of each row, i32[batch]: the row of the other view of its example. */
  readonly partners: Node;
  /** bool[batch, batch]: the columns that are views of other examples, and no filling of the last batch. */
  readonly areOthers: Node;
}

/** @param mask f32[batch], left out where every row is an example's */
export function viewsIn(b: Builder, output: Node, mask: Node | undefined): Views {
  const batch = at(output.type.shape, 0);
  const pairs = { shape: [batch / VIEWS, VIEWS] };
  const [example, view] = [b.iota({ ...pairs, axis: 0 }), b.iota({ ...pairs, axis: 1 })];
  const flat = (x: Node): Node => b.reshape(x, { shape: [batch] });
  const examples = flat(example);
  const all = { shape: [batch, batch] };
  const [down, across] = [
    b.expand(b.reshape(examples, { shape: [batch, 1] }), all),
    b.expand(b.reshape(examples, { shape: [1, batch] }), all),
  ];
  const isReal = mask
    ? b.expand(b.less(0.5, b.reshape(mask, { shape: [1, batch] })), all)
    : b.constant({ value: 1, type: tensorType("bool", all.shape) });
  return {
    vectors: b.reshape(output, { shape: [batch, sizeOf(output.type.shape) / batch] }),
    partners: flat(b.add(b.mul(example, VIEWS), b.sub(1, view))),
    areOthers: b.logicalAnd(b.logicalNot(b.equal(down, across)), isReal),
  };
}

/** bool[batch, batch]: of each row, the column of its partner. */
export function arePartners(b: Builder, { partners, areOthers }: Views): Node {
  const { shape } = areOthers.type;
  const batch = at(shape, 0);
  return b.equal(b.expand(b.reshape(partners, { shape: [batch, 1] }), { shape }), b.iota({ shape, axis: 1 }));
}

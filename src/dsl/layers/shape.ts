// Moves values without computing: flatten, reshape, transpose, and what turns a sequence into one vector. Axes are those of an
// example, counted from 0.

import type { Builder } from "../../ir/builder.ts";
import type { Node } from "../../ir/node.ts";
import { sizeOf } from "../../ir/types.ts";
import { arg, defineLayer, extent, requireShape } from "./define.ts";
import { shapeText } from "../values.ts";
import { sliceAxis } from "../../ir/ops/pieces.ts";

export const flatten = defineLayer({
  name: "flatten",
  doc: "all values of an example in one axis",
  takes: "anything",
  args: {},
  build: ({ b, batch }, x) => b.reshape(x, { shape: [batch, sizeOf(x.type.shape.slice(1))] }),
});

export const reshape = defineLayer({
  name: "reshape",
  doc: "the same values in another shape",
  takes: "anything",
  args: { shape: arg("integers", "the new shape; one extent may be -1, for what is left over") },
  build: ({ b, batch }, x, { shape }) => {
    const size = sizeOf(x.type.shape.slice(1));
    const known = sizeOf(shape.filter((e) => e !== -1));
    requireShape(
      shape.every((e) => e >= 1 || e === -1) && shape.filter((e) => e === -1).length <= 1,
      () => `[${shape.join(", ")}] is not a shape`,
    );
    const filled = shape.map((e) => (e === -1 ? size / known : e));
    requireShape(
      sizeOf(filled) === size && filled.every(Number.isInteger),
      () => `the ${size} values of ${shapeText(x)} do not fill [${shape.join(", ")}]`,
    );
    return b.reshape(x, { shape: [batch, ...filled] });
  },
});

export const transpose = defineLayer({
  name: "transpose",
  doc: "axes in another order",
  takes: "anything",
  args: { axes: arg("integers", "old axis of each new axis; [1, 0] swaps two") },
  build: ({ b }, x, { axes }) => {
    const rank = x.type.shape.length - 1;
    requireShape(
      [...axes].sort((p, q) => p - q).join() === Array.from({ length: rank }, (_, i) => i).join(),
      () => `[${axes.join(", ")}] is not an order of the ${rank} axes of ${shapeText(x)}`,
    );
    return b.transpose(x, { perm: [0, ...axes.map((axis) => axis + 1)] });
  },
});

/** A sequence [batch, time, features] with zeros where steps [batch, time] are false. */
const whereSteps = (b: Builder, steps: Node, x: Node): Node =>
  b.where(b.expand(b.reshape(steps, { shape: [extent(x, 0), extent(x, 1), 1] }), { shape: x.type.shape }), x, 0);

/** Steps of each sequence, f32[batch]; none is empty. */
const lengths = (b: Builder, valid: Node): Node => b.reduceSum(b.cast(valid, { dtype: "f32" }), { axes: [1] });

export const mean = defineLayer({
  name: "mean",
  doc: "mean of a sequence over time: [features]",
  takes: "sequence",
  args: {},
  build: ({ b, batch, validSteps }, x) => {
    const valid = validSteps(x);
    if (valid === undefined) return b.reduceMean(x, { axes: [1] });
    const total = b.reduceSum(whereSteps(b, valid, x), { axes: [1] });
    return b.div(total, b.reshape(lengths(b, valid), { shape: [batch, 1] }));
  },
});

export const last = defineLayer({
  name: "last",
  doc: "last time step of a sequence: [features]",
  takes: "sequence",
  args: {},
  build: ({ b, batch, validSteps }, x) => {
    const valid = validSteps(x);
    if (valid === undefined) return b.reshape(sliceAxis(b, x, 1, extent(x, 1) - 1, extent(x, 1)), { shape: [batch, extent(x, 2)] });
    const step = b.cast(b.iota({ shape: [batch, extent(x, 1)], axis: 1 }), { dtype: "f32" });
    const isLast = b.equal(b.add(step, 1), b.reshape(lengths(b, valid), { shape: [batch, 1] }));
    return b.reduceSum(whereSteps(b, isLast, x), { axes: [1] });
  },
});

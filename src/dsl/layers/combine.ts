// Joins the current value with other tensors: residual connections, gates, concatenation.

import type { Node } from "../../ir/node.ts";
import { arg, defineLayer, requireShape } from "./define.ts";
import { shapeText } from "../values.ts";

const sameShape = (x: Node, other: Node | number): boolean =>
  typeof other === "number" ||
  (x.type.shape.length === other.type.shape.length &&
    x.type.shape.every((e, i) => e === other.type.shape[i] || e === 1 || other.type.shape[i] === 1));

const requireJoinable = (x: Node, other: Node | number): void =>
  requireShape(sameShape(x, other), () => `${shapeText(x)} and ${typeof other === "number" ? other : shapeText(other)} do not fit`);

export const add = defineLayer({
  name: "add",
  doc: "adds a tensor of the same shape, or a number",
  takes: "anything",
  args: { other: arg("tensor or number", "what to add") },
  build: ({ b }, x, { other }) => {
    requireJoinable(x, other);
    return b.add(x, other);
  },
});

export const mul = defineLayer({
  name: "mul",
  doc: "multiplies by a tensor of the same shape, or a number",
  takes: "anything",
  args: { other: arg("tensor or number", "what to multiply by") },
  build: ({ b }, x, { other }) => {
    requireJoinable(x, other);
    return b.mul(x, other);
  },
});

export const concat = defineLayer({
  name: "concat",
  doc: "puts further tensors behind the current value",
  takes: "anything",
  args: {
    others: arg("tensors", "a tensor, or a list of tensors"),
    axis: arg("integer", "axis of an example, from 0; -1 is the last", 0),
  },
  build: ({ b }, x, { others, axis }) => {
    const rank = x.type.shape.length;
    const at = axis < 0 ? rank + axis : axis + 1;
    requireShape(at >= 1 && at < rank, () => `axis ${axis} is not an axis of ${shapeText(x)}`);
    for (const other of others)
      requireShape(
        other.type.dtype === x.type.dtype &&
          other.type.shape.length === rank &&
          other.type.shape.every((e, i) => i === at || e === x.type.shape[i]),
        () => `${shapeText(other)} cannot stand behind ${shapeText(x)} along axis ${axis}`,
      );
    return b.concat([x, ...others], { axis: at });
  },
});

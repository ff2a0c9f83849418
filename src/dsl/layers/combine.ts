// Joins the current value with other tensors: residual connections, gates, concatenation.

import type { Node } from "../../ir/node.ts";
import { axisOf } from "./axes.ts";
import { arg, defineLayer, requireShape } from "./define.ts";
import { shapeText } from "../values.ts";

type Operand = Node | number;

/** Numbers fit to tensors of their kind; tensors to others of their shape, where an extent of 1 stretches. */
function fits(x: Operand, other: Operand): boolean {
  if (typeof x === "number") return typeof other !== "number" && fits(other, x);
  if (typeof other === "number") return x.type.dtype === "f32" || Number.isInteger(other);
  const [a, b] = [x.type, other.type];
  return (
    a.dtype === b.dtype && a.shape.length === b.shape.length && a.shape.every((e, i) => e === b.shape[i] || e === 1 || b.shape[i] === 1)
  );
}

const textOf = (x: Operand): string => (typeof x === "number" ? String(x) : shapeText(x));

/** That `x` and `other` can be added or multiplied, element by element. */
export const requireJoinable = (x: Operand, other: Operand): void =>
  requireShape(fits(x, other), () => `${textOf(x)} and ${textOf(other)} do not fit`);

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
    const at = axisOf(x, axis);
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

// What recurrent layers share: sizes, and the input's share of the gates, which needs no loop.

import type { Node } from "../node.ts";
import { formatType, sameShape, tensorType, type Shape, type TensorType } from "../types.ts";
import { at, formatTypes, requireThat, type Builder } from "./define.ts";

export interface Sizes {
  readonly time: number;
  readonly batch: number;
  readonly features: number;
  readonly hidden: number;
}

const f32 = (...shape: number[]): TensorType => tensorType("f32", shape);

/** Of x [time, batch, features] and weightHh [gates * hidden, hidden]. */
export const sizesOf = (x: Shape, weightHh: Shape): Sizes => ({
  time: at(x, 0),
  batch: at(x, 1),
  features: at(x, 2),
  hidden: at(weightHh, 1),
});

/** x W_ih^T + bias for all steps in one product: [time, batch, gates * hidden]. */
export function projection(b: Builder, x: Node, weightIh: Node, bias: Node | undefined): Node {
  const [time, batch, features] = [at(x.type.shape, 0), at(x.type.shape, 1), at(x.type.shape, 2)];
  const product = b.matmul(b.reshape(x, { shape: [time * batch, features] }), weightIh, { transposeB: true });
  return b.reshape(bias ? b.add(product, bias) : product, { shape: [time, batch, at(weightIh.type.shape, 0)] });
}

/** Types of x, weight_ih, weight_hh, `states` states to start from, and perhaps bias_ih and bias_hh. */
export function operandTypes({ time, batch, features, hidden }: Sizes, gates: number, states: number, biases: boolean): TensorType[] {
  const rows = gates * hidden;
  const types = [
    f32(time, batch, features),
    f32(rows, features),
    f32(rows, hidden),
    ...Array.from({ length: states }, () => f32(batch, hidden)),
  ];
  return biases ? [...types, f32(rows), f32(rows)] : types;
}

/** Refuses operands that do not fit; the type of the states of all steps, or of the one after the last. */
export function inferRecurrent(name: string, types: readonly TensorType[], gates: number, states: number, isSequence: boolean): TensorType {
  const [x, weightHh] = [at(types, 0), at(types, 2)];
  requireThat(
    x.shape.length === 3 && weightHh.shape.length === 2 && (types.length === 3 + states || types.length === 5 + states),
    () => `${name} needs x [time, batch, features] and weights, not ${formatTypes(types)}`,
  );
  const sizes = sizesOf(x.shape, weightHh.shape);
  operandTypes(sizes, gates, states, types.length === 5 + states).forEach((wanted, i) =>
    requireThat(
      sameShape(at(types, i).shape, wanted.shape),
      () => `operand ${i} of ${name} over ${formatType(x)} is ${formatType(at(types, i))}, not ${formatType(wanted)}`,
    ),
  );
  const state = [sizes.batch, sizes.hidden];
  return tensorType(x.dtype, isSequence ? [sizes.time, ...state] : state);
}

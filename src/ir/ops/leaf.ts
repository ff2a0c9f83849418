// Values with no inputs: named leaves of a graph, splat constants, and index ramps.

import { cast, constant as constantExpr } from "../loop/expr.ts";
import type { StateKind } from "../state.ts";
import { InternalError, sizeOf, tensorType, type DType, type Shape, type TensorType } from "../types.ts";
import { at, definePrimitive, type Op } from "./define.ts";

/** `state`: carried from step to step; `batch`: given by the host; `data`: a resident data set; `local`: bound by a scan. */
export type InputRole = "state" | "batch" | "data" | "local";

export interface InputAttrs {
  readonly name: string;
  readonly role: InputRole;
  /** Of a declared state. */
  readonly kind?: StateKind;
  readonly type: TensorType;
}

/** A named leaf; its value comes from outside the graph. */
export const input: Op<InputAttrs, 0> = definePrimitive<InputAttrs, 0>({
  name: "input",
  arity: 0,
  cost: 0,
  infer: (_, { type }) => type,
  vjp: () => [],
  evaluate: (_, { attrs }) => {
    throw new InternalError(`input ${attrs.name} has no value`);
  },
  lower: () => ({ kind: "special" }),
  samples: [],
});

/** Every element is `value`. */
export const constant: Op<{ readonly value: number; readonly type: TensorType }, 0> = definePrimitive<
  { readonly value: number; readonly type: TensorType },
  0
>({
  name: "constant",
  arity: 0,
  cost: 0,
  infer: (_, { type }) => type,
  vjp: () => [],
  evaluate: (_, { attrs, type }) => new Float64Array(sizeOf(type.shape)).fill(attrs.value),
  lower: ({ attrs, type }) => ({ kind: "pointwise", value: () => constantExpr(attrs.value, type.dtype === "u8" ? "u32" : type.dtype) }),
  samples: [{ inputs: [], attrs: { value: -1.5, type: tensorType("f32", [2, 3]) } }],
});

/** Element = its index along `axis`. Type i32 unless `dtype` says otherwise. */
export const iota: Op<{ readonly shape: Shape; readonly axis: number; readonly dtype?: DType }, 0> = definePrimitive<
  { readonly shape: Shape; readonly axis: number; readonly dtype?: DType },
  0
>({
  name: "iota",
  arity: 0,
  cost: 0,
  infer: (_, { shape, dtype }) => tensorType(dtype ?? "i32", shape),
  vjp: () => [],
  evaluate: (_, { attrs: { shape, axis } }) => {
    const inner = sizeOf(shape.slice(axis + 1));
    const extent = at(shape, axis);
    return new Float64Array(sizeOf(shape)).map((_value, i) => Math.floor(i / inner) % extent);
  },
  lower: ({ attrs, type }) => ({
    kind: "pointwise",
    value: (_read, index) => cast(at(index, attrs.axis), type.dtype === "u8" ? "u32" : type.dtype),
  }),
  samples: [{ inputs: [], attrs: { shape: [2, 3, 4], axis: 1 } }],
});

// Random numbers as a pure function of (seed, step, stream, index): the same on every target, and on resume.

import * as e from "../loop/expr.ts";
import { linearize } from "../loop/index-math.ts";
import { sizeOf, tensorType, type Shape, type TensorType } from "../types.ts";
import { at, defineComposite, definePrimitive, requireThat, type Op } from "./define.ts";
import { threefry2x32 } from "./special-functions.ts";

export interface RandomAttrs {
  readonly shape: Shape;
  /** Tells apart the random tensors of one step. */
  readonly stream: number;
}

const scalar = tensorType("u32", []);

const requireKey = (types: readonly TensorType[]): void =>
  requireThat(
    types.every((t) => t.dtype === "u32" && t.shape.length === 0),
    () => "random numbers need a seed and a step of type u32[]",
  );

/** Uniform u32 bits from seed u32[] and step u32[]: Threefry-2x32-20 under key (seed, step) of counter (index, stream). */
export const randomBits: Op<RandomAttrs, 2> = definePrimitive<RandomAttrs, 2>({
  name: "randomBits",
  arity: 2,
  cost: 60,
  reuse: (n) => sizeOf(n.attrs.shape),
  infer: (types, { shape }) => {
    requireKey(types);
    return tensorType("u32", shape);
  },
  vjp: () => [null, null],
  evaluate: ([seed, step], { attrs: { shape, stream } }) =>
    new Float64Array(sizeOf(shape)).map((_, i) => threefry2x32(at(seed, 0), at(step, 0), i, stream)[0]),
  lower: ({ attrs: { shape, stream } }) => ({
    kind: "pointwise",
    value: (read, index) => e.threefry(read(0, []), read(1, []), e.cast(linearize(index, shape), "u32"), e.constant(stream, "u32")),
  }),
  samples: [{ inputs: [scalar, scalar], attrs: { shape: [3, 5], stream: 7 }, below: 2 ** 32 }],
});

/** Uniform f32 in [0, 1), from 24 random bits. */
export const randomUniform: Op<RandomAttrs, 2> = defineComposite<RandomAttrs, 2>({
  name: "randomUniform",
  arity: 2,
  infer: (types, { shape }) => {
    requireKey(types);
    return tensorType("f32", shape);
  },
  vjp: () => [null, null],
  decompose: (b, [seed, step], { attrs }) => b.mul(b.cast(b.shiftRight(b.randomBits(seed, step, attrs), 8), { dtype: "f32" }), 2 ** -24),
  samples: [{ inputs: [scalar, scalar], attrs: { shape: [3, 5], stream: 1 }, below: 2 ** 32 }],
});

/** Standard normal f32, by Box and Muller (1958) from two uniforms. */
export const randomNormal: Op<RandomAttrs, 2> = defineComposite<RandomAttrs, 2>({
  name: "randomNormal",
  arity: 2,
  infer: (types, { shape }) => {
    requireKey(types);
    return tensorType("f32", shape);
  },
  vjp: () => [null, null],
  decompose: (b, [seed, step], { attrs: { shape, stream } }) => {
    // The second uniform comes from the same stream's upper half of counters, so that streams stay independent.
    const both = b.randomUniform(seed, step, { shape: [2, ...shape], stream });
    const half = (i: number) =>
      b.reshape(b.slice(both, { start: [i, ...shape.map(() => 0)], stop: [i + 1, ...shape], stride: [1, ...shape.map(() => 1)] }), {
        shape,
      });
    const radius = b.sqrt(b.mul(b.log(b.sub(1, half(0))), -2));
    return b.mul(radius, b.cos(b.mul(half(1), 2 * Math.PI)));
  },
  samples: [{ inputs: [scalar, scalar], attrs: { shape: [3, 5], stream: 2 }, below: 2 ** 32 }],
});

// Scaled dot product attention (Vaswani et al. 2017), as torch.nn.functional.scaled_dot_product_attention has it. It is one op, with all that it takes
// as inputs, until it is decomposed: two products, and between them one softmax over the keys that a query may look at.

import { formatType, isFloat, sameShape, tensorType, type Shape, type TensorType } from "../types.ts";
import type { Node } from "../node.ts";
import { at, defineComposite, formatTypes, requireThat, type Builder, type None, type Op } from "./define.ts";

export interface AttentionAttrs {
  /** Stretches of the last axis of queries, keys and values, each of which attends for itself. */
  readonly heads: number;
  /** The query at place i looks at no key behind place i. */
  readonly causal: boolean;
  /** Factor of the products of queries and keys. */
  readonly scale: number;
}

/** Below all that is computed, and finite, so that a row of nothing else has no infinity to subtract from itself. */
const LOWEST = -(2 ** 127);

/** softmax over the last axis of what is allowed: of the other elements, and of a row where nothing is, it is 0. */
export const maskedSoftmax: Op<None, 2> = defineComposite<None, 2>({
  name: "maskedSoftmax",
  arity: 2,
  infer: ([x, allowed]) => {
    requireThat(
      isFloat(x.dtype) && allowed.dtype === "bool" && sameShape(x.shape, allowed.shape),
      () => `maskedSoftmax takes numbers and as many bools, not ${formatTypes([x, allowed])}`,
    );
    return x;
  },
  // As of softmax: what is not allowed is 0, and so is its gradient.
  vjp: (b, ct, n) => {
    const total = b.reduceSum(b.mul(ct, n), { axes: [lastAxis(n)] });
    return [b.mul(n, b.sub(ct, stretched(b, total, n.type.shape))), null];
  },
  decompose: (b, [x, allowed]) => b.where(allowed, b.softmax(b.where(allowed, x, LOWEST), { axis: lastAxis(x) }), 0),
  samples: [
    { inputs: [tensorType("f32", [3, 5]), tensorType("bool", [3, 5])], attrs: {} },
    { inputs: [tensorType("f32", [4, 2, 1]), tensorType("bool", [4, 2, 1])], attrs: {} },
  ],
});

const lastAxis = (x: Node): number => x.type.shape.length - 1;

/** Values of rows, each once for every element of its row. */
const stretched = (b: Builder, rows: Node, shape: Shape): Node =>
  b.expand(b.reshape(rows, { shape: [...shape.slice(0, -1), 1] }), { shape });

interface Sizes {
  readonly batch: number;
  readonly queries: number;
  readonly keys: number;
}

interface Operands<T> {
  readonly query: T;
  readonly key: T;
  readonly value: T;
  /** Keys that may be looked at: bool[batch, keys]. */
  readonly mask: T | undefined;
  /** What probabilities are multiplied by, as dropout makes it of ones: f32[batch, heads, queries, keys]. */
  readonly factors: T | undefined;
}

function operandsOf<T>(inputs: readonly T[], typeOf: (input: T) => TensorType): Operands<T> {
  const [, , , ...more] = inputs;
  return {
    query: at(inputs, 0),
    key: at(inputs, 1),
    value: at(inputs, 2),
    mask: more.find((input) => !isFloat(typeOf(input).dtype)),
    factors: more.find((input) => isFloat(typeOf(input).dtype)),
  };
}

function sizesOf({ query, key, value }: Operands<TensorType>): Sizes {
  const all = [query, key, value];
  requireThat(
    all.every(({ dtype, shape }) => dtype === "f32" && shape.length === 3 && shape[0] === query.shape[0]) &&
      key.shape[1] === value.shape[1],
    () => `attention takes queries, keys and as many values [batch, time, features], not ${formatTypes(all)}`,
  );
  return { batch: at(query.shape, 0), queries: at(query.shape, 1), keys: at(key.shape, 1) };
}

function inferAttention(types: readonly TensorType[], { heads }: AttentionAttrs): TensorType {
  const operands = operandsOf(types, (type) => type);
  const { query, key, value, mask, factors } = operands;
  const { batch, queries, keys } = sizesOf(operands);
  requireThat(
    query.shape[2] === key.shape[2],
    () => `attention multiplies queries ${formatType(query)} by keys ${formatType(key)}: they have as many features`,
  );
  requireThat(
    [query, value].every(({ shape }) => at(shape, 2) % heads === 0),
    () => `${heads} heads do not divide the features of ${formatTypes([query, value])}`,
  );
  requireThat(
    mask === undefined || (mask.dtype === "bool" && sameShape(mask.shape, [batch, keys])),
    () => `a mask of ${keys} keys is bool[${batch}, ${keys}], not ${mask ? formatType(mask) : ""}`,
  );
  requireThat(
    factors === undefined || sameShape(factors.shape, [batch, heads, queries, keys]),
    () => `factors of ${heads} heads are f32[${batch}, ${heads}, ${queries}, ${keys}], not ${factors ? formatType(factors) : ""}`,
  );
  return tensorType("f32", [batch, queries, at(value.shape, 2)]);
}

/** [batch, time, heads width] to [batch, heads, time, width]. */
function split(b: Builder, x: Node, heads: number): Node {
  const [batch, time, features] = [at(x.type.shape, 0), at(x.type.shape, 1), at(x.type.shape, 2)];
  return b.transpose(b.reshape(x, { shape: [batch, time, heads, features / heads] }), { perm: [0, 2, 1, 3] });
}

/** Keys that each query may look at, bool[batch, 1, queries, keys] with 1 for axes along which it is the same; undefined where it may at all. */
function allowedOf(b: Builder, mask: Node | undefined, causal: boolean, { batch, queries, keys }: Sizes): Node | undefined {
  const place = (axis: number): Node => b.iota({ shape: [1, 1, queries, keys], axis });
  const before = causal ? b.lessEqual(place(3), place(2)) : undefined;
  const real = mask && b.reshape(mask, { shape: [batch, 1, 1, keys] });
  return before && real ? b.logicalAnd(before, real) : (before ?? real);
}

const types = (
  heads: number,
  [batch, queries, keys]: Shape,
  width: number,
  valueWidth = width,
): readonly [TensorType, TensorType, TensorType] => {
  const of = (time = 1, each = 1): TensorType => tensorType("f32", [batch ?? 1, time, heads * each]);
  return [of(queries, width), of(keys, width), of(keys, valueWidth)];
};
const plain = { causal: false, scale: 0.5 } as const;

/**
 * For each head softmax(scale q k^T) v: queries [batch, queries, heads width], keys [batch, keys, heads width], values [batch, keys, heads w], perhaps
 * a mask and factors, see Operands; the result is [batch, queries, heads w]. Where a query may look at no key it is 0.
 */
export const attention: Op<AttentionAttrs, -1> = defineComposite<AttentionAttrs, -1>({
  name: "attention",
  arity: -1,
  // Two products: of queries, keys and values that have fewer bits it makes such.
  narrows: "rounds",
  narrowed: 3,
  infer: inferAttention,
  decompose: (b, inputs, { type, attrs: { heads, causal, scale } }) => {
    const { query, key, value, mask, factors } = operandsOf(inputs, (input) => input.type);
    const products = b.matmul(split(b, query, heads), split(b, key, heads), { transposeB: true });
    const scores = b.mul(products, scale);
    const allowed = allowedOf(b, mask, causal, { batch: at(type.shape, 0), queries: at(type.shape, 1), keys: at(key.type.shape, 1) });
    const probabilities = allowed
      ? b.maskedSoftmax(scores, b.expand(allowed, { shape: scores.type.shape }))
      : b.softmax(scores, { axis: lastAxis(scores) });
    const seen = b.matmul(factors ? b.mul(probabilities, factors) : probabilities, split(b, value, heads));
    return b.reshape(b.transpose(seen, { perm: [0, 2, 1, 3] }), { shape: type.shape });
  },
  samples: [
    { inputs: types(1, [2, 3, 3], 4), attrs: { heads: 1, ...plain } },
    { inputs: types(3, [2, 3, 5], 2, 3), attrs: { heads: 3, ...plain } },
    { inputs: types(2, [2, 4, 4], 3), attrs: { heads: 2, causal: true, scale: -1 } },
    { inputs: types(2, [1, 5, 3], 1), attrs: { heads: 2, causal: true, scale: 1 } },
    { inputs: [...types(2, [3, 1, 7], 3, 1), tensorType("bool", [3, 7])], attrs: { heads: 2, ...plain } },
    // With two keys of each example, some examples have none that may be looked at.
    { inputs: [...types(2, [6, 3, 2], 2), tensorType("bool", [6, 2])], attrs: { heads: 2, causal: true, scale: 2 } },
    { inputs: [...types(2, [2, 3, 4], 2), tensorType("f32", [2, 2, 3, 4])], attrs: { heads: 2, ...plain } },
    {
      inputs: [...types(1, [2, 3, 4], 3), tensorType("bool", [2, 4]), tensorType("f32", [2, 1, 3, 4])],
      attrs: { heads: 1, causal: true, scale: 1 },
    },
  ],
});

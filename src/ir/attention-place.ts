// Whether what is said of tensors in buffers is an attention that a library takes, all of whose elements are there.

import type { AttentionOfLibrary, ParameterType, TensorPlace } from "./program.ts";
import { lastOf } from "./tensor-place.ts";
import { isHalf } from "./types.ts";

const operandsOf = ({ query, key, value, bias }: AttentionOfLibrary): readonly TensorPlace[] => [
  query,
  key,
  value,
  ...(bias ? [bias] : []),
];

/** Whether no two elements are in one place, rows lying side by side. */
function isApart({ shape, strides }: TensorPlace): boolean {
  const dims = shape.map((extent, i) => ({ extent, stride: strides[i] ?? 0 })).filter(({ extent }) => extent > 1);
  dims.sort((x, y) => x.stride - y.stride);
  return (
    strides[3] === 1 && dims.every(({ stride }, i) => stride >= (i === 0 ? 1 : (dims[i - 1]?.extent ?? 1) * (dims[i - 1]?.stride ?? 1)))
  );
}

function hasShapes({ query, key, value, bias, result }: AttentionOfLibrary): boolean {
  const [batch, heads, queries, width] = query.shape;
  const [, , keys] = key.shape;
  const isShape = (place: TensorPlace, shape: readonly (readonly number[])[]): boolean =>
    place.shape.every((extent, i) => shape[i]?.includes(extent));
  return (
    isShape(key, [[batch], [heads], [keys], [width]]) &&
    isShape(value, [[batch], [heads], [keys], [value.shape[3]]]) &&
    isShape(result, [[batch], [heads], [queries], [value.shape[3]]]) &&
    (!bias || isShape(bias, [[batch, 1], [1], [queries, 1], [keys]]))
  );
}

function hasTypes({ precision, query: { dtype }, key, value, bias, result }: AttentionOfLibrary): boolean {
  const isPrecise = isHalf(dtype) ? precision === dtype : precision === "f32" || precision === "tf32";
  return isPrecise && [key, value, result].every((place) => place.dtype === dtype) && (bias?.dtype ?? "f32") === "f32";
}

/** Operands that kernels make before: their parameters are behind those of the launches, in that order. */
export const madeForAttention = (it: AttentionOfLibrary, count: number): readonly TensorPlace[] =>
  operandsOf(it)
    .filter(({ param }) => param >= count)
    .sort((a, b) => a.param - b.param);

/** Whether an attention is one over buffers of these types; `params` has what is made for it behind those of the launches. */
export function isAttention(it: AttentionOfLibrary, params: readonly ParameterType[]): boolean {
  const isThere = (place: TensorPlace, access: "read" | "write"): boolean => {
    const { [place.param]: given } = params;
    return given?.dtype === place.dtype && (given.access === access || given.access === "read_write") && lastOf(place) < given.length;
  };
  const operands = operandsOf(it);
  return (
    hasShapes(it) &&
    hasTypes(it) &&
    operands.every((place) => isThere(place, "read") && place.strides[3] === 1) &&
    isThere(it.result, "write") &&
    isApart(it.result) &&
    operands.every(({ param }) => param !== it.result.param)
  );
}

// Whether what a kernel says of tensors in its buffers is a convolution that a library takes, all of whose elements are there.

import type { ConvolutionOfLibrary, Four, ParameterType, TensorPlace } from "./program.ts";
import { sizeOf } from "./types.ts";

/** Of a tensor whose elements lie one behind the other. */
export const packedStrides = ([, b, c, d]: Four): Four => [b * c * d, c * d, d, 1];

/** Whether rows lie one behind the other, and planes, and what is made of planes, as a library takes them: no two elements in one place. */
export const isOrdered = ({ shape, strides }: Pick<TensorPlace, "shape" | "strides">): boolean =>
  strides[3] === 1 && strides.every((stride, i) => i === 3 || stride >= (shape[i + 1] ?? 1) * (strides[i + 1] ?? 1));

/** Extents of what filters lay over an image respond, in one direction. */
const responses = ({ stride, padding, dilation, image, filter }: ConvolutionOfLibrary, i: 0 | 1): number =>
  Math.floor(((image.shape[2 + i] ?? 0) + 2 * padding[i] - dilation[i] * ((filter.shape[2 + i] ?? 0) - 1) - 1) / stride[i]) + 1;

/** Whether the tensors are of one convolution. */
function hasShapes(it: ConvolutionOfLibrary): boolean {
  const { groups, image, filter, response } = it;
  return (
    image.shape[0] === response.shape[0] &&
    image.shape[1] === groups * filter.shape[1] &&
    response.shape[1] === filter.shape[0] &&
    filter.shape[0] % groups === 0 &&
    response.shape[2] === responses(it, 0) &&
    response.shape[3] === responses(it, 1)
  );
}

/** The two tensors that are multiplied, and what comes of it. */
export function rolesOf({ direction, image, filter, response }: ConvolutionOfLibrary): {
  readonly operands: readonly [TensorPlace, TensorPlace];
  readonly result: TensorPlace;
} {
  switch (direction) {
    case "forward":
      return { operands: [image, filter], result: response };
    case "data":
      return { operands: [filter, response], result: image };
    case "filter":
      return { operands: [image, response], result: filter };
    default:
      return direction satisfies never;
  }
}

/** Whether a library multiplies tensors of these types, and gives one of that. */
function hasTypes(it: ConvolutionOfLibrary): boolean {
  const { operands, result } = rolesOf(it);
  const [{ dtype }, other] = operands;
  const isPrecise = dtype === "f32" ? it.precision === "f32" || it.precision === "tf32" : dtype === it.precision;
  return other.dtype === dtype && isPrecise && (result.dtype === "f32" || result.dtype === dtype);
}

/** The furthest of its elements. */
export const lastOf = ({ first, shape, strides }: TensorPlace): number =>
  shape.reduce((at, extent, i) => at + (extent - 1) * (strides[i] ?? 0), first);

/** Operands that kernels make before: their parameters are behind those of the kernel, in that order. */
export const madeOf = (it: ConvolutionOfLibrary, count: number): readonly TensorPlace[] =>
  rolesOf(it)
    .operands.filter(({ param }) => param >= count)
    .sort((a, b) => a.param - b.param);

export const lengthOf = ({ shape }: TensorPlace): number => sizeOf(shape);

/** Whether a convolution is one over buffers of these types; `params` has what is made for it behind the kernel's, and then the product where there is a rest. */
export function isConvolution(it: ConvolutionOfLibrary, params: readonly ParameterType[], hasRest: boolean): boolean {
  const { operands, result } = rolesOf(it);
  const isThere = (place: TensorPlace, access: "read" | "write"): boolean => {
    const { [place.param]: given } = params;
    if (given?.dtype !== place.dtype || (given.access !== access && given.access !== "read_write")) return false;
    return isOrdered(place) && lastOf(place) < given.length;
  };
  return (
    hasShapes(it) &&
    hasTypes(it) &&
    operands.every((place) => isThere(place, "read")) &&
    isThere(result, hasRest ? "read" : "write") &&
    (!hasRest || result.param === params.length - 1)
  );
}

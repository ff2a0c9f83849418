// Convolutions and their gradients as operations of cuDNN's graphs.

import type { ConvolutionOfLibrary } from "../../ir/program.ts";
import { longs, pointers, type Attribute } from "./cudnn-descriptors.ts";
import { nameOfTensor, type GraphOperation } from "./cudnn-graph.ts";
import { CUDNN_VALUES as V } from "./cudnn-values.ts";

/** Of an engine: sums in fewer bits, or with more error than a plain sum has. */
const NEVER: ReadonlySet<number> = new Set([
  ...[V.CUDNN_NUMERICAL_NOTE_DOWN_CONVERT_INPUTS, V.CUDNN_NUMERICAL_NOTE_REDUCED_PRECISION_REDUCTION],
  ...[V.CUDNN_NUMERICAL_NOTE_FFT, V.CUDNN_NUMERICAL_NOTE_WINOGRAD, V.CUDNN_NUMERICAL_NOTE_WINOGRAD_TILE_4x4],
  ...[V.CUDNN_NUMERICAL_NOTE_WINOGRAD_TILE_6x6, V.CUDNN_NUMERICAL_NOTE_WINOGRAD_TILE_13x13],
]);

/** What the library is asked for. Groups are told by how many channels an image has, and how many a filter. */
export function convolutionOperation(given: ConvolutionOfLibrary): GraphOperation {
  const { direction, precision, stride, padding, dilation, groups, image, filter, response } = given;
  const tensors = [image, filter, response];
  const settings = [direction, precision, ...[stride, padding, dilation].map((pair) => pair.join("x")), groups];
  return {
    name: [...settings, ...tensors.map(nameOfTensor)].join(" "),
    tensors,
    isAllowed: (notes) => isPreciseEnough(notes, precision),
    make: (descriptors, made) => {
      const convolution = descriptors.make(V.CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR, [
        [V.CUDNN_ATTR_CONVOLUTION_COMP_TYPE, V.CUDNN_TYPE_DATA_TYPE, Int32Array.of(V.CUDNN_DATA_FLOAT)],
        [V.CUDNN_ATTR_CONVOLUTION_CONV_MODE, V.CUDNN_TYPE_CONVOLUTION_MODE, Int32Array.of(V.CUDNN_CROSS_CORRELATION)],
        [V.CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS, ...longs(2)],
        [V.CUDNN_ATTR_CONVOLUTION_DILATIONS, ...longs(...dilation)],
        [V.CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES, ...longs(...stride)],
        [V.CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS, ...longs(...padding)],
        [V.CUDNN_ATTR_CONVOLUTION_POST_PADDINGS, ...longs(...padding)],
      ]);
      const { type, convolution: by, scales, tensors: parts } = OPERATIONS[direction];
      const operation = descriptors.make(type, [
        [by, ...pointers(convolution)],
        ...made.map((tensor, i): Attribute => [parts[i] ?? 0, ...pointers(tensor)]),
        // The result is all that comes of it.
        ...scales.map((scale, i): Attribute => [scale, V.CUDNN_TYPE_FLOAT, Float32Array.of(i === 0 ? 1 : 0)]),
      ]);
      return [operation];
    },
  };
}

/** Operands in f32 are multiplied as they are, or rounded: only tensor cores do that. */
export function isPreciseEnough(notes: readonly number[], precision: ConvolutionOfLibrary["precision"]): boolean {
  const usesTensorCores = notes.includes(V.CUDNN_NUMERICAL_NOTE_TENSOR_CORE);
  if (notes.some((note) => NEVER.has(note))) return false;
  return precision === "tf32" ? usesTensorCores : precision !== "f32" || !usesTensorCores;
}

/** What the three operations call their parts, in the order of the tensors. */
const OPERATIONS = {
  forward: {
    type: V.CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR,
    convolution: V.CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC,
    scales: [V.CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_ALPHA, V.CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_BETA],
    tensors: [
      ...[V.CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X, V.CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W],
      V.CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y,
    ],
  },
  data: {
    type: V.CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR,
    convolution: V.CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_CONV_DESC,
    scales: [V.CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_ALPHA, V.CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_BETA],
    tensors: [
      ...[V.CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DX, V.CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_W],
      V.CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DY,
    ],
  },
  filter: {
    type: V.CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_FILTER_DESCRIPTOR,
    convolution: V.CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_CONV_DESC,
    scales: [V.CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_ALPHA, V.CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_BETA],
    tensors: [
      ...[V.CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_X, V.CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DW],
      V.CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DY,
    ],
  },
} as const satisfies Record<ConvolutionOfLibrary["direction"], object>;

// Every layer of the language. Names, argument checks and docs/language.md derive from this list.

import { gelu, logSoftmax, relu, sigmoid, silu, softmax, tanh } from "./activations.ts";
import { batchNorm } from "./batch-norm.ts";
import { add, concat, mul } from "./combine.ts";
import { conv2d } from "./conv2d.ts";
import type { AnyLayer } from "./define.ts";
import { dropout } from "./dropout.ts";
import { embedding } from "./embedding.ts";
import { groupNorm } from "./group-norm.ts";
import { layerNorm } from "./layer-norm.ts";
import { linear } from "./linear.ts";
import { pad } from "./pad.ts";
import { centerCrop, chunk, slice, split, stack } from "./pieces.ts";
import { lstm } from "./lstm.ts";
import { avgPool2d, globalAvgPool, maxPool2d } from "./pool.ts";
import { flatten, last, mean, reshape, transpose } from "./shape.ts";

export const LAYERS: readonly AnyLayer[] = [
  conv2d,
  linear,
  embedding,
  lstm,
  batchNorm,
  layerNorm,
  groupNorm,
  dropout,
  maxPool2d,
  avgPool2d,
  globalAvgPool,
  relu,
  gelu,
  sigmoid,
  tanh,
  silu,
  softmax,
  logSoftmax,
  add,
  mul,
  concat,
  stack,
  split,
  chunk,
  slice,
  centerCrop,
  pad,
  flatten,
  reshape,
  transpose,
  mean,
  last,
];

export const LAYER_BY_NAME: ReadonlyMap<string, AnyLayer> = new Map(LAYERS.map((layer) => [layer.name, layer]));

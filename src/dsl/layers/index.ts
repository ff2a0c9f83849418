// Every layer of the language. Names, argument checks and docs/language.md derive from this list.

import { ACTIVATIONS } from "./activations.ts";
import { ATTENTIONS } from "./attention.ts";
import { batchNorm } from "./batch-norm.ts";
import { add, concat, mul } from "./combine.ts";
import { CONVOLUTIONS } from "./conv.ts";
import type { AnyLayer } from "./define.ts";
import { DROPOUTS } from "./dropout.ts";
import { embedding } from "./embedding.ts";
import { linear } from "./linear.ts";
import { NORMS } from "./norms.ts";
import { pad } from "./pad.ts";
import { constant, layerScale, parameter } from "./parameter.ts";
import { centerCrop, chunk, slice, split, stack } from "./pieces.ts";
import { POOLS } from "./pool.ts";
import { RECURRENT } from "./recurrent.ts";
import { flatten, last, mean, reshape, transpose } from "./shape.ts";
import { RESIZES } from "./upsample.ts";

export const LAYERS: readonly AnyLayer[] = [
  ...CONVOLUTIONS,
  linear,
  embedding,
  ...RECURRENT,
  ...ATTENTIONS,
  batchNorm,
  ...NORMS,
  ...DROPOUTS,
  ...POOLS,
  ...RESIZES,
  ...ACTIVATIONS,
  parameter,
  constant,
  layerScale,
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

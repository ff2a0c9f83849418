// Attention: the plain one over tensors, as torch.nn.functional.scaled_dot_product_attention, the layer with its projections, as
// torch.nn.MultiheadAttention with batch_first, and a learned vector for each place, since attention itself knows of none.

import type { Node } from "../../ir/node.ts";
import { parts, sliceAxis } from "../../ir/ops/pieces.ts";
import { tensorType } from "../../ir/types.ts";
import { shapeText } from "../values.ts";
import { arg, argOr, defineLayer, extent, fanIn, requireShape, ZEROS } from "./define.ts";
import type { AnyLayer, ArgSpecs, LayerContext } from "./define.ts";
import { dropped } from "./dropout.ts";
import { dense } from "./linear.ts";
import { forAll } from "./parameter.ts";

const COMMON = {
  mask: argOr(
    ["none"],
    "tensor",
    "[keys]: 0 for keys that are not looked at; left out, those of padded sequences behind their end",
    "none",
  ),
  causal: arg("bool", "whether a query sees no key of a later place", false),
  dropout: arg("fraction", "share of the probabilities that is dropped in training", 0),
} as const satisfies ArgSpecs;

interface Given {
  readonly heads: number;
  readonly mask: Node | "none";
  readonly causal: boolean;
  readonly dropout: number;
  readonly scale?: number;
}

/** @param query [batch, queries, heads width]; keys [batch, keys, heads width] and values [batch, keys, heads w], to [batch, queries, heads w] */
function attend(context: LayerContext, query: Node, keys: Node, values: Node, { heads, mask, causal, dropout, scale }: Given): Node {
  const { b, batch } = context;
  const width = extent(query, 2) / heads;
  const real = mask === "none" ? context.validSteps(keys) : b.notEqual(mask, 0);
  const ones = b.constant({ value: 1, type: tensorType("f32", [batch, heads, extent(query, 1), extent(keys, 1)]) });
  const factors = dropout === 0 ? [] : [dropped(context, ones, dropout)];
  return b.attention([query, keys, values, ...(real ? [real] : []), ...factors], { heads, causal, scale: scale ?? 1 / Math.sqrt(width) });
}

const requireHeads = (what: string, x: Node, heads: number): void =>
  requireShape(extent(x, 2) % heads === 0, () => `${heads} heads do not divide the ${extent(x, 2)} features of ${what} ${shapeText(x)}`);

function requireSequence(what: string, x: Node): void {
  requireShape(x.type.dtype === "f32" && x.type.shape.length === 3, () => `${what} are f32[time, features], not ${shapeText(x)}`);
}

function requireMask(mask: Node | "none", keys: Node): void {
  requireShape(
    mask === "none" || (mask.type.shape.length === 2 && extent(mask, 1) === extent(keys, 1)),
    () =>
      `the mask of the keys ${shapeText(keys)} is [${extent(keys, 1)}], a number for each, not ${mask === "none" ? mask : shapeText(mask)}`,
  );
}

const attention = defineLayer({
  name: "attention",
  doc: "what queries, the current value, find by keys: for each head softmax(scale q kᵀ) v, as torch's scaled_dot_product_attention; 0 where a query may look at no key",
  takes: "sequence",
  args: {
    keys: arg("tensor", "[keys, features], with as many features as the queries"),
    values: arg("tensor", "[keys, features], one for each key"),
    heads: arg("count", "equal stretches of the features, each of which attends for itself", 1),
    ...COMMON,
    scale: argOr(["default"], "number", "factor of q kᵀ; by default 1 / √(features of a head)", "default"),
  },
  build: (context, x, { keys, values, scale, ...given }) => {
    requireSequence("keys", keys);
    requireSequence("values", values);
    requireShape(
      extent(keys, 2) === extent(x, 2),
      () => `queries ${shapeText(x)} and keys ${shapeText(keys)} must have as many features as each other`,
    );
    requireShape(
      extent(keys, 1) === extent(values, 1),
      () => `there must be a value for each key, and there are keys ${shapeText(keys)} and values ${shapeText(values)}`,
    );
    requireHeads("queries", x, given.heads);
    requireHeads("values", values, given.heads);
    requireMask(given.mask, keys);
    return attend(context, x, keys, values, scale === "default" ? given : { ...given, scale });
  },
});

const multiHeadAttention = defineLayer({
  name: "multi_head_attention",
  doc: "attention with learned maps of queries, keys, values and of the result, as torch.nn.MultiheadAttention with batch_first: of a sequence to itself, or to another",
  takes: "sequence",
  args: {
    heads: arg("count", "how many attend side by side, each to its stretch of the features"),
    memory: argOr(["itself"], "tensor", "[keys, features]: the sequence that keys and values are made of", "itself"),
    ...COMMON,
    bias: arg("bool", "whether the maps have biases", true),
  },
  build: (context, x, { memory, bias, ...given }) => {
    const { b, weight } = context;
    const features = extent(x, 2);
    const seen = memory === "itself" ? x : memory;
    requireSequence("the memory's vectors", seen);
    requireShape(extent(seen, 2) === features, () => `the memory ${shapeText(seen)} must have the ${features} features of ${shapeText(x)}`);
    requireHeads("the current value", x, given.heads);
    requireMask(given.mask, seen);
    // Xavier's, of the three maps as one matrix.
    const matrix = weight("in_proj_weight", [3 * features, features], { kind: "uniform", bound: Math.sqrt(6 / (4 * features)) });
    const shift = bias ? weight("in_proj_bias", [3 * features], ZEROS) : undefined;
    /** Some of the three, by one product. */
    const projected = (y: Node, from: number, to: number): Node[] => {
      const rows = (all: Node): Node => sliceAxis(b, all, 0, from * features, to * features);
      const all = dense(b, y, rows(matrix), shift && rows(shift));
      return parts(
        b,
        all,
        Array.from({ length: to - from }, () => features),
        2,
      );
    };
    const [query = x, keys = x, values = x] = memory === "itself" ? projected(x, 0, 3) : [...projected(x, 0, 1), ...projected(seen, 1, 3)];
    const found = attend(context, query, keys, values, given);
    const out = weight("out_proj.weight", [features, features], fanIn(features));
    return dense(b, found, out, bias ? weight("out_proj.bias", [features], ZEROS) : undefined);
  },
});

const positionEmbedding = defineLayer({
  name: "position_embedding",
  doc: "a learned vector for each place of a sequence, as torch.nn.Embedding of 0, 1, …: [time, features]",
  takes: "anything",
  args: {
    count: arg("count", "number of places; a sequence may be shorter"),
    features: arg("count", "length of a vector"),
  },
  build: (context, x, { count, features }) => {
    requireShape(x.type.shape.length >= 2, () => `${shapeText(x)} has no places`);
    const time = extent(x, 1);
    requireShape(time <= count, () => `${shapeText(x)} has ${time} places, and there are vectors for ${count}`);
    const table = context.weight("weight", [count, features], { kind: "normal", std: 1 });
    return forAll(context, sliceAxis(context.b, table, 0, 0, time), [time, features]);
  },
});

export const ATTENTIONS: readonly AnyLayer[] = [attention, multiHeadAttention, positionEmbedding];

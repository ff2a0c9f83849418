// Normalizations by statistics that stand still, folded into the product before them (Jacob et al. 2018): what a channel is multiplied by goes
// into the product's weights, what is added to it into one bias. Weights and bias are then held, made once and not in every step (folded.ts).

import type { Builder } from "../ir/builder.ts";
import { createRewriter, topologicalOrder, usersOf } from "../ir/graph.ts";
import { mapRoots, rootsOf, type ForwardModel } from "../ir/model.ts";
import type { Node } from "../ir/node.ts";
import type { BatchNormAttrs } from "../ir/ops/batch-norm.ts";
import type { ConvAttrs } from "../ir/ops/conv.ts";
import { at } from "../ir/ops/define.ts";
import { ops } from "../ir/ops/index.ts";
import { unreduce } from "../ir/ops/pieces.ts";
import { sameShape } from "../ir/types.ts";

/** What can be made of states alone, and is made apart. */
export interface Holding {
  /** Whether a value is made of states that stand still long enough. */
  readonly canHold: (value: Node) => boolean;
  /** The leaf that stands for it. */
  readonly hold: (value: Node, name: string) => Node;
}

/** A product that gives channels [batch, channels, …] for normalization: the way to it leads through biases and reshapes. */
interface Product {
  readonly node: Node;
  /** The input that is its weights, and their axis along which channels are. */
  readonly weights: number;
  readonly axis: number;
  /** What is added to each channel, [channels] each. */
  readonly biases: readonly Node[];
}

/** The axis of channels in the weights of a product, and which input these are. */
function weightsOf({ op, inputs, attrs, type }: Node): Pick<Product, "weights" | "axis"> | undefined {
  if (op === ops.conv2d) return { weights: 1, axis: 0 };
  // A transposed convolution; of several groups, its weights have the channels of one.
  if (op === ops.conv2dInputGrad) return (attrs as ConvAttrs).groups === 1 ? { weights: 0, axis: 1 } : undefined;
  if (op !== ops.matmul || type.shape.length !== 2 || at(inputs, 1).type.shape.length !== 2) return undefined;
  return { weights: 1, axis: (attrs as { readonly transposeB?: boolean }).transposeB === true ? 0 : 1 };
}

/** The values per channel that a node stretches over the other axes, [channels]. */
function perChannel(node: Node, channels: number): Node | undefined {
  const stretched = node.op === ops.expand ? at(node.inputs, 0) : node;
  const isAlong = stretched.type.shape.every((extent, axis) => extent === (axis === 1 ? channels : 1));
  const values = stretched.op === ops.reshape && isAlong ? at(stretched.inputs, 0) : undefined;
  return values && sameShape(values.type.shape, [channels]) ? values : undefined;
}

/** @param isOnce whether only one other node uses a value, so that nobody asks for it as it was */
function productBefore(norm: Node, isOnce: (node: Node) => boolean): Product | undefined {
  const { shape } = norm.type;
  const biases: Node[] = [];
  for (let node = at(norm.inputs, 0); isOnce(node); node = at(node.inputs, 0)) {
    const weights = weightsOf(node);
    if (weights) return { node, ...weights, biases };
    if (node.op === ops.reshape && sameShape(at(node.inputs, 0).type.shape.slice(0, 2), shape.slice(0, 2))) continue;
    // What stood between the two in memory is nowhere any more.
    if (node.op === ops.roundTo) continue;
    const bias = node.op === ops.add ? perChannel(at(node.inputs, 1), at(shape, 1)) : undefined;
    if (!bias) return undefined;
    biases.push(bias);
  }
  return undefined;
}

/** The model with all that can be folded, and the layers whose normalizations these are. */
export function foldNorms(
  b: Builder,
  model: ForwardModel,
  { canHold, hold }: Holding,
): { readonly model: ForwardModel; readonly norms: readonly string[] } {
  const roots = rootsOf(model);
  const order = topologicalOrder(roots);
  const users = usersOf(order);
  const isOnce = (node: Node): boolean => users.get(node)?.length === 1 && !roots.includes(node);
  const products = new Map<Node, Product>();
  for (const node of order) {
    if (node.op !== ops.batchNorm || (node.attrs as BatchNormAttrs).mode === "train") continue;
    const product = productBefore(node, isOnce);
    const made = product && [...node.inputs.slice(1), ...product.biases, at(product.node.inputs, product.weights)];
    if (product && made?.every(canHold)) products.set(node, product);
  }
  if (products.size === 0) return { model, norms: [] };
  const map = createRewriter(b, (node, inputs) => {
    const product = products.get(node);
    return product && folded(b, node, at(inputs, 0), product, hold);
  });
  return {
    model: mapRoots(model, map),
    norms: [...products.keys()].map((norm) => pathOf(b, norm)),
  };
}

const pathOf = (b: Builder, norm: Node): string => b.originOf(norm)?.path ?? norm.op.name;

/** @param x what is normalized, rebuilt: as many nodes as there were from the product on */
function folded(b: Builder, norm: Node, x: Node, product: Product, hold: Holding["hold"]): Node {
  const [weight, bias, mean, variance] = [at(norm.inputs, 1), at(norm.inputs, 2), at(norm.inputs, 3), at(norm.inputs, 4)];
  const path = pathOf(b, norm);
  const scale = b.mul(weight, b.rsqrt(b.add(variance, (norm.attrs as BatchNormAttrs).eps)));
  const before = product.biases.reduceRight<Node | undefined>((sum, it) => (sum ? b.add(sum, it) : it), undefined);
  const shift = b.add(b.mul(before ? b.sub(before, mean) : b.neg(mean), scale), bias);
  const along = (perChannel: Node, { type: { shape } }: Node, axis: number): Node =>
    unreduce(
      b,
      perChannel,
      shape,
      shape.flatMap((_, i) => (i === axis ? [] : [i])),
    );
  const scaled = (node: Node): Node => {
    if (node.op === ops.reshape) return b.reshape(scaled(at(node.inputs, 0)), { shape: node.type.shape });
    if (node.op !== product.node.op) return scaled(at(node.inputs, 0));
    const weights = at(node.inputs, product.weights);
    const held = hold(b.mul(weights, along(scale, weights, product.axis)), `weight/${path}`);
    const inputs = node.inputs.map((input, i) => (i === product.weights ? held : input));
    return b.withOrigin(b.originOf(product.node), () => b.apply(node.op, inputs, node.attrs));
  };
  const y = scaled(x);
  return b.add(y, along(hold(shift, `bias/${path}`), y, 1));
}

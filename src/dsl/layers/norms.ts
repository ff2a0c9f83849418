// Normalizations of each example by itself, as torch.nn.LayerNorm, RMSNorm, GroupNorm, InstanceNorm1d to 3d and LocalResponseNorm.

import type { Node } from "../../ir/node.ts";
import { sameShape, type Shape } from "../../ir/types.ts";
import { shapeText } from "../values.ts";
import { learnedOrFixed } from "./affine.ts";
import { arg, defineLayer, extent, requireShape } from "./define.ts";
import type { AnyLayer, ArgSpecs } from "./define.ts";

const EPS = arg("positive", "added to the variance", 1e-5);
const AFFINE = arg("bool", "whether to scale and shift by learned weights", true);
const TRAILING = {
  shape: arg("integers", "the extents of the last axes, which are normalized together; the last one alone when left out", []),
} as const satisfies ArgSpecs;

/** The trailing axes of `x` that a list of extents names. */
function trailing(x: Node, shape: Shape): Shape {
  const axes = x.type.shape.slice(1);
  const last = shape.length === 0 ? axes.slice(-1) : axes.slice(-shape.length);
  requireShape(shape.length === 0 || sameShape(last, shape), () => `[${shape.join(", ")}] are not the last axes of ${shapeText(x)}`);
  return last;
}

const layerNorm = defineLayer({
  name: "layer_norm",
  doc: "normalization over the last axis, or the last axes",
  takes: "numbers",
  args: { eps: EPS, affine: AFFINE, bias: arg("bool", "whether a learned bias is among them", true), ...TRAILING },
  build: (context, x, { eps, affine, bias, shape }) => {
    const affines = learnedOrFixed(context, trailing(x, shape), affine, affine && bias);
    return context.b.layerNorm(x, affines.weight, affines.bias, { eps });
  },
});

const rmsNorm = defineLayer({
  name: "rms_norm",
  doc: "division by the root of the mean square of the last axis, or the last axes",
  takes: "numbers",
  args: {
    eps: arg("positive", "added to the mean square", 2 ** -23),
    affine: arg("bool", "whether to scale by learned weights", true),
    ...TRAILING,
  },
  build: (context, x, { eps, affine, shape }) =>
    context.b.rmsNorm(x, learnedOrFixed(context, trailing(x, shape), affine, false).weight, { eps }),
});

const groupNorm = defineLayer({
  name: "group_norm",
  doc: "normalization over groups of channels",
  takes: "channels",
  args: { groups: arg("count", "number of groups"), eps: EPS, affine: AFFINE },
  build: (context, x, { groups, eps, affine }) => {
    const channels = extent(x, 1);
    requireShape(channels % groups === 0, () => `${groups} groups do not divide ${channels} channels`);
    const { weight, bias } = learnedOrFixed(context, [channels], affine);
    return context.b.groupNorm(x, weight, bias, { groups, eps });
  },
});

const instanceNorm = defineLayer({
  name: "instance_norm",
  doc: "normalization of each channel of each example",
  takes: "channels",
  args: { eps: EPS, affine: arg("bool", "whether to scale and shift by learned weights", false) },
  build: (context, x, { eps, affine }) => {
    const channels = extent(x, 1);
    requireShape(x.type.shape.length > 2, () => `each channel of ${shapeText(x)} is a single value`);
    const { weight, bias } = learnedOrFixed(context, [channels], affine);
    return context.b.groupNorm(x, weight, bias, { groups: channels, eps });
  },
});

const localResponseNorm = defineLayer({
  name: "local_response_norm",
  doc: "division by a power of the mean square of neighbouring channels (Krizhevsky et al. 2012)",
  takes: "channels",
  args: {
    size: arg("count", "number of channels that are averaged"),
    alpha: arg("number", "factor of the mean square", 1e-4),
    beta: arg("number", "exponent", 0.75),
    k: arg("number", "added to it", 1),
  },
  build: ({ b }, x, { size, alpha, beta, k }) => {
    const channels = extent(x, 1);
    // The channels as the rows of an image of one channel; beside them are zeros, and the mean is over `size` all the same.
    const rows = b.reshape(b.mul(x, x), { shape: [extent(x, 0), 1, channels, x.type.shape.slice(2).reduce((n, e) => n * e, 1)] });
    const [before, behind] = [Math.floor(size / 2), Math.floor((size - 1) / 2)];
    const padded = b.pad(rows, { low: [0, 0, before, 0], high: [0, 0, behind, 0], interior: [0, 0, 0, 0], value: 0 });
    const mean = b.avgPool2d(padded, { kernel: [size, 1], stride: [1, 1], padding: [0, 0] });
    const divisor = b.pow(b.add(b.mul(b.reshape(mean, { shape: x.type.shape }), alpha), k), beta);
    return b.div(x, divisor);
  },
});

export const NORMS: readonly AnyLayer[] = [layerNorm, rmsNorm, groupNorm, instanceNorm, localResponseNorm];

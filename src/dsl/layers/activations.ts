// Functions of each value, softmax over the last axis, and those that halve an axis or learn a slope. Arguments and defaults are PyTorch's.

import type { Builder } from "../../ir/builder.ts";
import type { Node } from "../../ir/node.ts";
import { shapeText } from "../values.ts";
import { axisOf } from "./axes.ts";
import { arg, argOr, defineLayer, extent, requireShape } from "./define.ts";
import type { AnyLayer } from "./define.ts";
import { parts } from "../../ir/ops/pieces.ts";

const activation = (name: string, doc: string, apply: (b: Builder, x: Node) => Node): AnyLayer =>
  defineLayer({ name, doc, takes: "numbers", args: {}, build: ({ b }, x) => apply(b, x) });

const last = (x: Node): { readonly axis: number } => ({ axis: x.type.shape.length - 1 });

/** min(max(x + 3, 0), 6) / 6: what hard sigmoid and hard swish are made of. */
const hardSigmoidOf = (b: Builder, x: Node): Node => b.div(b.hardTanh(b.add(x, 3), { low: 0, high: 6 }), 6);

/** Constants of Klambauer et al. 2017, as PyTorch has them. */
const SELU = { alpha: 1.6732632423543772, scale: 1.0507009873554805, inputScale: 1 } as const;

const gelu = defineLayer({
  name: "gelu",
  doc: "x times the normal distribution function of x",
  takes: "numbers",
  args: { approximate: argOr(["none", "tanh"], "word", "exact, by erf, or by tanh", "none") },
  build: ({ b }, x, { approximate }) => (approximate === "tanh" ? b.geluTanh(x) : b.gelu(x)),
});

const leakyRelu = defineLayer({
  name: "leaky_relu",
  doc: "x above 0, a part of it below",
  takes: "numbers",
  args: { negative_slope: arg("number", "slope below 0", 0.01) },
  build: ({ b }, x, { negative_slope: slope }) => b.leakyRelu(x, { slope }),
});

const prelu = defineLayer({
  name: "prelu",
  doc: "x above 0, a learned part of it below",
  takes: "numbers",
  args: {
    num_parameters: arg("count", "one slope, or one for each channel", 1),
    init: arg("number", "the slope to begin with", 0.25),
  },
  build: ({ b, weight }, x, { num_parameters: count, init }) => {
    requireShape(count === 1 || count === extent(x, 1), () => `${count} slopes are not one for each of ${extent(x, 1)} channels`);
    const slope = weight("weight", [count], { kind: "constant", value: init });
    const along = b.reshape(slope, { shape: x.type.shape.map((_, axis) => (axis === 1 ? count : 1)) });
    return b.where(b.less(0, x), x, b.mul(along, x));
  },
});

const elu = defineLayer({
  name: "elu",
  doc: "x above 0, alpha (exp(x) - 1) below",
  takes: "numbers",
  args: { alpha: arg("number", "what it falls to", 1) },
  build: ({ b }, x, { alpha }) => b.elu(x, { alpha, scale: 1, inputScale: 1 }),
});

const celu = defineLayer({
  name: "celu",
  doc: "x above 0, alpha (exp(x / alpha) - 1) below",
  takes: "numbers",
  args: { alpha: arg("positive", "what it falls to", 1) },
  build: ({ b }, x, { alpha }) => b.elu(x, { alpha, scale: 1, inputScale: 1 / alpha }),
});

const softplus = defineLayer({
  name: "softplus",
  doc: "log(1 + exp(beta x)) / beta",
  takes: "numbers",
  args: {
    beta: arg("positive", "how sharp the bend is", 1),
    threshold: arg("number", "where beta x is above it, the value is x", 20),
  },
  build: ({ b }, x, { beta, threshold }) => b.softplus(x, { beta, threshold }),
});

const hardtanh = defineLayer({
  name: "hardtanh",
  doc: "x between two bounds, and these beyond",
  takes: "numbers",
  args: { min_val: arg("number", "the lower bound", -1), max_val: arg("number", "the upper bound", 1) },
  build: ({ b }, x, { min_val: low, max_val: high }) => {
    requireShape(low < high, () => `${low} is not below ${high}`);
    return b.hardTanh(x, { low, high });
  },
});

const glu = defineLayer({
  name: "glu",
  doc: "the first half of an axis times the sigmoid of the second",
  takes: "numbers",
  args: { axis: arg("integer", "axis of an example, from 0; -1 is the last", -1) },
  build: ({ b }, x, { axis }) => {
    const at = axisOf(x, axis);
    const half = extent(x, at) / 2;
    requireShape(Number.isInteger(half), () => `axis ${axis} of ${shapeText(x)} has no two halves`);
    const [value = x, gate = x] = parts(b, x, [half, half], at);
    return b.mul(value, b.sigmoid(gate));
  },
});

export const ACTIVATIONS: readonly AnyLayer[] = [
  activation("relu", "max(x, 0)", (b, x) => b.relu(x)),
  activation("relu6", "min(max(x, 0), 6)", (b, x) => b.hardTanh(x, { low: 0, high: 6 })),
  leakyRelu,
  prelu,
  elu,
  celu,
  activation("selu", "elu with constants that keep mean and variance", (b, x) => b.elu(x, SELU)),
  gelu,
  activation("silu", "x sigmoid(x)", (b, x) => b.silu(x)),
  activation("mish", "x tanh(softplus(x))", (b, x) => b.mul(x, b.tanh(b.softplus(x, { beta: 1, threshold: 20 })))),
  activation("hardswish", "x hardsigmoid(x)", (b, x) => b.mul(x, hardSigmoidOf(b, x))),
  activation("hardsigmoid", "min(max(x + 3, 0), 6) / 6", hardSigmoidOf),
  hardtanh,
  softplus,
  activation("softsign", "x / (1 + |x|)", (b, x) => b.div(x, b.add(1, b.abs(x)))),
  activation("sigmoid", "1 / (1 + exp(-x))", (b, x) => b.sigmoid(x)),
  activation("log_sigmoid", "log(sigmoid(x))", (b, x) => b.neg(b.softplus(b.neg(x), { beta: 1, threshold: 20 }))),
  activation("tanh", "hyperbolic tangent", (b, x) => b.tanh(x)),
  glu,
  activation("softmax", "exp(x) / sum(exp(x)) over the last axis", (b, x) => b.softmax(x, last(x))),
  activation("log_softmax", "log(softmax(x)) over the last axis", (b, x) => b.logSoftmax(x, last(x))),
];

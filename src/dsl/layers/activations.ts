// Functions of each value, and softmax over the last axis. They have no weights.

import type { Builder } from "../../ir/builder.ts";
import type { Node } from "../../ir/node.ts";
import { defineLayer } from "./define.ts";
import type { AnyLayer } from "./define.ts";

const activation = (name: string, doc: string, apply: (b: Builder, x: Node) => Node): AnyLayer =>
  defineLayer({ name, doc, takes: "numbers", args: {}, build: ({ b }, x) => apply(b, x) });

const last = (x: Node): { readonly axis: number } => ({ axis: x.type.shape.length - 1 });

export const relu = activation("relu", "max(x, 0)", (b, x) => b.relu(x));
export const gelu = activation("gelu", "x times the normal distribution function of x (exact, by erf)", (b, x) => b.gelu(x));
export const sigmoid = activation("sigmoid", "1 / (1 + exp(-x))", (b, x) => b.sigmoid(x));
export const tanh = activation("tanh", "hyperbolic tangent", (b, x) => b.tanh(x));
export const silu = activation("silu", "x sigmoid(x)", (b, x) => b.silu(x));
export const softmax = activation("softmax", "exp(x) / sum(exp(x)) over the last axis", (b, x) => b.softmax(x, last(x)));
export const logSoftmax = activation("log_softmax", "log(softmax(x)) over the last axis", (b, x) => b.logSoftmax(x, last(x)));

// The layers that random networks are made of: where each fits, and both its texts. What PyTorch calls it is written here by hand: it is
// what the language promises.

import { below, pick, type Random } from "../fuzzer.ts";
import type { Writer } from "./writer.ts";

/** Of an example: [channels, height, width], [features] or [time, features]. */
export type Shape = readonly number[];

export interface LayerWriter {
  readonly fits: (shape: Shape, time: number) => boolean;
  /** The shape of what comes out. */
  readonly write: (out: Writer, shape: Shape) => Shape;
}

export const isImage = (shape: Shape): shape is [number, number, number] => shape.length === 3;
export const isSequence = (shape: Shape, time: number): boolean => shape.length === 2 && time > 0;
const isFeatures = (shape: Shape): boolean => shape.length === 1;
/** [channels, places], none of which is time. */
export const isSignal = (shape: Shape, time: number): shape is readonly [number, number] => shape.length === 2 && time === 0;
const always = (): boolean => true;

export const divisors = (n: number): number[] => Array.from({ length: n }, (_, i) => i + 1).filter((d) => n % d === 0);
export const bool = (value: boolean): string => (value ? "True" : "False");
export const maybe = (random: Random): boolean => random() < 0.5;
export const last = (shape: Shape): number => shape.at(-1) ?? 1;

const ACTIVATIONS: readonly (readonly [string, string])[] = [
  ["relu", "F.relu(x)"],
  ["gelu", "F.gelu(x)"],
  ["sigmoid", "torch.sigmoid(x)"],
  ["tanh", "torch.tanh(x)"],
  ["silu", "F.silu(x)"],
  ["relu6", "F.relu6(x)"],
  ["leaky_relu(0.2)", "F.leaky_relu(x, 0.2)"],
  ["elu(alpha: 0.7)", "F.elu(x, 0.7)"],
  ["celu(alpha: 1.3)", "F.celu(x, 1.3)"],
  ["selu", "F.selu(x)"],
  ["gelu(approximate: tanh)", 'F.gelu(x, approximate="tanh")'],
  ["mish", "F.mish(x)"],
  ["hardswish", "F.hardswish(x)"],
  ["hardsigmoid", "F.hardsigmoid(x)"],
  ["hardtanh(min_val: -0.5, max_val: 2)", "F.hardtanh(x, -0.5, 2)"],
  ["softplus(beta: 2)", "F.softplus(x, 2)"],
  ["softsign", "F.softsign(x)"],
  ["log_sigmoid", "F.logsigmoid(x)"],
  ["softmax", "F.softmax(x, -1)"],
  ["log_softmax", "F.log_softmax(x, -1)"],
  ["mul(0.5)", "x * 0.5"],
  ["add(0.25)", "x + 0.25"],
];

const activation: LayerWriter = {
  fits: always,
  write: (out, shape) => {
    const [step, forward] = pick(out.random, ACTIVATIONS);
    out.step(step, forward);
    return shape;
  },
};

const linear: LayerWriter = {
  fits: (shape) => !isImage(shape),
  write: (out, shape) => {
    const width = 1 + below(out.random, 14);
    const bias = maybe(out.random);
    out.layer("fc", `linear(${width}, bias: ${bias})`, `nn.Linear(${last(shape)}, ${width}, bias=${bool(bias)})`);
    return [...shape.slice(0, -1), width];
  },
};

const conv2d: LayerWriter = {
  fits: isImage,
  write: (out, shape) => {
    const { random } = out;
    const [channels = 1, ...size] = shape;
    const groups = pick(random, divisors(channels));
    const width = groups * (1 + below(random, Math.max(1, Math.floor(12 / groups))));
    const kernel = size.map((extent) => 1 + below(random, Math.min(4, extent)));
    const dilation = size.map((extent, i) => (extent > 2 * ((kernel[i] ?? 1) - 1) && random() < 0.3 ? 2 : 1));
    const padding = kernel.map((k) => below(random, k + 1));
    const stride = kernel.map(() => (random() < 0.3 ? 2 : 1));
    const bias = maybe(random);
    out.layer(
      "conv",
      `conv2d(${width}, kernel: [${kernel.join(", ")}], stride: [${stride.join(", ")}], padding: [${padding.join(", ")}], dilation: [${dilation.join(", ")}], groups: ${groups}, bias: ${bias})`,
      `nn.Conv2d(${channels}, ${width}, (${kernel.join(", ")}), (${stride.join(", ")}), (${padding.join(", ")}), (${dilation.join(", ")}), ${groups}, ${bool(bias)})`,
    );
    const extent = (i: number): number =>
      Math.floor(((size[i] ?? 1) + 2 * (padding[i] ?? 0) - (dilation[i] ?? 1) * ((kernel[i] ?? 1) - 1) - 1) / (stride[i] ?? 1)) + 1;
    return [width, extent(0), extent(1)];
  },
};

/** The common case, which has kernels of its own. */
const conv3x3: LayerWriter = {
  fits: isImage,
  write: (out, shape) => {
    const [channels = 1, ...size] = shape;
    const width = 1 + below(out.random, 20);
    out.layer("conv", `conv2d(${width}, kernel: 3, padding: 1, bias: false)`, `nn.Conv2d(${channels}, ${width}, 3, padding=1, bias=False)`);
    return [width, ...size];
  },
};

const batchNorm: LayerWriter = {
  fits: (shape) => isImage(shape) || isFeatures(shape),
  write: (out, shape) => {
    const { random } = out;
    const [eps, momentum, affine] = [pick(random, [1e-5, 1e-3]), pick(random, [0.1, 0.3]), random() < 0.8];
    const settings = `eps: ${eps}, momentum: ${momentum}, affine: ${affine}`;
    out.layer(
      "bn",
      `batch_norm(${settings})`,
      `nn.BatchNorm${isImage(shape) ? 2 : 1}d(${shape[0] ?? 1}, ${eps}, ${momentum}, ${bool(affine)})`,
      { hasWeights: affine },
    );
    return shape;
  },
};

const layerNorm: LayerWriter = {
  // Of one value, or of two, there is nothing left but what eps makes of rounding.
  fits: (shape) => last(shape) > 2,
  write: (out, shape) => {
    const affine = out.random() < 0.8;
    out.layer("ln", `layer_norm(affine: ${affine})`, `nn.LayerNorm(${last(shape)}, elementwise_affine=${bool(affine)})`, {
      hasWeights: affine,
    });
    return shape;
  },
};

const groupNorm: LayerWriter = {
  fits: (shape) => isImage(shape) && last(shape) * shape[1] > 2,
  write: (out, shape) => {
    const [channels = 1] = shape;
    const groups = pick(out.random, divisors(channels));
    out.layer("gn", `group_norm(${groups})`, `nn.GroupNorm(${groups}, ${channels})`);
    return shape;
  },
};

const pool: LayerWriter = {
  fits: (shape) => isImage(shape) && Math.min(shape[1], shape[2]) >= 3,
  write: (out, shape) => {
    const { random } = out;
    const [channels = 1, ...size] = shape;
    const kernel = 2 + below(random, 2);
    const stride = 1 + below(random, 3);
    const padding = below(random, Math.floor(kernel / 2) + 1);
    const kind = pick(random, ["max", "avg"]);
    out.step(`${kind}_pool2d(${kernel}, stride: ${stride}, padding: ${padding})`, `F.${kind}_pool2d(x, ${kernel}, ${stride}, ${padding})`);
    return [channels, ...size.map((extent) => Math.floor((extent + 2 * padding - kernel) / stride) + 1)];
  },
};

const globalPool: LayerWriter = {
  fits: isImage,
  write: (out, shape) => {
    out.step("global_avg_pool", "x.mean((2, 3))");
    return [shape[0] ?? 1];
  },
};

const flatten: LayerWriter = {
  fits: isImage,
  write: (out, shape) => {
    out.step("flatten", "x.flatten(1)");
    return [shape.reduce((x, y) => x * y, 1)];
  },
};

const recurrent: LayerWriter = {
  fits: isSequence,
  write: (out, shape) => {
    const { random } = out;
    const [hidden, layers, both, bias] = [1 + below(random, 9), 1 + below(random, 2), random() < 0.3, random() < 0.8];
    const [word, module, more, python] = pick(random, [
      ["lstm", "LSTM", "", ""],
      ["gru", "GRU", "", ""],
      ["rnn", "RNN", "", ""],
      ["rnn", "RNN", ", nonlinearity: relu", ', nonlinearity="relu"'],
    ] as const);
    out.layer(
      "rnn",
      `${word}(${hidden}, ${layers}, bidirectional: ${both}, bias: ${bias}${more})`,
      `nn.${module}(${last(shape)}, ${hidden}, ${layers}, bias=${bool(bias)}, batch_first=True, bidirectional=${bool(both)}${python})`,
      { forward: (call) => `x = ${call}(x)[0]` },
    );
    return [shape[0] ?? 1, both ? 2 * hidden : hidden];
  },
};

const ofSequence: LayerWriter = {
  fits: isSequence,
  write: (out, shape) => {
    if (maybe(out.random)) out.step("last", "x[:, -1]");
    else out.step("mean", "x.mean(1)");
    return [last(shape)];
  },
};

/** A way around a layer that keeps the shape. */
const shortcut: LayerWriter = {
  fits: always,
  write: (out, shape) => {
    const { random } = out;
    const name = out.name("s");
    out.steps.push(`let ${name} = x`);
    out.forward.push(`${name} = x`);
    if (isImage(shape)) {
      const kernel = pick(random, [1, 3]);
      const channels = shape[0];
      out.layer(
        "conv",
        `conv2d(${channels}, kernel: ${kernel}, padding: ${(kernel - 1) / 2})`,
        `nn.Conv2d(${channels}, ${channels}, ${kernel}, padding=${(kernel - 1) / 2})`,
      );
    } else out.layer("fc", `linear(${last(shape)})`, `nn.Linear(${last(shape)}, ${last(shape)})`);
    activation.write(out, shape);
    switch (below(random, 3)) {
      case 0:
        out.step(`add(${name})`, `x + ${name}`);
        return shape;
      case 1:
        out.step(`mul(${name})`, `x * ${name}`);
        return shape;
      default:
        out.step(`concat(${name}, axis: ${isImage(shape) ? 0 : -1})`, `torch.cat([x, ${name}], ${isImage(shape) ? 1 : -1})`);
        return isImage(shape) ? [2 * shape[0], ...shape.slice(1)] : [...shape.slice(0, -1), 2 * last(shape)];
    }
  },
};

const transposed: LayerWriter = {
  fits: isImage,
  write: (out, shape) => {
    const axes = pick(out.random, [
      [0, 2, 1],
      [1, 0, 2],
      [2, 0, 1],
    ]);
    out.step(`transpose([${axes.join(", ")}])`, `x.permute(0, ${axes.map((axis) => axis + 1).join(", ")})`);
    return axes.map((axis) => shape[axis] ?? 1);
  },
};

export const COMMON: readonly LayerWriter[] = [
  activation,
  activation,
  activation,
  linear,
  linear,
  conv2d,
  conv2d,
  conv3x3,
  batchNorm,
  layerNorm,
  groupNorm,
  pool,
  globalPool,
  flatten,
  recurrent,
  recurrent,
  ofSequence,
  shortcut,
  shortcut,
  transposed,
];

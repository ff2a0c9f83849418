// Layers of random networks that are rarer than those in layers.ts: of signals, those that make images larger, cut or shuffle them, gates,
// and the other norms.

import { below, pick } from "../fuzzer.ts";
import { bool, divisors, isImage, isSignal, last, maybe, type LayerWriter, type Shape } from "./layers.ts";

const product = (shape: Shape): number => shape.reduce((x, y) => x * y, 1);
/** Larger ones take long on the reference device. */
const MOST = 2000;

const conv1d: LayerWriter = {
  fits: isSignal,
  write: (out, shape) => {
    const { random } = out;
    const [channels = 1, places = 1] = shape;
    const groups = pick(random, divisors(channels));
    const width = groups * (1 + below(random, Math.max(1, Math.floor(12 / groups))));
    const kernel = 1 + below(random, Math.min(4, places));
    const [padding, stride] = [below(random, kernel + 1), 1 + below(random, 2)];
    const bias = maybe(random);
    out.layer(
      "conv",
      `conv1d(${width}, kernel: ${kernel}, stride: ${stride}, padding: ${padding}, groups: ${groups}, bias: ${bias})`,
      `nn.Conv1d(${channels}, ${width}, ${kernel}, ${stride}, ${padding}, 1, ${groups}, ${bool(bias)})`,
    );
    return [width, Math.floor((places + 2 * padding - kernel) / stride) + 1];
  },
};

const pool1d: LayerWriter = {
  fits: (shape, time) => isSignal(shape, time) && shape[1] >= 3,
  write: (out, shape) => {
    const { random } = out;
    const [channels = 1, places = 1] = shape;
    const [kind, kernel, stride] = [pick(random, ["max", "avg"]), 2 + below(random, 2), 1 + below(random, 2)];
    out.step(`${kind}_pool1d(${kernel}, stride: ${stride})`, `F.${kind}_pool1d(x, ${kernel}, ${stride})`);
    return [channels, Math.floor((places - kernel) / stride) + 1];
  },
};

const batchNorm1d: LayerWriter = {
  fits: isSignal,
  write: (out, shape) => {
    out.layer("bn", "batch_norm", `nn.BatchNorm1d(${shape[0] ?? 1})`);
    return shape;
  },
};

const convTranspose2d: LayerWriter = {
  fits: (shape) => isImage(shape) && 4 * product(shape) < MOST,
  write: (out, shape) => {
    const { random } = out;
    const [channels = 1, ...size] = shape;
    const groups = pick(random, divisors(channels));
    const width = groups * (1 + below(random, Math.max(1, Math.floor(8 / groups))));
    const [kernel, stride] = [1 + below(random, 4), 1 + below(random, 2)];
    const padding = below(random, Math.min(kernel, 2));
    const added = below(random, stride);
    const bias = maybe(random);
    const extents = size.map((extent) => (extent - 1) * stride - 2 * padding + kernel + added);
    if (Math.min(...extents) < 1) return shape;
    out.layer(
      "up",
      `conv_transpose2d(${width}, kernel: ${kernel}, stride: ${stride}, padding: ${padding}, output_padding: ${added}, groups: ${groups}, bias: ${bias})`,
      `nn.ConvTranspose2d(${channels}, ${width}, ${kernel}, ${stride}, ${padding}, ${added}, ${groups}, ${bool(bias)})`,
    );
    return [width, ...extents];
  },
};

const upsample: LayerWriter = {
  fits: (shape) => isImage(shape) && 4 * product(shape) < MOST,
  write: (out, shape) => {
    const { random } = out;
    const size = shape.slice(1).map((extent) => 1 + below(random, 2 * extent));
    const [words, python] = pick(random, [
      ["nearest", 'mode="nearest"'],
      ["bilinear", 'mode="bilinear"'],
      ["bilinear, align_corners: true", 'mode="bilinear", align_corners=True'],
    ] as const);
    out.step(`upsample([${size.join(", ")}], mode: ${words})`, `F.interpolate(x, (${size.join(", ")}), ${python})`);
    return [shape[0] ?? 1, ...size];
  },
};

const adaptivePool: LayerWriter = {
  fits: isImage,
  write: (out, shape) => {
    const { random } = out;
    const size = shape.slice(1).map((extent) => 1 + below(random, extent));
    const kind = pick(random, ["avg", "max"]);
    out.step(`adaptive_${kind}_pool2d([${size.join(", ")}])`, `F.adaptive_${kind}_pool2d(x, (${size.join(", ")}))`);
    return [shape[0] ?? 1, ...size];
  },
};

/** Its last windows hang over the edge. */
const ceilPool: LayerWriter = {
  fits: (shape) => isImage(shape) && Math.min(shape[1], shape[2]) >= 3,
  write: (out, shape) => {
    const kind = pick(out.random, ["max", "avg"]);
    const [kernel, stride] = [3, 2];
    out.step(`${kind}_pool2d(${kernel}, stride: ${stride}, ceil_mode: true)`, `F.${kind}_pool2d(x, ${kernel}, ${stride}, ceil_mode=True)`);
    return [shape[0] ?? 1, ...shape.slice(1).map((extent) => Math.ceil((extent - kernel) / stride) + 1)];
  },
};

const shuffled: LayerWriter = {
  fits: (shape) => isImage(shape) && (shape[0] % 4 === 0 || (shape[1] % 2 === 0 && shape[2] % 2 === 0)),
  write: (out, shape) => {
    const [channels = 1, height = 1, width = 1] = shape;
    if (channels % 4 === 0) {
      out.step("pixel_shuffle(2)", "F.pixel_shuffle(x, 2)");
      return [channels / 4, 2 * height, 2 * width];
    }
    out.step("pixel_unshuffle(2)", "F.pixel_unshuffle(x, 2)");
    return [4 * channels, height / 2, width / 2];
  },
};

const padded: LayerWriter = {
  fits: (shape) => isImage(shape) && Math.min(shape[1], shape[2]) >= 3 && product(shape) < MOST,
  write: (out, shape) => {
    const { random } = out;
    const mode = pick(random, ["constant", "reflect", "replicate", "circular"]);
    const [left, right, top, bottom] = Array.from({ length: 4 }, () => below(random, 3)) as [number, number, number, number];
    out.step(
      `pad([${left}, ${right}, ${top}, ${bottom}], mode: ${mode})`,
      `F.pad(x, (${left}, ${right}, ${top}, ${bottom}), mode="${mode}")`,
    );
    return [shape[0] ?? 1, (shape[1] ?? 1) + top + bottom, (shape[2] ?? 1) + left + right];
  },
};

const sliced: LayerWriter = {
  fits: (shape, time) => time === 0 && last(shape) > 2,
  write: (out, shape) => {
    const { random } = out;
    const start = below(random, last(shape) - 1);
    const step = 1 + below(random, 2);
    out.step(`slice(-1, start: ${start}, step: ${step})`, `x[..., ${start}::${step}]`);
    return [...shape.slice(0, -1), Math.ceil((last(shape) - start) / step)];
  },
};

const gated: LayerWriter = {
  fits: (shape) => last(shape) % 2 === 0,
  write: (out, shape) => {
    out.step("glu", "F.glu(x)");
    return [...shape.slice(0, -1), last(shape) / 2];
  },
};

const prelu: LayerWriter = {
  fits: isImage,
  write: (out, shape) => {
    const count = maybe(out.random) ? 1 : (shape[0] ?? 1);
    out.layer("prelu", `prelu(${count})`, `nn.PReLU(${count})`);
    return shape;
  },
};

const rmsNorm: LayerWriter = {
  fits: (shape) => last(shape) > 2,
  write: (out, shape) => {
    out.layer("rms", "rms_norm(eps: 1e-5)", `nn.RMSNorm(${last(shape)}, eps=1e-5)`);
    return shape;
  },
};

const instanceNorm: LayerWriter = {
  fits: (shape) => isImage(shape) && shape[1] * shape[2] > 3,
  write: (out, shape) => {
    const affine = maybe(out.random);
    out.layer("in", `instance_norm(affine: ${affine})`, `nn.InstanceNorm2d(${shape[0] ?? 1}, affine=${bool(affine)})`, {
      hasWeights: affine,
    });
    return shape;
  },
};

const localResponseNorm: LayerWriter = {
  fits: isImage,
  write: (out, shape) => {
    const size = 1 + below(out.random, 5);
    out.step(`local_response_norm(${size}, alpha: 0.1, k: 2)`, `F.local_response_norm(x, ${size}, alpha=0.1, k=2.0)`);
    return shape;
  },
};

export const RARER: readonly LayerWriter[] = [
  conv1d,
  conv1d,
  pool1d,
  batchNorm1d,
  convTranspose2d,
  upsample,
  adaptivePool,
  ceilPool,
  shuffled,
  padded,
  sliced,
  gated,
  prelu,
  rmsNorm,
  instanceNorm,
  localResponseNorm,
];

// 2-d convolution and its two gradients: three products over one relation between input, weight and output positions
// (cross-correlation, torch.nn.functional.conv2d's semantics). Images are [n, c, h, w], weights [out, in/groups, kh, kw].

import * as e from "../loop/expr.ts";
import type { Expr } from "../loop/expr.ts";
import { delinearize } from "../loop/index-math.ts";
import type { Node } from "../node.ts";
import { formatType, sizeOf, tensorType, type TensorType } from "../types.ts";
import { at, definePrimitive, factorType, formatTypes, requireThat, type Data, type Op, type Read } from "./define.ts";

export type Pair = readonly [number, number];

export interface ConvAttrs {
  readonly stride: Pair;
  readonly padding: Pair;
  readonly dilation: Pair;
  readonly groups: number;
}

/** [height, width]. */
export interface InputGradAttrs extends ConvAttrs {
  readonly inputSize: Pair;
}

export interface WeightGradAttrs extends ConvAttrs {
  readonly kernel: Pair;
}

const f32 = (...shape: number[]): TensorType => tensorType("f32", shape);

/** Output extent of a window that slides over `extent` padded elements. */
export const windowCount = (extent: number, kernel: number, stride: number, padding: number, dilation: number): number =>
  Math.floor((extent + 2 * padding - dilation * (kernel - 1) - 1) / stride) + 1;

interface Geometry extends ConvAttrs {
  readonly images: number;
  readonly inPerGroup: number;
  readonly outPerGroup: number;
  readonly input: Pair;
  readonly kernel: Pair;
  readonly output: Pair;
}

function geometry(x: TensorType, w: TensorType, y: TensorType, attrs: ConvAttrs): Geometry {
  return {
    ...attrs,
    images: at(x.shape, 0),
    inPerGroup: at(w.shape, 1),
    outPerGroup: at(w.shape, 0) / attrs.groups,
    input: [at(x.shape, 2), at(x.shape, 3)],
    kernel: [at(w.shape, 2), at(w.shape, 3)],
    output: [at(y.shape, 2), at(y.shape, 3)],
  };
}

// Calls `visit` with the positions in x, w and y of every multiply-add.
function forEachProduct(g: Geometry, visit: (x: number, w: number, y: number) => void): void {
  const [height, width] = g.input;
  const [kh, kw] = g.kernel;
  const [oh, ow] = g.output;
  const channels = g.inPerGroup * g.groups;
  const outputs = g.outPerGroup * g.groups;
  for (let image = 0; image < g.images; image++)
    for (let out = 0; out < outputs; out++)
      for (let c = 0; c < g.inPerGroup; c++)
        for (let i = 0; i < kh; i++)
          for (let j = 0; j < kw; j++)
            for (let row = 0; row < oh; row++) {
              const h = row * g.stride[0] + i * g.dilation[0] - g.padding[0];
              if (h < 0 || h >= height) continue;
              const channel = Math.floor(out / g.outPerGroup) * g.inPerGroup + c;
              for (let column = 0; column < ow; column++) {
                const v = column * g.stride[1] + j * g.dilation[1] - g.padding[1];
                if (v < 0 || v >= width) continue;
                visit(
                  ((image * channels + channel) * height + h) * width + v,
                  ((out * g.inPerGroup + c) * kh + i) * kw + j,
                  ((image * outputs + out) * oh + row) * ow + column,
                );
              }
            }
}

function accumulate(g: Geometry, size: number, visitor: (out: Data) => (x: number, w: number, y: number) => void): Data {
  const out = new Float64Array(size);
  forEachProduct(g, visitor(out));
  return out;
}

const increase = (out: Data, i: number, by: number): void => {
  out[i] = at(out, i) + by;
};

// Input rows touched by output row `o` at kernel row `k`, with the condition of being inside.
function inputPosition(
  g: Geometry,
  o: readonly [Expr, Expr],
  k: readonly [Expr, Expr],
): { readonly index: [Expr, Expr]; readonly inside: Expr } {
  let inside: Expr = e.constant(1, "bool");
  const along = (axis: 0 | 1): Expr => {
    const shifted = e.add(e.mul(o[axis], e.int(g.stride[axis])), e.mul(k[axis], e.int(g.dilation[axis])));
    const position = e.sub(shifted, e.int(g.padding[axis]));
    const last = (g.output[axis] - 1) * g.stride[axis] + (g.kernel[axis] - 1) * g.dilation[axis] - g.padding[axis];
    if (g.padding[axis] > 0) inside = e.and(inside, e.binary("le", e.int(0), position));
    if (last >= g.input[axis]) inside = e.and(inside, e.binary("lt", position, e.int(g.input[axis])));
    return position;
  };
  return { index: [along(0), along(1)], inside };
}

// Output rows that touch input row `h` at kernel row `k`: the inverse relation.
function outputPosition(
  g: Geometry,
  h: readonly [Expr, Expr],
  k: readonly [Expr, Expr],
): { readonly index: [Expr, Expr]; readonly inside: Expr } {
  let inside: Expr = e.constant(1, "bool");
  const along = (axis: 0 | 1): Expr => {
    const stride = g.stride[axis];
    const shifted = e.sub(e.add(h[axis], e.int(g.padding[axis])), e.mul(k[axis], e.int(g.dilation[axis])));
    if ((g.kernel[axis] - 1) * g.dilation[axis] > g.padding[axis]) inside = e.and(inside, e.binary("le", e.int(0), shifted));
    if (stride > 1) inside = e.and(inside, e.binary("eq", e.rem(shifted, e.int(stride)), e.int(0)));
    const position = e.div(shifted, e.int(stride));
    if (g.input[axis] - 1 + g.padding[axis] >= g.output[axis] * stride)
      inside = e.and(inside, e.binary("lt", position, e.int(g.output[axis])));
    return position;
  };
  return { index: [along(0), along(1)], inside };
}

const zero = e.float(0);
const three = (x: readonly Expr[]): readonly [Expr, Expr, Expr] => [at(x, 0), at(x, 1), at(x, 2)];
const inGroup = (group: Expr, perGroup: number, i: Expr): Expr => e.add(e.mul(group, e.int(perGroup)), i);
const typeOf = (node: Node, i: number): TensorType => at(node.inputs, i).type;

function readGuarded(read: Read, input: number, inside: Expr, index: readonly Expr[]): Expr {
  return e.select(inside, read(input, index), zero);
}

const SAMPLE: ConvAttrs = { stride: [1, 1], padding: [1, 1], dilation: [1, 1], groups: 1 };
const STRIDED: ConvAttrs = { stride: [2, 2], padding: [1, 0], dilation: [1, 2], groups: 2 };

/** x [n, c, h, w], w [out, c/groups, kh, kw] -> [n, out, oh, ow]. */
export const conv2d: Op<ConvAttrs, 2> = definePrimitive<ConvAttrs, 2>({
  name: "conv2d",
  arity: 2,
  reuse: () => Infinity,
  infer: ([x, w], { stride, padding, dilation, groups }) => {
    requireThat(
      x.shape.length === 4 && w.shape.length === 4,
      () => `conv2d needs [n, c, h, w] and [out, c, kh, kw], not ${formatTypes([x, w])}`,
    );
    const [n, c, h, v] = [at(x.shape, 0), at(x.shape, 1), at(x.shape, 2), at(x.shape, 3)];
    const [out, perGroup, kh, kw] = [at(w.shape, 0), at(w.shape, 1), at(w.shape, 2), at(w.shape, 3)];
    requireThat(
      c === perGroup * groups && out % groups === 0,
      () => `conv2d with ${groups} group${groups === 1 ? "" : "s"} cannot apply ${formatType(w)} to ${formatType(x)}`,
    );
    const oh = windowCount(h, kh, stride[0], padding[0], dilation[0]);
    const ow = windowCount(v, kw, stride[1], padding[1], dilation[1]);
    requireThat(oh > 0 && ow > 0, () => `a ${kh}x${kw} kernel does not fit into ${formatType(x)}`);
    return tensorType(factorType("conv2d", x, w), [n, out, oh, ow]);
  },
  vjp: (b, ct, n) => {
    const [x, w] = [at(n.inputs, 0), at(n.inputs, 1)];
    const inputSize: Pair = [at(x.type.shape, 2), at(x.type.shape, 3)];
    const kernel: Pair = [at(w.type.shape, 2), at(w.type.shape, 3)];
    return [b.conv2dInputGrad(w, ct, { ...n.attrs, inputSize }), b.conv2dWeightGrad(x, ct, { ...n.attrs, kernel })];
  },
  evaluate: ([x, w], n) => {
    const g = geometry(typeOf(n, 0), typeOf(n, 1), n.type, n.attrs);
    return accumulate(g, sizeOf(n.type.shape), (out) => (i, k, o) => increase(out, o, at(x, i) * at(w, k)));
  },
  lower: (n) => {
    const g = geometry(typeOf(n, 0), typeOf(n, 1), n.type, n.attrs);
    const taps = [g.inPerGroup, ...g.kernel];
    const pixels = [g.images, ...g.output];
    return {
      kind: "contract",
      b: g.groups,
      m: g.outPerGroup,
      n: sizeOf(pixels),
      k: sizeOf(taps),
      lhs: (read, group, m, k) => read(1, [inGroup(group, g.outPerGroup, m), ...delinearize(k, taps)]),
      rhs: (read, group, k, pixel) => {
        const [c, i, j] = three(delinearize(k, taps));
        const [image, row, column] = three(delinearize(pixel, pixels));
        const { index, inside } = inputPosition(g, [row, column], [i, j]);
        return readGuarded(read, 0, inside, [image, inGroup(group, g.inPerGroup, c), ...index]);
      },
      outputIndex: (group, m, pixel) => {
        const [image, row, column] = three(delinearize(pixel, pixels));
        return [image, inGroup(group, g.outPerGroup, m), row, column];
      },
      byChannel: true,
    };
  },
  samples: [
    { inputs: [f32(2, 3, 5, 4), f32(4, 3, 3, 3)], attrs: SAMPLE },
    { inputs: [f32(2, 4, 7, 6), f32(6, 2, 3, 2)], attrs: STRIDED },
  ],
});

/** The gradient of conv2d's input, from w and the output's cotangent -> [n, c, inputSize]. */
export const conv2dInputGrad: Op<InputGradAttrs, 2> = definePrimitive<InputGradAttrs, 2>({
  name: "conv2dInputGrad",
  arity: 2,
  reuse: () => Infinity,
  infer: ([w, ct], { groups, inputSize }) =>
    tensorType(factorType("conv2dInputGrad", w, ct), [at(ct.shape, 0), at(w.shape, 1) * groups, ...inputSize]),
  vjp: (b, ct, n) => {
    const [w, y] = [at(n.inputs, 0), at(n.inputs, 1)];
    const { inputSize: _, ...attrs } = n.attrs;
    return [b.conv2dWeightGrad(ct, y, { ...attrs, kernel: [at(w.type.shape, 2), at(w.type.shape, 3)] }), b.conv2d(ct, w, attrs)];
  },
  evaluate: ([w, ct], n) => {
    const g = geometry(n.type, typeOf(n, 0), typeOf(n, 1), n.attrs);
    return accumulate(g, sizeOf(n.type.shape), (out) => (i, k, o) => increase(out, i, at(ct, o) * at(w, k)));
  },
  lower: (n) => {
    const g = geometry(n.type, typeOf(n, 0), typeOf(n, 1), n.attrs);
    const taps = [g.outPerGroup, ...g.kernel];
    const pixels = [g.images, ...g.input];
    return {
      kind: "contract",
      b: g.groups,
      m: g.inPerGroup,
      n: sizeOf(pixels),
      k: sizeOf(taps),
      lhs: (read, group, c, k) => {
        const [out, i, j] = three(delinearize(k, taps));
        return read(0, [inGroup(group, g.outPerGroup, out), c, i, j]);
      },
      rhs: (read, group, k, pixel) => {
        const [out, i, j] = three(delinearize(k, taps));
        const [image, row, column] = three(delinearize(pixel, pixels));
        const { index, inside } = outputPosition(g, [row, column], [i, j]);
        return readGuarded(read, 1, inside, [image, inGroup(group, g.outPerGroup, out), ...index]);
      },
      outputIndex: (group, c, pixel) => {
        const [image, row, column] = three(delinearize(pixel, pixels));
        return [image, inGroup(group, g.inPerGroup, c), row, column];
      },
      byChannel: true,
    };
  },
  samples: [
    { inputs: [f32(4, 3, 3, 3), f32(2, 4, 5, 4)], attrs: { ...SAMPLE, inputSize: [5, 4] } },
    { inputs: [f32(6, 2, 3, 2), f32(2, 6, 4, 2)], attrs: { ...STRIDED, inputSize: [7, 6] } },
  ],
});

/** The gradient of conv2d's weight, from x and the output's cotangent -> [out, c/groups, kernel]. */
export const conv2dWeightGrad: Op<WeightGradAttrs, 2> = definePrimitive<WeightGradAttrs, 2>({
  name: "conv2dWeightGrad",
  arity: 2,
  reuse: () => Infinity,
  infer: ([x, ct], { groups, kernel }) =>
    tensorType(factorType("conv2dWeightGrad", x, ct), [at(ct.shape, 1), at(x.shape, 1) / groups, ...kernel]),
  vjp: (b, ct, n) => {
    const [x, y] = [at(n.inputs, 0), at(n.inputs, 1)];
    const { kernel: _, ...attrs } = n.attrs;
    return [b.conv2dInputGrad(ct, y, { ...attrs, inputSize: [at(x.type.shape, 2), at(x.type.shape, 3)] }), b.conv2d(x, ct, attrs)];
  },
  evaluate: ([x, ct], n) => {
    const g = geometry(typeOf(n, 0), n.type, typeOf(n, 1), n.attrs);
    return accumulate(g, sizeOf(n.type.shape), (out) => (i, k, o) => increase(out, k, at(ct, o) * at(x, i)));
  },
  lower: (n) => {
    const g = geometry(typeOf(n, 0), n.type, typeOf(n, 1), n.attrs);
    const taps = [g.inPerGroup, ...g.kernel];
    const pixels = [g.images, ...g.output];
    return {
      kind: "contract",
      b: g.groups,
      m: g.outPerGroup,
      n: sizeOf(taps),
      k: sizeOf(pixels),
      lhs: (read, group, out, k) => {
        const [image, row, column] = three(delinearize(k, pixels));
        return read(1, [image, inGroup(group, g.outPerGroup, out), row, column]);
      },
      rhs: (read, group, k, tap) => {
        const [image, row, column] = three(delinearize(k, pixels));
        const [c, i, j] = three(delinearize(tap, taps));
        const { index, inside } = inputPosition(g, [row, column], [i, j]);
        return readGuarded(read, 0, inside, [image, inGroup(group, g.inPerGroup, c), ...index]);
      },
      outputIndex: (group, out, tap) => {
        const [c, i, j] = three(delinearize(tap, taps));
        return [inGroup(group, g.outPerGroup, out), c, i, j];
      },
    };
  },
  samples: [
    { inputs: [f32(2, 3, 5, 4), f32(2, 4, 5, 4)], attrs: { ...SAMPLE, kernel: [3, 3] } },
    { inputs: [f32(2, 4, 7, 6), f32(2, 6, 4, 2)], attrs: { ...STRIDED, kernel: [3, 2] } },
  ],
});

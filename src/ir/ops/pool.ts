// Pooling over 2-d windows. Max pooling keeps the index of the winner (the first, as PyTorch's does) for its gradient; average
// pooling is a window sum times a constant.

import * as e from "../loop/expr.ts";
import type { Expr } from "../loop/expr.ts";
import type { Node } from "../node.ts";
import { formatType, sizeOf, tensorType, type TensorType } from "../types.ts";
import { windowCount, type Pair } from "./conv.ts";
import { at, defineComposite, definePrimitive, requireThat, type Data, type Op } from "./define.ts";
import { forEachIndex } from "./movement.ts";

export interface PoolAttrs {
  readonly kernel: Pair;
  readonly stride: Pair;
  readonly padding: Pair;
}

export interface PoolGradAttrs extends PoolAttrs {
  /** [height, width]. */
  readonly inputSize: Pair;
}

const f32 = (...shape: number[]): TensorType => tensorType("f32", shape);

function pooled([x]: readonly [TensorType], { kernel, stride, padding }: PoolAttrs): TensorType {
  requireThat(x.shape.length === 4, () => `pooling needs [n, c, h, w], not ${formatType(x)}`);
  const size = ([0, 1] as const).map((i) => windowCount(at(x.shape, 2 + i), kernel[i], stride[i], padding[i], 1));
  requireThat(
    size.every((extent) => extent > 0),
    () => `a ${kernel.join("x")} window does not fit into ${formatType(x)}`,
  );
  requireThat(
    ([0, 1] as const).every((i) => padding[i] * 2 <= kernel[i]),
    () => `padding ${padding.join(", ")} is more than half of the ${kernel.join("x")} window`,
  );
  return tensorType(x.dtype, [at(x.shape, 0), at(x.shape, 1), ...size]);
}

const inputOf = (node: Node): TensorType => at(node.inputs, 0).type;
const inputSizeOf = (node: Node): Pair => [at(inputOf(node).shape, 2), at(inputOf(node).shape, 3)];

interface Tap {
  readonly inside: Expr;
  readonly row: Expr;
  readonly column: Expr;
}

// The input position under tap (i, j) of window (row, column).
function tapAt([height, width]: Pair, attrs: PoolAttrs, output: Pair, row: Expr, column: Expr, i: Expr, j: Expr): Tap {
  let inside: Expr = e.constant(1, "bool");
  const along = (o: Expr, k: Expr, axis: 0 | 1, extent: number): Expr => {
    const position = e.sub(e.add(e.mul(o, e.int(attrs.stride[axis])), k), e.int(attrs.padding[axis]));
    if (attrs.padding[axis] > 0) inside = e.and(inside, e.binary("le", e.int(0), position));
    if ((output[axis] - 1) * attrs.stride[axis] + attrs.kernel[axis] - 1 - attrs.padding[axis] >= extent)
      inside = e.and(inside, e.binary("lt", position, e.int(extent)));
    return position;
  };
  return { row: along(row, i, 0, height), column: along(column, j, 1, width), inside };
}

// The window that has input position (row, column) under its tap (i, j).
function windowAt(attrs: PoolAttrs, output: Pair, row: Expr, column: Expr, i: Expr, j: Expr): Tap {
  let inside: Expr = e.constant(1, "bool");
  const along = (h: Expr, k: Expr, axis: 0 | 1): Expr => {
    const stride = attrs.stride[axis];
    const shifted = e.sub(e.add(h, e.int(attrs.padding[axis])), k);
    inside = e.and(inside, e.binary("le", e.int(0), shifted));
    if (stride > 1) inside = e.and(inside, e.binary("eq", e.rem(shifted, e.int(stride)), e.int(0)));
    const position = e.div(shifted, e.int(stride));
    inside = e.and(inside, e.binary("lt", position, e.int(output[axis])));
    return position;
  };
  return { row: along(row, i, 0), column: along(column, j, 1), inside };
}

const four = (x: readonly Expr[]): readonly [Expr, Expr, Expr, Expr] => [at(x, 0), at(x, 1), at(x, 2), at(x, 3)];
const spatial = (type: TensorType): Pair => [at(type.shape, 2), at(type.shape, 3)];

// Windows that share an input position, and input positions that read one window.
const overlap = ({ attrs: { kernel, stride } }: Node<PoolAttrs>): number =>
  Math.max(1, kernel[0] / stride[0]) * Math.max(1, kernel[1] / stride[1]);
const taps = ({ attrs: { kernel } }: Node<PoolAttrs>): number => kernel[0] * kernel[1];

// Visits every (window, input position) pair: positions in the output, in the input, and in the input's plane.
function forEachTap(
  x: TensorType,
  y: TensorType,
  { kernel, stride, padding }: PoolAttrs,
  visit: (out: number, input: number, inPlane: number) => void,
): void {
  const [height, width] = spatial(x);
  forEachIndex(y.shape, ([n = 0, c = 0, row = 0, column = 0], out) => {
    for (let i = 0; i < kernel[0]; i++) {
      for (let j = 0; j < kernel[1]; j++) {
        const h = row * stride[0] + i - padding[0];
        const v = column * stride[1] + j - padding[1];
        if (h < 0 || h >= height || v < 0 || v >= width) continue;
        visit(out, (n * at(x.shape, 1) + c) * height * width + h * width + v, h * width + v);
      }
    }
  });
}

const SAMPLES = [
  { inputs: [f32(2, 3, 6, 4)], attrs: { kernel: [2, 2], stride: [2, 2], padding: [0, 0] } },
  { inputs: [f32(1, 2, 7, 5)], attrs: { kernel: [3, 3], stride: [2, 2], padding: [1, 1] } },
] as const;

const best = (x: Data, n: Node<PoolAttrs>): { readonly values: Data; readonly indices: Data } => {
  const values = new Float64Array(sizeOf(n.type.shape)).fill(-Infinity);
  const indices = new Float64Array(sizeOf(n.type.shape));
  forEachTap(inputOf(n), n.type, n.attrs, (out, input, inPlane) => {
    if (at(x, input) <= at(values, out)) return;
    values[out] = at(x, input);
    indices[out] = inPlane;
  });
  return { values, indices };
};

// Value and position of the first maximum of a window, as one unrolled chain.
function unrolledMax(
  n: Node<PoolAttrs>,
  read: (input: number, index: readonly Expr[]) => Expr,
  index: readonly Expr[],
): { value: Expr; position: Expr } {
  const [image, channel, row, column] = four(index);
  const size = inputSizeOf(n);
  let value: Expr = e.float(-Infinity);
  let position: Expr = e.int(0);
  for (let i = 0; i < n.attrs.kernel[0]; i++) {
    for (let j = 0; j < n.attrs.kernel[1]; j++) {
      const tap = tapAt(size, n.attrs, spatial(n.type), row, column, e.int(i), e.int(j));
      const here = e.select(tap.inside, read(0, [image, channel, tap.row, tap.column]), e.float(-Infinity));
      const wins = i + j === 0 ? tap.inside : e.binary("lt", value, here);
      position = e.select(wins, e.add(e.mul(tap.row, e.int(size[1])), tap.column), position);
      value = i + j === 0 ? here : e.binary("max", value, here);
    }
  }
  return { value, position };
}

/** Maximum over windows; padding never wins. */
export const maxPool2d: Op<PoolAttrs, 1> = definePrimitive<PoolAttrs, 1>({
  name: "maxPool2d",
  arity: 1,
  cost: 8,
  reuse: overlap,
  infer: pooled,
  vjp: (b, ct, n) => {
    const x = at(n.inputs, 0);
    return [b.maxPool2dGrad(b.maxPool2dIndex(x, n.attrs), ct, { ...n.attrs, inputSize: inputSizeOf(n) })];
  },
  evaluate: ([x], n) => best(x, n).values,
  lower: (n) => ({ kind: "pointwise", value: (read, index) => unrolledMax(n, read, index).value }),
  samples: SAMPLES,
});

/** Position within the [h, w] plane of each window's first maximum. Type i32. */
export const maxPool2dIndex: Op<PoolAttrs, 1> = definePrimitive<PoolAttrs, 1>({
  name: "maxPool2dIndex",
  arity: 1,
  cost: 8,
  reuse: overlap,
  infer: (types, attrs) => tensorType("i32", pooled(types, attrs).shape),
  vjp: () => [null],
  evaluate: ([x], n) => best(x, n).indices,
  lower: (n) => ({ kind: "pointwise", value: (read, index) => unrolledMax(n, read, index).position }),
  samples: SAMPLES,
});

/** Sends each window's cotangent to the position that won it: from the indices and the cotangent -> [n, c, inputSize]. */
export const maxPool2dGrad: Op<PoolGradAttrs, 2> = definePrimitive<PoolGradAttrs, 2>({
  name: "maxPool2dGrad",
  arity: 2,
  reuse: taps,
  infer: ([, ct], { inputSize }) => tensorType(ct.dtype, [at(ct.shape, 0), at(ct.shape, 1), ...inputSize]),
  vjp: (b, ct, n) => {
    // Gathers ct at the winners: flat position = plane * h*w + index.
    const [indices, y] = [at(n.inputs, 0), at(n.inputs, 1)];
    const [planes, size] = [at(y.type.shape, 0) * at(y.type.shape, 1), sizeOf(n.attrs.inputSize)];
    const flat = b.reshape(ct, { shape: [planes * size] });
    const plane = b.mul(b.iota({ shape: [planes, 1], axis: 0 }), size);
    const positions = b.add(plane, b.reshape(indices, { shape: [planes, sizeOf(y.type.shape) / planes] }));
    return [null, b.reshape(b.gather(flat, positions), { shape: y.type.shape })];
  },
  evaluate: ([indices, ct], n) => {
    const out = new Float64Array(sizeOf(n.type.shape));
    const [plane, windows] = [sizeOf(n.attrs.inputSize), sizeOf(at(n.inputs, 1).type.shape.slice(2))];
    ct.forEach((value, i) => {
      const position = Math.floor(i / windows) * plane + at(indices, i);
      out[position] = at(out, position) + value;
    });
    return out;
  },
  lower: (n) => ({
    kind: "reduce",
    op: "sum",
    // Only taps congruent to the position modulo the stride can be its own: kernel/stride of them.
    extents: [Math.ceil(n.attrs.kernel[0] / n.attrs.stride[0]), Math.ceil(n.attrs.kernel[1] / n.attrs.stride[1])],
    value: (read, index, over) => {
      const [image, channel, row, column] = four(index);
      const { kernel, stride, padding, inputSize } = n.attrs;
      const output = spatial(at(n.inputs, 1).type);
      let inside: Expr = e.constant(1, "bool");
      const along = (h: Expr, k: Expr, axis: 0 | 1): Expr => {
        const padded = e.add(h, e.int(padding[axis]));
        const tap = e.add(e.rem(padded, e.int(stride[axis])), e.mul(k, e.int(stride[axis])));
        if (kernel[axis] % stride[axis] !== 0) inside = e.and(inside, e.binary("lt", tap, e.int(kernel[axis])));
        const window = e.sub(e.div(padded, e.int(stride[axis])), k);
        if (kernel[axis] > stride[axis]) inside = e.and(inside, e.binary("le", e.int(0), window));
        if (Math.floor((inputSize[axis] - 1 + padding[axis]) / stride[axis]) >= output[axis])
          inside = e.and(inside, e.binary("lt", window, e.int(output[axis])));
        return window;
      };
      const window = [image, channel, along(row, at(over, 0), 0), along(column, at(over, 1), 1)];
      const position = e.add(e.mul(row, e.int(inputSize[1])), column);
      const won = e.and(inside, e.binary("eq", read(0, window), position));
      return e.select(won, read(1, window), e.float(0));
    },
  }),
  samples: [
    // One window a plane, so that every index is one of its own.
    {
      inputs: [tensorType("i32", [4, 3, 1, 1]), f32(4, 3, 1, 1)],
      attrs: { kernel: [3, 2], stride: [3, 2], padding: [0, 0], inputSize: [3, 2] },
      below: 6,
    },
  ],
});

/** Sum over windows; padding adds nothing. */
export const sumPool2d: Op<PoolAttrs, 1> = definePrimitive<PoolAttrs, 1>({
  name: "sumPool2d",
  arity: 1,
  reuse: overlap,
  infer: pooled,
  vjp: (b, ct, n) => [b.sumPool2dGrad(ct, { ...n.attrs, inputSize: inputSizeOf(n) })],
  evaluate: ([x], n) => {
    const out = new Float64Array(sizeOf(n.type.shape));
    forEachTap(inputOf(n), n.type, n.attrs, (o, i) => (out[o] = at(out, o) + at(x, i)));
    return out;
  },
  lower: (n) => ({
    kind: "reduce",
    op: "sum",
    extents: n.attrs.kernel,
    value: (read, index, over) => {
      const [image, channel, row, column] = four(index);
      const tap = tapAt(inputSizeOf(n), n.attrs, spatial(n.type), row, column, at(over, 0), at(over, 1));
      return e.select(tap.inside, read(0, [image, channel, tap.row, tap.column]), e.float(0));
    },
  }),
  samples: SAMPLES,
});

/** The gradient of sumPool2d: every position collects the cotangents of its windows -> [n, c, inputSize]. */
export const sumPool2dGrad: Op<PoolGradAttrs, 1> = definePrimitive<PoolGradAttrs, 1>({
  name: "sumPool2dGrad",
  arity: 1,
  reuse: taps,
  infer: ([ct], { inputSize }) => tensorType(ct.dtype, [at(ct.shape, 0), at(ct.shape, 1), ...inputSize]),
  vjp: (b, ct, { attrs: { inputSize: _, ...attrs } }) => [b.sumPool2d(ct, attrs)],
  evaluate: ([ct], n) => {
    const out = new Float64Array(sizeOf(n.type.shape));
    forEachTap(n.type, inputOf(n), n.attrs, (o, i) => (out[i] = at(out, i) + at(ct, o)));
    return out;
  },
  lower: (n) => ({
    kind: "reduce",
    op: "sum",
    extents: n.attrs.kernel,
    value: (read, index, over) => {
      const [image, channel, row, column] = four(index);
      const window = windowAt(n.attrs, spatial(inputOf(n)), row, column, at(over, 0), at(over, 1));
      return e.select(window.inside, read(0, [image, channel, window.row, window.column]), e.float(0));
    },
  }),
  samples: [{ inputs: [f32(1, 2, 4, 3)], attrs: { kernel: [3, 3], stride: [2, 2], padding: [1, 1], inputSize: [7, 5] } }],
});

/** Mean over windows, padding counted as zeros (torch's count_include_pad). */
export const avgPool2d: Op<PoolAttrs, 1> = defineComposite<PoolAttrs, 1>({
  name: "avgPool2d",
  arity: 1,
  infer: pooled,
  decompose: (b, [x], { attrs }) => b.mul(b.sumPool2d(x, attrs), 1 / (attrs.kernel[0] * attrs.kernel[1])),
  samples: SAMPLES,
});

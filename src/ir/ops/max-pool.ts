// Maximum over 2-d windows. Its gradient keeps which tap won each window (the first maximum, as PyTorch's does): one small number for each
// element of the result, where the input would be several times that.

import * as e from "../loop/expr.ts";
import type { Expr } from "../loop/expr.ts";
import type { Node } from "../node.ts";
import { sizeOf, tensorType, type TensorType } from "../types.ts";
import type { Pair } from "./conv.ts";
import { at, definePrimitive, type Builder, type Data, type Op, type Read } from "./define.ts";
import {
  forEachTap,
  four,
  inputOf,
  inputSizeOf,
  overlap,
  POOL_SAMPLES,
  pooled,
  spatial,
  sumOfCovers,
  tapAt,
  taps,
  type PoolAttrs,
  type PoolGradAttrs,
} from "./pool.ts";

const f32 = (...shape: number[]): TensorType => tensorType("f32", shape);

const tapNumber = (i: Expr, j: Expr, kernel: Pair): Expr => e.add(e.mul(i, e.int(kernel[1])), j);

function bestValues(x: Data, n: Node<PoolAttrs>): Data {
  const values = new Float64Array(sizeOf(n.type.shape)).fill(-Infinity);
  forEachTap(inputOf(n), n.type, n.attrs, (out, input) => (values[out] = Math.max(at(values, out), at(x, input))));
  return values;
}

/** As PyTorch looks for it: a tap of the picture that is above all before it wins, and so does each that is no number. */
function bestTaps(x: Data, n: Node<PoolAttrs>): Data {
  const size = sizeOf(n.type.shape);
  const [values, winners] = [new Float64Array(size).fill(-Infinity), new Float64Array(size).fill(-1)];
  forEachTap(inputOf(n), n.type, n.attrs, (out, input, tap) => {
    const value = at(x, input);
    if (!(value > at(values, out) || Number.isNaN(value) || at(winners, out) < 0)) return;
    values[out] = value;
    winners[out] = tap;
  });
  return winners;
}

/** What the taps of a window see, row by row; -Infinity beside the picture. */
function seen(n: Node<PoolAttrs>, read: Read, index: readonly Expr[]): Expr[] {
  const [image, channel, row, column] = four(index);
  const { kernel } = n.attrs;
  return Array.from({ length: sizeOf(kernel) }, (_, tap) => {
    const [i, j] = [e.int(Math.floor(tap / kernel[1])), e.int(tap % kernel[1])];
    const from = tapAt(inputSizeOf(n), n.attrs, spatial(n.type), row, column, i, j);
    return e.select(from.inside, read(0, [image, channel, from.row, from.column]), e.float(-Infinity));
  });
}

/** Maxima of the first of these: of one, of two, and so on to all of them. */
const runningMaxima = ([first, ...others]: readonly Expr[]): Expr[] =>
  others.reduce<Expr[]>((maxima, here) => [...maxima, e.binary("max", at(maxima, maxima.length - 1), here)], first ? [first] : []);

/**
 * How many taps come before the winner: those whose running maximum is below the last, and those before one that is no number. One sum, where
 * a choice at each tap branches. Where all is -Infinity, the first tap of the picture wins.
 */
function firstBest(n: Node<PoolAttrs>, read: Read, index: readonly Expr[]): Expr {
  const dtype = n.type.dtype === "u8" ? "u32" : "i32";
  const values = seen(n, read, index);
  const maxima = runningMaxima(values);
  const best = at(maxima, maxima.length - 1);
  let count = e.constant(0, dtype);
  let isNanBehind = e.constant(0, "bool");
  for (let tap = values.length - 2; tap >= 0; tap--) {
    const next = at(values, tap + 1);
    isNanBehind = e.or(e.binary("ne", next, next), isNanBehind);
    count = e.add(count, e.cast(e.or(e.binary("lt", at(maxima, tap), best), isNanBehind), dtype));
  }
  const [, , row, column] = four(index);
  const { kernel, stride, padding } = n.attrs;
  if (padding[0] === 0 && padding[1] === 0) return count;
  const beside = (window: Expr, axis: 0 | 1): Expr =>
    e.binary("max", e.sub(e.int(padding[axis]), e.mul(window, e.int(stride[axis]))), e.int(0));
  const first = tapNumber(beside(row, 0), beside(column, 1), kernel);
  return e.binary("max", count, e.cast(first, dtype));
}

/** Maximum over windows; padding never wins. */
export const maxPool2d: Op<PoolAttrs, 1> = definePrimitive<PoolAttrs, 1>({
  name: "maxPool2d",
  arity: 1,
  narrows: "keeps",
  cost: 8,
  reuse: overlap,
  infer: pooled,
  vjp: (b, ct, n) => {
    const x = at(n.inputs, 0);
    return [b.maxPool2dGrad(b.maxPool2dIndex(x, n.attrs), ct, { ...n.attrs, inputSize: inputSizeOf(n) })];
  },
  evaluate: ([x], n) => bestValues(x, n),
  lower: (n) => ({ kind: "pointwise", value: (read, index) => at(runningMaxima(seen(n, read, index)), sizeOf(n.attrs.kernel) - 1) }),
  samples: POOL_SAMPLES,
});

// A byte holds the number of any tap of a usual window.
const winnerType = (kernel: Pair): "u8" | "i32" => (sizeOf(kernel) <= 256 ? "u8" : "i32");

/** The tap that won each window, row * kernel width + column; the first of equal ones, the last that is no number. Type u8, or i32 for windows of more than 256. */
export const maxPool2dIndex: Op<PoolAttrs, 1> = definePrimitive<PoolAttrs, 1>({
  name: "maxPool2dIndex",
  arity: 1,
  cost: 8,
  reuse: overlap,
  infer: (types, attrs) => tensorType(winnerType(attrs.kernel), pooled(types, attrs).shape),
  vjp: () => [null],
  evaluate: ([x], n) => bestTaps(x, n),
  lower: (n) => ({
    kind: "pointwise",
    value: (read, index) => firstBest(n, read, index),
  }),
  samples: POOL_SAMPLES,
});

/** Sends each window's cotangent to the position that won it: from the winning taps and the cotangent -> [n, c, inputSize]. */
export const maxPool2dGrad: Op<PoolGradAttrs, 2> = definePrimitive<PoolGradAttrs, 2>({
  name: "maxPool2dGrad",
  arity: 2,
  cost: 8,
  reuse: taps,
  infer: ([, ct], { inputSize }) => tensorType(ct.dtype, [at(ct.shape, 0), at(ct.shape, 1), ...inputSize]),
  vjp: (b, ct, n) => [null, takeWinners(b, ct, at(n.inputs, 0), n.attrs)],
  evaluate: ([winners, ct], n) => {
    const out = new Float64Array(sizeOf(n.type.shape));
    forEachTap(n.type, at(n.inputs, 1).type, n.attrs, (window, position, tap) => {
      if (at(winners, window) === tap) out[position] = at(out, position) + at(ct, window);
    });
    return out;
  },
  lower: (n) =>
    sumOfCovers(n.attrs, spatial(at(n.inputs, 1).type), (read, { tap }, window) =>
      e.select(e.binary("eq", e.cast(read(0, window), "i32"), tapNumber(tap[0], tap[1], n.attrs.kernel)), read(1, window), e.float(0)),
    ),
  samples: [
    {
      inputs: [tensorType("i32", [2, 3, 2, 2]), f32(2, 3, 2, 2)],
      attrs: { kernel: [3, 2], stride: [3, 2], padding: [0, 0], inputSize: [6, 4] },
      below: 6,
    },
    // One row of taps, all inside: windows that overlap.
    {
      inputs: [tensorType("i32", [1, 2, 3, 4]), f32(1, 2, 3, 4)],
      attrs: { kernel: [1, 3], stride: [1, 2], padding: [0, 0], inputSize: [3, 9] },
      below: 3,
    },
  ],
});

// The elements of x [n, c, h, w] that won the windows: gathered at plane * h * w + row * w + column.
function takeWinners(b: Builder, x: Node, winners: Node, { kernel, stride, padding }: PoolAttrs): Node {
  const { shape } = winners.type;
  const tap = b.cast(winners, { dtype: "i32" });
  const [height, width] = spatial(x.type);
  const ramp = (axis: number): Node => b.iota({ shape, axis });
  const row = b.add(b.sub(b.mul(ramp(2), stride[0]), padding[0]), b.div(tap, kernel[1]));
  const column = b.add(b.sub(b.mul(ramp(3), stride[1]), padding[1]), b.rem(tap, kernel[1]));
  const plane = b.add(b.mul(ramp(0), at(shape, 1)), ramp(1));
  const position = b.add(b.mul(b.add(b.mul(plane, height), row), width), column);
  return b.gather(b.reshape(x, { shape: [sizeOf(x.type.shape)] }), position);
}

// Windows over the planes of images [n, c, h, w]: what max and average pooling share.

import * as e from "../loop/expr.ts";
import type { Expr } from "../loop/expr.ts";
import type { Node } from "../node.ts";
import { formatType, sizeOf, tensorType, type TensorType } from "../types.ts";
import { windowCount, type Pair } from "./conv.ts";
import { at, requireThat, type Lowering, type Read } from "./define.ts";
import { forEachIndex } from "./movement.ts";

export interface PoolAttrs {
  readonly kernel: Pair;
  readonly stride: Pair;
  readonly padding: Pair;
  /** Whether a last window may hang over the far edge, if it begins before it (torch's ceil_mode). */
  readonly ceil?: boolean;
}

export interface PoolGradAttrs extends PoolAttrs {
  /** [height, width]. */
  readonly inputSize: Pair;
}

/** Windows along an axis, as torch counts them. */
export function windowsOf(extent: number, kernel: number, stride: number, padding: number, ceil: boolean): number {
  if (!ceil) return windowCount(extent, kernel, stride, padding, 1);
  const count = Math.ceil((extent + 2 * padding - kernel) / stride) + 1;
  return (count - 1) * stride >= extent + padding ? count - 1 : count;
}

export function pooled([x]: readonly [TensorType], { kernel, stride, padding, ceil = false }: PoolAttrs): TensorType {
  requireThat(x.shape.length === 4, () => `pooling needs [n, c, h, w], not ${formatType(x)}`);
  const size = ([0, 1] as const).map((i) => windowsOf(at(x.shape, 2 + i), kernel[i], stride[i], padding[i], ceil));
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

export const inputOf = (node: Node): TensorType => at(node.inputs, 0).type;
export const inputSizeOf = (node: Node): Pair => spatial(inputOf(node));
export const spatial = (type: TensorType): Pair => [at(type.shape, 2), at(type.shape, 3)];
export const four = (x: readonly Expr[]): readonly [Expr, Expr, Expr, Expr] => [at(x, 0), at(x, 1), at(x, 2), at(x, 3)];

// Windows that share an input position, and input positions that read one window.
export const overlap = ({ attrs: { kernel, stride } }: Node<PoolAttrs>): number =>
  Math.max(1, kernel[0] / stride[0]) * Math.max(1, kernel[1] / stride[1]);
export const taps = ({ attrs: { kernel } }: Node<PoolAttrs>): number => kernel[0] * kernel[1];

interface Tap {
  readonly inside: Expr;
  readonly row: Expr;
  readonly column: Expr;
}

/** The input position under tap (i, j) of window (row, column). */
export function tapAt([height, width]: Pair, attrs: PoolAttrs, output: Pair, row: Expr, column: Expr, i: Expr, j: Expr): Tap {
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

/** A window that has the given input position under its tap (tap[0], tap[1]). */
interface Cover {
  readonly inside: Expr;
  readonly row: Expr;
  readonly column: Expr;
  readonly tap: readonly [Expr, Expr];
}

// Only taps congruent to a position modulo the stride can have it: kernel / stride of them along each axis.
const coverExtents = ({ kernel, stride }: PoolAttrs): Pair => [Math.ceil(kernel[0] / stride[0]), Math.ceil(kernel[1] / stride[1])];

function coverAt(attrs: PoolGradAttrs, output: Pair, row: Expr, column: Expr, i: Expr, j: Expr): Cover {
  const { kernel, stride, padding, inputSize } = attrs;
  let inside: Expr = e.constant(1, "bool");
  const along = (h: Expr, k: Expr, axis: 0 | 1): readonly [window: Expr, tap: Expr] => {
    const padded = e.add(h, e.int(padding[axis]));
    const tap = e.add(e.rem(padded, e.int(stride[axis])), e.mul(k, e.int(stride[axis])));
    if (kernel[axis] % stride[axis] !== 0) inside = e.and(inside, e.binary("lt", tap, e.int(kernel[axis])));
    const window = e.sub(e.div(padded, e.int(stride[axis])), k);
    if (kernel[axis] > stride[axis]) inside = e.and(inside, e.binary("le", e.int(0), window));
    if (Math.floor((inputSize[axis] - 1 + padding[axis]) / stride[axis]) >= output[axis])
      inside = e.and(inside, e.binary("lt", window, e.int(output[axis])));
    return [window, tap];
  };
  const [windowRow, tapRow] = along(row, i, 0);
  const [windowColumn, tapColumn] = along(column, j, 1);
  return { inside, row: windowRow, column: windowColumn, tap: [tapRow, tapColumn] };
}

// Up to so many windows over a position are one expression, which fuses with what reads it; more are a loop.
const UNROLLED = 16;

/** Each input position sums `term` over the windows that cover it. `output` is the size of the pooled plane. */
export function sumOfCovers(
  attrs: PoolGradAttrs,
  output: Pair,
  term: (read: Read, cover: Cover, window: readonly Expr[]) => Expr,
): Lowering {
  const extents = coverExtents(attrs);
  const termAt = (read: Read, index: readonly Expr[], i: Expr, j: Expr): Expr => {
    const [image, channel, row, column] = four(index);
    const cover = coverAt(attrs, output, row, column, i, j);
    return e.select(cover.inside, term(read, cover, [image, channel, cover.row, cover.column]), e.float(0));
  };
  if (sizeOf(extents) > UNROLLED)
    return { kind: "reduce", op: "sum", extents, value: (read, index, over) => termAt(read, index, at(over, 0), at(over, 1)) };
  return {
    kind: "pointwise",
    value: (read, index) => {
      let sum: Expr | undefined;
      for (let i = 0; i < extents[0]; i++)
        for (let j = 0; j < extents[1]; j++) {
          const value = termAt(read, index, e.int(i), e.int(j));
          sum = sum === undefined ? value : e.add(sum, value);
        }
      return sum ?? e.float(0);
    },
  };
}

/** Visits every (window, input position) pair: positions in the output and in the input, and the number of the tap. */
export function forEachTap(
  x: TensorType,
  y: TensorType,
  { kernel, stride, padding }: PoolAttrs,
  visit: (out: number, input: number, tap: number) => void,
): void {
  const [height, width] = spatial(x);
  forEachIndex(y.shape, ([n = 0, c = 0, row = 0, column = 0], out) => {
    for (let i = 0; i < kernel[0]; i++) {
      for (let j = 0; j < kernel[1]; j++) {
        const h = row * stride[0] + i - padding[0];
        const v = column * stride[1] + j - padding[1];
        if (h < 0 || h >= height || v < 0 || v >= width) continue;
        visit(out, (n * at(x.shape, 1) + c) * height * width + h * width + v, i * kernel[1] + j);
      }
    }
  });
}

const f32 = (...shape: number[]): TensorType => tensorType("f32", shape);

/** Windows side by side, overlapping ones with padding and a ragged edge, and such that hang over it. */
export const POOL_SAMPLES = [
  { inputs: [f32(2, 3, 6, 4)], attrs: { kernel: [2, 2], stride: [2, 2], padding: [0, 0] } },
  { inputs: [f32(1, 2, 7, 5)], attrs: { kernel: [3, 3], stride: [2, 2], padding: [1, 1] } },
  { inputs: [f32(1, 1, 6, 8)], attrs: { kernel: [2, 3], stride: [3, 2], padding: [0, 1] } },
  { inputs: [f32(1, 2, 6, 8)], attrs: { kernel: [3, 2], stride: [2, 3], padding: [1, 1], ceil: true } },
] as const;

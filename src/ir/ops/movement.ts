// Primitives that only move elements: an index of the result tells where to read. They cost nothing once fused into a reader.

import * as e from "../loop/expr.ts";
import type { Expr } from "../loop/expr.ts";
import { delinearize, linearize } from "../loop/index-math.ts";
import type { Node } from "../node.ts";
import { formatType, sizeOf, stridesOf, tensorType, type Shape, type TensorType } from "../types.ts";
import { at, definePrimitive, formatTypes, requireThat, type Data, type Op } from "./define.ts";
import { parts } from "./pieces.ts";

const f32 = (...shape: number[]): TensorType => tensorType("f32", shape);

/** Calls `visit` with every index of `shape`, in row-major order; the array is reused. */
export function forEachIndex(shape: Shape, visit: (index: readonly number[], position: number) => void): void {
  const index = new Array<number>(shape.length).fill(0);
  const size = sizeOf(shape);
  for (let position = 0; position < size; position++) {
    visit(index, position);
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      const next = at(index, axis) + 1;
      index[axis] = next;
      if (next < at(shape, axis)) break;
      index[axis] = 0;
    }
  }
}

/** Builds a tensor by reading one position of the source for every index of the result; a negative position reads `fill`. */
export function readAt(source: Data, shape: Shape, position: (index: readonly number[]) => number, fill = 0): Data {
  const out = new Float64Array(sizeOf(shape));
  forEachIndex(shape, (index, i) => {
    const p = position(index);
    out[i] = p < 0 ? fill : at(source, p);
  });
  return out;
}

const dot = (index: readonly number[], strides: readonly number[]): number => index.reduce((sum, x, i) => sum + x * at(strides, i), 0);

const input = (node: Node): Node => at(node.inputs, 0);

/** The same elements in row-major order under another shape. */
export const reshape: Op<{ readonly shape: Shape }, 1> = definePrimitive<{ readonly shape: Shape }, 1>({
  name: "reshape",
  arity: 1,
  narrows: "keeps",
  cost: 0,
  keepsOrder: true,
  lands: (index, n) => delinearize(linearize(index, input(n).type.shape), n.type.shape),
  infer: ([x], { shape }) => {
    requireThat(
      sizeOf(x.shape) === sizeOf(shape),
      () =>
        `${formatType(x)} cannot become ${formatType(tensorType(x.dtype, shape))}: ${sizeOf(x.shape)} elements are not ${sizeOf(shape)}`,
    );
    return tensorType(x.dtype, shape);
  },
  vjp: (b, ct, n) => [b.reshape(ct, { shape: input(n).type.shape })],
  evaluate: ([x]) => x,
  lower: (n) => ({
    kind: "pointwise",
    value: (read, index) => read(0, delinearize(linearize(index, n.type.shape), input(n).type.shape)),
  }),
  samples: [
    { inputs: [f32(2, 6)], attrs: { shape: [3, 4] } },
    { inputs: [f32(1)], attrs: { shape: [] } },
  ],
});

/** Axis `i` of the result is axis `perm[i]` of the input. */
export const transpose: Op<{ readonly perm: readonly number[] }, 1> = definePrimitive<{ readonly perm: readonly number[] }, 1>({
  name: "transpose",
  arity: 1,
  narrows: "keeps",
  cost: 0,
  lands: (index, n) => n.attrs.perm.map((axis) => at(index, axis)),
  infer: ([x], { perm }) => {
    requireThat(
      perm.length === x.shape.length && [...perm].sort((a, b) => a - b).every((axis, i) => axis === i),
      () => `the permutation [${perm.join(", ")}] does not fit ${formatType(x)}`,
    );
    return tensorType(
      x.dtype,
      perm.map((axis) => at(x.shape, axis)),
    );
  },
  vjp: (b, ct, { attrs: { perm } }) => [b.transpose(ct, { perm: inverse(perm) })],
  evaluate: ([x], n) => {
    const strides = stridesOf(input(n).type.shape);
    return readAt(x, n.type.shape, (index) =>
      dot(
        index,
        n.attrs.perm.map((axis) => at(strides, axis)),
      ),
    );
  },
  lower: (n) => ({
    kind: "pointwise",
    value: (read, index) =>
      read(
        0,
        inverse(n.attrs.perm).map((i) => at(index, i)),
      ),
  }),
  samples: [{ inputs: [f32(2, 3, 4)], attrs: { perm: [2, 0, 1] } }],
});

export const inverse = (perm: readonly number[]): number[] => perm.map((_, axis) => perm.indexOf(axis));

/** Repeats along axes of extent 1; the rank stays. */
export const expand: Op<{ readonly shape: Shape }, 1> = definePrimitive<{ readonly shape: Shape }, 1>({
  name: "expand",
  arity: 1,
  narrows: "keeps",
  cost: 0,
  repeatsAlong: (n) => input(n).type.shape.flatMap((extent, i) => (extent === 1 ? [i] : [])),
  reuse: (n) => sizeOf(n.type.shape) / sizeOf(input(n).type.shape),
  infer: ([x], { shape }) => {
    requireThat(
      x.shape.length === shape.length && x.shape.every((extent, i) => extent === 1 || extent === shape[i]),
      () => `${formatType(x)} cannot be expanded to [${shape.join(", ")}]`,
    );
    return tensorType(x.dtype, shape);
  },
  vjp: (b, ct, n) => {
    const axes = input(n).type.shape.flatMap((extent, i) => (extent === 1 && n.type.shape[i] !== 1 ? [i] : []));
    return [b.reduceSum(ct, { axes, keepDims: true })];
  },
  evaluate: ([x], n) => {
    const strides = stridesOf(input(n).type.shape).map((stride, i) => (input(n).type.shape[i] === 1 ? 0 : stride));
    return readAt(x, n.type.shape, (index) => dot(index, strides));
  },
  lower: (n) => ({
    kind: "pointwise",
    value: (read, index) =>
      read(
        0,
        index.map((x, i) => (input(n).type.shape[i] === 1 ? e.int(0) : x)),
      ),
  }),
  samples: [{ inputs: [f32(2, 1, 3)], attrs: { shape: [2, 4, 3] } }],
});

/** Elements start, start+stride, … below stop, along every axis. */
export const slice: Op<{ readonly start: Shape; readonly stop: Shape; readonly stride: Shape }, 1> = definePrimitive<
  { readonly start: Shape; readonly stop: Shape; readonly stride: Shape },
  1
>({
  name: "slice",
  arity: 1,
  narrows: "keeps",
  cost: 0,
  infer: ([x], { start, stop, stride }) => {
    const shape = x.shape.map((extent, i) => {
      const [from, to, step] = [at(start, i), at(stop, i), at(stride, i)];
      requireThat(
        from >= 0 && from < to && to <= extent && step >= 1,
        () => `slice ${from}..${to} by ${step} does not fit axis ${i} of ${formatType(x)}`,
      );
      return Math.ceil((to - from) / step);
    });
    return tensorType(x.dtype, shape);
  },
  vjp: (b, ct, n) => {
    const { start, stride } = n.attrs;
    const high = input(n).type.shape.map((extent, i) => extent - at(start, i) - (1 + (at(n.type.shape, i) - 1) * at(stride, i)));
    return [b.pad(ct, { low: start, high, interior: stride.map((s) => s - 1), value: 0 })];
  },
  evaluate: ([x], n) => {
    const strides = stridesOf(input(n).type.shape);
    const { start, stride } = n.attrs;
    return readAt(x, n.type.shape, (index) =>
      dot(
        index.map((v, i) => at(start, i) + v * at(stride, i)),
        strides,
      ),
    );
  },
  lower: ({ attrs: { start, stride } }) => ({
    kind: "pointwise",
    value: (read, index) =>
      read(
        0,
        index.map((x, i) => e.add(e.mul(x, e.int(at(stride, i))), e.int(at(start, i)))),
      ),
  }),
  samples: [{ inputs: [f32(5, 4)], attrs: { start: [1, 0], stop: [5, 3], stride: [2, 1] } }],
});

export interface PadAttrs {
  readonly low: Shape;
  readonly high: Shape;
  /** Elements between neighbours. */
  readonly interior: Shape;
  readonly value: number;
}

/** Puts `value` before, after and between elements. */
export const pad: Op<PadAttrs, 1> = definePrimitive<PadAttrs, 1>({
  name: "pad",
  arity: 1,
  narrows: "keeps",
  cost: 1,
  infer: ([x], { low, high, interior }) => {
    requireThat(
      low.length === x.shape.length && [...low, ...high, ...interior].every((v) => v >= 0),
      () => `padding does not fit ${formatType(x)}`,
    );
    return tensorType(
      x.dtype,
      x.shape.map((extent, i) => at(low, i) + at(high, i) + extent + Math.max(0, extent - 1) * at(interior, i)),
    );
  },
  vjp: (b, ct, n) => {
    const { low, interior } = n.attrs;
    const shape = input(n).type.shape;
    const stop = shape.map((extent, i) => at(low, i) + (extent - 1) * (at(interior, i) + 1) + 1);
    return [b.slice(ct, { start: low, stop, stride: interior.map((v) => v + 1) })];
  },
  evaluate: ([x], n) => {
    const { low, interior, value } = n.attrs;
    const { shape } = input(n).type;
    const strides = stridesOf(shape);
    const source = (index: readonly number[]): number => {
      let position = 0;
      for (let i = 0; i < shape.length; i++) {
        const offset = at(index, i) - at(low, i);
        const step = at(interior, i) + 1;
        if (offset < 0 || offset % step !== 0 || offset / step >= at(shape, i)) return -1;
        position += (offset / step) * at(strides, i);
      }
      return position;
    };
    return readAt(x, n.type.shape, source, value);
  },
  lower: (n) => ({
    kind: "pointwise",
    value: (read, index) => {
      const { low, high, interior, value } = n.attrs;
      const { shape, dtype } = input(n).type;
      let inside: Expr = e.constant(1, "bool");
      const source = index.map((x, i) => {
        const step = at(interior, i) + 1;
        const offset = e.sub(x, e.int(at(low, i)));
        if (at(low, i) > 0) inside = e.and(inside, e.binary("le", e.int(at(low, i)), x));
        const last = (at(shape, i) - 1) * step;
        if (at(high, i) > 0) inside = e.and(inside, e.binary("le", offset, e.int(last)));
        if (step === 1) return offset;
        inside = e.and(inside, e.binary("eq", e.rem(offset, e.int(step)), e.int(0)));
        return e.div(offset, e.int(step));
      });
      const fill = e.constant(value, dtype === "u8" ? "u32" : dtype);
      return e.select(inside, read(0, source), fill);
    },
  }),
  samples: [
    { inputs: [f32(2, 3)], attrs: { low: [1, 0], high: [0, 2], interior: [0, 0], value: 0 } },
    { inputs: [f32(3, 2)], attrs: { low: [0, 1], high: [1, 0], interior: [1, 2], value: 0 } },
  ],
});

/** Joins tensors along an axis. */
export const concat: Op<{ readonly axis: number }, -1> = definePrimitive<{ readonly axis: number }, -1>({
  name: "concat",
  arity: -1,
  narrows: "keeps",
  cost: 1,
  joins: (index, n, i) => {
    const { axis } = n.attrs;
    const start = n.inputs.slice(0, i).reduce((sum, x) => sum + at(x.type.shape, axis), 0);
    return index.map((x, k) => (k === axis ? e.add(x, e.int(start)) : x));
  },
  infer: (types, { axis }) => {
    const first = at(types, 0);
    requireThat(
      types.every(
        (t) =>
          t.dtype === first.dtype &&
          t.shape.length === first.shape.length &&
          t.shape.every((extent, i) => i === axis || extent === first.shape[i]),
      ),
      () => `concat along axis ${axis} cannot join ${formatTypes(types)}`,
    );
    return tensorType(
      first.dtype,
      first.shape.map((extent, i) => (i === axis ? types.reduce((sum, t) => sum + at(t.shape, axis), 0) : extent)),
    );
  },
  vjp: (b, ct, n) =>
    parts(
      b,
      ct,
      n.inputs.map((x) => at(x.type.shape, n.attrs.axis)),
      n.attrs.axis,
    ),
  evaluate: (inputs, n) => {
    const { axis } = n.attrs;
    const extents = n.inputs.map((x) => at(x.type.shape, axis));
    const out = new Float64Array(sizeOf(n.type.shape));
    forEachIndex(n.type.shape, (index, i) => {
      let which = 0;
      let offset = at(index, axis);
      while (offset >= at(extents, which)) offset -= at(extents, which++);
      const own = index.map((x, k) => (k === axis ? offset : x));
      out[i] = at(at(inputs, which), dot(own, stridesOf(at(n.inputs, which).type.shape)));
    });
    return out;
  },
  lower: (n) => ({
    kind: "pointwise",
    value: (read, index) => {
      const { axis } = n.attrs;
      let end = at(n.type.shape, axis);
      let result: Expr | undefined;
      for (let which = n.inputs.length - 1; which >= 0; which--) {
        const start = end - at(at(n.inputs, which).type.shape, axis);
        const value = read(
          which,
          index.map((x, i) => (i === axis ? e.sub(x, e.int(start)) : x)),
        );
        result = result === undefined ? value : e.select(e.binary("lt", at(index, axis), e.int(end)), value, result);
        end = start;
      }
      return result ?? e.float(0);
    },
  }),
  samples: [{ inputs: [f32(2, 3), f32(2, 1), f32(2, 2)], attrs: { axis: 1 } }],
});

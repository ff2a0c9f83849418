// Random training-like steps: one to three states, updated from each other, from inputs, from random numbers and from the gradient of
// a loss. Every family of ops can occur. Values stay near [-1, 1], since what grows or meets a pole would hide differences.

import { createBuilder, type Builder } from "../../src/ir/builder.ts";
import type { Node } from "../../src/ir/node.ts";
import type { Data } from "../../src/ir/ops/define.ts";
import { scanResults } from "../../src/ir/ops/scan.ts";
import { sizeOf, tensorType, type DType, type Shape } from "../../src/ir/types.ts";
import { createRandom } from "./random.ts";
import type { Step } from "./run-graph.ts";
import { sliceAxis } from "../../src/ir/ops/pieces.ts";

/** What growing a graph needs: `pick(n)` is a random integer below n. */
interface Context {
  readonly b: Builder;
  readonly pick: (n: number) => number;
  readonly input: (dtype: DType, shape: Shape) => Node;
  readonly floats: Node[];
  readonly bools: Node[];
  /** i32, in 0..4. */
  readonly indices: Node[];
  /** u32[] each. */
  readonly seed: Node;
  readonly step: Node;
  stream: number;
}

const VECTOR: Shape = [6];
const MATRIX: Shape = [4, 4];
const TABLE: Shape = [5, 3];
const IMAGE: Shape = [2, 2, 4, 4];
const STATE_SHAPES = [VECTOR, MATRIX, TABLE, IMAGE];
/** Exclusive bound of `indices`. */
const ROWS = 5;

const choose = <T>(c: Context, list: readonly T[]): T => {
  const item = list[c.pick(list.length)];
  if (item === undefined) throw new RangeError("nothing to choose from");
  return item;
};
const float = (c: Context): Node => choose(c, c.floats);

/** Elements of `x` in row-major order, repeated or cut to fill `shape`. */
function fit({ b }: Context, x: Node, shape: Shape): Node {
  const size = sizeOf(x.type.shape);
  if (size === sizeOf(shape)) return b.reshape(x, { shape });
  const index = b.rem(b.iota({ shape: [sizeOf(shape)], axis: 0 }), size);
  return b.reshape(b.gather(b.reshape(x, { shape: [size] }), index), { shape });
}

/** A step of an average over time, with what each time step saw: carries and stacked outputs of a scan. */
function scanned(c: Context, x: Node): Node {
  const { b } = c;
  const [time, width] = [3, 4];
  const local = (name: string, ...shape: number[]): Node =>
    b.input({ name: `t${c.stream}.${name}`, role: "local", type: tensorType("f32", shape) });
  c.stream++;
  const [h, v, w] = [local("h", width), local("v", width), local("w", width, width)];
  const row = b.reshape(b.matmul(b.reshape(h, { shape: [1, width] }), w, { transposeA: false, transposeB: c.pick(2) === 1 }), {
    shape: [width],
  });
  const next = b.tanh(b.add(row, v));
  const body = { carries: [h], slices: [v], invariants: [w], next: [next], outputs: [b.mul(h, next)] };
  const loop = b.scan([fit(c, float(c), [width]), fit(c, x, [time, width]), fit(c, float(c), MATRIX)], {
    body,
    length: time,
    reverse: c.pick(2) === 1,
  });
  const [last, stacked] = scanResults(b, loop as Node<never>);
  if (!last || !stacked) throw new RangeError("a scan of one carry and one output");
  return b.concat([b.reshape(last, { shape: [1, width] }), stacked], { axis: 0 });
}

type Grow = (c: Context, x: Node) => Node;

const pool = { kernel: [2, 2], stride: [2, 2], padding: [0, 0] } as const;
const overlapping = { kernel: [3, 3], stride: [1, 1], padding: [1, 1] } as const;
const random = (c: Context, shape: Shape): { readonly shape: Shape; readonly stream: number } => ({ shape, stream: c.stream++ });

/** Ways to a new float tensor. */
const FLOATS: readonly Grow[] = [
  ({ b }, x) => b.tanh(b.mul(x, 1.5)),
  (c, x) => c.b.mul(x, fit(c, float(c), x.type.shape)),
  (c, x) => c.b.maximum(x, fit(c, float(c), x.type.shape)),
  (c, x) => c.b.sub(c.b.mul(x, 0.5), c.b.mul(fit(c, float(c), x.type.shape), 0.25)),
  (c, x) => c.b.where(fit(c, choose(c, c.bools), x.type.shape), x, c.b.mul(x, -0.5)),
  ({ b, pick }, x) => ([b.sigmoid, b.sin, b.cos, b.erf, b.relu, b.gelu, b.silu][pick(7)] ?? b.tanh)(x),
  ({ b, pick }, x) => b.mul([b.sqrt, b.rsqrt, b.log][pick(3)]?.(b.add(b.abs(x), 0.7)) ?? x, 0.6),
  // Off zero, where signs flip, and by a number that few products meet.
  ({ b, pick }, x) => b.mul((pick(2) ? b.floor : b.ceil)(b.mul(x, 3.137)), 0.3),
  ({ b }, x) => b.pow(b.add(b.abs(x), 0.3), 0.7),
  ({ b, pick }, x) => b.mul(b.logSoftmax(x, { axis: pick(x.type.shape.length) }), 0.3),
  ({ b, pick }, x) => b.sub(x, b.reduceMin(x, { axes: [pick(x.type.shape.length)], keepDims: true })),
  ({ b }, x) => b.div(x, b.add(b.abs(x), 1)),
  ({ b, pick }, x) => b.softmax(x, { axis: pick(x.type.shape.length) }),
  ({ b, pick }, x) => b.sub(x, b.reduceMean(x, { axes: [pick(x.type.shape.length)], keepDims: true })),
  ({ b, pick }, x) => b.div(x, b.add(b.reduceMax(b.abs(x), { axes: [pick(x.type.shape.length)], keepDims: true }), 1)),
  ({ b }, x) => b.transpose(x, { perm: x.type.shape.map((_, i) => x.type.shape.length - 1 - i) }),
  (c, x) =>
    c.b.matmul(fit(c, x, MATRIX), c.b.mul(fit(c, float(c), MATRIX), 0.3), { transposeA: c.pick(2) === 1, transposeB: c.pick(2) === 1 }),
  (c, x) => c.b.gather(fit(c, x, TABLE), choose(c, c.indices)),
  (c, x) => {
    const indices = choose(c, c.indices);
    return c.b.tanh(c.b.scatterAdd(indices, fit(c, x, [...indices.type.shape, 2]), { rows: ROWS }));
  },
  (c, x) => c.b.maxPool2d(fit(c, x, IMAGE), c.pick(2) ? pool : overlapping),
  (c, x) => c.b.avgPool2d(fit(c, x, IMAGE), c.pick(2) ? pool : overlapping),
  (c, x) =>
    c.b.tanh(
      c.b.conv2d(fit(c, x, IMAGE), fit(c, float(c), [2, 2, 3, 3]), { stride: [1, 1], padding: [1, 1], dilation: [1, 1], groups: 1 }),
    ),
  scanned,
  (c, x) => c.b.sub(c.b.randomUniform(c.seed, c.step, random(c, x.type.shape)), fit(c, x, x.type.shape)),
  (c, x) => c.b.mul(c.b.tanh(c.b.randomNormal(c.seed, c.step, random(c, x.type.shape))), x),
  // Dropout.
  (c, x) => c.b.where(c.b.less(c.b.randomUniform(c.seed, c.step, random(c, x.type.shape)), 0.3), 0, x),
  (c, x) => c.b.add(c.b.mul(c.b.cast(fit(c, choose(c, c.indices), x.type.shape), { dtype: "f32" }), 0.1), x),
  (c, x) => c.b.add(c.b.mul(c.b.cast(fit(c, choose(c, c.bools), x.type.shape), { dtype: "f32" }), -0.2), x),
  ({ b }, x) =>
    b.pad(x, { low: x.type.shape.map(() => 1), high: x.type.shape.map(() => 0), interior: x.type.shape.map(() => 0), value: 0.5 }),
  ({ b, pick }, x) => b.concat([x, b.neg(x)], { axis: pick(x.type.shape.length) }),
];

const BOOLS: readonly Grow[] = [
  (c, x) => (c.pick(2) ? c.b.less : c.b.lessEqual)(x, fit(c, float(c), x.type.shape)),
  (c) => c.b.logicalNot(choose(c, c.bools)),
  (c) => {
    const y = choose(c, c.bools);
    return (c.pick(2) ? c.b.logicalAnd : c.b.logicalOr)(y, fit(c, choose(c, c.bools), y.type.shape));
  },
  (c) => (c.pick(2) ? c.b.equal : c.b.notEqual)(choose(c, c.indices), c.pick(ROWS)),
];

const INDICES: readonly Grow[] = [
  (c) => c.b.rem(c.b.add(choose(c, c.indices), c.b.cast(c.step, { dtype: "i32" })), ROWS),
  (c) => c.b.sub(ROWS - 1, choose(c, c.indices)),
  (c) => c.b.minimum(choose(c, c.indices), c.pick(ROWS)),
  (c, x) => c.b.rem(c.b.argMax(x, { axis: c.pick(x.type.shape.length) }), ROWS),
  (c) => c.b.cast(choose(c, c.bools), { dtype: "i32" }),
  ({ b, ...c }) => {
    const words = b.randomBits(c.seed, c.step, { shape: [4], stream: 900 + c.pick(9) });
    const shifted = [b.shiftLeft, b.bitOr, b.bitXor][c.pick(3)]?.(words, 5) ?? words;
    return b.cast(b.bitAnd(b.shiftRight(shifted, 4), 3), { dtype: "i32" });
  },
  (c) => c.b.gather(fit(c, choose(c, c.indices), [ROWS]), choose(c, c.indices)),
];

type Update = (c: Context, state: Node, states: readonly Node[]) => Node;

/** Some that a kernel may write where it reads, and more that read all of the state, or the old value of another. */
const UPDATES: readonly Update[] = [
  (c, s) => c.b.add(c.b.mul(s, 0.9), c.b.mul(c.b.tanh(fit(c, float(c), s.type.shape)), 0.1)),
  (c, s) => c.b.where(fit(c, choose(c, c.bools), s.type.shape), s, c.b.tanh(fit(c, float(c), s.type.shape))),
  (c, s) => c.b.mul(s, fit(c, c.b.sigmoid(float(c)), s.type.shape)),
  ({ b }, s) => b.concat([sliceAxis(b, s, 0, 1, s.type.shape[0] ?? 1), sliceAxis(b, s, 0, 0, 1)], { axis: 0 }),
  ({ b }, s) => b.sub(s, b.reduceMean(s, { axes: [0], keepDims: true })),
  (c, s, states) => fit(c, choose(c, states), s.type.shape),
  (c, s, states) => c.b.mul(c.b.add(s, fit(c, choose(c, states), s.type.shape)), 0.5),
  (c, s) => {
    const m = fit(c, s, MATRIX);
    return fit(c, c.b.tanh(c.b.matmul(m, m, { transposeA: false, transposeB: c.pick(2) === 1 })), s.type.shape);
  },
  (c, s) => {
    const m = fit(c, s, MATRIX);
    return fit(c, c.b.mul(c.b.add(m, c.b.transpose(m, { perm: [1, 0] })), 0.5), s.type.shape);
  },
  (c, s) => fit(c, scanned(c, s), s.type.shape),
];

/** Cross entropy or a mean of squares over all that was grown, and the states less a part of its gradient. */
function descend(c: Context, states: readonly Node[]): { readonly loss: Node; readonly next: Node[] } {
  const { b } = c;
  const roots = [...states, ...c.floats.slice(-4)];
  const features = roots.reduce(
    (sum, x) => b.add(sum, b.tanh(fit(c, x, MATRIX))),
    b.constant({ value: 0, type: tensorType("f32", MATRIX) }),
  );
  const labels = b.minimum(fit(c, choose(c, c.indices), [4]), 3);
  const losses = c.pick(2)
    ? b.crossEntropy(features, labels, { labelSmoothing: c.pick(2) ? 0.1 : 0 })
    : b.reduceMean(b.squaredError(features, fit(c, c.input("f32", MATRIX), MATRIX)), { axes: [1] });
  const loss = b.reduceMean(losses, { axes: [0] });
  return { loss, next: states.map((s) => b.sub(s, b.mul(b.gradient(loss, s), 0.5))) };
}

/** A step of `nodes` ops and one to three states, the same for the same seed. */
export function randomStep(seed: number, nodes: number): Step {
  const draw = createRandom(seed);
  const pick = (n: number): number => Math.floor(draw() * n);
  const b = createBuilder();
  const values = new Map<string, Data>();
  const input = (dtype: DType, shape: Shape, role: "batch" | "state" = "batch"): Node => {
    const name = `${role}${values.size}`;
    const value = (): number => (dtype === "f32" ? Math.fround(draw() * 2 - 1) : dtype === "bool" ? pick(2) : pick(ROWS));
    values.set(name, Float64Array.from({ length: sizeOf(shape) }, value));
    return b.input({ name, role, type: tensorType(dtype, shape) });
  };
  const nameOf = (node: Node): string => (node.attrs as { readonly name: string }).name;

  const states = Array.from({ length: 1 + pick(3) }, () => input("f32", STATE_SHAPES[pick(STATE_SHAPES.length)] ?? VECTOR, "state"));
  const [count, seedNode, step] = [input("i32", [ROWS], "state"), input("u32", []), input("u32", [], "state")];
  const floats = [...states, input("f32", VECTOR), input("f32", TABLE)];
  const c: Context = {
    ...{ b, pick, input, floats, seed: seedNode, step, stream: 0 },
    bools: [b.less(input("f32", MATRIX), 0.2)],
    indices: [input("i32", [2, 3]), b.minimum(count, ROWS - 1)],
  };
  for (let i = 0; i < nodes; i++) {
    const kind = pick(6);
    if (kind === 0) c.bools.push(choose(c, BOOLS)(c, float(c)));
    else if (kind === 1) c.indices.push(choose(c, INDICES)(c, float(c)));
    else c.floats.push(choose(c, FLOATS)(c, float(c)));
    // The last values feed the loss; large ones would only make it slow.
    if (sizeOf(c.floats.at(-1)?.type.shape ?? []) > 300) c.floats.pop();
  }

  const outputs = new Map<string, Node>([
    ["value", c.floats.at(-1) ?? step],
    ["flag", c.bools.at(-1) ?? step],
    [nameOf(step), b.add(step, 1)],
    [nameOf(count), pick(2) ? b.rem(b.add(b.gather(count, b.minimum(count, ROWS - 1)), 1), ROWS) : b.rem(b.add(count, 1), ROWS)],
  ]);
  const { loss, next } = descend(c, states);
  outputs.set("loss", loss);
  states.forEach((s, i) => outputs.set(nameOf(s), pick(3) === 0 ? (next[i] ?? s) : choose(c, UPDATES)(c, s, states)));
  return { graph: { builder: b, outputs }, values };
}

// Random valid graphs from the op registry, with inputs: for properties that must hold of every graph. Values stay in a range where
// no op overflows or sits on a pole, since NaNs would hide differences.

import { createBuilder, type Builder } from "../../src/ir/builder.ts";
import type { Graph } from "../../src/ir/graph.ts";
import type { Node } from "../../src/ir/node.ts";
import type { Data } from "../../src/ir/ops/define.ts";
import { sizeOf, tensorType, type Shape } from "../../src/ir/types.ts";
import { createRandom } from "./random.ts";

export interface RandomGraph {
  readonly graph: Graph;
  readonly inputs: ReadonlyMap<string, Data>;
}

/** Forward values of `nodes` ops under the name `value`, and the gradient of their weighted sum by every input. */
export function randomGraph(seed: number, nodes: number): RandomGraph {
  const random = createRandom(seed);
  const pick = (n: number): number => Math.floor(random() * n);
  const b = createBuilder();
  const inputs = new Map<string, Data>();
  const input = (shape: Shape): Node => {
    const name = `x${inputs.size}`;
    inputs.set(
      name,
      Float64Array.from({ length: sizeOf(shape) }, () => Math.fround(random() * 2 - 1)),
    );
    return b.input({ name, role: "batch", type: tensorType("f32", shape) });
  };
  const shapes: Shape[] = [[2, 3, 4], [4, 6], [6], [2, 2, 4, 4]];
  const leaves = shapes.map(input);
  const pool: Node[] = [...leaves];
  const any = (): Node => pool[pick(pool.length)] ?? input([2]);
  for (let i = 0; i < nodes; i++) pool.push(step(b, any(), any(), pick, input));
  const roots = pool.slice(-3);
  const flat = roots.map((node) => b.reduceSum(b.tanh(b.reshape(node, { shape: [sizeOf(node.type.shape)] })), { axes: [0] }));
  const total = flat.reduce((x, y) => b.add(x, y));
  const outputs = new Map<string, Node>([["value", total]]);
  roots.forEach((node, i) => outputs.set(`root${i}`, node));
  leaves.forEach((leaf, i) => outputs.set(`grad${i}`, b.gradient(total, leaf)));
  return { graph: { builder: b, outputs }, inputs };
}

function step(b: Builder, x: Node, y: Node, pick: (n: number) => number, input: (shape: Shape) => Node): Node {
  const { shape } = x.type;
  const rank = shape.length;
  const axis = pick(Math.max(rank, 1));
  const bounded = (node: Node): Node => b.tanh(node);
  switch (pick(18)) {
    case 0:
      return bounded(x);
    case 1:
      return b.relu(x);
    case 2:
      return b.sigmoid(x);
    case 3:
      return b.gelu(x);
    case 4:
      return b.add(x, pick(2) ? 0 : 0.5);
    case 5:
      return b.mul(x, pick(2) ? 1 : -0.5);
    case 6:
      return same(x, y) ? b.mul(x, y) : b.neg(b.neg(x));
    case 7:
      return same(x, y) ? b.maximum(x, y) : b.abs(x);
    case 8:
      return b.reshape(x, { shape: pick(2) ? [sizeOf(shape)] : [...shape].reverse() });
    case 9:
      return b.transpose(x, { perm: shape.map((_, i) => (i + 1) % rank) });
    case 10:
      return rank === 0 ? x : b.reduceMean(x, { axes: [axis], keepDims: true });
    case 11:
      return rank < 2 ? x : b.reduceSum(x, { axes: [axis] });
    case 12:
      return rank === 0 ? x : b.softmax(x, { axis });
    case 13:
      return rank === 0
        ? x
        : b.pad(x, { low: shape.map((_, i) => (i === axis ? 1 : 0)), high: shape.map(() => 0), interior: shape.map(() => 0), value: 0 });
    case 14:
      return rank === 0 || (shape[axis] ?? 1) < 2
        ? x
        : b.slice(x, {
            start: shape.map((_, i) => (i === axis ? 1 : 0)),
            stop: [...shape],
            stride: shape.map((_, i) => (i === axis ? 2 : 1)),
          });
    case 15:
      return rank === 0 ? x : b.concat([x, bounded(x)], { axis });
    case 16: {
      if (rank !== 2) return b.where(b.less(x, 0), b.mul(x, 0.1), x);
      return bounded(b.matmul(x, input([3, shape[1] ?? 1]), { transposeB: true }));
    }
    default: {
      if (rank !== 4 || (shape[2] ?? 0) < 2 || (shape[3] ?? 0) < 2) return b.sub(x, b.mul(x, 0.5));
      const w = input([2, shape[1] ?? 1, 2, 2]);
      return bounded(b.conv2d(x, w, { stride: [1, 1], padding: [1, 0], dilation: [1, 1], groups: 1 }));
    }
  }
}

const same = (x: Node, y: Node): boolean => x.type.shape.join() === y.type.shape.join();

// Values that look as if they could share a kernel, and cannot, or only in part: whatever is fused, they are what the interpreter says.

import { expect, it } from "vitest";
import { createBuilder, type Builder } from "../../src/ir/builder.ts";
import type { Node } from "../../src/ir/node.ts";
import { tensorType } from "../../src/ir/types.ts";
import { openReferenceDevice } from "../../src/runtime/reference/device.ts";
import { createRandom } from "../support/random.ts";
import { interpret, runGraph } from "../support/run-graph.ts";
import { disagreement } from "../support/values.ts";

const N = 6;
const square = { shape: [N, N] };
const turned = { perm: [1, 0] };

/** A value for each row of a square, or for each of its columns. */
const alongRows = (b: Builder, x: Node): Node => b.expand(b.reshape(x, { shape: [N, 1] }), square);
const alongColumns = (b: Builder, x: Node): Node => b.expand(b.reshape(x, { shape: [1, N] }), square);

it.each<[string, (b: Builder, x: Node) => Node[]]>([
  [
    "a value read at its own place and at another, in either order",
    (b, x) => {
      const v = b.tanh(x);
      return [v, b.add(b.transpose(v, turned), v), b.sub(v, b.transpose(v, turned))];
    },
  ],
  [
    "a product beside its transpose",
    (b, x) => {
      const product = b.matmul(x, x, {});
      return [product, b.add(product, b.transpose(product, turned)), b.tanh(product)];
    },
  ],
  [
    "sums of rows used along columns and along rows",
    (b, x) => {
      const sums = b.reduceSum(x, { axes: [1] });
      const columns = b.tanh(b.mul(x, alongColumns(b, sums)));
      return [sums, columns, b.mul(columns, alongRows(b, sums)), b.add(alongRows(b, sums), alongColumns(b, sums))];
    },
  ],
  [
    "sums of rows and of columns of one square",
    (b, x) => {
      const [rows, columns] = [b.reduceMax(x, { axes: [1] }), b.reduceMax(x, { axes: [0] })];
      const centred = b.sub(x, alongRows(b, rows));
      return [rows, columns, centred, b.sub(centred, alongColumns(b, columns)), b.mul(alongRows(b, columns), alongColumns(b, rows))];
    },
  ],
  [
    "a normalization of what was normalized the other way",
    (b, x) => {
      const once = b.softmax(x, { axis: 1 });
      return [once, b.softmax(once, { axis: 0 }), b.softmax(b.transpose(once, turned), { axis: 1 })];
    },
  ],
  [
    "a sum of sums beside what they are sums of",
    (b, x) => {
      const rows = b.reduceSum(x, { axes: [1] });
      const all = b.reduceSum(rows, { axes: [0] });
      return [rows, all, b.sub(rows, b.mul(all, 1 / N)), b.mul(x, all)];
    },
  ],
])("%s", async (_, build) => {
  const b = createBuilder();
  const random = createRandom(9);
  const x = b.input({ name: "x", role: "batch", type: tensorType("f32", [N, N]) });
  const graph = { builder: b, outputs: new Map(build(b, x).map((node, i) => [`y${i}`, node])) };
  const inputs = new Map([["x", Float64Array.from({ length: N * N }, () => random() * 2 - 1)]]);
  expect(disagreement(await runGraph(openReferenceDevice(), graph, inputs), interpret(graph, inputs), 1e-6)).toBeUndefined();
});

// Recurrent layers and other loops over time on a device that may run one as a launch, beside the graph interpreter: which loops are one, and that values
// and gradients are the same.

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createBuilder } from "../../src/ir/builder.ts";
import type { Graph } from "../../src/ir/graph.ts";
import type { Node } from "../../src/ir/node.ts";
import type { Builder } from "../../src/ir/ops/define.ts";
import { scanResults } from "../../src/ir/ops/scan.ts";
import { sizeOf, tensorType } from "../../src/ir/types.ts";
import type { Device } from "../../src/runtime/device.ts";
import { createRandom } from "../support/random.ts";
import { compileGraph, interpret, runGraph } from "../support/run-graph.ts";
import { disagreement } from "../support/values.ts";

type Input = (name: string, ...shape: number[]) => Node;
const [TIME, FEATURES] = [4, 3];

interface Case {
  readonly name: string;
  /** Rows of its loops, each number once; undefined where one launches its kernels in each step. */
  readonly rows: readonly (number | undefined)[];
  readonly build: (b: Builder, input: Input) => { readonly output: Node; readonly weights: readonly Node[] };
}

const recurrent =
  (kind: "lstm" | "gru" | "rnn", batch: number, hidden: number, reverse = false): Case["build"] =>
  (b, input) => {
    const gates = { lstm: 4, gru: 3, rnn: 1 }[kind] * hidden;
    const weights = [input("ih", gates, FEATURES), input("hh", gates, hidden)];
    const begins = kind === "lstm" ? [input("h", batch, hidden), input("c", batch, hidden)] : [input("h", batch, hidden)];
    const given = [input("x", TIME, batch, FEATURES), ...weights, ...begins, input("bi", gates), input("bh", gates)];
    if (kind === "lstm") return { output: b.lstm(given, { result: "output", reverse }), weights };
    if (kind === "gru") return { output: b.gru(given, { result: "output", reverse }), weights };
    return { output: b.rnn(given, { result: "output", reverse, nonlinearity: "tanh" }), weights };
  };

/** h' = next(h w + x), over a state of [batch, hidden]. @param decays whether the weight is a state as well, w' = w / 2 */
const plain =
  (next: (b: Builder, h: Node) => Node, decays = false): Case["build"] =>
  (b, input) => {
    const [batch, hidden] = [3, 6];
    const local = (name: string, ...shape: number[]): Node => b.input({ name, role: "local", type: tensorType("f32", shape) });
    const [h, x, w] = [local("h.", batch, hidden), local("x.", batch, hidden), local("w.", hidden, hidden)];
    const given = { h: input("h", batch, hidden), x: input("x", TIME, batch, hidden), w: input("w", hidden, hidden) };
    const following = next(b, b.add(b.matmul(h, w, { transposeA: false, transposeB: false }), x));
    const half = b.mul(w, 0.5);
    const scanned = decays
      ? b.scan([given.h, given.w, given.x], {
          body: { carries: [h, w], slices: [x], invariants: [], next: [following, half], outputs: [following] },
          length: TIME,
          reverse: false,
        })
      : b.scan([given.h, given.x, given.w], {
          body: { carries: [h], slices: [x], invariants: [w], next: [following], outputs: [following] },
          length: TIME,
          reverse: false,
        });
    return { output: scanResults(b, scanned as Node<never>).at(-1) ?? h, weights: [given.w] };
  };

/** h' = tanh(h x_t), by another matrix in each step. */
const byEach: Case["build"] = (b, input) => {
  const [batch, hidden] = [3, 5];
  const local = (name: string, ...shape: number[]): Node => b.input({ name, role: "local", type: tensorType("f32", shape) });
  const [h, x] = [local("h.", batch, hidden), local("x.", hidden, hidden)];
  const given = { h: input("h", batch, hidden), x: input("x", TIME, hidden, hidden) };
  const next = b.tanh(b.matmul(h, x, { transposeA: false, transposeB: false }));
  const body = { carries: [h], slices: [x], invariants: [], next: [next], outputs: [next] };
  const scanned = b.scan([given.h, given.x], { body, length: TIME, reverse: false });
  return { output: scanResults(b, scanned as Node<never>).at(-1) ?? h, weights: [given.h] };
};

/** h' = tanh(tanh(h w) w), whose products have more factors together than a thread keeps. */
const twice: Case["build"] = (b, input) => {
  const [batch, hidden] = [2, 64];
  const local = (name: string, ...shape: number[]): Node => b.input({ name, role: "local", type: tensorType("f32", shape) });
  const [h, w] = [local("h.", batch, hidden), local("w.", hidden, hidden)];
  const given = { h: input("h", batch, hidden), w: input("w", hidden, hidden) };
  const product = (x: Node): Node => b.tanh(b.matmul(x, w, { transposeA: false, transposeB: false }));
  const next = product(product(h));
  const body = { carries: [h], slices: [], invariants: [w], next: [next], outputs: [next] };
  const scanned = b.scan([given.h, given.w], { body, length: TIME, reverse: false });
  return { output: scanResults(b, scanned as Node<never>).at(-1) ?? h, weights: [given.h] };
};

export const LOOPS: readonly Case[] = [
  // 200 sums of 50, and for gradients 50 of 200, each by four threads.
  { name: "an LSTM of 50", rows: [3], build: recurrent("lstm", 3, 50) },
  { name: "a little one backwards, in time", rows: [5], build: recurrent("lstm", 5, 7, true) },
  { name: "an LSTM of 64, whose gates are all of a workgroup", rows: [2], build: recurrent("lstm", 2, 64) },
  // The gradient of its inner bias is a sum over rows in each step.
  { name: "a GRU", rows: [4, undefined], build: recurrent("gru", 4, 9) },
  { name: "a plain one", rows: [4], build: recurrent("rnn", 4, 33, true) },
  { name: "an LSTM of one row", rows: [undefined], build: recurrent("lstm", 1, 6) },
  { name: "more gates than a workgroup has threads", rows: [undefined], build: recurrent("lstm", 2, 65) },
  { name: "tanh of a product", rows: [3], build: plain((b, h) => b.tanh(h)) },
  {
    name: "rows that take their mean",
    rows: [undefined],
    build: plain((b, h) => b.tanh(b.sub(h, b.reduceSum(h, { axes: [0], keepDims: true })))),
  },
  { name: "a product by another matrix in each step", rows: [undefined], build: byEach },
  { name: "two products of many factors", rows: [undefined], build: twice },
  { name: "a weight that changes in each step", rows: [undefined], build: plain((b, h) => b.tanh(h), true) },
];

function exampleOf({ build }: Case): { readonly graph: Graph; readonly inputs: ReadonlyMap<string, Float64Array> } {
  const b = createBuilder();
  const random = createRandom(5);
  const inputs = new Map<string, Float64Array>();
  const input: Input = (name, ...shape) => {
    inputs.set(
      name,
      Float64Array.from({ length: sizeOf(shape) }, () => Math.fround(random() - 0.5)),
    );
    return b.input({ name, role: "batch", type: tensorType("f32", shape) });
  };
  const { output, weights } = build(b, input);
  const target = input("target", ...output.type.shape);
  const loss = b.reduceSum(b.mul(b.mul(output, output), target), { axes: output.type.shape.map((_, i) => i) });
  const gradients = weights.map((weight, i) => [`grad${i + 1}`, b.gradient(loss, weight)] as const);
  return { graph: { builder: b, outputs: new Map([["output", output], ...gradients]) }, inputs };
}

export function loopSuite(name: string, open: () => Promise<Device>, cases = LOOPS): void {
  describe(`loops on ${name}`, () => {
    let device: Device;
    beforeAll(async () => {
      device = await open();
    });
    afterAll(() => device.dispose());

    it.each(cases)("of $name", async (example) => {
      const { graph, inputs } = exampleOf(example);
      const { tasks, program } = compileGraph(graph, device.info.kind, device.limits);
      const loops = [...tasks.values()].flat().flatMap((task) => (task.kind === "loop" ? [task.rows] : []));
      expect([...new Set(loops)]).toEqual(example.rows);
      const counted = Object.values(program.entries)
        .flat()
        .filter(({ kind }) => kind === "loop");
      expect(counted).toHaveLength(loops.filter((rows) => rows === undefined).length);
      expect(disagreement(await runGraph(device, graph, inputs), interpret(graph, inputs), 2e-5, 1e-5)).toBeUndefined();
    });
  });
}

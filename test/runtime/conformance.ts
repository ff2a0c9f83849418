// The suite that makes a device a device: every sample of every op, and the gradients of each, gives on the device what the float64
// interpreter says. A device's own test file calls this with a way to open it.

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createBuilder, type Builder } from "../../src/ir/builder.ts";
import type { Graph } from "../../src/ir/graph.ts";
import type { Node } from "../../src/ir/node.ts";
import type { AnyOp, Data, Sample } from "../../src/ir/ops/define.ts";
import { ops } from "../../src/ir/ops/index.ts";
import { isFloat, sizeOf, tensorType } from "../../src/ir/types.ts";
import type { Device } from "../../src/runtime/device.ts";
import { createRandom } from "../support/random.ts";
import { interpret, runGraph } from "../support/run-graph.ts";
import { relativeError, sampleValues, samplesOf } from "../support/values.ts";

/** A compiler of another language may be asked, on a busy machine. */
const PREPARATION_MS = 300_000;

export interface Subject {
  readonly name: string;
  readonly open: () => Promise<Device>;
  /** Relative error allowed; float32 devices cannot do better than about 1e-6 per operation. */
  readonly tolerance: number;
  /** Told of all graphs that will run, before the first does. */
  readonly prepare?: (graphs: readonly Graph[]) => Promise<void>;
}

export interface Case {
  readonly name: string;
  readonly graph: Graph;
  readonly inputs: Map<string, Data>;
}

// The op's value and, for float results, the gradient of sum(weights * value).
function caseOf(name: string, op: AnyOp, sample: Sample<object>, seed: number): Case {
  const b = createBuilder();
  const nodes = sample.inputs.map((type, i) => b.input({ name: `x${i}`, role: "batch", type }));
  const values = sampleValues(sample, seed).map((data, i) =>
    isFloat(sample.inputs[i]?.dtype ?? "f32") ? Float64Array.from(Float32Array.from(data)) : data,
  );
  const inputs = new Map(values.map((data, i) => [`x${i}`, data]));
  const value = b.apply(op, nodes, sample.attrs);
  const outputs = new Map<string, Node>([["value", value]]);
  if (isFloat(value.type.dtype)) addGradients(b, value, nodes, inputs, outputs, seed);
  return { name, graph: { builder: b, outputs }, inputs };
}

/** All results of an LSTM together, with their gradients. */
function lstmCase(name: string, reverse: boolean): Case {
  const [time, batch, features, hidden] = [5, 3, 2, 4];
  const b = createBuilder();
  const state = [batch, hidden];
  const shapes = [[time, batch, features], [4 * hidden, features], [4 * hidden, hidden], state, state, [4 * hidden], [4 * hidden]];
  const nodes = shapes.map((shape, i) => b.input({ name: `x${i}`, role: "batch", type: tensorType("f32", shape) }));
  const random = createRandom(3);
  const inputs = new Map(
    shapes.map((shape, i) => [`x${i}`, Float64Array.from({ length: sizeOf(shape) }, () => Math.fround(random() * 2 - 1))]),
  );
  const last = (result: "hidden" | "cell"): Node => b.reshape(b.lstm(nodes, { result, reverse }), { shape: [1, ...state] });
  const value = b.concat([b.lstm(nodes, { result: "output", reverse }), last("hidden"), last("cell")], { axis: 0 });
  const outputs = new Map<string, Node>([["value", value]]);
  addGradients(b, value, nodes, inputs, outputs, 11);
  return { name, graph: { builder: b, outputs }, inputs };
}

/** Every sample of every op, and an LSTM both ways. */
export const conformanceCases = (): Case[] => [
  ...Object.entries(ops).flatMap(([name, op]: [string, AnyOp]) =>
    samplesOf(op).map((sample, i) => caseOf(`${name}, sample ${i}`, op, sample, i + 1)),
  ),
  lstmCase("all results of an LSTM together, forward, with their gradients", false),
  lstmCase("all results of an LSTM together, reversed, with their gradients", true),
];

function addGradients(
  b: Builder,
  value: Node,
  nodes: readonly Node[],
  inputs: Map<string, Data>,
  outputs: Map<string, Node>,
  seed: number,
): void {
  const weights = b.input({ name: "weights", role: "batch", type: value.type });
  const random = createRandom(seed + 7);
  const total = b.reduceSum(b.mul(value, weights), { axes: value.type.shape.map((_, axis) => axis) });
  nodes.forEach((node, i) => {
    if (isFloat(node.type.dtype)) outputs.set(`grad${i}`, b.gradient(total, node));
  });
  inputs.set(
    "weights",
    Float64Array.from({ length: sizeOf(value.type.shape) }, () => Math.fround(random() - 0.5)),
  );
}

export function conformance(subject: Subject): void {
  describe(`${subject.name} agrees with the interpreter`, () => {
    let device: Device;
    const cases = conformanceCases();
    beforeAll(async () => {
      device = await subject.open();
      await subject.prepare?.(cases.map(({ graph }) => graph));
    }, PREPARATION_MS);
    afterAll(() => device.dispose());

    const check = async (c: Case): Promise<void> => {
      const actual = await runGraph(device, c.graph, c.inputs);
      for (const [name, data] of interpret(c.graph, c.inputs)) {
        const result = actual.get(name) ?? [];
        const error = relativeError(result, data);
        const scale = Math.max(...data.map(Math.abs).filter(Number.isFinite), 0);
        const isZero = scale === 0 && Math.max(...Array.from(result as ArrayLike<number>, Math.abs)) < subject.tolerance;
        expect(
          error < subject.tolerance || isZero,
          `${name}: relative error ${error}: ${Array.from(result as ArrayLike<number>)
            .slice(0, 8)
            .join(" ")} is not ${[...data].slice(0, 8).join(" ")}`,
        ).toBe(true);
      }
    };

    it.each(cases.map((c) => [c.name, c] as const))("%s", (_, c) => check(c));

    it.each(["forward", "reversed"])("has every gradient of an LSTM, %s", (direction) => {
      const lstm = cases.find(({ name }) => name.includes(`LSTM together, ${direction}`));
      expect([...(lstm?.graph.outputs.keys() ?? [])]).toEqual(["value", ...Array.from({ length: 7 }, (_, i) => `grad${i}`)]);
    });
  });
}

// Which loops become one: those of the same recurrence, and no others.

import { describe, expect, it } from "vitest";
import { createBuilder, type Builder } from "../../src/ir/builder.ts";
import { bodyOf, topologicalOrder, type Graph } from "../../src/ir/graph.ts";
import type { Node } from "../../src/ir/node.ts";
import { scanResults } from "../../src/ir/ops/scan.ts";
import { tensorType } from "../../src/ir/types.ts";
import { mergeScans } from "../../src/passes/merge-scans.ts";
import { interpret } from "../support/run-graph.ts";
import { disagreement } from "../support/values.ts";

const [TIME, WIDTH] = [4, 3];
const values = new Map([
  ["start", Float64Array.from({ length: WIDTH }, (_, i) => 0.1 * i)],
  ["sequence", Float64Array.from({ length: TIME * WIDTH }, (_, i) => Math.sin(i))],
]);

/** A running mean over a sequence; `outputs` are kept of every step. */
function loop(b: Builder, reverse: boolean, outputs: (h: Node, v: Node, next: Node) => readonly Node[]): Node[] {
  const local = (name: string): Node => b.input({ name, role: "local", type: tensorType("f32", [WIDTH]) });
  const [h, v] = [local("h"), local("v")];
  const next = b.mul(b.add(h, v), 0.5);
  const start = b.input({ name: "start", role: "batch", type: tensorType("f32", [WIDTH]) });
  const sequence = b.input({ name: "sequence", role: "batch", type: tensorType("f32", [TIME, WIDTH]) });
  const body = { carries: [h], slices: [v], invariants: [], next: [next], outputs: outputs(h, v, next) };
  return scanResults(b, b.scan([start, sequence], { body, length: TIME, reverse }) as Node<never>);
}

const graphOf = (b: Builder, nodes: readonly Node[]): Graph => ({
  builder: b,
  outputs: new Map(nodes.map((node, i) => [`y${i}`, node])),
});
const loopsOf = (graph: Graph): Node[] => topologicalOrder(graph.outputs.values()).filter((node) => bodyOf(node));

describe("merge-scans", () => {
  it("makes one loop of two with the same recurrence, with the outputs of both that are read", () => {
    const b = createBuilder();
    const [last, kept] = loop(b, false, (h) => [h]);
    const [, , squared] = loop(b, false, (h, v, next) => [b.add(h, v), b.mul(next, next)]);
    const graph = graphOf(b, [last!, kept!, squared!]);
    const merged = mergeScans(graph);
    expect([loopsOf(graph).length, loopsOf(merged).length]).toEqual([2, 1]);
    expect(bodyOf(loopsOf(merged)[0]!)?.outputs).toHaveLength(2);
    expect(disagreement(interpret(merged, values), interpret(graph, values), 1e-12)).toBeUndefined();
  });

  it("keeps a loop back apart from the loop forth", () => {
    const b = createBuilder();
    const graph = graphOf(b, [...loop(b, false, (h) => [h]), ...loop(b, true, (h) => [h])]);
    const merged = mergeScans(graph);
    expect(loopsOf(merged)).toHaveLength(2);
    expect(disagreement(interpret(merged, values), interpret(graph, values), 1e-12)).toBeUndefined();
  });
});

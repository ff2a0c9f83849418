// Groups that are alike are lowered once: what comes of it is what each would have become by itself, with its own names and buffers.

import { describe, expect, it } from "vitest";
import { guidanceOf } from "../../src/codegen/for-device.ts";
import { targetNamed } from "../../src/codegen/targets.ts";
import { createBuilder } from "../../src/ir/builder.ts";
import type { Graph } from "../../src/ir/graph.ts";
import { printKernel } from "../../src/ir/loop/print.ts";
import type { Node } from "../../src/ir/node.ts";
import { tensorType } from "../../src/ir/types.ts";
import { autodiff } from "../../src/passes/autodiff.ts";
import { canonicalize } from "../../src/passes/canonicalize.ts";
import { decompose } from "../../src/passes/decompose.ts";
import { planFusion } from "../../src/passes/fuse.ts";
import { lowerGraph } from "../../src/passes/lower.ts";
import type { LoweredGroups } from "../../src/passes/lower-once.ts";
import { callsOf, type Buffer, type KernelCall } from "../../src/passes/lowered.ts";
import { memoryOf } from "../../src/passes/places.ts";
import { randomStep } from "../support/random-step.ts";

const options = guidanceOf(targetNamed("webgpu"));

function lowered(graph: Graph, known: LoweredGroups): KernelCall[] {
  const plan = planFusion([...graph.outputs.values()], options, memoryOf(graph));
  return lowerGraph(graph, plan, new Map(), options, known).flatMap(callsOf);
}

const names = (buffers: Iterable<Buffer>): string => [...buffers].map(({ name, shape }) => `${name}[${shape.join()}]`).join();

const printed = ({ kernel, buffers, reads, writes }: KernelCall): string =>
  `${printKernel(kernel)} with ${names(buffers)} reads ${names(reads)} writes ${names(writes)}`;

/** Knows nothing again. */
class Forgetful extends Map<string, never> {
  override get(): undefined {
    return undefined;
  }
}

const prepared = (graph: Graph): Graph => canonicalize(decompose(autodiff(graph)));

/** Products of long sums are cut into parts, which two kernels make. */
function layers(count: number): Graph {
  const b = createBuilder();
  let x: Node = b.input({ name: "x", role: "batch", type: tensorType("f32", [1 << 14, 8]) });
  const outputs = new Map<string, Node>();
  for (let i = 0; i < count; i++) {
    const w = b.input({ name: `w${i}`, role: "state", type: tensorType("f32", [8, 8]) });
    const y = b.relu(b.matmul(x, w, {}));
    outputs.set(`w${i}`, b.sub(w, b.matmul(b.transpose(x, { perm: [1, 0] }), y, {})));
    x = y;
  }
  return prepared({ builder: b, outputs: outputs.set("y", x) });
}

describe("groups that are alike", () => {
  it("become what each would by itself, in random steps that know each other's", () => {
    const known: LoweredGroups = new Map();
    let groups = 0;
    for (let seed = 1; seed <= 150; seed++) {
      const graph = prepared(randomStep(seed, 4 + ((seed * 5) % 20)).graph);
      const calls = lowered(graph, known);
      groups += calls.length;
      expect(calls.map(printed), `seed ${seed}`).toEqual(lowered(graph, new Forgetful()).map(printed));
    }
    // Many are met again.
    expect(known.size).toBeLessThan(0.8 * groups);
  });

  it("are lowered once, however many layers there are", () => {
    const [few, many] = [new Map(), new Map()] as [LoweredGroups, LoweredGroups];
    lowered(layers(3), few);
    const calls = lowered(layers(9), many);
    expect(many.size).toBe(few.size);
    expect(calls.map(printed)).toEqual(lowered(layers(9), new Forgetful()).map(printed));
    expect(new Set(calls.map(({ kernel }) => kernel.stages)).size).toBeLessThan(calls.length / 2);
    expect(new Set(calls.map(({ kernel }) => kernel.name)).size).toBe(calls.length);
  });
});

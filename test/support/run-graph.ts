// Compiles a graph as a program's only entry and runs it once, or step after step, on a device or in the interpreter.

import { hostArrayFrom, type HostArray } from "../../src/ir/arrays.ts";
import { evaluateNodes } from "../../src/ir/evaluate.ts";
import type { Graph } from "../../src/ir/graph.ts";
import { topologicalOrder } from "../../src/ir/graph.ts";
import type { OperandType } from "../../src/ir/loop/expr.ts";
import type { Node } from "../../src/ir/node.ts";
import type { Data } from "../../src/ir/ops/define.ts";
import type { KnownProfile, EntryName } from "../../src/ir/program.ts";
import { guidanceOf, printerFor } from "../../src/codegen/for-device.ts";
import { targetNamed } from "../../src/codegen/targets.ts";
import { autodiff } from "../../src/passes/autodiff.ts";
import { decompose } from "../../src/passes/decompose.ts";
import { compileEntries, type Compiled } from "../../src/passes/pipeline.ts";
import type { Device } from "../../src/runtime/device.ts";

/** @param operands to what those of products are rounded */
export function compileGraph(
  graph: Graph,
  name: string,
  limits?: KnownProfile,
  skip?: ReadonlySet<string>,
  operands?: OperandType,
): Compiled {
  const target = targetNamed(name);
  const options = { verify: true, ...(skip && { skip }), ...(operands && { operands }), ...guidanceOf(target, limits) };
  return compileEntries(new Map<EntryName, Graph>([["predict", graph]]), printerFor(target, limits), options);
}

type Values = ReadonlyMap<string, Data>;

/** Results by output name; inputs by input name. */
export async function runGraph(device: Device, graph: Graph, inputs: Values): Promise<Map<string, HostArray>> {
  const [result] = await runSteps(device, { graph, values: inputs }, 1);
  return result ?? new Map<string, HostArray>();
}

/** A step: an output with the name of an input is that input's next value. */
export interface Step {
  readonly graph: Graph;
  /** Of every input, by name; of states before the first step. */
  readonly values: Values;
}

const inputNodes = (graph: Graph): Map<string, Node> =>
  new Map(
    topologicalOrder(graph.outputs.values()).flatMap((node): [string, Node][] => {
      const { name, role } = node.attrs as { readonly name?: string; readonly role?: string };
      return name === undefined || role === undefined || role === "local" ? [] : [[name, node]];
    }),
  );

/** All outputs after each of `steps` steps on a device. `skip` names passes to leave out. */
export async function runSteps(
  device: Device,
  { graph, values }: Step,
  steps: number,
  skip?: ReadonlySet<string>,
): Promise<Map<string, HostArray>[]> {
  const { program } = compileGraph(graph, device.info.kind, device.limits, skip);
  const session = await device.load(program);
  try {
    for (const [name, node] of inputNodes(graph)) {
      const data = values.get(name);
      if (!data) throw new Error(`no value for ${name}`);
      if (program.buffers.some((buffer) => buffer.name === name)) session.write(name, hostArrayFrom(data, node.type.dtype));
    }
    const results: Map<string, HostArray>[] = [];
    for (let step = 0; step < steps; step++) {
      session.run("predict");
      results.push(await session.read([...graph.outputs.keys()]));
    }
    return results;
  } finally {
    session.dispose();
  }
}

/** All outputs for these inputs, by the graph interpreter. */
export const interpret = (graph: Graph, inputs: Values): Map<string, Data> =>
  interpretSteps({ graph, values: inputs }, 1)[0] ?? new Map<string, Data>();

/** What `runSteps` does, by the graph interpreter in float64. */
export function interpretSteps({ graph, values }: Step, steps: number): Map<string, Data>[] {
  const plain = decompose(autodiff(graph));
  const inputs = inputNodes(plain);
  const current = new Map(values);
  return Array.from({ length: steps }, () => {
    const bindings = new Map([...inputs].map(([name, node]) => [node, current.get(name) ?? new Float64Array()]));
    const results = evaluateNodes([...plain.outputs.values()], bindings);
    const named = new Map([...plain.outputs.keys()].map((name, i) => [name, results[i] ?? new Float64Array()]));
    for (const [name, data] of named) if (inputs.has(name)) current.set(name, data);
    return named;
  });
}

// Compiles a graph as a program's only entry and runs it once on a device.

import type { Graph } from "../../src/ir/graph.ts";
import { topologicalOrder } from "../../src/ir/graph.ts";
import type { Data } from "../../src/ir/ops/define.ts";
import type { Kernel } from "../../src/ir/loop/kernel.ts";
import type { DeviceLimits, EntryName } from "../../src/ir/program.ts";
import { isFloat, type DType } from "../../src/ir/types.ts";
import { targetNamed } from "../../src/codegen/targets.ts";
import { compileEntries, type Compiled } from "../../src/passes/pipeline.ts";
import type { Device, HostArray } from "../../src/runtime/device.ts";

export function compileGraph(graph: Graph, name: string, limits?: DeviceLimits): Compiled {
  const target = targetNamed(name);
  const printer = { ...target, compileKernel: (kernel: Kernel) => target.compileKernel(kernel, limits) };
  const options = {
    verify: true,
    maxBuffers: target.maxBuffers(limits),
    splitK: (b: number, m: number, n: number, k: number) => target.splitK(m, n, k, b),
  };
  return compileEntries(new Map<EntryName, Graph>([["predict", graph]]), printer, options);
}

export const toHost = (dtype: DType, data: Data): HostArray =>
  isFloat(dtype)
    ? Float32Array.from(data)
    : dtype === "i32"
      ? Int32Array.from(data)
      : dtype === "u8" || dtype === "bool"
        ? Uint8Array.from(data)
        : Uint32Array.from(data);

/** Results by output name; inputs by input name. */
export async function runGraph(
  device: Device,
  graph: Graph,
  inputs: ReadonlyMap<string, Data>,
  target = device.info.kind,
): Promise<Map<string, HostArray>> {
  const { program } = compileGraph(graph, target, device.limits);
  const session = await device.load(program);
  try {
    for (const node of topologicalOrder(graph.outputs.values())) {
      const { name, role } = node.attrs as { readonly name?: string; readonly role?: string };
      if (role === undefined || role === "local" || name === undefined) continue;
      const data = inputs.get(name);
      if (!data) throw new Error(`no value for ${name}`);
      if (program.buffers.some((buffer) => buffer.name === name)) session.write(name, toHost(node.type.dtype, data));
    }
    session.run("predict");
    return await session.read([...graph.outputs.keys()]);
  } finally {
    session.dispose();
  }
}

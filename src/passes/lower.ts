// From a graph of primitives to kernels: one for every value that gets a buffer, plus one for every split reduction.

import * as e from "../ir/loop/expr.ts";
import { bodyOf, type Graph } from "../ir/graph.ts";
import type { Node } from "../ir/node.ts";
import type { InputRole } from "../ir/ops/leaf.ts";
import type { ScanAttrs } from "../ir/ops/scan.ts";
import type { BufferRole } from "../ir/program.ts";
import { InternalError, type TensorType } from "../ir/types.ts";
import { planFusion } from "./fuse.ts";
import type { Place, Scope } from "./kernel-builder.ts";
import type { Buffer, Task } from "./lowered.ts";
import { copyNode, lowerNode, type LowerContext, type LowerOptions } from "./lower-node.ts";
import { lowerScan } from "./lower-scan.ts";

/** Buffers that entries share, by name: weights, state, what the host writes and reads. */
export type SharedBuffers = Map<string, Buffer>;

const ROLES = {
  parameter: "weight",
  state: "state",
  batch: "input",
  data: "data",
  local: "temp",
} as const satisfies Record<InputRole, BufferRole>;

const zero = e.int(0);

/** Kernels of one entry, in an order that respects data flow only; see schedule.ts for updates in place. */
export function lowerGraph(graph: Graph, shared: SharedBuffers, options: LowerOptions): Task[] {
  const tasks: Task[] = [];
  const roots = [...graph.outputs.values()];
  const plan = planFusion(roots, options.maxBuffers);
  const places = new Map<Node, Place>();
  const temp = (name: string, type: TensorType): Buffer => ({ name, role: "temp", dtype: type.dtype, shape: type.shape });
  const whole = (buffer: Buffer): Place => ({ buffer, offset: zero });

  for (const node of plan.order) {
    if (plan.lowering(node).kind === "special" && "role" in node.attrs) places.set(node, whole(sharedInput(node, shared)));
  }
  // A root that is nobody's own output yet takes the output's buffer; further outputs of the same node are copies.
  const copies: { readonly node: Node; readonly buffer: Buffer }[] = [];
  for (const [name, node] of graph.outputs) {
    const buffer = sharedOutput(name, node, shared);
    const isPlaced = places.has(node) || plan.lowering(node).kind === "special";
    if (isPlaced) copies.push({ node, buffer });
    else places.set(node, whole(buffer));
  }
  for (const node of plan.materialized) if (!places.has(node)) places.set(node, whole(temp(`%${node.id}`, node.type)));

  const scope: Scope = { placeOf: (node) => places.get(node), lowering: plan.lowering };
  const context: LowerContext = { ...options, builder: graph.builder, plan, scope, emit: (call) => tasks.push({ kind: "kernel", call }) };
  for (const node of plan.order) {
    if (bodyOf(node)) {
      tasks.push(...lowerScan(context, node as Node<ScanAttrs>, places));
    } else if (plan.materialized.has(node)) {
      const place = places.get(node);
      if (!place || !("buffer" in place)) throw new InternalError(`${node.op.name} %${node.id} has no place`);
      lowerNode(context, node, place);
    }
  }
  for (const { node, buffer } of copies) copyNode(context, node, { buffer, offset: zero });
  return tasks;
}

function sharedInput(node: Node, shared: SharedBuffers): Buffer {
  const { name, role } = node.attrs as { readonly name: string; readonly role: InputRole };
  const known = shared.get(name);
  if (known) return known;
  const buffer: Buffer = { name, role: ROLES[role], dtype: node.type.dtype, shape: node.type.shape };
  shared.set(name, buffer);
  return buffer;
}

function sharedOutput(name: string, node: Node, shared: SharedBuffers): Buffer {
  const known = shared.get(name);
  if (known) return { ...known, replaces: known };
  const buffer: Buffer = { name, role: "output", dtype: node.type.dtype, shape: node.type.shape };
  shared.set(name, buffer);
  return buffer;
}

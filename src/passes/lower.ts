// From a graph of primitives to kernels: one for every group of the fusion plan, plus one for every split reduction. New values of state
// are values like any other here, with buffers of their own; what becomes of them is decided in place.ts.

import type { Builder } from "../ir/builder.ts";
import { coresOf, isGroup, type FusionPlan, type Group } from "../ir/fusion/plan.ts";
import type { Graph } from "../ir/graph.ts";
import type { Node } from "../ir/node.ts";
import { blaming, type Origin } from "../ir/origin.ts";
import type { InputAttrs, InputRole } from "../ir/ops/leaf.ts";
import type { ScanAttrs } from "../ir/ops/scan.ts";
import type { BufferRole } from "../ir/program.ts";
import { InternalError } from "../ir/types.ts";
import type { Place, Scope } from "./kernel-builder.ts";
import type { Buffer, KernelCall, Task } from "./lowered.ts";
import { copyNode, type LowerContext, type LowerOptions, type Target } from "./lower-group.ts";
import { lowerOnce, type LoweredGroups } from "./lower-once.ts";
import { lowerScan } from "./lower-scan.ts";
import { memoryOf, packOf, placeOutputs, whole } from "./places.ts";

/** Buffers that entries share, by name: states, what the host writes and reads. */
export type SharedBuffers = Map<string, Buffer>;

const ROLES = {
  state: "state",
  batch: "input",
  data: "data",
  local: "temp",
} as const satisfies Record<InputRole, BufferRole>;

/**
 * Kernels of one entry, in an order that respects data flow.
 * @param known groups of this and other entries
 */
export function lowerGraph(
  graph: Graph,
  plan: FusionPlan,
  shared: SharedBuffers,
  options: LowerOptions,
  known: LoweredGroups = new Map(),
): Task[] {
  const tasks: Task[] = [];
  const places = new Map<Node, Place>();
  const { builder } = graph;
  for (const node of plan.order) if ("role" in node.attrs) places.set(node, whole(sharedInput(builder, node, shared)));
  // A root that is nobody's own output yet takes the output's buffer; further outputs of the same node are copies.
  const copies: { readonly node: Node; readonly buffer: Buffer }[] = [];
  for (const [name, node] of graph.outputs) {
    const buffer = sharedOutput(builder, name, node, shared, options.states);
    if (places.has(node) || plan.lowering(node).kind === "special") copies.push({ node, buffer });
    else places.set(node, whole(buffer));
  }
  const memory = memoryOf(graph);
  for (const group of plan.steps.filter(isGroup))
    placeOutputs(group, plan, (node) => places.has(node), `%`, memory).forEach((place, node) => places.set(node, place));

  const scope: Scope = { placeOf: (node) => places.get(node), lowering: plan.lowering };
  const targetOf = (node: Node): Target => {
    const place = places.get(node);
    if (!place || !("buffer" in place)) throw new InternalError(`${node.op.name} %${node.id} has no place`);
    return place;
  };
  let origin: Origin | undefined;
  const context: LowerContext = {
    ...options,
    builder,
    plan,
    scope,
    targetOf,
    emit: (call) => tasks.push({ kind: "kernel", call: withOrigin(call, origin) }),
  };
  for (const step of plan.steps) {
    origin = originOfStep(builder, step);
    blaming(origin, () => {
      if (isGroup(step)) lowerOnce(context, step, known);
      else tasks.push(...lowerScan(context, step as Node<ScanAttrs>, places).map((task) => taskWithOrigin(task, origin)));
    });
  }
  origin = undefined;
  for (const { node, buffer } of copies) copyNode(context, node, whole(buffer));
  return tasks;
}

/** A group is mainly for what its cores are for: products and reductions, and not what was fused to them. */
function originOfStep(b: Builder, step: Group | Node): Origin | undefined {
  const nodes = isGroup(step) ? [...coresOf(step), ...step.outputs] : [step];
  return nodes.map(b.originOf).find((origin) => origin !== undefined);
}

const withOrigin = (call: KernelCall, origin: Origin | undefined): KernelCall => (origin ? { ...call, origin } : call);

const taskWithOrigin = (task: Task, origin: Origin | undefined): Task =>
  task.kind === "kernel"
    ? { ...task, call: withOrigin(task.call, origin) }
    : { ...task, calls: task.calls.map((call) => withOrigin(call, origin)) };

function beside(b: Builder, node: Node): Pick<Buffer, "pack"> {
  const pack = packOf(b, node);
  return pack === undefined ? {} : { pack };
}

function sharedInput(b: Builder, node: Node, shared: SharedBuffers): Buffer {
  const { name, role, kind } = node.attrs as InputAttrs;
  const known = shared.get(name);
  if (known) return known;
  const { dtype, shape } = node.type;
  const buffer: Buffer = { name, role: ROLES[role], ...(kind && { kind }), dtype, shape, ...(role !== "data" && beside(b, node)) };
  shared.set(name, buffer);
  return buffer;
}

function sharedOutput(b: Builder, name: string, node: Node, shared: SharedBuffers, states: LowerOptions["states"]): Buffer {
  const known = shared.get(name);
  if (known) return { ...known, replaces: known };
  const kind = states?.get(name);
  const role = kind === undefined ? { role: "output" as const } : { role: "state" as const, kind };
  const buffer: Buffer = { name, ...role, dtype: node.type.dtype, shape: node.type.shape, ...beside(b, node) };
  shared.set(name, buffer);
  return buffer;
}

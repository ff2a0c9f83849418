// Where the values of a group lie that only kernels read, and which values lie side by side.

import { isLittle, type Memory } from "../ir/fusion/buffers.ts";
import type { FusionPlan, Group } from "../ir/fusion/plan.ts";
import type { Builder } from "../ir/builder.ts";
import { bodyOf, topologicalOrder, type Graph } from "../ir/graph.ts";
import * as e from "../ir/loop/expr.ts";
import type { Node } from "../ir/node.ts";
import type { InputAttrs } from "../ir/ops/leaf.ts";
import { sizeOf } from "../ir/types.ts";
import type { Target } from "./lower-group.ts";
import type { Buffer } from "./lowered.ts";

/** Elements of a state that lies beside others: every adapter binds 128 MiB, eight of these. */
const LARGEST_STATE = 1 << 22;

export const whole = (buffer: Buffer): Target => ({ buffer, offset: e.int(0) });

/**
 * The pack of a little value is that of the block in which its layer stands, so that what its normalizations measure, remember and learn is
 * bound as one, and equal blocks have equal kernels. A larger state lies beside those whose names end like its own, a weight beside its
 * momentum: no more than an optimizer remembers of one parameter.
 */
export function packOf(b: Builder, node: Node): string | undefined {
  if (isLittle(node)) {
    const path = b.originOf(node)?.path ?? "";
    return path.slice(0, Math.max(0, path.lastIndexOf(".")));
  }
  const { role, name = "" } = node.attrs as Partial<InputAttrs>;
  const isPacked = role === "state" && sizeOf(node.type.shape) <= LARGEST_STATE;
  return isPacked ? `of ${name.slice(name.lastIndexOf("/") + 1)}` : undefined;
}

/** What a graph reads from outside, by name. */
export function inputsOf(graph: Graph): Map<string, Node> {
  const inputs = new Map<string, Node>();
  for (const node of topologicalOrder(graph.outputs.values())) if ("role" in node.attrs) inputs.set((node.attrs as InputAttrs).name, node);
  return inputs;
}

/**
 * What lies beside what in a whole graph: states and other inputs, results and temporaries alike.
 * @param elsewhere states that other graphs of the program read: what this one only writes lies where they have it
 */
export function memoryOf(graph: Graph, elsewhere: ReadonlyMap<string, Node> = new Map()): Memory {
  const inputs = inputsOf(graph);
  // A value of several names lies where the first says; the others are copies.
  const named = new Set<Node>();
  const replaces = new Map<Node, Node>();
  const written = new Map<Node, Node>();
  for (const [name, node] of graph.outputs) {
    const old = inputs.get(name);
    const state = elsewhere.get(name);
    if (state && !named.has(node)) written.set(node, state);
    if (old && !named.has(node)) replaces.set(node, old);
    named.add(node);
  }
  const hasOwnMemory = (node: Node): boolean =>
    "role" in node.attrs ? (node.attrs as InputAttrs).role !== "data" : !bodyOf(node) && node.op.projects !== true;
  // Fusion asks again and again.
  const packs = new Map<Node, string | undefined>();
  return {
    replaces,
    packOf: (node) => {
      if (!packs.has(node))
        packs.set(node, hasOwnMemory(node) ? packOf(graph.builder, replaces.get(node) ?? written.get(node) ?? node) : undefined);
      return packs.get(node);
    },
  };
}

/** Temporaries for what a group computes and has no place yet. */
export function placeOutputs(
  group: Group,
  { storageOf }: Pick<FusionPlan, "storageOf">,
  isPlaced: (node: Node) => boolean,
  prefix: string,
  { packOf: pack }: Memory,
): Map<Node, Target> {
  const places = placeStrips(group, prefix);
  for (const node of group.outputs) {
    if (isPlaced(node) || places.has(node)) continue;
    const beside = pack(node);
    const { shape } = node.type;
    const dtype = storageOf(node);
    places.set(node, whole({ name: `${prefix}${node.id}`, role: "temp", dtype, shape, ...(beside !== undefined && { pack: beside }) }));
  }
  return places;
}

/** What a product stores of its strips, one behind the other in one buffer: kernels may bind few. */
function placeStrips({ members, outputs, strip }: Group, prefix: string): Map<Node, Target> {
  const nodes = members.flatMap(({ node, domain }) => (domain === "strips" && outputs.has(node) ? [node] : []));
  const [first] = nodes;
  if (!first || strip === undefined) return new Map();
  const shape = [nodes.length, ...first.type.shape];
  const buffer: Buffer = { name: `${prefix}${first.id}.strips`, role: "temp", dtype: first.type.dtype, shape };
  return new Map(nodes.map((node, i) => [node, { buffer, offset: e.int(i * sizeOf(first.type.shape)) }]));
}

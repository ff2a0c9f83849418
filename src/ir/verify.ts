// The graph IR's rules, checked after every pass in tests: types are what inference says, inputs come first, bodies of scans are closed.

import type { Builder } from "./builder.ts";
import { bodyOf, bodyResults, topologicalOrder, type Graph } from "./graph.ts";
import type { Node } from "./node.ts";
import { blaming } from "./origin.ts";
import { formatType, InternalError, sameType } from "./types.ts";

/** Throws InternalError naming the node. */
export function verifyGraph(graph: Graph): void {
  verifyNodes(graph.builder, [...graph.outputs.values()], undefined);
}

function verifyNodes(b: Builder, roots: readonly Node[], locals: ReadonlySet<Node> | undefined): void {
  for (const node of topologicalOrder(roots)) blaming(b.originOf(node), () => verifyNode(b, node, locals));
}

function verifyNode(b: Builder, node: Node, locals: ReadonlySet<Node> | undefined): void {
  const fault = (what: string): never => {
    throw new InternalError(`${node.op.name} %${node.id} ${what}`);
  };
  const inferred = node.op.infer(
    node.inputs.map((input) => input.type),
    node.attrs,
  );
  if (!sameType(inferred, node.type)) fault(`has type ${formatType(node.type)}, not ${formatType(inferred)}`);
  if (node.type.shape.some((extent) => !Number.isInteger(extent) || extent < 0)) fault(`has shape ${formatType(node.type)}`);
  for (const input of node.inputs) if (input.id >= node.id) fault(`uses %${input.id}, which is younger`);
  const isLocal = (node.attrs as { readonly role?: string }).role === "local";
  if (isLocal && !locals?.has(node)) fault("is local to another scan");
  if (locals && !isLocal && "role" in node.attrs) fault("is captured by a scan's body");
  const body = bodyOf(node);
  if (body) verifyNodes(b, bodyResults(body), new Set([...body.carries, ...body.slices, ...body.invariants]));
}

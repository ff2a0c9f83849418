// Graphs as text, one node a line, for people and for --dump-after, with the layer that it is for: `%7 = add(%5, %6) : f32[2, 3]  // fc`.

import type { Builder } from "./builder.ts";
import { bodyOf, bodyResults, topologicalOrder, type Graph } from "./graph.ts";
import type { Node } from "./node.ts";
import { formatType, type TensorType } from "./types.ts";

export function printGraph(graph: Graph): string {
  const lines = printNodes(graph.builder, topologicalOrder(graph.outputs.values()), "");
  const outputs = [...graph.outputs].map(([name, node]) => `  ${name} = %${node.id}`);
  return [...lines, "outputs", ...outputs, ""].join("\n");
}

function printNodes(b: Builder, nodes: readonly Node[], indent: string): string[] {
  return nodes.flatMap((node) => {
    const inputs = node.inputs.map((input) => `%${input.id}`).join(", ");
    const line = `${indent}%${node.id} = ${node.op.name}(${inputs})${printAttrs(node)} : ${formatType(node.type)}${commentOf(b, node)}`;
    const body = bodyOf(node);
    if (!body) return [line];
    const list = (ns: readonly Node[]): string => ns.map((n) => `%${n.id}`).join(", ");
    const head = `${indent}  carries ${list(body.carries)}; slices ${list(body.slices)}; invariants ${list(body.invariants)}`;
    const tail = `${indent}  next ${list(body.next)}; outputs ${list(body.outputs)}`;
    return [line, head, ...printNodes(b, topologicalOrder(bodyResults(body)), `${indent}    `), tail];
  });
}

function commentOf(b: Builder, node: Node): string {
  const origin = b.originOf(node);
  return origin ? `  // ${origin.path}` : "";
}

function printAttrs(node: Node): string {
  const shown = Object.entries(node.attrs).filter(([name]) => name !== "body" && name !== "type" && name !== "shape");
  return shown.length === 0 ? "" : ` {${shown.map(([name, value]) => `${name}: ${printValue(value)}`).join(", ")}}`;
}

function printValue(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(printValue).join(", ")}]`;
  if (value !== null && typeof value === "object" && "dtype" in value) return formatType(value as TensorType);
  return typeof value === "string" ? JSON.stringify(value) : String(value);
}

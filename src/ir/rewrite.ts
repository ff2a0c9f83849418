// Rewriting by patterns: a pass is a named list of `pattern -> replacement` rules, tried at every node from the inputs up until none
// applies. The driver refuses a rule that changes a type.

import type { Builder } from "./builder.ts";
import { bodyOf, type Graph, mapGraph } from "./graph.ts";
import type { Node } from "./node.ts";
import type { AnyOp } from "./ops/define.ts";
import { ops } from "./ops/index.ts";
import { formatType, InternalError, sameType } from "./types.ts";

/** Matches a node and binds captures; the phantom field carries their names to the rule's type. */
export interface Pattern<C extends object> {
  readonly captures?: C;
  readonly capture?: string;
  readonly op?: AnyOp;
  readonly value?: number;
  readonly inputs?: readonly Pattern<object>[];
}

type Captures<P extends readonly Pattern<object>[]> = P extends readonly [
  Pattern<infer A extends object>,
  ...infer R extends readonly Pattern<object>[],
]
  ? A & Captures<R>
  : object;

/** Any node, under a name; the same name twice means the same node. */
export const any = <const N extends string>(capture: N): Pattern<Readonly<Record<N, Node>>> => ({ capture });
/** A constant with this value in every element; 0 and -0 are two values. */
export const splat = (value: number): Pattern<object> => ({ op: ops.constant, value });
export const call = <const P extends readonly Pattern<object>[]>(op: AnyOp, ...inputs: P): Pattern<Captures<P>> => ({ op, inputs });

export interface Rule {
  readonly name: string;
  readonly apply: (b: Builder, node: Node) => Node | undefined;
}

/** `name` states the algebra, e.g. `x*1 -> x`. */
export function rule<C extends object>(
  name: string,
  pattern: Pattern<C>,
  rewrite: (captures: C, b: Builder, node: Node) => Node | undefined,
): Rule {
  return {
    name,
    apply(b, node) {
      const captures: Record<string, Node> = {};
      return matches(pattern, node, captures) ? rewrite(captures as C, b, node) : undefined;
    },
  };
}

function matches(pattern: Pattern<object>, node: Node, captures: Record<string, Node>): boolean {
  if (pattern.capture !== undefined) {
    const prior = captures[pattern.capture];
    if (prior) return prior === node;
    captures[pattern.capture] = node;
    return true;
  }
  if (pattern.op !== node.op) return false;
  if (pattern.value !== undefined) return Object.is((node.attrs as { readonly value?: number }).value, pattern.value);
  return (pattern.inputs ?? []).every((inner, i) => {
    const input = node.inputs[i];
    return input !== undefined && matches(inner, input, captures);
  });
}

function applyOnce(rules: readonly Rule[], b: Builder, node: Node): Node | undefined {
  for (const { name, apply } of rules) {
    const result = apply(b, node);
    if (!result || result === node) continue;
    if (!sameType(result.type, node.type)) {
      throw new InternalError(`rule "${name}" changed ${node.op.name} from ${formatType(node.type)} to ${formatType(result.type)}`);
    }
    return result;
  }
  return undefined;
}

// No sensible rule list needs this many steps at one node; a circle does.
const MAX_STEPS = 100;

// Rounds over the whole graph: nodes that a rule builds below its result are seen by the next round.
const MAX_ROUNDS = 4;

export function rewriteGraph(graph: Graph, rules: readonly Rule[]): Graph {
  let current = graph;
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const next = rewriteOnce(current, rules);
    if ([...next.outputs].every(([name, node]) => current.outputs.get(name) === node)) return next;
    current = next;
  }
  return current;
}

function rewriteOnce(graph: Graph, rules: readonly Rule[]): Graph {
  const b = graph.builder;
  const settle = (start: Node): Node => {
    let node = start;
    for (let step = 0; step < MAX_STEPS; step++) {
      const next = applyOnce(rules, b, node);
      if (!next) return node;
      node = next;
    }
    throw new InternalError(`rules go in a circle at ${node.op.name}`);
  };
  return mapGraph(graph, (node, inputs) => {
    if (bodyOf(node)) return undefined;
    return settle(inputs.every((input, i) => input === node.inputs[i]) ? node : b.apply(node.op, inputs, node.attrs));
  });
}

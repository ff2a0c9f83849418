// Rewriting by patterns: a pass is a named list of `pattern -> replacement` rules, tried at every node from the inputs up until none
// applies. The driver refuses a rule that changes a type, and rules that go in a circle.

import type { Builder } from "./builder.ts";
import { bodyOf, type Graph, mapBody, topologicalOrder } from "./graph.ts";
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
  /** The only op that it looks at; any, where it does not say. */
  readonly op?: AnyOp;
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
    ...(pattern.op && { op: pattern.op }),
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

// Rules that make their own work anew do not end: beyond these steps a node, and some for small graphs, they are taken to be such.
const STEPS_PER_NODE = 100;
const STEPS_AT_LEAST = 10_000;

/** Applies the rules until none applies anywhere, bodies of scans included. Rules that never come to an end are a fault of theirs. */
export function rewriteGraph(graph: Graph, rules: readonly Rule[]): Graph {
  const settle = createSettler(graph.builder, rules, STEPS_AT_LEAST + STEPS_PER_NODE * topologicalOrder(graph.outputs.values()).length);
  return { ...graph, outputs: new Map([...graph.outputs].map(([name, node]) => [name, settle(node)])) };
}

/** A node that waits: for its inputs from `input` on, and then for what it was replaced by. */
interface Waiting {
  readonly node: Node;
  input: number;
  replacement?: Node;
}

// A node is settled once its inputs are and no rule applies to it. What a rule gives is a node like any other: its own new inputs come
// first, and what is settled already is not looked at again. The stack is explicit, since a chain of rewrites may be as long as a network
// is deep.
function createSettler(b: Builder, rules: readonly Rule[], maxSteps: number): (root: Node) => Node {
  const settled = new Map<Node, Node>();
  const waiting = new Set<Node>();
  const rulesOf = new Map<AnyOp, readonly Rule[]>();
  let steps = 0;

  const rulesFor = (op: AnyOp): readonly Rule[] => {
    let own = rulesOf.get(op);
    if (!own) rulesOf.set(op, (own = rules.filter((it) => it.op === undefined || it.op === op)));
    return own;
  };

  const settledFrom = (node: Node): Node => {
    const result = settled.get(node);
    if (!result) throw new InternalError(`${node.op.name} %${node.id} was not rewritten`);
    return result;
  };

  // The next form of a node whose inputs are settled; the node itself if there is none.
  const step = (node: Node): Node => {
    const own = rulesFor(node.op);
    const isSame = node.inputs.every((input) => settledFrom(input) === input);
    const body = bodyOf(node);
    return isSame && own.length === 0 && !body ? node : b.withOrigin(b.originOf(node), () => nextOf(node, own, isSame));
  };
  const nextOf = (node: Node, own: readonly Rule[], isSame: boolean): Node => {
    const body = bodyOf(node);
    if (body) return b.apply(node.op, node.inputs.map(settledFrom), { ...node.attrs, body: mapBody(body, settle) });
    if (!isSame) return b.apply(node.op, node.inputs.map(settledFrom), node.attrs);
    const next = applyOnce(own, b, node);
    if (next && ++steps > maxSteps) throw new InternalError(`rules go on without end at ${node.op.name}`);
    return next ?? node;
  };

  const settle = (root: Node): Node => {
    const stack: Waiting[] = [];
    const wait = (node: Node): void => {
      if (settled.has(node)) return;
      if (waiting.has(node)) throw new InternalError(`rules go in a circle at ${node.op.name}`);
      waiting.add(node);
      stack.push({ node, input: 0 });
    };
    wait(root);
    for (let top = stack.at(-1); top; top = stack.at(-1)) {
      const input = top.node.inputs[top.input];
      if (input) {
        top.input++;
        wait(input);
        continue;
      }
      top.replacement ??= step(top.node);
      if (top.replacement !== top.node && !settled.has(top.replacement)) {
        wait(top.replacement);
        continue;
      }
      settled.set(top.node, settled.get(top.replacement) ?? top.node);
      waiting.delete(top.node);
      stack.pop();
    }
    return settledFrom(root);
  };
  return settle;
}

// Whole graphs: named results, topological order, rewriting. A scan's body is a graph inside a graph; these functions enter it.

import type { Builder } from "./ops/define.ts";
import type { Node } from "./node.ts";
import type { ScanAttrs, ScanBody } from "./ops/scan-body.ts";

/** A graph is its results; what they do not reach does not exist. */
export interface Graph {
  readonly builder: Builder;
  readonly outputs: ReadonlyMap<string, Node>;
}

export const bodyOf = (node: Node): ScanBody | undefined => ("body" in node.attrs ? (node.attrs as ScanAttrs).body : undefined);

const never = (): boolean => false;

/** Every node the roots need, inputs before users; bodies of scans are not entered, nor what `isDone` already. */
export function topologicalOrder(roots: Iterable<Node>, isDone: (node: Node) => boolean = never): Node[] {
  const seen = new Set<Node>();
  const order: Node[] = [];
  // An explicit stack: a deep network must not overflow JavaScript's. Beside each node, which of its inputs comes next.
  const stack: Node[] = [];
  const next: number[] = [];
  const enter = (node: Node): void => {
    if (seen.has(node) || isDone(node)) return;
    seen.add(node);
    stack.push(node);
    next.push(0);
  };
  for (const root of roots) {
    enter(root);
    for (let top = stack.at(-1); top; top = stack.at(-1)) {
      const place = next.length - 1;
      const i = next[place] ?? 0;
      const input = top.inputs[i];
      next[place] = i + 1;
      if (input) {
        enter(input);
        continue;
      }
      order.push(top);
      stack.pop();
      next.pop();
    }
  }
  return order;
}

/** Results of a body, in the order of its scan's results. */
export const bodyResults = (body: ScanBody): readonly Node[] => [...body.next, ...body.outputs];

/** A body with every result replaced. */
export const mapBody = (body: ScanBody, map: (result: Node) => Node): ScanBody => ({
  ...body,
  next: body.next.map(map),
  outputs: body.outputs.map(map),
});

export type Rewrite = (node: Node, inputs: readonly Node[]) => Node | undefined;

/**
 * Rebuilds a graph bottom up. `rewrite` sees each node once, with its inputs already rebuilt, and returns its replacement, or
 * undefined to keep the op. Bodies of scans are rebuilt by the same rewrite. What is new comes from where the node does.
 */
export function createRewriter(b: Builder, rewrite: Rewrite): (root: Node) => Node {
  const memo = new Map<Node, Node>();
  const map = (root: Node): Node => {
    for (const node of topologicalOrder([root], (done) => memo.has(done))) {
      const isSame = node.inputs.every((input) => (memo.get(input) ?? input) === input);
      const inputs = isSame ? node.inputs : node.inputs.map((input) => memo.get(input) ?? input);
      memo.set(
        node,
        b.withOrigin(b.originOf(node), () => rewrite(node, inputs) ?? rebuild(node, inputs)),
      );
    }
    return memo.get(root) ?? root;
  };
  const rebuild = (node: Node, inputs: readonly Node[]): Node => {
    const body = bodyOf(node);
    if (body) return b.apply(node.op, inputs, { ...node.attrs, body: mapBody(body, map) });
    return inputs === node.inputs ? node : b.apply(node.op, inputs, node.attrs);
  };
  return map;
}

export function mapGraph(graph: Graph, rewrite: Rewrite): Graph {
  const map = createRewriter(graph.builder, rewrite);
  return { ...graph, outputs: new Map([...graph.outputs].map(([name, node]) => [name, map(node)])) };
}

/** The roots with some nodes replaced wherever they are used. */
export function substitute(b: Builder, roots: readonly Node[], replacements: ReadonlyMap<Node, Node>): Node[] {
  const map = createRewriter(b, (node) => replacements.get(node));
  return roots.map(map);
}

/** Users of each node among the nodes that the roots reach. A root counts no use of itself. */
export function usersOf(order: readonly Node[]): Map<Node, Node[]> {
  const users = new Map<Node, Node[]>();
  for (const node of order) {
    users.set(node, []);
    node.inputs.forEach((input, i) => {
      if (node.inputs.indexOf(input) === i) users.get(input)?.push(node);
    });
  }
  return users;
}

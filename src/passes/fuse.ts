// Decides which values of a graph get a buffer and which are computed where they are read. A reduction or contraction is the core of a
// kernel; elementwise users that read it once become its epilogue; cheap producers become prologues.

import { topologicalOrder, usersOf, bodyOf } from "../ir/graph.ts";
import type { Node } from "../ir/node.ts";
import type { Lowering } from "../ir/ops/define.ts";
import { InternalError, sizeOf } from "../ir/types.ts";

export interface FusionPlan {
  /** Users after inputs. */
  readonly order: readonly Node[];
  /** Nodes with a buffer, but for inputs, which have one of their own. */
  readonly materialized: ReadonlySet<Node>;
  /** The reduction or contraction that a node is the epilogue of, or itself. */
  readonly coreOf: ReadonlyMap<Node, Node>;
  readonly lowering: (node: Node) => Lowering;
}

// Recomputing up to this many scalar operations from this many loads is cheaper than a pass through memory.
const CHEAP_COST = 3;
const CHEAP_LOADS = 2;

interface Inlined {
  /** Scalar operations to compute one element. */
  readonly cost: number;
  /** Nodes whose buffers are read. */
  readonly loads: ReadonlySet<Node>;
  readonly core?: Node;
}

/**
 * @param roots nodes that must have a buffer
 * @param maxBuffers that one kernel may bind, the written one included
 */
export function planFusion(roots: readonly Node[], maxBuffers: number): FusionPlan {
  const order = topologicalOrder(roots);
  const users = usersOf(order);
  const lowerings = new Map<Node, Lowering>();
  const lowering = (node: Node): Lowering => {
    let known = lowerings.get(node);
    if (!known) {
      if (node.op.kind === "composite") throw new InternalError(`${node.op.name} was not decomposed`);
      lowerings.set(node, (known = node.op.lower(node)));
    }
    return known;
  };
  const materialized = new Set<Node>();
  const coreOf = new Map<Node, Node>();
  const inlined = new Map<Node, Inlined>();
  const rootSet = new Set(roots);

  const viewOf = (node: Node): Inlined =>
    materialized.has(node) || lowering(node).kind === "special"
      ? { cost: 0, loads: new Set([node]) }
      : (inlined.get(node) ?? { cost: 0, loads: new Set() });

  for (const node of order) {
    const how = lowering(node);
    if (how.kind === "special") continue;
    const isCore = how.kind !== "pointwise";
    // Operands that cannot be part of this node's expression get a buffer first.
    let core: Node | undefined = isCore ? node : undefined;
    node.inputs.forEach((input) => {
      const own = viewOf(input).core;
      if (!own) return;
      if (core || !landsOnce(node)) materialized.add(input);
      else core = own;
    });
    let { cost, loads } = combine(node, viewOf);
    while (loads.size + 1 > maxBuffers) {
      const heaviest = [...new Set(node.inputs)]
        .filter((x) => !materialized.has(x) && inlined.has(x))
        .sort((a, b) => viewOf(b).loads.size - viewOf(a).loads.size)[0];
      if (!heaviest || viewOf(heaviest).loads.size < 2) break;
      if (viewOf(heaviest).core === core && !isCore) core = undefined;
      materialized.add(heaviest);
      ({ cost, loads } = combine(node, viewOf));
    }
    inlined.set(node, { cost, loads, ...(core && { core }) });
    if (core) coreOf.set(node, core);
    if (rootSet.has(node) || !mayInline(node, users.get(node) ?? [], inlined.get(node), lowering)) materialized.add(node);
  }
  return { order, materialized, coreOf, lowering };
}

function combine(node: Node, viewOf: (node: Node) => Inlined): { cost: number; loads: Set<Node> } {
  const loads = new Set<Node>();
  let cost = node.op.cost ?? 1;
  for (const input of new Set(node.inputs)) {
    const view = viewOf(input);
    cost += view.cost;
    for (const load of view.loads) loads.add(load);
  }
  return { cost, loads };
}

/** Whether every element of a core inside `node`'s operand is needed at just one element of `node`. */
const landsOnce = (node: Node): boolean => node.op.elementwise === true || node.op.lands !== undefined;

function mayInline(node: Node, users: readonly Node[], view: Inlined | undefined, lowering: (node: Node) => Lowering): boolean {
  if (!view || users.length === 0) return false;
  // A scan's operands are read at every step; views of buffers may stay views.
  if (users.some((user) => bodyOf(user))) return view.cost === 0 && view.core === undefined;
  if (view.core) {
    const [user] = users;
    return users.length === 1 && user !== undefined && landsOnce(user) && usesOnce(user, node) && lowering(user).kind === "pointwise";
  }
  if (view.cost === 0) return true;
  const reads = users.reduce((sum, user) => sum + readsBy(user, node), 0);
  if (reads <= 1) return true;
  const intoContraction = users.some((user) => lowering(user).kind === "contract");
  if (intoContraction) return users.length === 1 && view.cost <= 1 && view.loads.size <= 1;
  return view.cost <= CHEAP_COST && view.loads.size <= CHEAP_LOADS && (reads <= 4 || sizeOf(node.type.shape) === 1);
}

const usesOnce = (user: Node, node: Node): boolean => user.inputs.filter((input) => input === node).length === 1;

// How often an element of `node` is read by `user`.
const readsBy = (user: Node, node: Node): number =>
  user.inputs.reduce((sum, input, i) => (input === node ? sum + (user.op.reuse?.(user, i) ?? 1) : sum), 0);

// The first half of fusion: which values are computed where they are read, and which are computed once. A reduction or contraction is the
// core of what follows it elementwise; cheap producers are computed in their readers, a product's operands among them.

import { countBuffers, type Memory } from "../ir/fusion/buffers.ts";
import { bodyOf, topologicalOrder, usersOf } from "../ir/graph.ts";
import type { SplitK } from "../ir/loop/kernel.ts";
import type { Node } from "../ir/node.ts";
import type { Lowering } from "../ir/ops/define.ts";
import { InternalError, isFloat, sizeOf } from "../ir/types.ts";

export interface InlineOptions {
  /** Buffers that one kernel may bind, the written ones included. */
  readonly maxBuffers: number;
  /** Scalar operations for each element that a product's operand may cost anew instead of a pass through memory. */
  readonly operandCost: number;
  readonly splitK: SplitK;
}

/** A value that is computed once: a node with its core, if the way there is elementwise. */
export interface Unit {
  readonly node: Node;
  readonly core?: Node;
}

export interface Units {
  /** Users after inputs. */
  readonly order: readonly Node[];
  readonly units: readonly Unit[];
  readonly lowering: (node: Node) => Lowering;
  /** How many nodes follow each other in a unit's expression. */
  readonly depthOf: (node: Node) => number;
}

// Recomputing up to this many scalar operations is cheaper than a pass through memory.
const CHEAP_COST = 3;
// A longer expression would take compilers longer than it saves.
const LONGEST = 200;
/** Nodes that follow each other in one kernel: lowering and printing call themselves for each, and so do drivers' compilers. */
export const DEEPEST = 300;
// What moves elements counts as this many: a reader's index may appear several times in that of what it reads.
const MOVE = 30;
// Readers of one element from which on it counts as repeated.
const REPEATED = 16;

interface View {
  /** Scalar operations to compute one element. */
  readonly cost: number;
  /** Nodes that follow each other on the way to it; see MOVE. */
  readonly depth: number;
  /** Nodes whose buffers are read. */
  readonly loads: ReadonlySet<Node>;
  readonly core?: Node;
}

/** @param roots nodes that must have a buffer */
export function planUnits(roots: readonly Node[], options: InlineOptions, memory: Memory): Units {
  const buffersOf = (loads: ReadonlySet<Node>): number => countBuffers(loads, memory);
  const order = topologicalOrder(roots);
  const users = usersOf(order);
  const lowering = lowerings();
  const stored = new Set<Node>();
  const coreOf = new Map<Node, Node>();
  const views = new Map<Node, View>();
  const rootSet = new Set(roots);

  const viewOf = (node: Node): View =>
    stored.has(node) || lowering(node).kind === "special"
      ? { cost: 0, depth: 0, loads: new Set([node]) }
      : (views.get(node) ?? { cost: 0, depth: 0, loads: new Set() });
  // What only repeats a tensor, or has it under another shape, reads the tensor's own memory.
  const store = (node: Node): void => {
    const [source] = node.inputs;
    const isView = source !== undefined && isViewOf(node) && !rootSet.has(node) && (views.get(node)?.depth ?? 0) < DEEPEST;
    if (!isView) stored.add(node);
    else {
      if (lowering(source).kind !== "special") store(source);
      const { depth, loads } = viewOf(source);
      views.set(node, { cost: 0, depth: depth + 1, loads: new Set(loads) });
    }
  };

  /** Whether all that is made of `from` is `node`, or reduced. */
  const isOnlyFor = (node: Node, from: Node, seen = new Set([node])): boolean =>
    (users.get(from) ?? []).every((user) => {
      if (seen.has(user) || lowering(user).kind === "reduce") return true;
      seen.add(user);
      return views.has(user) && !stored.has(user) && isOnlyFor(node, user, seen);
    });
  // A product's operand that is made of sums over its own rows, as probabilities and their gradients are, may be written by the kernel of these sums,
  // which has read what it is of; and that need then not be written, where it was for the operand alone.
  const isRatherWritten = (node: Node, { loads, cost }: View): boolean => {
    const readers = users.get(node) ?? [];
    if (cost === 0 || !readers.some((user) => lowering(user).kind === "contract")) return false;
    const size = sizeOf(node.type.shape);
    const sums = [...loads].filter((load) => isSumOfRows(coreOf.get(load), size));
    if (sums.length === 0) return false;
    const there = new Set(sums.flatMap((sum) => [sum, ...(views.get(sum)?.loads ?? [])]));
    const [made, more] = [sizesOf(loads), sizesOf([...loads].filter((load) => !there.has(load)))];
    const spared = [...loads].filter((load) => stored.has(load) && !rootSet.has(load) && !coreOf.has(load) && isOnlyFor(node, load));
    return size * (1 + readers.length) + more - sizesOf(spared) <= made * readers.length;
  };

  for (const node of order) {
    const how = lowering(node);
    if (how.kind === "special") continue;
    // Operands that cannot be part of this node's expression get a buffer first.
    let core: Node | undefined = how.kind === "pointwise" ? undefined : node;
    for (const input of node.inputs) {
      const own = viewOf(input).core;
      if (!own || own === core) continue;
      if (core || !landsOnce(node)) store(input);
      else core = own;
    }
    let view = combine(node, viewOf);
    // At most each has a buffer of its own.
    while (view.loads.size + 1 > options.maxBuffers && buffersOf(view.loads) + 1 > options.maxBuffers) {
      const heaviest = [...new Set(node.inputs)]
        .filter((x) => !stored.has(x) && views.has(x) && buffersOf(viewOf(x).loads) >= 2)
        .sort((a, b) => buffersOf(viewOf(b).loads) - buffersOf(viewOf(a).loads))[0];
      if (!heaviest) break;
      if (viewOf(heaviest).core === core && how.kind === "pointwise") core = undefined;
      store(heaviest);
      view = combine(node, viewOf);
    }
    // What follows a product that is summed in two kernels reads sums of its parts.
    if (isSplit(how, options)) view = { ...view, loads: new Set([node]) };
    view = { ...view, ...(core && { core }) };
    views.set(node, view);
    if (core) coreOf.set(node, core);
    if (rootSet.has(node) || !mayInline(node, users.get(node) ?? [], view, lowering, options) || isRatherWritten(node, view)) store(node);
  }
  const units = order.flatMap((node): Unit[] => {
    const core = coreOf.get(node);
    return stored.has(node) ? [{ node, ...(core && { core }) }] : [];
  });
  return { order, units, lowering, depthOf: (node) => views.get(node)?.depth ?? 0 };
}

/** Whether a product's kernel only makes parts of it, which a second one sums. */
export const isSplit = (how: Lowering, { splitK }: Pick<InlineOptions, "splitK">): boolean => how.kind === "contract" && splitK(how) > 1;

/** How each node becomes loops, asked once. */
function lowerings(): (node: Node) => Lowering {
  const known = new Map<Node, Lowering>();
  return (node) => {
    let lowering = known.get(node);
    if (!lowering) {
      if (node.op.kind === "composite") throw new InternalError(`${node.op.name} was not decomposed`);
      known.set(node, (lowering = node.op.lower(node)));
    }
    return lowering;
  };
}

/** Whether a core reduces the last axes of as many elements. */
function isSumOfRows(core: Node | undefined, elements: number): boolean {
  const [source] = core?.inputs ?? [];
  const axes = core?.op.reducedAxes?.(core);
  if (!source || !axes) return false;
  const { shape } = source.type;
  return sizeOf(shape) === elements && axes.length > 0 && axes.every((axis) => axis >= shape.length - axes.length);
}

const sizesOf = (nodes: Iterable<Node>): number => [...nodes].reduce((sum, { type }) => sum + sizeOf(type.shape), 0);

const isViewOf = ({ op, inputs: [source], type }: Node): boolean =>
  source?.type.dtype === type.dtype && op.cost === 0 && (op.keepsOrder === true || op.repeatsAlong !== undefined);

const isMove = ({ op }: Node): boolean => !op.elementwise && !op.keepsOrder && !op.repeatsAlong;

const NOTHING: ReadonlySet<Node> = new Set();

/** Neither is changed, and the first is the result where it has all of the other. */
function union(x: ReadonlySet<Node>, y: ReadonlySet<Node>): ReadonlySet<Node> {
  if (x.size === 0) return y;
  let both: Set<Node> | undefined;
  for (const node of y) if (!x.has(node)) (both ??= new Set(x)).add(node);
  return both ?? x;
}

function combine(node: Node, viewOf: (node: Node) => View): View {
  let loads: ReadonlySet<Node> = NOTHING;
  let depth = 0;
  // Sums and products of indices cost nothing beside the loads that they are for.
  let cost = node.op.elementwise && !isFloat(node.type.dtype) && node.type.dtype !== "bool" ? (node.op.cost ?? 0) : (node.op.cost ?? 1);
  for (const [i, input] of node.inputs.entries()) {
    if (node.inputs.indexOf(input) < i) continue;
    const view = viewOf(input);
    cost += view.cost;
    depth = Math.max(depth, view.depth);
    loads = union(loads, view.loads);
  }
  return { cost, depth: depth + (isMove(node) ? MOVE : 1), loads };
}

/** Whether every element of a core inside `node`'s operand is needed at just one element of `node`. */
const landsOnce = (node: Node): boolean => node.op.elementwise === true || node.op.lands !== undefined;

function mayInline(
  node: Node,
  users: readonly Node[],
  { cost, depth, loads, core }: View,
  lowering: (node: Node) => Lowering,
  { operandCost }: InlineOptions,
): boolean {
  if (users.length === 0 || cost > LONGEST || depth >= DEEPEST) return false;
  // A scan's operands are read at every step; views of buffers may stay views.
  if (users.some((user) => bodyOf(user))) return cost === 0 && core === undefined;
  if (core) {
    const [user] = users;
    return users.length === 1 && user !== undefined && landsOnce(user) && usesOnce(user, node) && lowering(user).kind === "pointwise";
  }
  if (cost === 0) return true;
  const reads = users.reduce((sum, user) => sum + readsBy(user, node), 0);
  if (reads <= 1) return true;
  const isOperand = users.some((user) => lowering(user).kind === "contract");
  // Bytes through memory: every user reads what the value is made of, or the value is made, written, and read by every user.
  const [own, made] = [sizeOf(node.type.shape), sizesOf(loads)];
  const [anew, stored] = [made * users.length, made + own * (1 + users.length)];
  const isFarLess = 2 * anew <= stored && cost <= operandCost;
  if (cost > (isOperand ? operandCost : CHEAP_COST) && !isFarLess) return false;
  if (isOperand && operandCost <= 1 && (users.length > 1 || loads.size > 1)) return false;
  // What is repeated over many elements is better made once, however cheap.
  if (!isOperand && (cost > 1 || loads.size > 1) && reads >= users.length * REPEATED) return false;
  return anew <= stored;
}

const usesOnce = (user: Node, node: Node): boolean => user.inputs.filter((input) => input === node).length === 1;

// How often an element of `node` is read by `user`.
const readsBy = (user: Node, node: Node): number =>
  user.inputs.reduce((sum, input, i) => (input === node ? sum + (user.op.reuse?.(user, i) ?? 1) : sum), 0);

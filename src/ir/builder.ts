// Builds graphs: one method per op of the registry, derived by type. Nodes are interned (same op, inputs and attributes: same
// object), so common subexpressions are shared without a pass. Elementwise operands may be numbers and are broadcast here, once
// for all ops.

import { attributesText } from "./attributes.ts";
import { InternalError, formatType, sameShape, tensorType, type DType, type Shape, type TensorType } from "./types.ts";
import type { Node } from "./node.ts";
import { at, OpError, type AnyOp, type Builder, type Operand } from "./ops/define.ts";
import { ops } from "./ops/index.ts";
import { blaming, type Origin } from "./origin.ts";

export type { Builder, Operand } from "./ops/define.ts";

/** Nodes of one op with equal attributes, by their inputs. */
interface Kind {
  readonly op: AnyOp;
  readonly nodes: Map<number | string, Node>;
}

const NO_ATTRIBUTES = Object.freeze({});
/** Above all numbers of nodes, and so low that two of them make a key that a float64 holds exactly. */
const RADIX = 2 ** 26;

/** Compilers ask for millions: the keys of few inputs are numbers, and no text is made. */
function inputsKey(inputs: readonly Node[]): number | string {
  const [x, y] = inputs;
  if (!x) return -1;
  if (!y) return x.id;
  return inputs.length === 2 ? (x.id + 1) * RADIX + y.id : inputs.map(({ id }) => id).join();
}

export function createBuilder(): Builder {
  const kinds = new Map<AnyOp, Map<string, Kind>>();
  // Attributes are frozen with their node, and rewriting asks for the same ones again and again.
  const kindOfAttributes = new WeakMap<object, Kind>();
  const nodes: Node[] = [];
  /** By the numbers of their nodes. */
  const origins: (Origin | undefined)[] = [];
  const scalars = new Map<DType, Map<number, Node>>();
  /** Constants of other shapes, by those that they repeat and by their extents. */
  const broadcast = new Map<Node, Map<string, Node>>();
  let current: Origin | undefined;

  const kindOf = (op: AnyOp, attrs: object): Kind => {
    const known = kindOfAttributes.get(attrs);
    if (known?.op === op) return known;
    let ofOp = kinds.get(op);
    if (!ofOp) kinds.set(op, (ofOp = new Map<string, Kind>()));
    const text = attributesText(attrs);
    let kind = ofOp.get(text);
    if (!kind) ofOp.set(text, (kind = { op, nodes: new Map() }));
    if (Object.isFrozen(attrs)) kindOfAttributes.set(attrs, kind);
    return kind;
  };

  const apply = (op: AnyOp, inputs: readonly Node[], attrs: object): Node => {
    const same = kindOf(op, attrs).nodes;
    const key = inputsKey(inputs);
    const known = same.get(key);
    if (known) return known;
    const type = op.infer(
      inputs.map((n) => n.type),
      attrs,
    );
    const node: Node = Object.freeze({ id: nodes.length, op, inputs: Object.freeze([...inputs]), attrs: Object.freeze(attrs), type });
    same.set(key, node);
    nodes.push(node);
    // Constants and index ramps are nobody's.
    origins.push(inputs.length > 0 || "role" in attrs ? current : undefined);
    return node;
  };

  const constantLike = (value: number, { dtype }: TensorType): Node => {
    const make = (): Node => apply(ops.constant, [], { value, type: tensorType(dtype, []) });
    // To a map 0 and -0 are one number.
    if (value === 0) return make();
    let ofType = scalars.get(dtype);
    if (!ofType) scalars.set(dtype, (ofType = new Map<number, Node>()));
    const node = ofType.get(value) ?? make();
    ofType.set(value, node);
    return node;
  };

  const broadcastConstant = (node: Node, shape: Shape): Node => {
    let ofNode = broadcast.get(node);
    if (!ofNode) broadcast.set(node, (ofNode = new Map<string, Node>()));
    const key = shape.join();
    let known = ofNode.get(key);
    if (!known) ofNode.set(key, (known = apply(ops.constant, [], { ...node.attrs, type: tensorType(node.type.dtype, shape) })));
    return known;
  };

  const broadcastTo = (node: Node, shape: Shape): Node => {
    if (sameShape(node.type.shape, shape)) return node;
    if (node.op === ops.constant) return broadcastConstant(node, shape);
    const padded = [...new Array<number>(shape.length - node.type.shape.length).fill(1), ...node.type.shape];
    const ranked = sameShape(padded, node.type.shape) ? node : apply(ops.reshape, [node], { shape: padded });
    return sameShape(padded, shape) ? ranked : apply(ops.expand, [ranked], { shape: [...shape] });
  };

  /** The operands as nodes: a number takes the type of the other operands, but for the condition of a `where`. */
  const nodesOf = (op: AnyOp, operands: readonly Operand[]): Node[] => {
    let like: Node | undefined;
    return operands.map((x) => {
      if (typeof x !== "number") return x;
      like ??= operands.find((it): it is Node => typeof it !== "number" && it.type.dtype !== "bool");
      like ??= operands.find((it) => typeof it !== "number");
      if (!like) throw new InternalError(`${op.name} of numbers only`);
      return constantLike(x, like.type);
    });
  };

  const emit = (op: AnyOp): ((...args: unknown[]) => Node) => {
    const arity = op.arity as number;
    if (arity < 0) return (inputs, attrs = NO_ATTRIBUTES) => apply(op, inputs as readonly Node[], attrs as object);
    return (...args) => {
      const attrs = args[arity] ?? NO_ATTRIBUTES;
      const nodes = nodesOf(op, args.slice(0, arity) as Operand[]);
      const first = nodes[0]?.type.shape;
      if (!op.elementwise || !first || nodes.every(({ type }) => sameShape(type.shape, first))) return apply(op, nodes, attrs);
      const shape = broadcastShapes(op.name, nodes);
      return apply(
        op,
        nodes.map((node) => broadcastTo(node, shape)),
        attrs,
      );
    };
  };

  const methods = Object.fromEntries(Object.entries(ops).map(([name, op]) => [name, emit(op)]));
  const withOrigin = <T>(origin: Origin | undefined, make: () => T): T => {
    const before = current;
    current = origin ?? before;
    try {
      return blaming(origin, make);
    } finally {
      current = before;
    }
  };
  // Of a node of this builder's own; elsewhere its number is another's.
  const originOf = (node: Node): Origin | undefined => (nodes[node.id] === node ? origins[node.id] : undefined);
  return Object.freeze({ ...methods, apply, withOrigin, originOf }) as unknown as Builder;
}

/** NumPy's rule: shapes align at the right, and an extent of 1 stretches. */
function broadcastShapes(name: string, nodes: readonly Node[]): Shape {
  let rank = 0;
  for (const { type } of nodes) rank = Math.max(rank, type.shape.length);
  const shape = new Array<number>(rank).fill(1);
  for (const { type } of nodes) {
    const before = rank - type.shape.length;
    for (const [j, own] of type.shape.entries()) {
      const extent = at(shape, before + j);
      if (own === 1 || own === extent) continue;
      if (extent !== 1) throw new OpError(`${name} cannot combine ${nodes.map((n) => formatType(n.type)).join(" and ")}`);
      shape[before + j] = own;
    }
  }
  return shape;
}

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

  const broadcastTo = (node: Node, shape: Shape): Node => {
    if (sameShape(node.type.shape, shape)) return node;
    if (node.op === ops.constant) return apply(ops.constant, [], { ...node.attrs, type: tensorType(node.type.dtype, shape) });
    const padded = [...new Array<number>(shape.length - node.type.shape.length).fill(1), ...node.type.shape];
    const ranked = sameShape(padded, node.type.shape) ? node : apply(ops.reshape, [node], { shape: padded });
    return sameShape(padded, shape) ? ranked : apply(ops.expand, [ranked], { shape: [...shape] });
  };

  const emit =
    (op: AnyOp) =>
    (...args: unknown[]): Node => {
      const arity = op.arity as number;
      if (arity < 0) return apply(op, args[0] as readonly Node[], (args[1] as object | undefined) ?? NO_ATTRIBUTES);
      const operands = args.slice(0, arity) as Operand[];
      const attrs = (args[arity] as object | undefined) ?? NO_ATTRIBUTES;
      // A number takes the type of the other operands, but for the condition of a `where`.
      const typed = operands.filter((x) => typeof x !== "number");
      const like = typed.find((x) => x.type.dtype !== "bool") ?? typed[0];
      const nodes = operands.map((x) => {
        if (typeof x !== "number") return x;
        if (!like) throw new InternalError(`${op.name} of numbers only`);
        return constantLike(x, like.type);
      });
      if (!op.elementwise) return apply(op, nodes, attrs);
      const shape = broadcastShapes(op.name, nodes);
      return apply(
        op,
        nodes.map((node) => broadcastTo(node, shape)),
        attrs,
      );
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
  const rank = Math.max(0, ...nodes.map((n) => n.type.shape.length));
  return Array.from({ length: rank }, (_, i) => {
    let extent = 1;
    for (const { type } of nodes) {
      const j = i - (rank - type.shape.length);
      const own = j < 0 ? 1 : at(type.shape, j);
      if (own === 1 || own === extent) continue;
      if (extent !== 1) throw new OpError(`${name} cannot combine ${nodes.map((n) => formatType(n.type)).join(" and ")}`);
      extent = own;
    }
    return extent;
  });
}

// Builds graphs: one method per op of the registry, derived by type. Nodes are interned (same op, inputs and attributes: same
// object), so common subexpressions are shared without a pass. Elementwise operands may be numbers and are broadcast here, once
// for all ops.

import { attributesText } from "./attributes.ts";
import { InternalError, formatType, sameShape, tensorType, type Shape, type TensorType } from "./types.ts";
import type { Node } from "./node.ts";
import { at, OpError, type AnyOp, type Builder, type Operand } from "./ops/define.ts";
import { ops } from "./ops/index.ts";
import { blaming, type Origin } from "./origin.ts";

export type { Builder, Operand } from "./ops/define.ts";

export function createBuilder(): Builder {
  const interned = new Map<string, Node>();
  const origins = new WeakMap<Node, Origin>();
  let current: Origin | undefined;

  const apply = (op: AnyOp, inputs: readonly Node[], attrs: object): Node => {
    let key = op.name;
    for (const { id } of inputs) key += ` ${id}`;
    key += attributesText(attrs);
    const known = interned.get(key);
    if (known) return known;
    const type = op.infer(
      inputs.map((n) => n.type),
      attrs,
    );
    const node: Node = Object.freeze({ id: interned.size, op, inputs: Object.freeze([...inputs]), attrs: Object.freeze(attrs), type });
    interned.set(key, node);
    // Constants and index ramps are nobody's.
    if (current && (inputs.length > 0 || "role" in attrs)) origins.set(node, current);
    return node;
  };

  const constantLike = (value: number, like: TensorType): Node => apply(ops.constant, [], { value, type: tensorType(like.dtype, []) });

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
      if (arity < 0) return apply(op, args[0] as readonly Node[], (args[1] as object | undefined) ?? {});
      const operands = args.slice(0, arity) as Operand[];
      const attrs = (args[arity] as object | undefined) ?? {};
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
  const originOf = (node: Node): Origin | undefined => origins.get(node);
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

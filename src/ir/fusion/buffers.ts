// How many buffers a kernel binds for the values that it touches: little values of one layer lie side by side and can be bound as one, and
// the next value of a state lies where the old one does.

import type { Node } from "../node.ts";
import { isByte, sizeOf, type DType } from "../types.ts";

export interface Memory {
  /** For a little value, what it lies beside: values with one name and one type can be bound together. Undefined for all others. */
  readonly packOf: (node: Node) => string | undefined;
  /** For the next value of a state, the node of the old one: both may have the same memory. */
  readonly replaces: ReadonlyMap<Node, Node>;
}

/** Every value for itself. */
export const NO_PACKS: Memory = { packOf: () => undefined, replaces: new Map() };

/** Elements up to which a value lies beside the others of its layer. */
const LITTLE = 4096;

/** Whether a value is so small that its place in memory is of no account. */
export const isLittle = ({ type }: Node): boolean => sizeOf(type.shape) <= LITTLE && !isByte(type.dtype);

/** Of what a kernel binds as one. */
export const packKey = (pack: string, dtype: DType): string => `${pack} ${dtype}`;

/** Stands for the buffer of a value. */
export function bufferKey(node: Node, { packOf }: Pick<Memory, "packOf">): unknown {
  const pack = packOf(node);
  return pack === undefined ? node : packKey(pack, node.type.dtype);
}

export function countBuffers(touched: Iterable<Node>, { packOf, replaces }: Memory): number {
  const nodes = new Set(touched);
  const keys = new Set<unknown>();
  for (const node of nodes) {
    const old = replaces.get(node);
    if (!old || !nodes.has(old)) keys.add(bufferKey(node, { packOf }));
  }
  return keys.size;
}

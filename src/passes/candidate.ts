// What a value asks of a group that it may join: how many points it has, and what it reads of whom at which element.

import type { Node } from "../ir/node.ts";
import { readsBelow, runsOf, type Read, type Relation, type Runs } from "../ir/fusion/relation.ts";
import { sizeOf } from "../ir/types.ts";
import type { Unit } from "./inline.ts";

/** A unit with all that joining asks of it. */
export interface Candidate extends Unit {
  /** Of its core's result, or of itself. */
  readonly points: number;
  /** Whether each of these is a point of every one of the parts that it joins. */
  readonly isParts?: true;
  /** Of its core's operand, where the core reduces whole axes. */
  readonly runs?: Runs;
  /** Elements of a strip, where its core sums strips. */
  readonly strip?: number;
  /** Whether other values can be computed at its points: not where its core's elements are stored in another order. */
  readonly isOpen: boolean;
  /** What it reads at its own elements, or its epilogue does. */
  readonly reads: readonly Read[];
  /** What its core reads, relative to an element of its operand. */
  readonly operandReads: readonly Read[];
  /** Both. */
  readonly allReads: readonly Read[];
}

/** @param joinsParts whether what a value joins is computed part by part at the same points */
export function candidateOf(unit: Unit, isStored: (node: Node) => boolean, joinsParts: (node: Node) => boolean): Candidate {
  const candidate = withReads(unit, isStored, joinsParts);
  return { ...candidate, allReads: [...candidate.reads, ...candidate.operandReads] };
}

function withReads(unit: Unit, isStored: (node: Node) => boolean, joinsParts: (node: Node) => boolean): Omit<Candidate, "allReads"> {
  const { node, core } = unit;
  const below = (root: Node, stop?: Node): Read[] => {
    const isEnd = (x: Node): boolean => x !== root && (x === stop || isStored(x));
    return root.inputs.length === 0 || root === stop ? [] : readsBelow(root, "same", isEnd);
  };
  if (!core && joinsParts(node)) {
    const reads = readsBelow(node.inputs, "same", isStored);
    return { ...unit, points: sizeOf(node.type.shape) / node.inputs.length, isParts: true, isOpen: true, reads, operandReads: [] };
  }
  if (!core) return { ...unit, points: sizeOf(node.type.shape), isOpen: true, reads: below(node), operandReads: [] };
  const epilogue = below(node, core);
  const isOpen = node === core || epilogue.some((read) => read.node === core && read.relation === "same");
  const axes = core.op.reducedAxes?.(core);
  const [operand] = core.inputs;
  const runs = axes && operand && runsOf(operand.type.shape, axes);
  const strip = core.op.stripLength?.(core);
  // Relative to an element of what the core reduces; a product's operands have no such element.
  const start: Relation = runs === undefined && strip === undefined ? undefined : "same";
  const operandReads = core.inputs.flatMap((input) => readsBelow(input, start, isStored));
  const reads = epilogue.filter((read) => read.node !== core);
  return {
    ...unit,
    points: sizeOf(core.type.shape),
    ...(runs && { runs }),
    ...(strip !== undefined && { strip }),
    isOpen,
    reads,
    operandReads,
  };
}

// Which products sum strips of what they make (ir/ops/strips.ts), and what of a group may be computed strip by strip.

import { formatOf } from "../ir/formats.ts";
import type { ContractStage, Product } from "../ir/loop/kernel.ts";
import type { Node } from "../ir/node.ts";
import { at, type Lowering } from "../ir/ops/define.ts";
import { sameShape, type Shape } from "../ir/types.ts";
import type { Candidate } from "./candidate.ts";
import { isSplit, type InlineOptions } from "./inline.ts";
import type { Own } from "./own-reads.ts";

/** What the device says of a product. */
export interface StripOptions extends Pick<InlineOptions, "splitK"> {
  /** Points of a strip that the kernel of a product can sum up while it has them; undefined where it cannot. */
  readonly stripOf?: (product: Product) => number | undefined;
}

/** The strips of a product's result. */
export interface Strips {
  readonly length: number;
  readonly shape: Shape;
}

/** The format that both operands were rounded to. Zeros beside them, for places that there are not, are of every format. */
export function operandTypeOf({ inputs }: Node): Pick<ContractStage, "operands"> {
  const [first, ...others] = inputs.map(formatOf);
  return first !== undefined && others.every((each) => each === first) ? { operands: first } : {};
}

/** @param operands what both operands are rounded to, or will be */
export function stripsOfProduct(core: Node, how: Lowering, options: StripOptions, { operands } = operandTypeOf(core)): Strips | undefined {
  if (how.kind !== "contract" || !how.byChannel || how.b !== 1 || isSplit(how, options) || core.type.dtype !== "f32") return undefined;
  const { b, m, n, k } = how;
  const length = options.stripOf?.({ b, m, n, k, ...(operands && { operands }) });
  return length !== undefined && n % length === 0 ? { length, shape: core.type.shape } : undefined;
}

/**
 * Whether a unit can be computed for each strip of a product's points: a sum over strips of what the points have, or elementwise of such sums.
 * @param epilogue what it reads of the group at its own elements
 * @param operands what its core reads of the group
 */
export function isOfStrips({ length, shape }: Strips, unit: Candidate, epilogue: readonly Own[], operands: readonly Own[]): boolean {
  if (!epilogue.every(({ member, relation }) => member.domain === "strips" && relation === "same")) return false;
  if (unit.core === undefined) return epilogue.length > 0;
  const isOfResult = unit.strip === length && sameShape(at(unit.core.inputs, 0).type.shape, shape);
  const isThere = ({ member: { domain }, relation }: Own): boolean =>
    (domain === "points" && relation === "same") || (domain === "strips" && relation === "strip");
  return isOfResult && operands.length > 0 && operands.every(isThere);
}

// The fusion IR, between the graph and its loops: which nodes are computed together in one kernel, which of them get a buffer, and in
// which stages the kernel goes over its points. Values that only their own group reads have no memory.
//
//   group 4 rows(64):
//     reduce  %31 = reduceMax over 10
//     reduce  %35 = reduceSum over 10
//     store   %36 : f32[64]          at points
//     store   %52 : f32[64, 10]      in rows of 10

import type { Lowering } from "../ops/define.ts";
import type { Node } from "../node.ts";
import { isByte, sameShape, type DType } from "../types.ts";
import type { Runs } from "./relation.ts";

/**
 * Where a value's elements are computed: one at each point; a row of them at each point; of what joins parts of one shape, one of
 * each part at each point, which only other groups can read; or one for each strip of a product's points.
 */
export type Domain = "points" | "parts" | "strips" | Runs;

/** A value that a group computes, from its core (if it has one) to the node itself. */
export interface Member {
  readonly node: Node;
  /** The reduction or contraction that the node is the epilogue of, or itself. */
  readonly core?: Node;
  readonly domain: Domain;
}

export interface Group {
  readonly id: number;
  /** Elements at once: `map` has no core, `rows` has reductions, `contract` has one contraction, and perhaps sums over strips of its points. */
  readonly kind: "map" | "rows" | "contract";
  readonly points: number;
  /** Points of a strip, where some members are values of strips. */
  readonly strip?: number;
  /** In the order of data flow. */
  readonly members: readonly Member[];
  /** Members that get a buffer: others read them, or the graph results in them. */
  readonly outputs: ReadonlySet<Node>;
  /** Of new values of states, those that its kernel can write over the old ones, and these. */
  readonly overwrites: ReadonlyMap<Node, Node>;
}

export interface FusionPlan {
  /** Users after inputs. */
  readonly order: readonly Node[];
  /** Users after what they read. Scans stand between groups, as nodes. */
  readonly steps: readonly (Group | Node)[];
  /** The group that computes a node that some group has as a member. */
  readonly groupOf: ReadonlyMap<Node, Group>;
  readonly lowering: (node: Node) => Lowering;
  /** What a member's buffer holds: floats that are all of a format with fewer bits in those bits, where the target's memory can. */
  readonly storageOf: (node: Node) => DType;
}

export const isGroup = (step: Group | Node): step is Group => "members" in step;

export const isRows = (domain: Domain): domain is Runs => typeof domain === "object";

/** Whether a value's parts, which it only joins, have one shape, so that they can be computed at the same points. */
export const hasEqualParts = ({ op, inputs: [first, ...rest], type }: Node): boolean =>
  op.joins !== undefined &&
  first !== undefined &&
  rest.length > 0 &&
  rest.every((part) => sameShape(part.type.shape, first.type.shape)) &&
  // Not every target can store bytes one by one.
  !isByte(type.dtype);

export const coresOf = (group: Group): readonly Node[] => group.members.flatMap(({ core }) => core ?? []);

/** Whether a node has memory of its own once the plan is carried out. */
export const isStored = (plan: Pick<FusionPlan, "groupOf" | "lowering">, node: Node): boolean =>
  plan.lowering(node).kind === "special" || plan.groupOf.get(node)?.outputs.has(node) === true;

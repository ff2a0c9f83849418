// What a value reads of the group that it may join, and whether that is there at its own points.

import { isRows, type Member } from "../ir/fusion/plan.ts";
import { areRuns, sameRuns, type Relation, type Runs } from "../ir/fusion/relation.ts";
import type { Node } from "../ir/node.ts";
import { sizeOf } from "../ir/types.ts";
import type { Candidate } from "./candidate.ts";

export interface Own {
  readonly member: Member;
  readonly relation: Relation;
}

/** Whether a member that has one element at each point is read at the reader's own point. */
export const isOwnPoint = ({ node }: Member, relation: Relation): boolean => relation === "same" || sizeOf(node.type.shape) === 1;

/** Whether an element of a row reads of a member what belongs to its point. */
export function isInRow({ node, domain }: Member, relation: Relation, runs: Runs): boolean {
  if (sizeOf(node.type.shape) === 1) return true;
  if (domain === "points") return areRuns(relation) && sameRuns(relation, runs);
  return relation === "same" && isRows(domain) && sameRuns(domain, runs);
}

/** The rows that a reader of this member would have. */
export function runsBy({ member, relation }: Own): Runs | undefined {
  if (areRuns(relation)) return relation;
  return relation === "same" && isRows(member.domain) ? member.domain : undefined;
}

/** Who reads what, and whether at the very element that it makes. */
export interface Use {
  readonly reader: Node;
  readonly read: Node;
  readonly isOwn: boolean;
}

export const usesOf = ({ node, reads, operandReads }: Candidate): Use[] => [
  ...reads.map((read) => ({ reader: node, read: read.node, isOwn: read.relation === "same" })),
  ...operandReads.map((read) => ({ reader: node, read: read.node, isOwn: false })),
];

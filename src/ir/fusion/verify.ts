// The rules of a fusion plan: what a group reads is there when it runs, its values are computed where they are said to be, and everything
// that is asked for gets memory.

import { bodyOf } from "../graph.ts";
import type { Node } from "../node.ts";
import { InternalError, sizeOf } from "../types.ts";
import { coresOf, hasEqualParts, isGroup, isRows, isStored, type FusionPlan, type Group } from "./plan.ts";
import { pointsOf, readsBelow, rowOf } from "./relation.ts";

/** @param roots nodes that must have a buffer in the end */
export function verifyPlan(plan: FusionPlan, roots: readonly Node[]): void {
  const done = new Set<Node>();
  for (const step of plan.steps) {
    if (isGroup(step)) verifyGroup(plan, step, done);
    else done.add(step);
    if (isGroup(step)) step.outputs.forEach((node) => done.add(node));
  }
  for (const root of roots)
    if (!isStored(plan, root)) throw new InternalError(`${root.op.name} %${root.id} is asked for but has no memory`);
  for (const node of plan.order) {
    if (bodyOf(node) && !done.has(node)) throw new InternalError(`${node.op.name} %${node.id} never runs`);
  }
}

function verifyGroup(plan: FusionPlan, group: Group, done: ReadonlySet<Node>): void {
  const fail = (what: string): never => {
    throw new InternalError(`group ${group.id}: ${what}`);
  };
  const cores = coresOf(group);
  if (group.outputs.size === 0) fail("nobody reads what it computes");
  if (new Set(cores).size !== cores.length) fail("a core is computed twice");
  const kind = cores.some((core) => plan.lowering(core).kind === "contract") ? "contract" : undefined;
  if ((group.kind === "contract") !== (kind === "contract")) fail(`is ${group.kind}, which its cores are not`);
  const isOfStrips = (core: Node): boolean => core.op.stripLength !== undefined && core.op.stripLength(core) === group.strip;
  if (kind === "contract" && cores.filter((core) => !isOfStrips(core)).length > 1) fail("has a contraction and another core");
  for (const { node, core, domain } of group.members) {
    const size = sizeOf((core ?? node).type.shape);
    if (domain === "points" && size !== group.points) fail(`%${node.id} has ${size} elements at ${group.points} points`);
    if (domain === "strips" && (kind !== "contract" || size * (group.strip ?? 0) !== group.points))
      fail(`%${node.id} has ${size} elements in strips of ${group.strip ?? 0} at ${group.points} points`);
    if (domain === "parts" && (!hasEqualParts(node) || size !== group.points * node.inputs.length))
      fail(`%${node.id} has ${size} elements in parts at ${group.points} points`);
    if (isRows(domain) && (pointsOf(domain) !== group.points || rowOf(domain) * group.points !== size))
      fail(`%${node.id} has ${size} elements in rows of ${rowOf(domain)} at ${group.points} points`);
    if (core && !group.members.some((m) => m.node === node && m.core === core)) fail(`%${node.id} lost its core`);
    const isThere = (x: Node): boolean => x !== node && (isStored(plan, x) || group.members.some((m) => m.node === x));
    for (const { node: read } of readsBelow(node, undefined, isThere)) {
      if (group.members.some((m) => m.node === read) || plan.lowering(read).kind === "special") continue;
      if (!done.has(read)) fail(`%${node.id} reads %${read.id}, which is not there yet`);
    }
  }
}

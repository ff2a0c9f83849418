// Fusion plans as text, for people and for --dump-after=fuse; see the example at the head of plan.ts.

import { bodyOf } from "../graph.ts";
import type { Node } from "../node.ts";
import { formatType } from "../types.ts";
import { coresOf, isGroup, isRows, type Domain, type FusionPlan, type Group, type Member } from "./plan.ts";
import { rowOf } from "./relation.ts";

export const printPlan = (plan: FusionPlan): string =>
  plan.steps.map((step) => (isGroup(step) ? printGroup(plan, step) : printLoop(step))).join("\n");

const printLoop = (node: Node): string => `loop %${node.id} = ${node.op.name} of ${bodyOf(node)?.next.length ?? 0} carries\n`;

function printGroup(plan: FusionPlan, group: Group): string {
  const cores = coresOf(group).map((core) => `${plan.lowering(core).kind.padEnd(8)}  %${core.id} = ${core.op.name}${extents(plan, core)}`);
  const stores = group.members.filter(({ node }) => group.outputs.has(node)).map((member) => printStore(plan, member));
  const strips = group.strip === undefined ? "" : ` in strips of ${group.strip}`;
  return [`group ${group.id} ${group.kind}(${group.points})${strips}:`, ...[...cores, ...stores].map((line) => `  ${line}`), ""].join("\n");
}

function extents(plan: FusionPlan, core: Node): string {
  const how = plan.lowering(core);
  return how.kind === "reduce" ? ` over ${how.extents.join(" x ")}` : how.kind === "contract" ? ` over ${how.k}` : "";
}

const printStore = ({ storageOf }: FusionPlan, { node, domain }: Member): string =>
  `store     %${node.id} = ${node.op.name} : ${formatType({ ...node.type, dtype: storageOf(node) })}${domainText(domain)}`;

const domainText = (domain: Domain): string =>
  isRows(domain) ? ` in rows of ${rowOf(domain)}` : domain === "points" ? "" : ` in ${domain}`;

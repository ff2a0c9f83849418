// From a scan to a counted loop of kernels. A carry lives in a stack of length + 1 slots: step t reads one slot and writes the next,
// so that no step overwrites what it still needs and the stack of all carries costs nothing more.

import * as e from "../ir/loop/expr.ts";
import type { Expr } from "../ir/loop/expr.ts";
import type { Node } from "../ir/node.ts";
import { at } from "../ir/ops/define.ts";
import { scanOperands, type ScanAttrs } from "../ir/ops/scan.ts";
import { InternalError, sizeOf, type TensorType } from "../ir/types.ts";
import { NO_PACKS, type Memory } from "../ir/fusion/buffers.ts";
import { isGroup } from "../ir/fusion/plan.ts";
import { planFusion } from "./fuse.ts";
import type { Place, Scope } from "./kernel-builder.ts";
import { packOf, placeOutputs } from "./places.ts";
import { copyNode, lowerGroup, type LowerContext, type Target } from "./lower-group.ts";
import type { Buffer, KernelCall, Task } from "./lowered.ts";

/** Emits the initial copies and returns them with the loop; records where the scan's results are in `places`. */
export function lowerScan(outer: LowerContext, node: Node<ScanAttrs>, places: Map<Node, Place>): Task[] {
  const { body, length, reverse } = node.attrs;
  const operands = scanOperands(node.inputs, node.attrs);
  const t = e.axis("t", length);
  const later = e.add(t, e.int(1));
  const [readSlot, writeSlot] = reverse ? [later, t] : [t, later];
  const [firstSlot, lastSlot] = reverse ? [length, 0] : [0, length];
  const temp = (name: string, type: TensorType, slots: number): Buffer => ({
    name: `%${node.id}.${name}`,
    role: "temp",
    dtype: type.dtype,
    shape: [slots, ...type.shape],
  });
  const slotOf = (buffer: Buffer, type: TensorType, slot: Expr): Target => ({ buffer, offset: e.mul(slot, e.int(sizeOf(type.shape))) });

  const inner = new Map<Node, Place>();
  const stacks = body.carries.map((carry, i) => temp(`carry${i}`, carry.type, length + 1));
  body.carries.forEach((carry, i) => inner.set(carry, slotOf(at(stacks, i), carry.type, readSlot)));
  body.slices.forEach((slice, i) => inner.set(slice, { node: at(operands.sequences, i), prefix: [t] }));
  body.invariants.forEach((invariant, i) => inner.set(invariant, { node: at(operands.invariants, i), prefix: [] }));

  // Each result of the body is written to one place; a result wanted in two places is copied.
  const targets: { readonly node: Node; readonly target: Target }[] = body.next.map((next, i) => ({
    node: next,
    target: slotOf(at(stacks, i), next.type, writeSlot),
  }));
  const outputPlaces = body.outputs.map((output, i): Place => {
    const written = body.next.indexOf(output);
    const carried = body.carries.indexOf(output);
    if (written >= 0) return { buffer: at(stacks, written), offset: e.int(reverse ? 0 : sizeOf(output.type.shape)) };
    if (carried >= 0) return { buffer: at(stacks, carried), offset: e.int(reverse ? sizeOf(output.type.shape) : 0) };
    const buffer = temp(`output${i}`, output.type, length);
    targets.push({ node: output, target: slotOf(buffer, output.type, t) });
    return { buffer, offset: e.int(0) };
  });

  // Initial carries.
  const before: Task[] = [];
  const atStart = { ...outer, emit: (call: KernelCall) => before.push({ kind: "kernel", call }) };
  operands.carries.forEach((initial, i) => copyNode(atStart, initial, slotOf(at(stacks, i), initial.type, e.int(firstSlot))));

  // The body.
  const roots = [...body.next, ...body.outputs];
  // Only what the body's groups make for each other lies in memory of its own: the rest are slots of stacks.
  const isOwn = (value: Node): boolean => value.inputs.length > 0 && !roots.includes(value);
  const memory: Memory = { ...NO_PACKS, packOf: (value) => (isOwn(value) ? packOf(outer.builder, value) : undefined) };
  const plan = planFusion(roots, { ...outer, isInLoop: true }, memory);
  const owned = new Map<Node, Target>();
  const copies: { readonly node: Node; readonly target: Target }[] = [];
  for (const { node: result, target } of targets) {
    if (inner.has(result) || owned.has(result)) copies.push({ node: result, target });
    else owned.set(result, target);
  }
  owned.forEach((target, result) => inner.set(result, target));
  const groups = plan.steps.filter(isGroup);
  for (const group of groups)
    placeOutputs(group, plan, (value) => inner.has(value), `%${node.id}.%`, memory).forEach((place, value) => inner.set(value, place));
  const scope: Scope = {
    placeOf: (value) => inner.get(value) ?? outer.scope.placeOf(value),
    lowering: plan.lowering,
  };
  const targetOf = (value: Node): Target => {
    const place = inner.get(value);
    if (!place || !("buffer" in place)) throw new InternalError(`${value.op.name} %${value.id} has no place in the loop`);
    return place;
  };
  const calls: KernelCall[] = [];
  const context: LowerContext = { ...outer, plan, scope, targetOf, time: { name: "t", extent: length }, emit: (call) => calls.push(call) };
  for (const group of groups) lowerGroup(context, group);
  for (const { node: result, target } of copies) copyNode(context, result, target);

  // Where the results are.
  const results = [...stacks.map((buffer, i): Place => slotOf(buffer, at(body.next, i).type, e.int(lastSlot))), ...outputPlaces];
  for (const user of outer.plan.order) {
    if (user.op.projects && user.inputs[0] === node) places.set(user, at(results, (user.attrs as { index: number }).index));
  }
  return [...before, { kind: "loop", count: length, reverse, calls }];
}

// Equal layers are lowered once: what lowering a group depends on is written as a text, with numbers for its values and buffers, and groups
// of one text become one kernel under their own names, with their own buffers.

import { attributesText } from "../ir/attributes.ts";
import type { Group } from "../ir/fusion/plan.ts";
import type { Node } from "../ir/node.ts";
import { at } from "../ir/ops/define.ts";
import { formatType, sizeOf } from "../ir/types.ts";
import type { Place } from "./kernel-builder.ts";
import { lowerGroup, namesOf, partialOf, type LowerContext } from "./lower-group.ts";
import type { Buffer, KernelCall } from "./lowered.ts";

interface Lowered {
  readonly calls: readonly KernelCall[];
  /** Those that were there before, in the order in which the group's text names them. */
  readonly buffers: readonly Buffer[];
}

/** Groups that were lowered for these options, by what they are. */
export type LoweredGroups = Map<string, Lowered>;

/** Emits the kernels of a group, made anew only if no group like it is known. */
export function lowerOnce(context: LowerContext, group: Group, known: LoweredGroups): void {
  const shape = shapeOf(context, group);
  const found = shape && known.get(shape.text);
  if (found) {
    renamed(found, group, shape.buffers).forEach(context.emit);
    return;
  }
  const calls: KernelCall[] = [];
  lowerGroup({ ...context, emit: (call) => calls.push(call) }, group);
  if (shape) known.set(shape.text, { calls, buffers: shape.buffers });
  calls.forEach(context.emit);
}

function renamed({ calls, buffers }: Lowered, group: Group, own: readonly Buffer[]): KernelCall[] {
  const ownOf = new Map(buffers.map((buffer, i) => [buffer, at(own, i)]));
  // What is not there before is between the two kernels of a split product.
  const swap = (buffer: Buffer): Buffer => {
    const known = ownOf.get(buffer) ?? { ...buffer, name: partialOf(group) };
    ownOf.set(buffer, known);
    return known;
  };
  const names = namesOf(group, calls.length);
  return calls.map(({ kernel, buffers: bound, reads, writes }, i) => ({
    kernel: { ...kernel, name: at(names, i) },
    buffers: bound.map(swap),
    reads: new Set([...reads].map(swap)),
    writes: new Set([...writes].map(swap)),
  }));
}

interface Shape {
  readonly text: string;
  readonly buffers: readonly Buffer[];
}

/** Undefined for a group within a loop over time: its places depend on the step. */
function shapeOf({ plan, scope, targetOf, time }: LowerContext, group: Group): Shape | undefined {
  if (time) return undefined;
  const own = new Set(group.members.map(({ node }) => node));
  const buffers = new Map<Buffer, number>();
  const numbers = new Map<Node, number>();
  let text = `${group.kind} ${group.points}`;
  const places = { areFixed: true };

  const write = (place: Place): void => {
    if (!("buffer" in place) || place.offset.kind !== "const") {
      places.areFixed = false;
      return;
    }
    const { buffer, offset } = place;
    const known = buffers.get(buffer);
    if (known === undefined) {
      text += `@${buffers.size}:${buffer.dtype}*${sizeOf(buffer.shape)}${buffer.role === "data" ? "data" : ""}`;
      buffers.set(buffer, buffers.size);
    } else text += `@${known}`;
    text += `+${offset.value}`;
  };
  const visit = (node: Node): number => {
    const known = numbers.get(node);
    if (known !== undefined) return known;
    const place = own.has(node) ? undefined : scope.placeOf(node);
    const inputs = place ? [] : node.inputs.map(visit);
    if (place) {
      text += `\n${formatType(node.type)}`;
      write(place);
    } else text += `\n${plan.groupOf.has(node) ? "=" : ""}${node.op.name}${attributesText(node.attrs)}${inputs.join()}`;
    numbers.set(node, numbers.size);
    return numbers.size - 1;
  };
  for (const { node, core, domain } of group.members) {
    const value = visit(node);
    text += `\n>${value} ${core ? visit(core) : ""} ${JSON.stringify(domain)}`;
    if (group.outputs.has(node)) write(targetOf(node));
  }
  return places.areFixed ? { text, buffers: [...buffers.keys()] } : undefined;
}

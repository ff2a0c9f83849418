// The sum of what flows back to one value along several ways. Slices of it are padded with zeros on their way back: those that lie side by
// side are joined, which moves each element once, instead of sums of what is mostly zeros.

import { InternalError } from "../types.ts";
import { at, type Builder, type Node } from "./define.ts";
import { pad, type PadAttrs } from "./movement.ts";

/** @param parts of one type, at least one */
export function totalOf(b: Builder, parts: readonly Node[]): Node {
  const [first, ...rest] = joinSlices(b, parts);
  if (!first) throw new InternalError("a sum of nothing");
  return rest.reduce((sum, part) => b.add(sum, part), first);
}

/** A stretch of a tensor along one axis, with zeros before and after. */
interface Slice {
  readonly axis: number;
  readonly start: number;
  readonly stop: number;
  readonly node: Node;
}

function joinSlices(b: Builder, parts: readonly Node[]): readonly Node[] {
  const slices = parts.map(sliceOf);
  const axis = slices.find((slice) => slice !== undefined)?.axis;
  const along = slices.flatMap((slice) => (slice && slice.axis === axis ? [slice] : [])).sort((x, y) => x.start - y.start);
  const extent = at(parts, 0).type.shape[axis ?? -1];
  const isWhole = along.length > 1 && along.every((slice, i) => slice.start === (along[i - 1]?.stop ?? 0)) && along.at(-1)?.stop === extent;
  if (axis === undefined || !isWhole) return parts;
  const joined = b.concat(
    along.map(({ node }) => at(node.inputs, 0)),
    { axis },
  );
  return [joined, ...parts.filter((part) => !along.some(({ node }) => node === part))];
}

function sliceOf(node: Node): Slice | undefined {
  if (node.op !== pad) return undefined;
  const { low, high, interior, value } = node.attrs as PadAttrs;
  const padded = low.flatMap((before, i) => (before > 0 || at(high, i) > 0 ? [i] : []));
  const [axis] = padded;
  if (value !== 0 || axis === undefined || padded.length > 1 || interior.some((gap) => gap > 0)) return undefined;
  return { axis, start: at(low, axis), stop: at(node.type.shape, axis) - at(high, axis), node };
}

// A part of a tensor, or a reduction's result stretched again, by the builder's ops: without the ops themselves, so that what only builds
// with these stays small in an application.

import type { Node } from "../node.ts";
import type { Shape } from "../types.ts";
import type { Builder } from "./define.ts";

/** Splits along an axis into parts of the given extents. */
export function parts(b: Builder, x: Node, extents: readonly number[], axis: number): Node[] {
  let offset = 0;
  return extents.map((extent) => {
    const from = offset;
    offset += extent;
    return sliceAxis(b, x, axis, from, offset);
  });
}

/** `x[start:stop]` along one axis. */
export function sliceAxis(b: Builder, x: Node, axis: number, start: number, stop: number): Node {
  const { shape } = x.type;
  if (start === 0 && stop === shape[axis]) return x;
  return b.slice(x, {
    start: shape.map((_, i) => (i === axis ? start : 0)),
    stop: shape.map((extent, i) => (i === axis ? stop : extent)),
    stride: shape.map(() => 1),
  });
}

/** Stretches a reduction's result back over the axes it reduced. */
export function unreduce(b: Builder, y: Node, shape: Shape, axes: readonly number[]): Node {
  const kept = b.reshape(y, { shape: shape.map((extent, i) => (axes.includes(i) ? 1 : extent)) });
  return b.expand(kept, { shape });
}

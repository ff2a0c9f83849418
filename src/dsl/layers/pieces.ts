// Parts of a tensor, and tensors made of parts: slices with Python's rules, lists of equal or given parts, and a new axis over a list.

import type { Node } from "../../ir/node.ts";
import { shapeText } from "../values.ts";
import { axisOf, newAxisOf } from "./axes.ts";
import { arg, argOr, defineLayer, extent, requireShape } from "./define.ts";
import { parts, sliceAxis } from "../../ir/ops/pieces.ts";

const AXIS = "axis of an example, from 0; -1 is the last";

export const slice = defineLayer({
  name: "slice",
  doc: "a stretch of one axis, as x[start:stop:step] of Python: negative places count from the end",
  takes: "anything",
  args: {
    axis: arg("integer", AXIS),
    start: arg("integer", "the first place", 0),
    stop: argOr(["end"], "integer", "the place behind the last", "end"),
    step: arg("count", "how far from one to the next", 1),
  },
  build: ({ b }, x, { axis, start, stop, step }) => {
    const at = axisOf(x, axis);
    const size = extent(x, at);
    const place = (value: number): number => Math.min(Math.max(value < 0 ? size + value : value, 0), size);
    const [from, to] = [place(start), place(stop === "end" ? size : stop)];
    requireShape(from < to, () => `${start}..${stop} holds nothing of axis ${axis} of ${shapeText(x)}`);
    const { shape } = x.type;
    return b.slice(x, {
      start: shape.map((_, i) => (i === at ? from : 0)),
      stop: shape.map((e, i) => (i === at ? to : e)),
      stride: shape.map((_, i) => (i === at ? step : 1)),
    });
  },
});

export const centerCrop = defineLayer({
  name: "center_crop",
  doc: "the middle of an image, as torchvision's CenterCrop",
  takes: "image",
  args: { size: arg("count or pair", "what is left") },
  build: ({ b }, x, { size }) => {
    const [height, width] = [extent(x, 2), extent(x, 3)];
    requireShape(size[0] <= height && size[1] <= width, () => `${shapeText(x)} is smaller than ${size.join("x")}`);
    // Half of what is too much, rounded to even as Python does.
    const before = (much: number): number => (much % 4 === 3 ? (much + 1) / 2 : Math.floor(much / 2));
    const [top, left] = [before(height - size[0]), before(width - size[1])];
    return sliceAxis(b, sliceAxis(b, x, 2, top, top + size[0]), 3, left, left + size[1]);
  },
});

export const split = defineLayer({
  name: "split",
  doc: "a list of stretches of one axis, as torch.split",
  takes: "anything",
  args: {
    sizes: arg("count or list", "the extent of each part; one number for all, where the last may be smaller"),
    axis: arg("integer", AXIS, 0),
  },
  build: ({ b }, x, { sizes, axis }) => {
    const at = axisOf(x, axis);
    const size = extent(x, at);
    const extents = typeof sizes === "number" ? equalParts(size, sizes) : sizes;
    requireShape(
      extents.reduce((sum, e) => sum + e, 0) === size,
      () => `the parts ${extents.join(", ")} are not the ${size} of axis ${axis} of ${shapeText(x)}`,
    );
    return parts(b, x, extents, at);
  },
});

export const chunk = defineLayer({
  name: "chunk",
  doc: "a list of so many equal stretches of one axis, as torch.chunk",
  takes: "anything",
  args: { chunks: arg("count", "how many; the last may be smaller, and there may be fewer"), axis: arg("integer", AXIS, 0) },
  build: ({ b }, x, { chunks, axis }) => {
    const at = axisOf(x, axis);
    const size = extent(x, at);
    return parts(b, x, equalParts(size, Math.ceil(size / chunks)), at);
  },
});

/** Parts of extent `each`, and what is left. */
const equalParts = (size: number, each: number): number[] =>
  Array.from({ length: Math.ceil(size / each) }, (_, i) => Math.min(each, size - i * each));

export const stack = defineLayer({
  name: "stack",
  doc: "the current value and further tensors of its shape along a new axis",
  takes: "anything",
  args: { others: arg("tensors", "a tensor, or a list of tensors"), axis: arg("integer", "place of the new axis; -1 is the last", 0) },
  build: ({ b }, x, { others, axis }) => {
    const at = newAxisOf(x, axis);
    for (const other of others)
      requireShape(shapeText(other) === shapeText(x), () => `${shapeText(other)} and ${shapeText(x)} cannot be stacked`);
    const { shape } = x.type;
    const lifted = (y: Node): Node => b.reshape(y, { shape: [...shape.slice(0, at), 1, ...shape.slice(at)] });
    return b.concat([x, ...others].map(lifted), { axis: at });
  },
});

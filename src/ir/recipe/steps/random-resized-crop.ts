// torchvision.transforms.RandomResizedCrop: a box of random area and proportions, scaled as PIL does by a triangle filter that is as wide
// as the reduction and ends with the box.

import type { Builder } from "../../builder.ts";
import type { Node } from "../../node.ts";
import { at } from "../../ops/define.ts";
import { arg, problem } from "../define.ts";
import { defineMoveStep, type Extent, type Raster, type StepContext } from "./define.ts";
import { perPixel } from "./pixels.ts";
import { randomBox, type Box } from "./random-box.ts";

/** Proportions beyond these would make filters of hundreds of pixels. */
const MOST_RATIO = 16;

export const randomResizedCrop = defineMoveStep({
  name: "random_resized_crop",
  doc: "cuts a random rectangle and scales it",
  args: {
    size: arg("count or pair", "pixels, where one number is a square"),
    scale: arg("range", "share of the area", [0.08, 1]),
    ratio: arg("range", "width over height", [3 / 4, 4 / 3]),
  },
  check: ({ ratio }) => {
    const extreme = ratio[0] < 1 / MOST_RATIO ? ratio[0] : ratio[1];
    if (ratio[0] >= 1 / MOST_RATIO && ratio[1] <= MOST_RATIO) return undefined;
    const wanted = `between 1/${MOST_RATIO} and ${MOST_RATIO}`;
    return problem("out-of-range", { what: "`ratio` of `random_resized_crop`", wanted, got: String(extreme) });
  },
  shape: ({ channels }, { size: [height, width] }) => ({ channels, height, width }),
  crops: true,
  move: (context, from, args) => {
    const { b, batch } = context;
    const { size, ratio } = args;
    const box = boxOf(context, from, args);
    // A box is at most as wide as the shorter side times its proportions, fallback included.
    const most = (extent: Extent, proportion: number): number =>
      typeof extent === "number" ? extent : Math.ceil((from.shorter ?? 1) * Math.max(1, proportion)) + 1;
    const y = taps(b, box.top, box.height, size[0], most(from.height, 1 / ratio[0]));
    const x = taps(b, box.left, box.width, size[1], most(from.width, ratio[1]));
    return (rows, columns) => {
      const [down, across] = [y(rows), x(columns)];
      const [height, width] = [at(rows.type.shape, 1), at(columns.type.shape, 2)];
      const [up, over] = [at(down.position.type.shape, 3), at(across.position.type.shape, 3)];
      const pixels = from.at(
        b.reshape(down.position, { shape: [batch, height * up, 1] }),
        b.reshape(across.position, { shape: [batch, 1, width * over] }),
      );
      const channels = at(pixels.type.shape, 1);
      const grid = b.reshape(pixels, { shape: [batch, channels, height, up, width, over] });
      const weights = b.mul(
        b.reshape(down.weight, { shape: [batch, 1, height, up, 1, 1] }),
        b.reshape(across.weight, { shape: [batch, 1, 1, 1, width, over] }),
      );
      const sum = b.reduceSum(b.mul(grid, weights), { axes: [3, 5] });
      const total = b.mul(perPixel(b, down.total), perPixel(b, across.total));
      return b.div(b.reshape(sum, { shape: [batch, channels, height, width] }), total);
    };
  },
  mask: "moves",
  moveMask: (context, from, args) => {
    const box = boxOf(context, from, args);
    const y = nearest(context.b, box.top, box.height, args.size[0]);
    const x = nearest(context.b, box.left, box.width, args.size[1]);
    return (rows, columns) => from.at(y(rows), x(columns));
  },
  samples: [
    { args: { size: [4, 4] }, image: [3, 6, 8] },
    { args: { size: [5, 3], scale: [0.5, 0.5], ratio: [1, 1] }, image: [1, 4, 4] },
  ],
});

const boxOf = (
  { b, batch, random }: StepContext,
  { height, width }: Raster,
  { scale, ratio }: { readonly scale: readonly [number, number]; readonly ratio: readonly [number, number] },
): Box => randomBox(b, batch, random, { height, width, scale, ratio });

/**
 * The row or column of the picture that the middle of each new one lies in, as PIL has it.
 * @param start, extent of the box, f32[batch, 1, 1], of which `size` new ones are made
 */
const nearest =
  (b: Builder, start: Node, extent: Node, size: number) =>
  (index: Node): Node => {
    // Whole numbers over whole numbers; the half keeps the quotient away from the next.
    const doubled = b.mul(b.add(b.mul(b.cast(index, { dtype: "f32" }), 2), 1), extent);
    const place = b.minimum(b.floor(b.div(b.add(doubled, 0.5), 2 * size)), b.sub(extent, 1));
    return b.cast(b.add(start, place), { dtype: "i32" });
  };

interface Taps {
  /** Rows or columns that new ones are made of, i32[batch, h, w, taps], and what each weighs; `total` is the sum, f32[batch, h, w]. */
  readonly position: Node;
  readonly weight: Node;
  readonly total: Node;
}

/** @param start, extent of the box, f32[batch, 1, 1], and `most` of that extent; `size` new pixels are made of it */
function taps(b: Builder, start: Node, extent: Node, size: number, most: number): (index: Node) => Taps {
  const count = Math.ceil(2 * Math.max(1, most / size));
  const scale = b.mul(extent, 1 / size);
  const support = b.maximum(scale, 1);
  return (index) => {
    const center = b.mul(b.add(b.cast(index, { dtype: "f32" }), 0.5), scale);
    const [, h, w] = center.type.shape;
    const each = (node: Node): Node => b.reshape(node, { shape: [...node.type.shape, 1] });
    const first = b.maximum(b.floor(b.add(b.sub(center, support), 0.5)), 0);
    const place = b.add(each(first), b.iota({ shape: [1, 1, 1, count], axis: 3, dtype: "f32" }));
    const distance = b.div(b.sub(b.add(place, 0.5), each(center)), each(support));
    const inside = b.less(place, each(extent));
    const weight = b.where(inside, b.maximum(b.sub(1, b.abs(distance)), 0), 0);
    const position = b.cast(b.add(each(start), b.minimum(place, b.sub(each(extent), 1))), { dtype: "i32" });
    const total = b.reshape(b.reduceSum(weight, { axes: [3] }), { shape: [at(weight.type.shape, 0), h ?? 1, w ?? 1] });
    return { position, weight, total };
  };
}

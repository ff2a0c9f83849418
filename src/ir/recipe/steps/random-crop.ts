// torchvision.transforms.RandomCrop: any offset, after `padding` black pixels on each side.

import type { Node } from "../../node.ts";
import { arg } from "../define.ts";
import { cutTo } from "./crop.ts";
import { defineMoveStep, type Extent } from "./define.ts";
import { less, perPixel } from "./pixels.ts";

export const randomCrop = defineMoveStep({
  name: "random_crop",
  doc: "cuts a rectangle out of anywhere",
  args: {
    size: arg("count or pair", "pixels, where one number is a square"),
    padding: arg("whole", "zeros around the image first", 0),
  },
  // Where pictures have sizes of their own, nobody looks at each before it is cut: the shorter side has to do either way.
  shape: ({ channels, height, width, shorter }, { size, padding }) =>
    cutTo("random_crop", size, padding, { channels, height: height ?? shorter, width: width ?? shorter }),
  crops: true,
  move: ({ b, batch, random }, from, { size, padding }) => {
    const offset = (extent: Extent, length: number): Node => {
      const last = less(b, extent, length - 2 * padding);
      const chosen = b.reshape(random(), { shape: [batch, 1, 1] });
      const choices = typeof last === "number" ? last + 1 : b.cast(b.add(last, 1), { dtype: "f32" });
      return b.sub(b.minimum(b.cast(b.floor(b.mul(chosen, choices)), { dtype: "i32" }), last), padding);
    };
    const [top, left] = [offset(from.height, size[0]), offset(from.width, size[1])];
    return (rows, columns) => {
      const [y, x] = [b.add(rows, top), b.add(columns, left)];
      if (padding === 0) return from.at(y, x);
      const within = (position: Node, extent: Extent): Node =>
        perPixel(b, b.logicalAnd(b.lessEqual(0, position), b.less(position, extent)));
      return b.where(b.logicalAnd(within(y, from.height), within(x, from.width)), from.at(y, x), from.beyond);
    };
  },
  mask: "moves",
  samples: [
    { args: { size: [3, 3] }, image: [3, 5, 6] },
    { args: { size: [6, 6], padding: 2 }, image: [1, 4, 4] },
    { args: { size: [4, 3] }, image: [1, 4, 7] },
  ],
});

// torchvision.transforms.RandomCrop: any offset, after `padding` black pixels on each side.

import type { Node } from "../../node.ts";
import { arg } from "../define.ts";
import { cutTo } from "./crop.ts";
import { defineMoveStep } from "./define.ts";
import { perPixel } from "./pixels.ts";

export const randomCrop = defineMoveStep({
  name: "random_crop",
  doc: "cuts a square out of anywhere",
  args: { size: arg("count", "pixels"), padding: arg("whole", "zeros around the image first", 0) },
  shape: (image, { size, padding }) => cutTo("random_crop", size, padding, image),
  crops: true,
  move: ({ b, batch, random }, from, { size, padding }) => {
    const offset = (extent: number): Node => {
      const choices = extent + 2 * padding - size + 1;
      const chosen = b.cast(b.floor(b.mul(random(), choices)), { dtype: "i32" });
      return b.reshape(b.sub(b.minimum(chosen, choices - 1), padding), { shape: [batch, 1, 1] });
    };
    const [top, left] = [offset(from.height), offset(from.width)];
    return (rows, columns) => {
      const [y, x] = [b.add(rows, top), b.add(columns, left)];
      if (padding === 0) return from.at(y, x);
      const within = (position: Node, extent: number): Node => b.logicalAnd(b.lessEqual(0, position), b.less(position, extent));
      const inside = b.logicalAnd(within(perPixel(b, y), from.height), within(perPixel(b, x), from.width));
      return b.where(inside, from.at(y, x), 0);
    };
  },
  samples: [
    { args: { size: 3 }, image: [3, 5, 6] },
    { args: { size: 6, padding: 2 }, image: [1, 4, 4] },
  ],
});

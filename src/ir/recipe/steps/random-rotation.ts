// torchvision.transforms.RandomRotation with the nearest pixel and black corners, about the middle: each picture by an angle of its own.

import type { Node } from "../../node.ts";
import { arg } from "../define.ts";
import { defineMoveStep } from "./define.ts";
import { perPixel, pixelsOf, requireSize, sizeOfAll, wholeLevels } from "./pixels.ts";

const NAME = "random_rotation";

export const randomRotation = defineMoveStep({
  name: NAME,
  doc: "turns about the middle, to the nearest pixels; what comes into the picture is black",
  args: { degrees: arg("positive", "the most, either way") },
  shape: (image) => requireSize(NAME, image),
  crops: false,
  move: ({ b, batch, random }, from, { degrees }) => {
    const [height, width] = sizeOfAll(from);
    const pixels = pixelsOf(b, wholeLevels(b, from), from.unit);
    const most = (degrees * Math.PI) / 180;
    const angle = b.reshape(b.sub(b.mul(random(), 2 * most), most), { shape: [batch, 1, 1] });
    const [cosine, sine] = [b.cos(angle), b.sin(angle)];
    const [middleY, middleX] = [(height - 1) / 2, (width - 1) / 2];
    return (rows, columns) => {
      const y = b.sub(b.cast(rows, { dtype: "f32" }), middleY);
      const x = b.sub(b.cast(columns, { dtype: "f32" }), middleX);
      const nearest = (position: Node, middle: number): Node => b.floor(b.add(position, middle + 0.5));
      const row = nearest(b.add(b.mul(x, sine), b.mul(y, cosine)), middleY);
      const column = nearest(b.sub(b.mul(x, cosine), b.mul(y, sine)), middleX);
      const within = (position: Node, extent: number): Node => b.logicalAnd(b.lessEqual(0, position), b.lessEqual(position, extent - 1));
      const held = (position: Node, extent: number): Node => b.cast(b.minimum(b.maximum(position, 0), extent - 1), { dtype: "i32" });
      const isInside = perPixel(b, b.logicalAnd(within(row, height), within(column, width)));
      return b.where(isInside, pixels(held(row, height), held(column, width)), 0);
    };
  },
  samples: [
    { args: { degrees: 30 }, image: [3, 4, 5] },
    { args: { degrees: 180 }, image: [1, 3, 3] },
  ],
});

// torchvision.transforms.RandomRotation with the nearest pixel and black corners, about the middle: each picture by an angle of its own.

import { arg } from "../define.ts";
import { nearestPixels, turned } from "./affine.ts";
import { defineMoveStep } from "./define.ts";
import { pixelsOf, requireSize, sizeOfAll, wholeLevels } from "./pixels.ts";

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
    return (rows, columns) => {
      const { row, column } = turned(b, [height, width], angle, rows, columns);
      return nearestPixels(b, pixels, [height, width], row, column, from.beyond);
    };
  },
  mask: "moves",
  samples: [
    { args: { degrees: 30 }, image: [3, 4, 5] },
    { args: { degrees: 180 }, image: [1, 3, 3] },
  ],
});

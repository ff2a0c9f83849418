// torchvision.transforms.RandomAffine with the nearest pixel and black for what comes in, about the middle: each picture is slanted, turned,
// scaled and shifted by numbers of its own. Here one number is the most that both sides shift by, where torchvision takes one for each.

import type { Node } from "../../node.ts";
import { arg, problem } from "../define.ts";
import { nearestPixels, turned } from "./affine.ts";
import { defineMoveStep } from "./define.ts";
import { pixelsOf, requireSize, sizeOfAll, wholeLevels } from "./pixels.ts";

const NAME = "random_affine";

export const randomAffine = defineMoveStep({
  name: NAME,
  doc: "turns, shifts, scales and slants about the middle, to the nearest pixels; what comes into the picture is black",
  args: {
    degrees: arg("non-negative", "the most it turns, either way"),
    translate: arg("fraction", "the most it shifts, either way: share of the height and of the width", 0),
    scale: arg("range", "how much larger it becomes", [1, 1]),
    shear: arg("non-negative", "degrees that upright lines slant by at most, either way", 0),
  },
  check: ({ scale: [least], shear }) => {
    const bad = (what: string, wanted: string, got: number): ReturnType<typeof problem> =>
      problem("out-of-range", { what: `\`${what}\` of \`${NAME}\``, wanted, got: String(got) });
    if (least <= 0) return bad("scale", "greater than 0", least);
    return shear < 90 ? undefined : bad("shear", "below 90", shear);
  },
  shape: (image) => requireSize(NAME, image),
  crops: false,
  move: ({ b, batch, random }, from, { degrees, translate, scale: [least, most], shear }) => {
    const [height, width] = sizeOfAll(from);
    const pixels = pixelsOf(b, wholeLevels(b, from), from.unit);
    const [middleY, middleX] = [(height - 1) / 2, (width - 1) / 2];
    const ofPicture = (x: Node): Node => b.reshape(x, { shape: [batch, 1, 1] });
    const eitherWay = (limit: number): Node => ofPicture(b.mul(b.sub(b.mul(random(), 2), 1), limit));
    const angle = eitherWay((degrees * Math.PI) / 180);
    const [right, down] = [width, height].map((extent) => b.floor(b.add(eitherWay(translate * extent), 0.5))) as [Node, Node];
    const scale = ofPicture(b.add(b.mul(random(), most - least), least));
    const slant = eitherWay((shear * Math.PI) / 180);
    return (rows, columns) => {
      const shifted = (index: Node, by: Node): Node => b.sub(b.cast(index, { dtype: "f32" }), by);
      const { row, column } = turned(b, [height, width], angle, shifted(rows, down), shifted(columns, right));
      const [y, x] = [b.sub(row, middleY), b.sub(column, middleX)];
      const upright = b.add(x, b.mul(y, b.div(b.sin(slant), b.cos(slant))));
      const scaled = (position: Node, middle: number): Node => b.add(b.div(position, scale), middle);
      return nearestPixels(b, pixels, [height, width], scaled(y, middleY), scaled(upright, middleX), from.beyond);
    };
  },
  mask: "moves",
  samples: [
    { args: { degrees: 15, translate: 0.1, scale: [0.8, 1.2], shear: 10 }, image: [3, 4, 5] },
    { args: { degrees: 0 }, image: [1, 3, 3] },
  ],
});

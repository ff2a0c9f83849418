// torchvision.transforms.RandomErasing: a rectangle of a random share and proportions, anywhere, after normalization. Of ten draws the
// first that is smaller than the picture; where none is, nothing is erased.

import type { Node } from "../../node.ts";
import { tensorType } from "../../types.ts";
import { arg } from "../define.ts";
import { defineMoveStep } from "./define.ts";
import { perPixel, requireSize, sizeOfAll } from "./pixels.ts";

const NAME = "random_erasing";
const ATTEMPTS = 10;

export const randomErasing = defineMoveStep({
  name: NAME,
  doc: "puts a rectangle of one number, 0 unless given, into what the network is given: after `normalize`, wherever it stands",
  args: {
    probability: arg("probability", "how often", 0.5),
    scale: arg("range", "share of the area", [0.02, 0.33]),
    ratio: arg("range", "height over width", [0.3, 3.3]),
    value: arg("number", "of what is erased, as the network sees it", 0),
  },
  shape: (image) => requireSize(NAME, image),
  crops: false,
  isLast: true,
  move: ({ b, batch, random }, from, { probability, scale, ratio, value }) => {
    const [height, width] = sizeOfAll(from);
    const shape = [batch, 1, 1];
    const draw = (): Node => b.reshape(random(), { shape });
    const between = (low: number, high: number): Node => b.add(b.mul(draw(), high - low), low);
    // Python rounds halves to even; a square root is none but by chance.
    const round = (x: Node): Node => b.floor(b.add(x, 0.5));
    let [rows, columns] = [
      b.constant({ value: 0, type: tensorType("f32", shape) }),
      b.constant({ value: 0, type: tensorType("f32", shape) }),
    ];
    const attempts = Array.from({ length: ATTEMPTS }, () => {
      const area = b.mul(between(...scale), height * width);
      const proportion = b.exp(between(Math.log(ratio[0]), Math.log(ratio[1])));
      return { h: round(b.sqrt(b.mul(area, proportion))), w: round(b.sqrt(b.div(area, proportion))) };
    });
    // From the last to the first: the first that fits has the last word.
    for (const { h, w } of attempts.reverse()) {
      const fits = b.logicalAnd(b.less(h, height), b.less(w, width));
      [rows, columns] = [b.where(fits, h, rows), b.where(fits, w, columns)];
    }
    const isErased = b.less(draw(), probability);
    const start = (extent: number, length: Node): Node => {
      const margin = b.sub(extent, length);
      return b.minimum(b.floor(b.mul(draw(), b.add(margin, 1))), margin);
    };
    const [top, left] = [start(height, rows), start(width, columns)];
    const within = (position: Node, first: Node, length: Node): Node => {
      const number = b.cast(position, { dtype: "f32" });
      return b.logicalAnd(b.lessEqual(first, number), b.less(number, b.add(first, length)));
    };
    return (y, x) => {
      const isInside = b.logicalAnd(within(y, top, rows), within(x, left, columns));
      return b.where(perPixel(b, b.logicalAnd(isInside, isErased)), value, from.at(y, x));
    };
  },
  mask: "stays",
  samples: [
    { args: {}, image: [3, 6, 8] },
    { args: { probability: 1, scale: [0.25, 0.25], ratio: [1, 1], value: 0.5 }, image: [1, 4, 4] },
  ],
});

// torchvision.transforms.RandomHorizontalFlip.

import { arg } from "../define.ts";
import { defineMoveStep } from "./define.ts";
import { less } from "./pixels.ts";

export const horizontalFlip = defineMoveStep({
  name: "horizontal_flip",
  doc: "mirrors left and right",
  args: { probability: arg("probability", "how often", 0.5) },
  shape: (image) => image,
  crops: false,
  move: ({ b, batch, random }, from, { probability }) => {
    const isFlipped = b.reshape(b.less(random(), probability), { shape: [batch, 1, 1] });
    return (rows, columns) => from.at(rows, b.where(isFlipped, b.sub(less(b, from.width, 1), columns), columns));
  },
  mask: "moves",
  samples: [
    { args: {}, image: [3, 2, 5] },
    { args: { probability: 1 }, image: [1, 3, 4] },
  ],
});

// torchvision.transforms.CenterCrop, of pictures that are large enough.

import { arg } from "../define.ts";
import { centerOffset, cutTo } from "./crop.ts";
import { defineMoveStep } from "./define.ts";

export const centerCrop = defineMoveStep({
  name: "center_crop",
  doc: "cuts a square out of the middle",
  args: { size: arg("count", "pixels") },
  shape: (image, { size }) => cutTo("center_crop", size, 0, image),
  crops: true,
  move:
    ({ b }, from, { size }) =>
    (rows, columns) =>
      from.at(b.add(rows, centerOffset(from.height, size)), b.add(columns, centerOffset(from.width, size))),
  samples: [
    { args: { size: 3 }, image: [3, 6, 9] },
    { args: { size: 5 }, image: [1, 5, 5] },
  ],
});

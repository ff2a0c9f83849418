// torchvision.transforms.CenterCrop, of pictures that are large enough.

import { arg } from "../define.ts";
import { centerOffset, cutTo } from "./crop.ts";
import { defineLoadStep } from "./define.ts";
import { windowOf } from "./window.ts";

export const centerCrop = defineLoadStep({
  name: "center_crop",
  doc: "cuts a rectangle out of the middle",
  args: { size: arg("count or pair", "pixels, where one number is a square") },
  shape: (image, { size }) => cutTo("center_crop", size, 0, image),
  changes: "nothing but the frame",
  load: (picture, { size: [height, width] }) =>
    windowOf(picture, {
      top: centerOffset(picture.height, height),
      left: centerOffset(picture.width, width),
      height,
      width,
    }),
  mask: "moves",
  samples: [
    { args: { size: [3, 3] }, image: [3, 6, 9] },
    { args: { size: [5, 4] }, image: [1, 5, 5] },
  ],
});

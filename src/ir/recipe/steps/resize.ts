// torchvision.transforms.Resize and then CenterCrop, of one size, on PIL's pixels.

import { arg } from "../define.ts";
import { defineLoadStep } from "./define.ts";
import { resizeToSquare } from "./pil-resize.ts";

export const resize = defineLoadStep({
  name: "resize",
  doc: "scales the shorter side, and cuts the square in the middle",
  args: { size: arg("count", "pixels") },
  shape: (image, { size }) => ({ ...image, height: size, width: size }),
  pointwise: false,
  load: (picture, { size }) => resizeToSquare(picture, size),
  samples: [
    { args: { size: 4 }, image: [3, 9, 6] },
    { args: { size: 8 }, image: [1, 5, 5] },
  ],
});

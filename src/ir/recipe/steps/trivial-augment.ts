// torchvision.transforms.TrivialAugmentWide (Müller & Hutter 2021, arXiv:2103.10158).

import { defineMoveStep } from "./define.ts";
import { oneOperation } from "./auto-augment.ts";
import { requireSize } from "./pixels.ts";

const NAME = "trivial_augment";
const BINS = 31;

export const trivialAugment = defineMoveStep({
  name: NAME,
  doc: "does one of fourteen things with each picture, as strongly as it happens: shears, moves, turns, brightness, color, contrast, sharpness, posterize, solarize, auto contrast, equalize, or nothing (TrivialAugmentWide)",
  args: {},
  shape: (image) => requireSize(NAME, image),
  crops: false,
  move: (context, from) => {
    const { b, random } = context;
    const bin = b.minimum(b.floor(b.mul(random(), BINS)), BINS - 1);
    const upTo = (most: number) => b.mul(bin, most / (BINS - 1));
    // A half off the whole numbers, which a device may miss by a little.
    const whole = (most: number) => b.floor(b.div(b.add(b.mul(bin, most), 0.5), BINS - 1));
    return oneOperation(context, from, {
      ...{ shear: upTo(0.99), translateX: whole(32), translateY: whole(32), rotate: upTo(135), blend: upTo(0.99) },
      posterize: b.sub(8, b.floor(b.add(upTo(6), 0.5))),
      solarize: b.sub(255, upTo(255)),
    });
  },
  mask: "cannot",
  samples: [
    { args: {}, image: [3, 5, 6] },
    { args: {}, image: [1, 2, 4] },
  ],
});

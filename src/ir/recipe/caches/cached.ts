// The feature cache as it is without a word of it: wherever it is legal and spares something; or of a few fixed augmentations of each example.

import { arg } from "../arguments.ts";
import { defineCache } from "./define.ts";

export const cached = defineCache({
  name: "cached",
  doc: "what the stage computes alike in every epoch runs once for each example, where that spares work; the default. With `views: K` of K augmentations of each, which are drawn once: epoch e of the run trains on view e mod K",
  args: {
    views: arg(
      "whole",
      "augmentations of each example that are kept; 0: none, and nothing is kept where augmentation makes others in every epoch",
      0,
    ),
  },
  keeps: true,
  views: ({ views }) => views,
  samples: [{}, { views: 4 }],
});

// The feature cache as it is without a word of it: wherever it is legal and spares something.

import { defineCache } from "./define.ts";

export const cached = defineCache({
  name: "cached",
  doc: "what the stage computes alike in every epoch runs once for each example, where that spares work; the default",
  args: {},
  keeps: true,
  samples: [{}],
});

// Pictures with a mask each, whose pixels are classes: two folders of files of the same names.

import type { WordPlan } from "../../plan.ts";
import { InternalError } from "../../types.ts";
import { arg, problem } from "../define.ts";
import { defineSource } from "./define.ts";

/** Numbers that a byte of a mask can hold. */
const MOST_CLASSES = 256;

export const pictures = defineSource({
  name: "pictures",
  doc: "a folder of images, and one of masks that say the class of each of their pixels: PNGs of the same names",
  args: {
    path: arg("path", "the folder of images"),
    masks: arg("path", "the folder of masks, whose palette indices or grey levels are the numbers of classes"),
    classes: arg(
      "count or names",
      "what the numbers mean, from 0 on: how many classes there are, or their names; those of `train` when left out",
      [],
    ),
  },
  check: ({ classes }) => {
    const count = typeof classes === "number" ? classes : classes.length;
    return count > MOST_CLASSES
      ? problem("out-of-range", { what: "the number of `classes` of `pictures`", wanted: `at most ${MOST_CLASSES}`, got: String(count) })
      : undefined;
  },
  shared: ["classes"],
  needed: ["classes"],
  gives: "pictures",
  // Numbers are their names where they have no others.
  classes: ({ classes }) => (typeof classes === "number" ? Array.from({ length: classes }, (_, i) => String(i)) : classes),
  samples: [
    { path: "data/images", masks: "data/masks", classes: ["background", "cat"] },
    { path: "data/train", masks: "data/labels", classes: 21 },
  ],
});

export function masksOf({ args: { masks } }: WordPlan): string {
  if (typeof masks !== "string") throw new InternalError("`pictures` was checked to have masks");
  return masks;
}

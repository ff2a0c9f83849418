// Image files, as torchvision's ImageFolder finds them.

import type { WordPlan } from "../../plan.ts";
import { arg } from "../define.ts";
import { defineSource } from "./define.ts";

export const images = defineSource({
  name: "images",
  doc: "a folder with one folder of images per class",
  args: {
    path: arg("path", "the folder"),
    classes: arg(
      "strings",
      "the classes to take, where not all are: names of folders, in which `*`, `?` and `[0-9]` stand for what they do in a shell; those of `train` when left out",
      [],
    ),
  },
  shared: ["classes"],
  gives: "pictures",
  label: { dtype: "i32", shape: [] },
  samples: [{ path: "data/train" }, { path: "data/train", classes: ["cat", "[a-d]*"] }],
});

/** Empty: all. */
export const classesOf = ({ args: { classes } }: WordPlan): readonly string[] => (classes ?? []) as readonly string[];

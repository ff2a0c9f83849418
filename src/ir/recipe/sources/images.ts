// Image files, as torchvision's ImageFolder finds them.

import type { WordPlan } from "../../plan.ts";
import { arg, argOr } from "../define.ts";
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
    broken: argOr(
      ["stop", "skip"],
      "word",
      "what is done about a file that is no picture, or not one that fits: end with its name, or leave it out, where the next picture of its class stands in its place",
      "stop",
    ),
  },
  shared: ["classes"],
  gives: "pictures",
  label: { dtype: "i32", shape: [] },
  samples: [{ path: "data/train" }, { path: "data/train", classes: ["cat", "[a-d]*"] }, { path: "data/train", broken: "skip" }],
});

/** Empty: all. */
export const classesOf = ({ args: { classes } }: WordPlan): readonly string[] => (classes ?? []) as readonly string[];

export const skipsBroken = ({ args: { broken } }: WordPlan): boolean => broken === "skip";

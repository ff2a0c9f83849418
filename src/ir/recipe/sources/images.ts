// Image files, as torchvision's ImageFolder finds them.

import { arg } from "../define.ts";
import { defineSource } from "./define.ts";

export const images = defineSource({
  name: "images",
  doc: "a folder with one folder of images per class",
  args: { path: arg("path", "the folder") },
  gives: "pictures",
  label: { dtype: "i32", shape: [] },
  samples: [{ path: "data/train" }],
});

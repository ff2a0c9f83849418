// Columns of names: cities, kinds, codes. Which there are, the training part of the data says.

import { arg } from "../define.ts";
import { defineCategoryReading } from "./define.ts";

const args = {
  columns: arg("picks", "the columns"),
  unknown: arg("bool", "whether what is in no training row has a place of its own, the last; otherwise it is an error", false),
};

export const oneHot = defineCategoryReading({
  name: "one_hot",
  doc: "a number for every category of the training part, in the order of their names: 1 for the one that it is, 0 for others",
  args,
  values: "string",
  isOneHot: true,
});

export const category = defineCategoryReading({
  name: "category",
  doc: "the place of a category among those of the training part, for an `embedding`: an input of its own, i32",
  args,
  values: "string",
  isOneHot: false,
});

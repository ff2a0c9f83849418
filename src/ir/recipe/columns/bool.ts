// What a column of yes and no is taken for.

import { arg } from "../define.ts";
import { defineNumberReading } from "./define.ts";

const VALUES: ReadonlyMap<string, number> = new Map([
  ["true", 1],
  ["yes", 1],
  ["1", 1],
  ["false", 0],
  ["no", 0],
  ["0", 0],
]);

export const bool = defineNumberReading({
  name: "bool",
  doc: "0 or 1 for `false` or `true`, `no` or `yes`, `0` or `1`; what a column of such words is without a word",
  args: { columns: arg("picks", "the columns") },
  values: "boolean",
  wanted: "true or false",
  scaled: false,
  read: (text) => (text.length <= 5 ? VALUES.get(text.toLowerCase()) : undefined),
});

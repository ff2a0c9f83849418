// What a column of numbers is taken for.

import { arg } from "../define.ts";
import { defineNumberReading } from "./define.ts";

export const INTEGER_TEXT = /^[+-]?\d+$/;
export const NUMBER_TEXT = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;

export const number = defineNumberReading({
  name: "number",
  doc: "a number; what a column of numbers is without a word",
  args: { columns: arg("picks", "the columns") },
  values: "number",
  wanted: "a number",
  scaled: true,
  read: (text) => (NUMBER_TEXT.test(text) ? Number(text) : undefined),
});

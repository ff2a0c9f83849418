// Every reading of a column, and those that a column has without a word.

import type { CategoryField, FieldInfo } from "../../plan.ts";
import { wordOf } from "../define.ts";
import { bool } from "./bool.ts";
import { category, oneHot } from "./categories.ts";
import { day, days, hour, month, seconds, weekday, year } from "./dates.ts";
import type { NumberReading, Reading } from "./define.ts";
import { number } from "./number.ts";
import { pad } from "./pad.ts";

export const READINGS = [
  ...[number, bool, oneHot, category, pad],
  ...[days, seconds, year, month, day, weekday, hour],
] as const satisfies readonly Reading[];

/** What a column may be that is named alone: the first that all its cells are. */
export const IMPLIED: readonly NumberReading[] = [number, bool, days];

/** Numbers of one cell of a field. */
export function widthOf(field: FieldInfo): number {
  if (field.kind === "number") return field.isMarked ? 2 : 1;
  const reading = readingNamed(field.reading);
  return reading.kind === "category" && reading.isOneHot ? placesOf(field) : 1;
}

/** Categories, with the places of those that are missing and unknown. */
export const placesOf = ({ categories, hasMissing, hasUnknown }: CategoryField): number =>
  categories.length + Number(hasMissing) + Number(hasUnknown);

export const readingNamed = (word: string): Reading => wordOf<Reading>(READINGS, { word, args: {} });

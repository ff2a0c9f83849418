// Every reading of a column, and those that a column has without a word.

import type { FieldInfo } from "../../plan.ts";
import { wordOf } from "../define.ts";
import { bool } from "./bool.ts";
import { category, oneHot } from "./categories.ts";
import { day, days, hour, month, seconds, weekday, year } from "./dates.ts";
import type { NumberReading, Reading } from "./define.ts";
import { number } from "./number.ts";

export const READINGS = [
  ...[number, bool, oneHot, category],
  ...[days, seconds, year, month, day, weekday, hour],
] as const satisfies readonly Reading[];

/** What a column may be that is named alone: the first that all its cells are. */
export const IMPLIED: readonly NumberReading[] = [number, bool, days];

/** Numbers of one cell of a field. */
export function widthOf(field: FieldInfo): number {
  if (field.kind === "number") return field.isMarked ? 2 : 1;
  const reading = readingNamed(field.reading);
  const places = field.categories.length + Number(field.hasMissing) + Number(field.hasUnknown);
  return reading.kind === "category" && reading.isOneHot ? places : 1;
}

export const readingNamed = (word: string): Reading => wordOf<Reading>(READINGS, { word, args: {} });

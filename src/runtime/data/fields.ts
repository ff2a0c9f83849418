// The numbers of a cell, by what was fitted on training data: one way for files and for the rows of an application. Browser-safe.

import type { CategoryField, DataInfo, FieldInfo, NumberField } from "../../ir/plan.ts";
import { isMissing } from "../../ir/recipe/columns/define.ts";
import { readingNamed } from "../../ir/recipe/columns/index.ts";
import { InternalError } from "../../ir/types.ts";
import type { HostArray } from "../device.ts";

/** Writes the numbers of a cell's text at `at`. A string says what is wrong with the text. */
export type FieldWriter = (text: string, data: HostArray, at: number) => string | undefined;

/** Whether a missing cell is no error. */
const mayBeMissing = (field: FieldInfo): boolean => (field.kind === "number" ? field.fill !== undefined : field.hasMissing);

/** As an error says it, of a cell or value that is missing. */
export const missingText = (text: string): string => (text === "" ? "is empty" : `is missing (${JSON.stringify(text)})`);

export const fieldWriter = (field: FieldInfo): FieldWriter => (field.kind === "number" ? numberWriter(field) : categoryWriter(field));

function numberWriter({ reading: word, shift, scale, fill, isMarked }: NumberField): FieldWriter {
  const reading = readingNamed(word);
  if (reading.kind !== "number") throw new InternalError(`${word} reads no numbers`);
  return (cell, data, at) => {
    const text = cell.trim();
    const missing = isMissing(text);
    const value = missing ? fill : reading.read(text);
    if (value === undefined) return missing ? missingText(text) : `holds ${quoted(text)}, which is not ${reading.wanted}`;
    data[at] = (value - shift) * scale;
    if (!Number.isFinite(data[at])) return `holds ${quoted(text)}, which is beyond the numbers of f32`;
    if (isMarked) data[at + 1] = missing ? 1 : 0;
    return undefined;
  };
}

function categoryWriter(field: CategoryField): FieldWriter {
  const { reading: word, categories, hasMissing, hasUnknown } = field;
  const reading = readingNamed(word);
  const isOneHot = reading.kind === "category" && reading.isOneHot;
  const places = new Map(categories.map((name, place) => [name, place]));
  const unknown = hasUnknown ? categories.length + Number(hasMissing) : undefined;
  return (cell, data, at) => {
    const text = cell.trim();
    const missing = isMissing(text);
    if (missing && !hasMissing) return missingText(text);
    const place = missing ? categories.length : (places.get(text) ?? unknown);
    if (place === undefined) return `is ${quoted(text)}, which no row of the training part has`;
    if (isOneHot) data[at + place] = 1;
    else data[at] = place;
    return undefined;
  };
}

export const quoted = (text: string): string => JSON.stringify(text.slice(0, 40));

/** What to do about rows whose cells a network cannot take. */
export function unusableHint({ inputs }: DataInfo): string {
  const fields = inputs.flatMap((input) => input.fields ?? []);
  const isOpen = fields.some((field) => !mayBeMissing(field));
  const isClosed = fields.some((field) => field.kind === "category" && !field.hasUnknown);
  const ways = [
    ...(isOpen ? ["`preprocess fill(mean)` fills what is missing"] : []),
    ...(isClosed ? ["`unknown: true` has a place for other categories"] : []),
    ...(inputs.some(({ below }) => below !== undefined) ? ["an `embedding` of more rows takes larger numbers"] : []),
  ];
  return ["correct or remove them", ...ways].join("; ");
}

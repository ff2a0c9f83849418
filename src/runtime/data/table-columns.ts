// Where the columns stand that a spec names: by the names of a header, by their places, or as all that are left. What `*` and places mean
// is settled in the training table; other tables with a header are then read by the names found there, whatever their order.

import type { ColumnInfo, ColumnPart, ColumnPick, InputColumns } from "../../ir/plan.ts";
import { isReading, partsOf } from "../../ir/recipe/sources/table.ts";
import { didYouMean } from "../../diagnostics/suggest.ts";
import { DataError } from "../errors.ts";
import { NUMBER_TEXT } from "../../ir/recipe/columns/number.ts";

/** A column of an input: its place in a row, its name or else its place as text, and the word that reads it. */
export interface PlacedColumn {
  readonly at: number;
  readonly column: string;
  readonly reading?: string;
  /** Of categories: whether what is not in the list has a place. */
  readonly hasUnknown: boolean;
  /** Of padded cells: the numbers that there is room for; 0 for those of the longest. */
  readonly length: number;
}

export interface PlacedInput {
  readonly name: string;
  /** Made of one column as it is, which may hold one number or several; otherwise of one number or more for each column. */
  readonly isPlain: boolean;
  /** Has an axis, however many numbers there are. */
  readonly isVector: boolean;
  readonly columns: readonly PlacedColumn[];
}

type Simple = Exclude<ColumnPick, { readonly except: unknown }>;

const isRange = (pick: ColumnPick): pick is Extract<ColumnPick, { readonly from: number }> => typeof pick === "object" && "from" in pick;
const upTo = ({ from, to }: Extract<ColumnPick, { readonly from: number }>): number[] =>
  Array.from({ length: to - from }, (_, i) => from + i);

const isRest = (part: ColumnPart): part is Extract<ColumnPick, { readonly except: unknown }> =>
  typeof part === "object" && "except" in part;

/** What a part names, with what a word around it says. */
const unwrapped = (part: ColumnPart): Unwrapped => {
  if (!isReading(part)) return { picks: [part], hasUnknown: false, length: 0 };
  const { columns, unknown, length } = part.args;
  const how = { hasUnknown: unknown === true, length: typeof length === "number" ? length : 0 };
  return { picks: columns as readonly ColumnPick[], reading: part.word, ...how };
};

type Unwrapped = Omit<PlacedColumn, "at" | "column"> & { readonly picks: readonly ColumnPick[] };

/** The first row of a table, which names its columns or counts them. */
export class TableHeader {
  readonly width: number;
  readonly isNamed: boolean;
  readonly #path: string;
  readonly #names: readonly string[];
  /** The first and the last place of each name: a table may have a million. */
  readonly #places = new Map<string, readonly [number, number]>();

  /** @param first its cells */
  constructor(path: string, first: readonly string[], isNamed: boolean) {
    this.#path = path;
    this.width = first.length;
    this.isNamed = isNamed;
    this.#names = isNamed ? first.map((name) => name.trim()) : first.map((_, i) => String(i));
    for (const [at, name] of this.#names.entries()) this.#places.set(name, [this.#places.get(name)?.[0] ?? at, at]);
  }

  nameOf(at: number): string {
    this.#requireOne(at);
    return this.#names[at] ?? String(at);
  }

  /** Of what is no rest. */
  placesOf(pick: Simple): readonly number[] {
    if (typeof pick === "string") return [this.place(pick)];
    const range = typeof pick === "number" ? { from: pick, to: pick + 1 } : pick;
    if (range.to > this.width)
      throw new DataError(
        `${this.#path} has no column ${range.to - 1}`,
        `it has ${this.width}, 0 to ${this.width - 1}${isRange(pick) ? "; a range ends before its second number" : ""}`,
      );
    return upTo(range);
  }

  place(written: string): number {
    const name = written.trim();
    if (!this.isNamed) {
      const at = /^\d+$/.test(name) ? Number(name) : -1;
      if (at >= 0 && at < this.width) return at;
      throw new DataError(
        `${this.#path} has no header, and so no column "${name}"`,
        `name columns by their places, 0 to ${this.width - 1}, or leave out \`header: false\``,
      );
    }
    const [at] = this.#places.get(name) ?? [];
    if (at === undefined) {
      const near = didYouMean(name, this.#names);
      const isData = this.#names.some((cell) => NUMBER_TEXT.test(cell));
      const other = isData ? "; if its first row is no header, say `header: false` and name columns by their places, from 0" : "";
      const all = `its columns are ${this.#names
        .slice(0, 40)
        .map((cell) => `"${cell}"`)
        .join(", ")}`;
      throw new DataError(`${this.#path} has no column "${name}"`, `${near ?? all}${other}`);
    }
    this.#requireOne(at);
    return at;
  }

  /** Rows of other files, and of applications, are read by the names of their columns. */
  #requireOne(at: number): void {
    const name = this.#names[at] ?? "";
    const other = this.#places.get(name)?.find((it) => it !== at);
    if (other !== undefined)
      throw new DataError(
        `${this.#path} has two columns "${name}", ${Math.min(at, other)} and ${Math.max(at, other)}`,
        "rename one of them, or leave both out",
      );
  }
}

/** A table whose columns are named by places alone: nothing else would notice that its first row is one of data. */
export function requireHeader(path: string, columns: InputColumns, first: readonly string[]): void {
  const picks = Object.values(columns).flatMap((choice) => partsOf(choice).flatMap((part) => unwrapped(part).picks));
  if (picks.some((pick) => typeof pick === "string" || (isRest(pick) && pick.except.some((it) => typeof it === "string")))) return;
  const number = first.find((cell) => NUMBER_TEXT.test(cell.trim()));
  if (number !== undefined)
    throw new DataError(
      `${path}:1: the first row should hold the names of the columns, and holds ${number.trim()}`,
      "if it is no header, say `header: false`; if it is one, name a column by its name",
    );
}

/**
 * The inputs as the training table has them.
 * @param labels what the columns of labels stand under
 * @param others what is named outside of the table's own arguments
 */
export function placeInputs(
  columns: InputColumns,
  labels: readonly (string | undefined)[],
  header: TableHeader,
  others: readonly Simple[],
): readonly PlacedInput[] {
  const all = [...others, ...Object.values(columns).flatMap((choice) => partsOf(choice).flatMap((part) => unwrapped(part).picks))];
  const named = new Set(all.flatMap((pick) => (isRestPick(pick) ? [] : header.placesOf(pick))));
  const placesOf = (pick: ColumnPick): readonly number[] => {
    if (!isRestPick(pick)) return header.placesOf(pick);
    const but = new Set(pick.except.flatMap((it) => header.placesOf(it)));
    return Array.from({ length: header.width }, (_, i) => i).filter((at) => !named.has(at) && !but.has(at));
  };
  const inputs = Object.entries(columns).filter(([name]) => !labels.includes(name));
  return inputs.map(([name, choice]) => {
    const placed = partsOf(choice).flatMap((part): PlacedColumn[] => {
      const { picks, ...how } = unwrapped(part);
      return picks.flatMap(placesOf).map((at) => ({ at, column: header.nameOf(at), ...how }));
    });
    return { name, ...formOf(choice), columns: placed };
  });
}

const isRestPick = (pick: ColumnPick): pick is Extract<ColumnPick, { readonly except: unknown }> => isRest(pick);

function formOf(choice: InputColumns[string]): Pick<PlacedInput, "isPlain" | "isVector"> {
  const [only, ...more] = partsOf(choice);
  if (Array.isArray(choice) || only === undefined || more.length > 0) return { isPlain: false, isVector: true };
  const [pick, ...others] = unwrapped(only).picks;
  const isOne = others.length === 0 && (typeof pick === "string" || typeof pick === "number");
  return { isPlain: isOne && !isReading(only), isVector: !isOne };
}

/** Where the columns of labels stand, and the length of those that are padded. */
export interface PlacedLabel {
  readonly places: readonly number[];
  readonly padding?: number;
}

export function placeLabel(columns: InputColumns, name: string, header: TableHeader): PlacedLabel {
  const parts = partsOf(columns[name] ?? []).map(unwrapped);
  const places = parts.flatMap(({ picks }) => picks.flatMap((pick) => header.placesOf(pick as Simple)));
  const padded = parts.find(({ reading }) => reading !== undefined);
  return padded === undefined ? { places } : { places, padding: padded.length };
}

/** Where a table has the columns of an input that was fitted on another, or on itself. */
export function placesFor(input: ColumnInfo, columns: InputColumns, header: TableHeader, path: string): readonly number[] {
  if (!Object.hasOwn(columns, input.name)) throw new DataError(`the table ${path} is not told which column is "${input.name}"`);
  const picks = partsOf(columns[input.name] ?? []).flatMap((part) => unwrapped(part).picks);
  const fitted = input.fields?.map(({ column }) => column) ?? [input.column ?? input.name];
  // Without a header a name is a place.
  if (picks.some(isRestPick)) return fitted.map((name) => header.place(name));
  const own = picks.flatMap((pick) => (isRange(pick) ? upTo(pick) : [pick as string | number]));
  const count = Math.max(fitted.length, 1);
  if (own.length !== count)
    throw new DataError(`${path} has ${own.length} columns for "${input.name}", and the training table ${fitted.length}`);
  const isFound = (pick: string | number): boolean => typeof pick === "number" && header.isNamed;
  return own.flatMap((pick, i) => header.placesOf(isFound(pick) ? (fitted[i] ?? pick) : pick));
}

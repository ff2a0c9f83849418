// Labels that have any number of classes: a column of 0 and 1 for each, cells with the names of those that a row has, or one column of 0
// and 1. Browser-safe.

import { DataError } from "../errors.ts";
import type { HostArray } from "../device.ts";
import { byCodeUnit, MAX_CLASSES, splitCell, type Labels, type LabelSurvey } from "./cells.ts";

const isDigit = (token: string): boolean => token === "0" || token === "1";

/** A name may hold blanks: classes of a row are parted by what no name holds. */
const namesIn = (cell: string): readonly string[] =>
  cell
    .split(/[,;|]/)
    .map((name) => name.trim())
    .filter((name) => name !== "");

export class SetSurvey implements LabelSurvey {
  readonly #columns: readonly string[];
  readonly #names = new Set<string>();
  #length: number | undefined;
  #areDigits = true;
  #first: string | undefined;

  /** @param columns that the label is made of, by their names */
  constructor(columns: readonly string[]) {
    this.#columns = columns;
  }

  add(cell: string): undefined {
    const tokens = splitCell(cell);
    this.#areDigits &&= tokens.every(isDigit) && tokens.length === (this.#length ??= tokens.length);
    if (!this.#areDigits) this.#first ??= cell;
    if (this.#names.size <= MAX_CLASSES) namesIn(cell).forEach((name) => this.#names.add(name));
  }

  describe(name: string): Labels | string {
    if (this.#columns.length > 1 && !this.#areDigits)
      return `holds ${JSON.stringify((this.#first ?? "").slice(0, 40))}, and columns of several classes hold 0 or 1`;
    if (this.#columns.length > 1) return setLabel(name, this.#columns);
    const length = this.#length ?? 1;
    if (this.#areDigits) return setLabel(name, length === 1 ? this.#columns : Array.from({ length }, (_, i) => String(i)));
    if (this.#names.size > MAX_CLASSES) return `has more than ${MAX_CLASSES} different classes`;
    if (this.#names.size === 0) return "has no class in any row";
    return setLabel(name, [...this.#names].sort(byCodeUnit));
  }
}

const setLabel = (name: string, classes: readonly string[]): Labels => ({
  label: { name, dtype: "f32", shape: [classes.length] },
  classes,
});

/** Writes a 1 for each class of a cell at its place, from `at` on. A string says what is wrong with it. */
export function writeSet(classes: ReadonlyMap<string, number>, cell: string, data: HostArray, at: number): string | undefined {
  data.fill(0, at, at + classes.size);
  const tokens = splitCell(cell);
  if (tokens.length === classes.size && tokens.every(isDigit)) {
    data.set(tokens.map(Number), at);
    return undefined;
  }
  for (const name of namesIn(cell)) {
    const index = classes.get(name);
    if (index === undefined) return `is ${JSON.stringify(name)}, which is no class of the training data`;
    data[at + index] = 1;
  }
  return undefined;
}

/** How often each class is labelled in a part of a data set. */
export class LabelCounts {
  readonly #counts: number[];
  readonly #isSet: boolean;
  #labels = 0;

  constructor(classes: readonly string[], isSet: boolean) {
    if (classes.length === 0) throw new DataError("the labels are no classes, so that none can be counted");
    this.#counts = classes.map(() => 0);
    this.#isSet = isSet;
  }

  /** The labels of an example: indices of classes, or a 1 for each that is in the set. What is no class is padding. */
  add(labels: ArrayLike<number>): void {
    if (this.#isSet) this.#labels++;
    for (let i = 0; i < labels.length; i++) {
      const label = labels[i] ?? -1;
      const index = this.#isSet ? (label === 1 ? i : -1) : label;
      if (this.#counts[index] === undefined) continue;
      this.#counts[index]++;
      if (!this.#isSet) this.#labels++;
    }
  }

  get(): { readonly labels: number; readonly counts: readonly number[] } {
    return { labels: this.#labels, counts: this.#counts };
  }
}

// How a cell of a table becomes numbers: what a column that is named alone is taken for, and what a spec asks for by a word, as in
// `one_hot(city)`. A reading is text to a number, or to the place of a category; what is fitted on training data stands beside it, in a
// `FieldInfo`. Browser-safe: generated modules read the rows of an application with it.

import type { ArgSpecs } from "../arguments.ts";
import type { Word } from "../define.ts";

interface ReadingBase<N extends string> extends Word<N> {
  /** Whether a row of an application holds numbers, booleans or text: what its type says. */
  readonly values: "number" | "boolean" | "string";
}

/** A cell to one number. */
export interface NumberReading<N extends string = string> extends ReadingBase<N> {
  readonly kind: "number";
  /** As an error names it: `a number`. */
  readonly wanted: string;
  /** Whether steps that scale all columns scale these. */
  readonly scaled: boolean;
  /** Undefined for text that is nothing of the kind; never of a missing cell. */
  readonly read: (text: string) => number | undefined;
}

/** A cell to the place of its text in a list that training data has. */
export interface CategoryReading<N extends string = string> extends ReadingBase<N> {
  readonly kind: "category";
  /** A number for every category, 1 for the one that it is and 0 for others; or else the place as an i32. */
  readonly isOneHot: boolean;
}

/** A cell to the numbers in it, which may be fewer than others have. */
export interface SequenceReading<N extends string = string> extends ReadingBase<N> {
  readonly kind: "sequence";
}

export type Reading<N extends string = string> = NumberReading<N> | CategoryReading<N> | SequenceReading<N>;

export const defineNumberReading = <const N extends string>(
  reading: Omit<NumberReading<N>, "kind" | "args"> & { readonly args: ArgSpecs },
): NumberReading<N> => Object.freeze({ kind: "number", ...reading });
export const defineCategoryReading = <const N extends string>(
  reading: Omit<CategoryReading<N>, "kind" | "args"> & { readonly args: ArgSpecs },
): CategoryReading<N> => Object.freeze({ kind: "category", ...reading });

export const defineSequenceReading = <const N extends string>(
  reading: Omit<SequenceReading<N>, "kind" | "args"> & { readonly args: ArgSpecs },
): SequenceReading<N> => Object.freeze({ kind: "sequence", ...reading });

/** What files hold where nobody knows the value, in any letters. */
const MISSING: ReadonlySet<string> = new Set(["", "na", "nan", "null", "?"]);

/** Of a cell without blanks around it. */
export const isMissing = (text: string): boolean => text.length <= 4 && MISSING.has(text.toLowerCase());

// A row of a table, whatever kind of file it comes from.

export interface Row {
  readonly cells: readonly string[];
  /** Of the file, from 1. */
  readonly line: number;
}

/** Characters of one row: what a quote that is never closed takes before that is noticed. */
export const LONGEST_ROW = 1 << 24;

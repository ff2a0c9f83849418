// The shape of a diagnostic: a fault in what the user wrote, as a value. Nothing here knows the language, so that every stage and
// every program around the compiler (editor, command line, tests) can read one.

/** A range of a source file: offsets in UTF-16 units, `end` exclusive. */
export interface Span {
  readonly file: string;
  readonly start: number;
  readonly end: number;
}

export type Severity = "error" | "warning";

/** A second place, or a fact that explains the first. */
export interface Note {
  readonly span?: Span;
  readonly text: string;
}

export interface Diagnostic {
  /** Of the catalogue: `TL0201`. */
  readonly code: string;
  readonly severity: Severity;
  readonly span: Span;
  readonly message: string;
  readonly notes: readonly Note[];
  /** What to write instead. */
  readonly hint?: string;
}

/** What every file of the catalogue is made of; the parameters of `message` are checked where it is reported. */
export interface CatalogueEntry<P extends object> {
  readonly code: string;
  readonly severity: Severity;
  /** The fault in general, for lists. */
  readonly title: string;
  readonly message: (params: P) => string;
  /** Why it is a fault, for `tlc explain`. */
  readonly explanation: string;
  readonly wrong: string;
  readonly right: string;
}

export const entry = <P extends object>(it: CatalogueEntry<P>): CatalogueEntry<P> => it;

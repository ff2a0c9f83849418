// Faults in what the user wrote, as values: a code of the catalogue, a place, the text, a remedy. Stages collect them in a sink
// and go on; nothing here throws across stages, and nothing here knows the language.

/** A range of a source file: offsets in UTF-16 units, `end` exclusive. */
export interface Span {
  readonly file: string;
  readonly start: number;
  readonly end: number;
}

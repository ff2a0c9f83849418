// What a column of a table holds, found by looking at all rows of the training table: a type that followed from the first row would
// refuse the second.

import { isMissing, type NumberReading, type Reading } from "../../ir/recipe/columns/define.ts";
import { IMPLIED, readingNamed } from "../../ir/recipe/columns/index.ts";
import { NUMBER_TEXT } from "../../ir/recipe/columns/number.ts";
import { isInt32, plainWholes, splitCell } from "./cells.ts";
import { missingText, quoted } from "./fields.ts";
import { Cases, type Problems } from "./problems.ts";

export interface Sequence {
  /** Of all cells, or of the longest where they are padded. */
  readonly length: number;
  readonly isWhole: boolean;
}

/** What all cells of a column have in common. */
export type ColumnKind =
  | { readonly kind: "reading"; readonly reading: Reading }
  /** Cells of several numbers, as many in all of them. */
  | { readonly kind: "sequence"; readonly sequence: Sequence };

export class ColumnSurvey {
  readonly #column: string;
  readonly #word: Reading | undefined;
  readonly #maySequence: boolean;
  /** What the word says, or the first cell looks like. */
  #likeliest: NumberReading | undefined;
  /** Cells that are something else. */
  readonly #misfits = new Cases();
  /** Readings that all cells so far have fitted. */
  #possible: readonly NumberReading[];
  readonly #missing = new Cases();
  /** Of cells of several numbers. */
  #length: number | undefined;
  #isNumeric = true;
  #isWhole = true;
  readonly #lengths = new Cases();
  #isEmpty = true;

  /** @param word that reads the column; without one it is taken for what it looks like */
  constructor(column: string, word: string | undefined, maySequence: boolean) {
    this.#column = column;
    this.#word = word === undefined ? undefined : readingNamed(word);
    this.#maySequence = maySequence;
    this.#possible = this.#word === undefined ? IMPLIED : this.#word.kind === "number" ? [this.#word] : [];
  }

  add(cell: string, line: number): void {
    const text = cell.trim();
    if (isMissing(text)) {
      this.#missing.add(line, () => missingText(text));
      return;
    }
    this.#isEmpty = false;
    if (this.#word?.kind === "category") return;
    this.#likeliest ??= this.#possible.find((it) => it.read(text) !== undefined) ?? this.#possible[0];
    const likeliest = this.#likeliest;
    const fits = likeliest?.read(text) !== undefined;
    if (!fits && !this.#isPadded) this.#misfits.add(line, () => `holds ${quoted(text)}, which is not ${likeliest?.wanted ?? "a number"}`);
    if (!fits || this.#possible.length > 1)
      this.#possible = this.#possible.filter((it) => (it === likeliest ? fits : it.read(text) !== undefined));
    if (this.#isPadded || (this.#maySequence && this.#isNumeric)) this.#addNumbers(text, line);
  }

  #addNumbers(text: string, line: number): void {
    const plain = plainWholes(text);
    const tokens = plain ? [] : splitCell(text);
    const stray = tokens.find((token) => !NUMBER_TEXT.test(token));
    if (stray !== undefined) {
      this.#isNumeric = false;
      if (this.#isPadded) this.#misfits.add(line, () => `holds ${quoted(stray)}, which is not a number`);
      return;
    }
    this.#isWhole &&= tokens.every(isInt32);
    const count = plain?.count ?? tokens.length;
    if (this.#isPadded) this.#length = Math.max(this.#length ?? 0, count);
    const first = (this.#length ??= count);
    if (count !== first && !this.#isPadded) this.#lengths.add(line, () => `has ${count} values, the first row has ${first}`);
  }

  get #isPadded(): boolean {
    return this.#word?.kind === "sequence";
  }

  /** Undefined after a problem was added. @param mayBeMissing whether a step fills what is missing */
  kind(path: string, mayBeMissing: boolean, problems: Problems): ColumnKind | undefined {
    if (this.#isEmpty) {
      problems.add(`${path}: column "${this.#column}" is empty in every row`);
      return undefined;
    }
    const found = this.#found();
    const faults = this.#faults(found, mayBeMissing);
    faults?.report(problems, (line, what) => `${path}:${line}: column "${this.#column}" ${what}`);
    return faults === undefined ? found : undefined;
  }

  #faults(found: ColumnKind | undefined, mayBeMissing: boolean): Cases | undefined {
    if (found === undefined) return this.#misfits;
    const isSequence = found.kind === "sequence";
    if (isSequence && this.#lengths.count > 0) return this.#lengths;
    return this.#missing.count > 0 && (isSequence || !mayBeMissing) ? this.#missing : undefined;
  }

  #found(): ColumnKind | undefined {
    if (this.#word?.kind === "category") return { kind: "reading", reading: this.#word };
    const [reading] = this.#possible;
    if (reading !== undefined) return { kind: "reading", reading };
    if (!(this.#maySequence || this.#isPadded) || !this.#isNumeric || this.#length === undefined) return undefined;
    return { kind: "sequence", sequence: { length: this.#length, isWhole: this.#isWhole } };
  }
}

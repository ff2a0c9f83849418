// The rows of a table file as long as there are no quotes in it: lines, split. Most tables are that to their end, and what reads character by
// character takes many times as long to read them, and to get ready.

import { LONGEST_ROW, type Row } from "./row.ts";

/** Where more than lines of cells begins. */
export interface Rest {
  /** From the first line that is not plain on. */
  readonly text: string;
  /** Lines before it. */
  readonly lines: number;
  /** What ends a line; undefined before the end of the first. */
  readonly newline: string | undefined;
}

/** V8 makes longer parts of a string point into it, and a class name must not keep all of the text in memory that it stands in. */
const LONGEST_COPY = 12;
const own = (cell: string): string => (cell.length <= LONGEST_COPY ? cell : ` ${cell}`.slice(1));

/** Another kind of line's end in it is part of a cell, and counted. */
const isOneLine = (line: string): boolean => line.length <= LONGEST_ROW && !line.includes("\r") && !line.includes("\n");

export class PlainRows {
  readonly #separator: string;
  readonly #quote: string | undefined;
  readonly #take: (row: Row) => void;
  /** As the first line ends, so do all. */
  #newline: string | undefined;
  /** A line that has not ended. */
  #open = "";
  #lines = 0;

  constructor(separator: string, quote: string | undefined, take: (row: Row) => void) {
    this.#separator = separator;
    this.#quote = quote;
    this.#take = take;
  }

  /** Takes the whole lines of a part. What it returns is not taken, and nothing is pushed after it. */
  push(part: string): Rest | undefined {
    const text = this.#open + part;
    const quoteAt = this.#quote === undefined ? -1 : text.indexOf(this.#quote);
    if (this.#newline === undefined) {
      const found = /\r\n?|\n/.exec(quoteAt < 0 ? text : text.slice(0, quoteAt))?.[0];
      // Between the two characters of a line's end, a part may end.
      const isCut = found === "\r" && text.indexOf("\r") === text.length - 1;
      if (found === "\r" && !isCut) return { text, lines: 0, newline: undefined };
      this.#newline = isCut ? undefined : found;
    }
    const newline = this.#newline;
    let start = 0;
    let isPlain = quoteAt < 0;
    if (newline !== undefined) {
      for (let end = text.indexOf(newline); end >= 0 && (quoteAt < 0 || end < quoteAt); end = text.indexOf(newline, start)) {
        const line = text.slice(start, end);
        if (!isOneLine(line)) {
          isPlain = false;
          break;
        }
        this.#line(line);
        start = end + newline.length;
      }
    }
    this.#open = text.slice(start);
    return isPlain && this.#open.length <= LONGEST_ROW ? undefined : this.#rest();
  }

  /** The last line need not end. */
  end(): Rest | undefined {
    if (!isOneLine(this.#open)) return this.#rest();
    this.#line(this.#open);
    return undefined;
  }

  #rest(): Rest {
    return { text: this.#open, lines: this.#lines, newline: this.#newline };
  }

  #line(line: string): void {
    this.#lines++;
    if (line !== "") this.#take({ cells: line.split(this.#separator).map(own), line: this.#lines });
  }
}

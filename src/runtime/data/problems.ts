// Collects what is wrong with the rows or files of a data set, so that one run reports more than the first of a hundred faults.

import { DataError } from "../errors.ts";

const SHOWN = 5;

export class Problems {
  readonly #shown: string[] = [];
  #count = 0;

  add(problem: string, more = 0): void {
    this.#count += 1 + more;
    if (this.#shown.length < SHOWN) this.#shown.push(problem);
  }

  /** Throws when anything was added. */
  check(what: string, hint: string): void {
    if (this.#count === 0) return;
    const rest = this.#count - this.#shown.length;
    const lines = rest > 0 ? [...this.#shown, `… and ${rest} more`] : this.#shown;
    throw new DataError(`${what}:\n${lines.map((line) => `  ${line}`).join("\n")}`, hint);
  }
}

/** Lines with something that may be a problem, which only the lines after them decide. */
export class Cases {
  readonly #shown: (readonly [line: number, what: string])[] = [];
  #count = 0;

  get count(): number {
    return this.#count;
  }

  /** @param what asked where it is among the first: there may be one in every row */
  add(line: number, what: () => string): void {
    this.#count++;
    if (this.#shown.length < SHOWN) this.#shown.push([line, what()]);
  }

  report(problems: Problems, text: (line: number, what: string) => string): void {
    this.#shown.forEach(([line, what], i) => problems.add(text(line, what), i === 0 ? this.#count - this.#shown.length : 0));
  }
}

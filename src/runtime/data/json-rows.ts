// Lines of JSON, an object each, as the rows of a table: the keys of the first line are the names of the columns.

import { DataError } from "../errors.ts";
import { LONGEST_ROW, type Row } from "./row.ts";

export class JsonRows {
  readonly #path: string;
  readonly #take: (row: Row) => void;
  #rest = "";
  #line = 0;
  /** Key to position; undefined before the first line. */
  #keys: ReadonlyMap<string, number> | undefined;

  constructor(path: string, take: (row: Row) => void) {
    this.#path = path;
    this.#take = take;
  }

  push(part: string): void {
    const lines = (this.#rest + part).split("\n");
    this.#rest = lines.pop() ?? "";
    if (this.#rest.length > LONGEST_ROW) throw this.#fault("is longer than a row may be");
    for (const line of lines) this.#read(line);
  }

  end(): void {
    this.#read(this.#rest);
    this.#rest = "";
  }

  #read(text: string): void {
    this.#line++;
    if (text.trim() === "") return;
    const entries = Object.entries(this.#parse(text));
    if (this.#keys === undefined) {
      this.#keys = new Map(entries.map(([key], i) => [key, i]));
      this.#take({ cells: [...this.#keys.keys()], line: this.#line });
    }
    const cells = new Array<string>(this.#keys.size).fill("");
    for (const [key, value] of entries) {
      const at = this.#keys.get(key);
      if (at === undefined) throw this.#fault(`has a key ${JSON.stringify(key)}, which the first line has not`);
      const cell = cellOf(value);
      if (cell === undefined)
        throw this.#fault(`holds in ${JSON.stringify(key)} what is no number, text, true or false, or list of numbers or names`);
      cells[at] = cell;
    }
    this.#take({ cells, line: this.#line });
  }

  #parse(text: string): object {
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch {
      throw this.#fault("is no JSON");
    }
    if (typeof value !== "object" || value === null || Array.isArray(value)) throw this.#fault("is no object");
    return value;
  }

  #fault(what: string): DataError {
    return new DataError(`${this.#path}:${this.#line}: the line ${what}`, 'each line is an object such as {"age": 3, "city": "Bern"}');
  }
}

/** As a cell of text holds it; a missing value is an empty cell. */
function cellOf(value: unknown): string | undefined {
  if (value === null) return "";
  if (typeof value === "number" || typeof value === "boolean" || typeof value === "string") return String(value);
  if (!Array.isArray(value)) return undefined;
  if (value.length > 0 && value.every((it) => typeof it === "number")) return value.join(" ");
  // The classes of a row, as a cell of text has them.
  return value.every((it) => typeof it === "string" && !/[,;|]/.test(it)) ? value.join(",") : undefined;
}

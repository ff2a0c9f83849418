// Where a verb writes, and how: lines for people, one JSON object per line for programs, colour only where it is wanted.

import { visible, visibleJson, type Style } from "../diagnostics.ts";
import type { CliEvent } from "./events.ts";
import type { Toolchain } from "./toolchain.ts";

export interface OutputStream {
  write(text: string): unknown;
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
}

/** Everything of the process that the command line touches; tests put their own. */
export interface CliIo {
  readonly stdout: OutputStream;
  readonly stderr: OutputStream;
  /** Opened by who reads it. */
  readonly stdin?: () => AsyncIterable<Uint8Array>;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly toolchain: Toolchain;
}

const CODES = { red: 31, yellow: 33, blue: 34, cyan: 36, green: 32, dim: 2, bold: 1 } as const;
export type Paint = (format: keyof typeof CODES, text: string) => string;

export class Terminal {
  readonly io: CliIo;
  /** For each stream its own: one may go to a file. */
  readonly paintOut: Paint;
  readonly paintErr: Paint & Style;
  /** True when stdout is for programs: then everything for people goes to stderr. */
  readonly json: boolean;
  /**
   * Begins a colour within a text; a name that somebody chose before this process was there cannot hold it. Loading cryptography for that
   * would be a tenth of the time that it takes to check a spec.
   */
  readonly #mark = `\u001b${Math.random().toString(36).slice(2)}${Math.random().toString(36).slice(2)}:`;
  #live = "";

  constructor(io: CliIo, options: { readonly json?: boolean | undefined; readonly color?: boolean | undefined }) {
    this.io = io;
    this.json = options.json === true;
    const painter = (stream: OutputStream): Paint => {
      const forced = (io.env["FORCE_COLOR"] ?? "0") !== "0";
      const wanted = options.color !== false && (io.env["NO_COLOR"] ?? "") === "" && io.env["TERM"] !== "dumb";
      return wanted && (forced || stream.isTTY === true)
        ? (format, text) => `${this.#mark}${CODES[format]}m${text}${this.#mark}0m`
        : (_, text) => text;
    };
    this.paintOut = painter(io.stdout);
    this.paintErr = painter(io.stderr);
  }

  /** All output to people goes through here: what is not a colour of ours is text. */
  #shown(text: string): string {
    const [first = "", ...painted] = text.split(this.#mark);
    return (
      visible(first) +
      painted.map((part) => `\u001b[${part.slice(0, part.indexOf("m") + 1)}${visible(part.slice(part.indexOf("m") + 1))}`).join("")
    );
  }

  /** A result for people. With `--json` results are objects, and this goes nowhere. */
  line(text = ""): void {
    if (this.json) return;
    this.clearLive();
    this.io.stdout.write(`${this.#shown(text)}\n`);
  }

  /** A remark: what is being done, a warning. */
  note(text: string): void {
    this.clearLive();
    this.io.stderr.write(`${this.#shown(text)}\n`);
  }

  warn(text: string): void {
    this.note(`${this.paintErr("yellow", this.paintErr("bold", "warning"))}: ${text}`);
  }

  /** An error that does not end the verb. */
  fail(message: string, hint = ""): void {
    this.note(`${this.paintErr("red", this.paintErr("bold", "error"))}: ${message}`);
    if (hint !== "") this.note(`  ${this.paintErr("cyan", "= help:")} ${hint}`);
  }

  /** A remark that programs are told as well. */
  remark(message: string): void {
    this.note(message);
    this.object({ event: "note", message });
  }

  /** One line on stdout, with `--json` only. */
  object(value: CliEvent): void {
    if (this.json) this.io.stdout.write(`${visibleJson(value)}\n`);
  }

  get isLive(): boolean {
    return !this.json && this.io.stderr.isTTY === true;
  }

  /** The line that is written over and over. Cut to the width, since a wrapped line cannot be taken back. */
  live(text: string): void {
    if (!this.isLive) return;
    this.#live = visible(text).slice(0, (this.io.stderr.columns ?? 80) - 1);
    this.io.stderr.write(`\r${this.#live}\u001b[K`);
  }

  clearLive(): void {
    if (this.#live === "") return;
    this.#live = "";
    this.io.stderr.write("\r\u001b[K");
  }
}

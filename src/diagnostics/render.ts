// Diagnostics as text: a code frame with the line, a caret under the span, notes and the remedy. And as JSON, for programs.

import type { Diagnostic, Note, Span } from "./types.ts";
import { visible } from "./visible.ts";

/** The text of each file that a span may name. */
export type Sources = ReadonlyMap<string, string>;

/** Paints text; `node:util`'s `styleText` fits. Left out: no colour. */
export type Style = (format: "red" | "yellow" | "blue" | "cyan" | "bold", text: string) => string;

export interface RenderOptions {
  readonly style?: Style;
  /** How a file is shown, e.g. relative to the working directory. */
  readonly fileName?: (file: string) => string;
}

export interface Position {
  /** Both from 1; the column counts UTF-16 units. */
  readonly line: number;
  readonly column: number;
}

/** Longer lines are shown from around the caret only. */
const WIDEST = 140;

export function positionOf(text: string, offset: number): Position {
  let line = 1;
  let lineStart = 0;
  for (let at = text.indexOf("\n"); at !== -1 && at < offset; at = text.indexOf("\n", at + 1)) {
    line++;
    lineStart = at + 1;
  }
  return { line, column: Math.max(0, Math.min(offset, text.length) - lineStart) + 1 };
}

/** `net.tlspec:3:9`. */
export function placeOf({ file, start }: Span, sources: Sources): string {
  const { line, column } = positionOf(sources.get(file) ?? "", start);
  return `${file}:${line}:${column}`;
}

export function renderDiagnostics(diagnostics: readonly Diagnostic[], sources: Sources, options: RenderOptions = {}): string {
  return diagnostics.map((diagnostic) => renderDiagnostic(diagnostic, sources, options)).join("\n");
}

export function renderDiagnostic(diagnostic: Diagnostic, sources: Sources, options: RenderOptions = {}): string {
  const style: Style = options.style ?? ((_, text) => text);
  const colour = diagnostic.severity === "error" ? "red" : "yellow";
  const lines = [
    `${style(colour, style("bold", `${diagnostic.severity}[${diagnostic.code}]`))}: ${style("bold", visible(diagnostic.message))}`,
  ];
  lines.push(...frame(diagnostic.span, sources, options, (text) => style(colour, text)));
  for (const note of diagnostic.notes) lines.push(...renderNote(note, sources, options, style));
  if (diagnostic.hint !== undefined) lines.push(`  ${style("cyan", "= help:")} ${visible(diagnostic.hint)}`);
  return lines.join("\n") + "\n";
}

function renderNote(note: Note, sources: Sources, options: RenderOptions, style: Style): string[] {
  const head = `  ${style("blue", "= note:")} ${visible(note.text)}`;
  return note.span === undefined ? [head] : [head, ...frame(note.span, sources, options, (text) => style("blue", text))];
}

function frame(span: Span, sources: Sources, options: RenderOptions, paint: (text: string) => string): string[] {
  const text = sources.get(span.file);
  const name = visible(options.fileName?.(span.file) ?? span.file);
  if (text === undefined) return [`  --> ${name}`];
  const { line, column } = positionOf(text, span.start);
  const lineStart = Math.min(span.start, text.length) - (column - 1);
  const newline = text.indexOf("\n", lineStart);
  const lineEnd = newline === -1 ? text.length : newline;
  const from = column - 1 > WIDEST - 40 ? lineStart + column - 1 - 40 : lineStart;
  const to = Math.min(lineEnd, from + WIDEST);
  const start = Math.min(span.start, text.length);
  const carets = Math.max(1, Math.min(span.end, to) - start);
  // A tab under a tab keeps the caret below its character, whatever the tab's width.
  const indent = text.slice(from, start).replaceAll(/[^\t]/g, " ");
  const gutter = " ".repeat(String(line).length);
  const cutLeft = from > lineStart ? "…" : "";
  return [
    `  --> ${name}:${line}:${column}`,
    ` ${gutter} |`,
    ` ${line} | ${cutLeft}${visible(text.slice(from, to).replace(/\r$/, ""))}${to < lineEnd ? "…" : ""}`,
    ` ${gutter} | ${cutLeft === "" ? "" : " "}${indent}${paint("^".repeat(carets))}`,
  ];
}

/** A place in a file. */
export interface PlaceJson extends Span {
  /** From 1; absent where there is no text to point into. */
  readonly line?: number;
  /** From 1, in UTF-16 units. */
  readonly column?: number;
}

/** A diagnostic as JSON. */
export interface DiagnosticJson extends PlaceJson {
  /** Of the catalogue: `tlc explain CODE` tells more. */
  readonly code: string;
  readonly severity: "error" | "warning";
  readonly message: string;
  /** Further places and facts. */
  readonly notes: readonly ({ readonly text: string } & Partial<PlaceJson>)[];
  /** What to write instead. */
  readonly hint?: string;
}

/** With lines and columns beside the offsets. */
export function diagnosticToJson(diagnostic: Diagnostic, sources: Sources): DiagnosticJson {
  const place = (span: Span): PlaceJson => {
    const text = sources.get(span.file);
    return text === undefined ? { ...span } : { ...span, ...positionOf(text, span.start) };
  };
  return {
    code: diagnostic.code,
    severity: diagnostic.severity,
    message: diagnostic.message,
    ...place(diagnostic.span),
    notes: diagnostic.notes.map((note) => ({ text: note.text, ...(note.span === undefined ? {} : place(note.span)) })),
    ...(diagnostic.hint === undefined ? {} : { hint: diagnostic.hint }),
  };
}

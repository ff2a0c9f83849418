// The JSON form of a spec: checked against the published schema, then given the spans that a program has no reason to write.
// Loaded only when a `.json` spec is read.

import type { DiagnosticSink, Span } from "../diagnostics.ts";
import { schemaProblem } from "../ir/schema-problem.ts";
import { validatorOf, type Identified } from "../ir/schema-validator.ts";
import type { Spec } from "./ast.ts";
import { LIMITS } from "./limits.ts";

/** Levels of JSON for `LIMITS.depth` levels of brackets: an argument list, an argument and its value for each. */
const JSON_DEPTH = 6 * LIMITS.depth;

export type SpecValidator = (file: string, text: string, sink: DiagnosticSink) => Spec | undefined;

/** @param schema the content of specs/schema/tlspec.schema.json */
export function createSpecValidator(schema: Identified): SpecValidator {
  const validate = validatorOf(schema);
  return (file, text, sink) => {
    const whole: Span = { file, start: 0, end: Math.min(1, text.length) };
    if (text.length > LIMITS.fileLength) {
      sink.report("file-too-large", whole, { bytes: text.length, most: LIMITS.fileLength });
      return undefined;
    }
    const value = parseJson(text, whole, sink);
    if (value === undefined) return undefined;
    if (tooDeep(value)) {
      sink.report("too-deep", whole, { most: LIMITS.depth });
      return undefined;
    }
    const problem = schemaProblem(validate, value);
    if (problem !== undefined) {
      sink.report("json-schema", whole, { path: problem.path, reason: problem.reason });
      return undefined;
    }
    return withSpans(value, file, text.length) as Spec;
  };
}

function parseJson(text: string, whole: Span, sink: DiagnosticSink): unknown {
  try {
    // A key `__proto__` would become an own property, which the schema refuses like any other unknown one.
    return JSON.parse(text) as unknown;
  } catch (error) {
    const reason = error instanceof Error ? error.message : "unknown";
    const at = /position (\d+)/.exec(reason)?.[1];
    const start = Math.min(at === undefined ? 0 : Number(at), Math.max(0, text.length - 1));
    sink.report("bad-json", { ...whole, start, end: start + 1 }, { reason: reason.replace(/ \(line.*$/, "").replace(/, ".*$/s, "") });
    return undefined;
  }
}

/** Level by level, so that no depth of input can use up the stack. */
function tooDeep(value: unknown): boolean {
  let level: unknown[] = [value];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > JSON_DEPTH) return true;
    level = level
      .flatMap((it) => (typeof it === "object" && it !== null ? Object.values<unknown>({ ...it }) : []))
      .filter((it) => typeof it === "object");
  }
  return false;
}

const NAMED: Readonly<Record<string, string>> = { name: "nameSpan", index: "indexSpan", dtype: "dtypeSpan" };

/** Spans that were left out point at the beginning of the file; those that are given, at places in it. */
function withSpans(value: unknown, file: string, length: number): unknown {
  const span: Span = { file, start: 0, end: 1 };
  if (Array.isArray(value)) return value.map((it) => withSpans(it, file, length));
  if (typeof value !== "object" || value === null) return value;
  const copy: Record<string, unknown> = { span };
  for (const [key, it] of Object.entries(value))
    copy[key] = key.toLowerCase().endsWith("span") ? within(it as Span, file, length) : withSpans(it, file, length);
  for (const [key, spanKey] of Object.entries(NAMED)) if (typeof copy[key] === "string") copy[spanKey] ??= span;
  if (typeof copy["from"] === "string") copy["fromSpan"] ??= span;
  return copy;
}

function within({ start, end }: Span, file: string, length: number): Span {
  const from = Math.min(start, length);
  return { file, start: from, end: Math.max(from, Math.min(end, length)) };
}

// What the tests of the language share: loading specs from memory, the AST without spans.

import { readFileSync, existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { DiagnosticSink, renderDiagnostics } from "../../src/diagnostics.ts";
import type { Spec } from "../../src/dsl/ast.ts";
import { loadSpec } from "../../src/dsl/index.ts";
import type { LoadedSpec, SpecHost } from "../../src/dsl/index.ts";
import { parseSpec } from "../../src/dsl/parse.ts";
import { createSpecValidator } from "../../src/dsl/schema.ts";

export const ROOT = fileURLToPath(new URL("../..", import.meta.url));
export const SPECS = join(ROOT, "specs");

export const validator = createSpecValidator(
  JSON.parse(readFileSync(join(SPECS, "schema/tlspec.schema.json"), "utf8")) as { readonly $id: string },
);

export const readText = (path: string): string | undefined => (existsSync(path) ? readFileSync(path, "utf8") : undefined);

/** Files in memory, and the real zoo. */
export const hostOf = (files: Readonly<Record<string, string>> = {}): SpecHost => ({
  readFile: (path) => (Object.hasOwn(files, path) ? files[path] : readText(path)),
  zoo: join(SPECS, "zoo"),
  parseJson: validator,
});

export const load = (text: string, files: Readonly<Record<string, string>> = {}, path = "main.tlspec"): LoadedSpec =>
  loadSpec(path, text, hostOf(files));

/** The spec, with a failure that shows its diagnostics if it has any. */
export function loadClean(text: string, files: Readonly<Record<string, string>> = {}): LoadedSpec {
  const spec = load(text, files);
  if (spec.sink.list().length > 0) throw new Error(renderDiagnostics(spec.sink.list(), spec.sources));
  return spec;
}

export function parseClean(text: string): Spec {
  const sink = new DiagnosticSink();
  const { spec } = parseSpec("main.tlspec", text, sink);
  if (sink.list().length > 0) throw new Error(renderDiagnostics(sink.list(), new Map([["main.tlspec", text]])));
  return spec;
}

export const codesOf = (spec: LoadedSpec): string[] => spec.sink.list().map(({ code }) => code);

/** For comparing what was said, wherever it stands. */
export const withoutSpans = (value: unknown): unknown =>
  JSON.parse(JSON.stringify(value, (key, it: unknown) => (key.toLowerCase().endsWith("span") ? undefined : it))) as unknown;

// Malformed specs and what is said about each, word for word. A case is a folder named by the code it is about, with input.tlspec
// (or input.json) and expected.txt; lines `//! set TEXT`, `//! recipe NAME`, `//! data JSON` and `//! weights JSON` at its top are the
// command line's part, the data's, and the header of a file of weights. UPDATE=1 writes what is said now; read the difference before committing it.

import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { CATALOGUE, DiagnosticSink, diagnosticToJson, explain, renderDiagnostics } from "../../src/diagnostics.ts";
import type { DiagnosticName } from "../../src/diagnostics.ts";
import { checkContract, checkSpec, elaborate, loadSpec, planRecipe } from "../../src/dsl/index.ts";
import { createBuilder } from "../../src/ir/builder.ts";
import type { DataInfo } from "../../src/ir/plan.ts";
import { hostOf, readText, ROOT, validator } from "./support.ts";

const FOLDER = join(ROOT, "test/dsl/diagnostics");

/** Inputs too large to keep as files. */
const GENERATED: Readonly<Record<string, () => string>> = {
  "TL0901-two-megabytes": () => "// long\n".repeat(1 << 18),
  "TL0903-many-words": () => `network a {\n${"  relu -> relu -> relu -> relu -> relu\n".repeat(25_000)}}\n`,
};

function say(folder: string): string {
  const name = existsSync(join(folder, "input.json")) ? "input.json" : "input.tlspec";
  const generated = GENERATED[folder.slice(FOLDER.length + 1)];
  const text = generated?.() ?? readFileSync(join(folder, name), "utf8");
  const directives = [...text.matchAll(/^\/\/! (\w+) (.*)$/gm)];
  const given = (key: string): string[] => directives.filter(([, it]) => it === key).map(([, , value = ""]) => value);
  const [dataJson] = given("data");
  const dataInfo = dataJson === undefined ? undefined : (JSON.parse(dataJson) as DataInfo);

  const [header] = given("weights").map((json) =>
    Object.entries(JSON.parse(json) as Readonly<Record<string, readonly [string, ...number[]]>>),
  );
  const tensors = header && new Map(header.map(([tensor, [dtype, ...shape]]) => [tensor, { dtype, shape }]));

  const host = {
    readFile: (path: string) => readText(join(folder, path)) ?? (path.startsWith("zoo/") ? readText(join(ROOT, "specs", path)) : undefined),
    zoo: "zoo",
    parseJson: validator,
  };
  const spec = loadSpec(name, text, host);
  const [recipe] = given("recipe");
  if (recipe !== undefined) {
    const planned = planRecipe(spec, { ...(recipe === "-" ? {} : { recipe }), overrides: given("set") });
    if (planned !== undefined) elaborate(spec, planned, { builder: createBuilder(), ...(dataInfo === undefined ? {} : { dataInfo }) });
  } else
    checkSpec(spec, {
      builder: createBuilder,
      overrides: given("set"),
      dataInfo: () => dataInfo,
      ...(tensors && { weights: (planned, parameters) => void checkContract(planned, parameters, tensors, spec.sink) }),
    });
  return renderDiagnostics(spec.sink.list(), spec.sources);
}

const cases = readdirSync(FOLDER, { withFileTypes: true })
  .filter((it) => it.isDirectory())
  .map(({ name }) => name);

describe("golden diagnostics", () => {
  it.each([...new Set([...cases, ...Object.keys(GENERATED)])].sort())("%s", (name) => {
    const folder = join(FOLDER, name);
    const said = say(folder);
    const path = join(folder, "expected.txt");
    if (process.env["UPDATE"] === "1") {
      mkdirSync(folder, { recursive: true });
      writeFileSync(path, said);
    }
    expect(said).toBe(readText(path));
    expect(said).toContain(`[${name.slice(0, 6)}]`);
  });
});

/** Reported by other parts of the compiler. */
const ELSEWHERE: readonly DiagnosticName[] = [
  "data-unreadable",
  "no-such-data",
  "data-not-there",
  "weights-unreadable",
  "no-data",
  "batch-larger-than-data",
  "class-without-examples",
  "example-in-two-splits",
  "like-example-in-two-splits",
  "large-labels",
  "too-large-to-compile",
];

describe("the catalogue", () => {
  const names = Object.keys(CATALOGUE) as DiagnosticName[];

  it("has a golden case for every code", () => {
    const covered = new Set([...cases, ...Object.keys(GENERATED)].map((name) => name.slice(0, 6)));
    const missing = names.filter((name) => !ELSEWHERE.includes(name) && !covered.has(CATALOGUE[name].code));
    expect(missing).toEqual([]);
  });

  it("has over 100 cases", () => {
    expect(cases.length).toBeGreaterThan(100);
  });

  it("uses each code once", () => {
    const codes = names.map((name) => CATALOGUE[name].code);
    expect(new Set(codes).size).toBe(codes.length);
  });

  it.each(names)("explains %s", (name) => {
    const { code, wrong, right } = CATALOGUE[name];
    const page = explain(code.toLowerCase()) ?? "";
    expect(page).toContain(wrong.split("\n")[0]);
    expect(page).toContain(right.split("\n")[0]);
  });
});

describe("rendering", () => {
  const sources = new Map([["a.tlspec", "network a {\n\tconv2: relu\n}\n"]]);
  const sink = new DiagnosticSink();
  sink.report(
    "unknown-name",
    { file: "a.tlspec", start: 13, end: 18 },
    { name: "conv2\u001b[31m", what: "layer" },
    { hint: "did you mean `conv2d`?", notes: [{ text: "a note" }] },
  );
  const [diagnostic] = sink.list();

  it("keeps tabs under tabs, and terminal escapes out", () => {
    expect(renderDiagnostics(sink.list(), sources)).toBe(
      [
        "error[TL0201]: there is no layer `conv2\ufffd[31m`",
        "  --> a.tlspec:2:2",
        "   |",
        " 2 | \tconv2: relu",
        "   | \t^^^^^",
        "  = note: a note",
        "  = help: did you mean `conv2d`?",
        "",
      ].join("\n"),
    );
  });

  it("shows long lines from around the caret", () => {
    const long = `${"a".repeat(500)} b ${"c".repeat(500)}`;
    const text = renderDiagnostics(
      [{ code: "TL0000", severity: "error", span: { file: "x", start: 501, end: 502 }, message: "m", notes: [] }],
      new Map([["x", long]]),
    );
    const [, , , shown = "", carets = ""] = text.split("\n");
    expect(shown.length).toBeLessThan(160);
    expect(shown[carets.indexOf("^")]).toBe("b");
  });

  it("has a form for programs", () => {
    expect(diagnostic === undefined ? {} : diagnosticToJson(diagnostic, sources)).toMatchObject({
      code: "TL0201",
      severity: "error",
      file: "a.tlspec",
      line: 2,
      column: 2,
      notes: [{ text: "a note" }],
    });
  });

  it("counts a flood without keeping it", () => {
    const flood = new DiagnosticSink();
    for (let i = 0; i < 5000; i++) flood.report("unexpected-character", { file: "x", start: i, end: i + 1 }, { character: "@" });
    expect(flood.list().length).toBe(1000);
    expect(flood.errors).toBe(5000);
  });
});

export { hostOf };

// The reference pages that derive from the code: every layer, optimizer and data step with its arguments, and every diagnostic; and the words
// in the JSON form's schema. UPDATE=1 writes them.

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { CATALOGUE } from "../../src/diagnostics.ts";
import type { CatalogueEntry } from "../../src/diagnostics.ts";
import { describeArgument } from "../../src/ir/recipe/argument-rules.ts";
import type { ArgSpecs } from "../../src/ir/recipe/arguments.ts";
import { LAYERS } from "../../src/dsl/layers/index.ts";
import type { Word } from "../../src/ir/recipe/define.ts";
import { GLOSSARY } from "../../src/ir/recipe/index.ts";
import { parseSpec } from "../../src/dsl/parse.ts";
import { DiagnosticSink } from "../../src/diagnostics.ts";
import { ROOT } from "./support.ts";

const NOTE = "<!-- Written by `UPDATE=1 npx vitest run test/dsl/docs.test.ts` from the code. -->";

const args = (specs: ArgSpecs): string =>
  Object.entries(specs)
    .map(
      ([name, spec]) =>
        `\`${name}\`${"default" in spec ? ` = ${JSON.stringify(spec.default)}` : ""}: ${spec.doc} (${describeArgument(spec)})`,
    )
    .join("<br>");
const table = (head: string, rows: readonly (readonly string[])[]): string =>
  [`| ${head} | what it does | arguments, in their order |`, "|---|---|---|", ...rows.map((row) => `| ${row.join(" | ")} |`)].join("\n");
const doc = ({ doc: text, presets = {} }: Word): string =>
  [
    text,
    ...(Object.keys(presets).length === 0
      ? []
      : [
          `by name: ${Object.keys(presets)
            .map((name) => `\`${name}\``)
            .join(", ")}`,
        ]),
  ].join("; ");

const reference = (): string =>
  [
    "# Layers, and the words of recipes and data sets",
    NOTE,
    "`tlc explain NAME` prints one of these.",
    "## Layers",
    table(
      "layer",
      LAYERS.map(({ name, doc: text, takes, args: specs }) => [`\`${name}\``, `${text}; takes ${takes}`, args(specs)]),
    ),
    ...GLOSSARY.flatMap(({ title, kind, words }) => [
      `## ${title}`,
      table(
        kind,
        words.map((word) => [`\`${word.name}\``, doc(word), args(word.args)]),
      ),
    ]),
    "",
  ].join("\n\n");

const diagnostics = (): string => {
  const entries: readonly CatalogueEntry<never>[] = Object.values(CATALOGUE).sort((a, b) => (a.code < b.code ? -1 : 1));
  const pages = entries.map(
    ({ code, title, explanation, wrong, right }) =>
      `## ${code}: ${title}\n\n${explanation}\n\nWrong:\n\n\`\`\`tlspec\n${wrong}\n\`\`\`\n\nRight:\n\n\`\`\`tlspec\n${right}\n\`\`\``,
  );
  return ["# Diagnostics", NOTE, "`tlc explain CODE` prints one of these.", ...pages, ""].join("\n\n");
};

const SCHEMA = join(ROOT, "specs/schema/tlspec.schema.json");

/** What stands where a word may: for editors, and for programs that write specs. The fix for a wrong one is the diagnostic's, not Ajv's. */
const words = (): Readonly<Record<string, unknown>> => {
  const signature = ({ args: specs }: Pick<Word, "args">): string =>
    Object.entries(specs)
      .map(([name, spec]) => `; ${name}: ${spec.doc} (${describeArgument(spec)})`)
      .join("");
  const entry = (word: Pick<Word, "name" | "doc" | "args">) => ({ const: word.name, description: `${word.doc}${signature(word)}` });
  return {
    description:
      "The names that `ref` and the callee of `call` may have by where they stand, with the arguments that each takes in their order.",
    properties: {
      layer: { oneOf: LAYERS.map(entry) },
      ...Object.fromEntries(GLOSSARY.map(({ kind, words: of }) => [kind, { oneOf: of.map(entry) }])),
    },
  };
};

describe("the schema of the JSON form", () => {
  it("names every word", () => {
    const text = readFileSync(SCHEMA, "utf8");
    const schema = JSON.parse(text) as { $defs: Record<string, unknown> };
    schema.$defs["words"] = words();
    const wanted = `${JSON.stringify(schema, undefined, 2)}\n`;
    if (process.env["UPDATE"] === "1") writeFileSync(SCHEMA, wanted);
    expect(readFileSync(SCHEMA, "utf8")).toBe(wanted);
  });
});

describe("reference pages", () => {
  it.each([
    ["reference.md", reference],
    ["diagnostics.md", diagnostics],
  ])("docs/%s is up to date", (name, make) => {
    const path = join(ROOT, "docs", name);
    if (process.env["UPDATE"] === "1") {
      mkdirSync(join(ROOT, "docs"), { recursive: true });
      writeFileSync(path, make());
    }
    expect(make()).toBe(readFileSync(path, "utf8"));
  });

  it("docs/language.md shows only what parses", () => {
    const text = readFileSync(join(ROOT, "docs/language.md"), "utf8");
    const examples = [...text.matchAll(/```tlspec\n(.*?)```/gs)].map(([, example = ""]) => example);
    expect(examples.length).toBeGreaterThanOrEqual(5);
    for (const example of examples) {
      const sink = new DiagnosticSink();
      parseSpec("example.tlspec", example, sink);
      expect(sink.list()).toEqual([]);
    }
  });
});

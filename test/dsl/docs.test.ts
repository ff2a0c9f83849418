// The reference pages that derive from the code: every layer, optimizer and data step with its arguments, and every diagnostic.
// UPDATE=1 writes them.

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { CATALOGUE } from "../../src/diagnostics.ts";
import type { CatalogueEntry } from "../../src/diagnostics.ts";
import { AUGMENT, LOSSES, METRICS, OPTIMIZERS, PREPROCESS } from "../../src/dsl/choices.ts";
import type { Choices } from "../../src/dsl/choices.ts";
import { describeArgument } from "../../src/dsl/layers/arguments.ts";
import type { ArgSpecs } from "../../src/dsl/layers/define.ts";
import { LAYERS } from "../../src/dsl/layers/index.ts";
import { parseSpec } from "../../src/dsl/parse.ts";
import { DiagnosticSink } from "../../src/diagnostics.ts";
import { ROOT } from "./support.ts";

const NOTE = "<!-- Written by `UPDATE=1 npx vitest run test/dsl/docs.test.ts` from the code. -->";

const args = (specs: ArgSpecs): string =>
  Object.entries(specs)
    .map(
      ([name, spec]) =>
        `\`${name}\`${"default" in spec ? ` = ${JSON.stringify(spec.default)}` : ""}: ${spec.doc} (${describeArgument(spec.type)})`,
    )
    .join("<br>");
const table = (head: string, rows: readonly (readonly string[])[]): string =>
  [`| ${head} | what it does | arguments, in their order |`, "|---|---|---|", ...rows.map((row) => `| ${row.join(" | ")} |`)].join("\n");
const choices = (head: string, list: Choices): string =>
  table(
    head,
    Object.entries(list).map(([name, { doc, args: specs }]) => [`\`${name}\``, doc, args(specs)]),
  );

const reference = (): string =>
  [
    "# Layers, losses, optimizers, data steps",
    NOTE,
    "## Layers",
    table(
      "layer",
      LAYERS.map(({ name, doc, takes, args: specs }) => [`\`${name}\``, `${doc}; takes ${takes}`, args(specs)]),
    ),
    "## Losses",
    choices("loss", LOSSES),
    `Metrics: ${METRICS.map((metric) => `\`${metric}\``).join(", ")}.`,
    "## Optimizers",
    choices("optimizer", OPTIMIZERS),
    "## Preprocessing",
    choices("step", PREPROCESS),
    "## Augmentation",
    choices("step", AUGMENT),
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

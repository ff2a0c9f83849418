// Specs with words left out, doubled, moved and replaced: each is answered by diagnostics, or is a spec.

import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { createBuilder } from "../src/ir/builder.ts";
import { renderDiagnostics } from "../src/diagnostics.ts";
import { checkSpec, loadSpec } from "../src/dsl/index.ts";
import { createSpecValidator } from "../src/dsl/schema.ts";
import { Failure, below, pick, type Case, type Fuzzer } from "./fuzzer.ts";
import { mutateJson } from "./mutate-json.ts";
import { mutateText } from "./mutate-bytes.ts";
import { parseSpec } from "../src/dsl/parse.ts";
import { DiagnosticSink } from "../src/diagnostics.ts";

const WORDS = [
  ...[
    "network",
    "block",
    "recipe",
    "dataset",
    "input",
    "let",
    "for",
    "if",
    "else",
    "then",
    "in",
    "x",
    "freeze",
    "except",
    "stage",
    "import",
    "from",
  ],
  ...[
    "{",
    "}",
    "(",
    ")",
    "[",
    "]",
    ":",
    ",",
    "->",
    "..",
    "*",
    "**",
    "-1",
    "0",
    "1e400",
    "99999999999999999999",
    "0.5",
    "%",
    '"',
    "//",
    "\n",
    "\r",
    "\u0000",
  ],
  ...[
    "__proto__",
    "constructor",
    "valueOf",
    "toString",
    "f32",
    "i32",
    "conv2d",
    "linear",
    "lstm",
    "relu",
    "reshape",
    "concat",
    "\u202e",
    "\ud800",
    "𝒳",
  ],
];

function texts(folder: string): readonly string[] {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(".tlspec"))
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), "utf8"))
    .filter((text) => text.length < 20_000);
}

export const specs: Fuzzer = {
  doc: "specs with words left out, moved and replaced, as text and as JSON",
  count: 20_000,
  prepare: (): Case => {
    const seeds = [...texts("specs"), ...texts("test/dsl")];
    const parseJson = createSpecValidator(JSON.parse(readFileSync("specs/schema/tlspec.schema.json", "utf8")) as { readonly $id: string });
    const zoo = new Map(readdirSync("specs/zoo").map((name) => [`specs/zoo/${name}`, readFileSync(join("specs/zoo", name), "utf8")]));
    const host = { zoo: "specs/zoo", readFile: (path: string) => zoo.get(path), parseJson };
    const trees = seeds.map((text) => JSON.parse(JSON.stringify(parseSpec("a.tlspec", text, new DiagnosticSink()).spec)) as unknown);
    return (random) => {
      const isJson = below(random, 4) === 0;
      const text = isJson ? JSON.stringify(mutateJson(pick(random, trees), random)) : mutateText(pick(random, seeds), WORDS, random);
      const spec = loadSpec(isJson ? "a.json" : "a.tlspec", text, host);
      const diagnostics = checkSpec(spec, { builder: createBuilder });
      const shown = renderDiagnostics(diagnostics, spec.sources);
      // eslint-disable-next-line no-control-regex -- what must not be there
      if (/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e]/.test(shown)) throw new Failure("a control character is shown");
      for (const { span } of diagnostics)
        if (!(span.start >= 0 && span.end >= span.start)) throw new Failure(`a span from ${span.start} to ${span.end}`);
      return diagnostics.some(({ severity }) => severity === "error") ? "refused" : "accepted";
    };
  },
};

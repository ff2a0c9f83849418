// The lexer beside chevrotain's, with the same patterns: the same tokens in the same places, of every spec there is here and of random text.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { CstParser, Lexer } from "chevrotain";
import type { IToken } from "chevrotain";
import fc from "fast-check";
import { expect, it } from "vitest";
import { lex } from "../../src/dsl/lexer.ts";
import { ALL_TOKENS } from "../../src/dsl/tokens.ts";

const chevrotain = new Lexer(ALL_TOKENS, { positionTracking: "full", ensureOptimizations: false, skipValidations: true });

const plain = ({ tokenType, ...rest }: IToken): unknown => ({ ...rest, type: tokenType.name });

function same(text: string): void {
  const [ours, theirs] = [lex(text), chevrotain.tokenize(text)];
  expect(theirs.errors).toEqual([]);
  expect(ours.tokens.map(plain)).toEqual(theirs.tokens.map(plain));
  for (const group of ["unexpected", "docs"])
    expect((ours.groups[group] ?? []).map(plain)).toEqual((theirs.groups[group] ?? []).map(plain));
}

it("finds the tokens of every spec", () => {
  const files = ["specs", "test/dsl/diagnostics"].flatMap((folder) =>
    readdirSync(folder, { recursive: true, encoding: "utf8" })
      .filter((path) => path.endsWith(".tlspec"))
      .map((path) => join(folder, path)),
  );
  expect(files.length).toBeGreaterThan(150);
  for (const file of files) same(readFileSync(file, "utf8"));
});

it("finds the tokens of what is no spec", () => {
  const bits = [
    "a",
    "let",
    "1",
    "2.5",
    "1e-3",
    "3x",
    "50%",
    "7%(",
    ".",
    "..",
    "->",
    "-",
    "<=",
    "==",
    "=",
    "!=",
    "!",
    '"',
    "'",
    "\\",
    "/",
    "//",
    "///",
    " ",
    "\t",
    "\n",
    "\r",
    "\r\n",
    "\ufeff",
    "\ufffd",
    "é",
    "\u2028",
    "\0",
    "😀",
    "{",
    ")",
    "#",
  ];
  fc.assert(
    fc.property(
      fc.oneof(
        fc.array(fc.constantFrom(...bits)).map((it) => it.join("")),
        fc.string({ unit: "binary" }),
      ),
      same,
    ),
    { numRuns: 2000 },
  );
  for (let code = 0; code < 0x10000; code += code < 0x500 ? 1 : 61) same(`a${String.fromCharCode(code)}1`);
});

it("has no group of characters within a pattern, which would be counted", () => {
  for (const { PATTERN } of ALL_TOKENS)
    if (PATTERN instanceof RegExp) expect(PATTERN.source.replaceAll(/\\.|\[(?:\\.|[^\]])*\]/g, "")).not.toMatch(/\((?!\?)/);
});

it("has its types in their categories as chevrotain puts them there", () => {
  const before = ALL_TOKENS.map(({ name, tokenTypeIdx, categoryMatches, categoryMatchesMap, isParent }) =>
    structuredClone({ name, tokenTypeIdx, categoryMatches, categoryMatchesMap, isParent }),
  );
  // A parser makes all of it anew.
  new CstParser(ALL_TOKENS);
  for (const [i, type] of ALL_TOKENS.entries()) expect(type).toMatchObject(before[i]!);
  expect(before.filter(({ isParent }) => isParent).map(({ name }) => name)).toEqual(["Identifier", "BinaryOperator", "AnyToken"]);
});

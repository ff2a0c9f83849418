// One file's text to its AST: limits, tokens, concrete syntax, abstract syntax, and every fault on the way as a diagnostic.
// A declaration with a fault of syntax in it is left out, but its name is kept, so that uses of it are not faults too.

import { didYouMean } from "../diagnostics.ts";
import type { DiagnosticSink, Note, Span } from "../diagnostics.ts";
import type { DatasetSetting, Expr, RecipeSetting, Spec } from "./ast.ts";
import { LIMITS } from "./limits.ts";
import { parseTokens, TooDeep } from "./parser.ts";
import type { ParserFault, StartRule } from "./parser.ts";
import { datasetSettingFromCst, expressionFromCst, recipeSettingFromCst, specFromCst } from "./to-ast.ts";
import type { AstContext } from "./to-ast.ts";
import {
  BadNumber,
  Identifier,
  K,
  NumberLiteral,
  retype,
  S,
  SingleQuoted,
  specLexer,
  StringLiteral,
  UnterminatedString,
} from "./tokens.ts";
import type { Token } from "./tokens.ts";

export interface ParsedSpec {
  readonly spec: Spec;
  /** Names of declarations that could not be read. */
  readonly broken: ReadonlySet<string>;
}

export function parseSpec(file: string, text: string, sink: DiagnosticSink): ParsedSpec {
  const empty: ParsedSpec = {
    spec: { kind: "spec", span: { file, start: 0, end: text.length }, imports: [], declarations: [] },
    broken: new Set(),
  };
  return parseWith(file, text, "spec", sink, (cst, context) => specFromCst(cst, context, text)) ?? empty;
}

/** One setting alone, as `--set` gives it. */
export const parseRecipeSetting = (file: string, text: string, sink: DiagnosticSink): RecipeSetting | undefined =>
  parseWith(file, text, "recipeSetting", sink, (cst, context) => recipeSettingFromCst(cst, context, "a recipe"));

export const parseDatasetSetting = (file: string, text: string, sink: DiagnosticSink): DatasetSetting | undefined =>
  parseWith(file, text, "datasetSetting", sink, (cst, context) => datasetSettingFromCst(cst, context));

export const parseExpression = (file: string, text: string, sink: DiagnosticSink): Expr | undefined =>
  parseWith(file, text, "expression", sink, expressionFromCst);

type Cst = NonNullable<ReturnType<typeof parseTokens>["cst"]>;

function parseWith<R>(
  file: string,
  text: string,
  rule: StartRule,
  sink: DiagnosticSink,
  convert: (cst: Cst, context: AstContext) => R | undefined,
): R | undefined {
  const tokens = tokenize(file, text, sink);
  if (tokens === undefined) return undefined;
  try {
    const { cst, faults } = parseTokens(tokens.list, rule);
    reportFaults(faults, tokens, text, file, sink);
    if (cst === undefined || (rule !== "spec" && faults.length > 0)) return undefined;
    const faultAt = faults.map(({ found, before }) =>
      Number.isNaN(found.startOffset) ? (before?.startOffset ?? text.length) : found.startOffset,
    );
    faultAt.push(...tokens.faults.map(({ startOffset }) => startOffset));
    const converted = convert(cst, { file, text, sink, docs: tokens.docs, faultAt });
    return rule !== "spec" && faultAt.length > 0 ? undefined : converted;
  } catch (error) {
    if (error instanceof TooDeep) sink.report("too-deep", spanOf(file, error.token), { most: LIMITS.depth });
    // The limits above keep the parser's recursion far from the end of the stack; a host with a small stack gets the same answer.
    else if (error instanceof RangeError) sink.report("too-deep", { file, start: 0, end: 1 }, { most: LIMITS.depth });
    else throw error;
    return undefined;
  }
}

// --- tokens -------------------------------------------------------------------------------------------------------------

interface Tokens {
  readonly list: Token[];
  /** Text of the doc comment on each line that holds nothing else. */
  readonly docs: ReadonlyMap<number, string>;
  readonly unclosed: readonly Token[];
  /** Malformed ones. Their lines give no further faults, the declarations around them are not read. */
  readonly faults: readonly Token[];
}

const WORD_FOR: Readonly<Record<string, string>> = {
  ";": "a statement ends with its line",
  "#": "comments start with `//`",
  "&": "write `and`",
  "&&": "write `and`",
  "|": "write `or`",
  "||": "write `or`",
  "!": "write `not`",
  "^": "there is no such operator",
  "`": "strings are written in double quotes",
};

function tokenize(file: string, text: string, sink: DiagnosticSink): Tokens | undefined {
  if (text.length > LIMITS.fileLength) {
    sink.report("file-too-large", { file, start: 0, end: 1 }, { bytes: text.length, most: LIMITS.fileLength });
    return undefined;
  }
  const { tokens, groups } = specLexer.tokenize(text);
  const faults: Token[] = [];
  for (const token of groups["unexpected"] ?? []) {
    // A `;` too many is the one that changes nothing.
    if (token.image !== ";") faults.push(token);
    const character = token.image.slice(0, 8);
    sink.report(
      "unexpected-character",
      spanOf(file, token),
      { character },
      { hint: Object.hasOwn(WORD_FOR, character) ? WORD_FOR[character] : undefined },
    );
  }
  if (tokens.length > LIMITS.tokens) {
    const token = tokens[LIMITS.tokens];
    sink.report("too-many-tokens", token === undefined ? { file, start: 0, end: 1 } : spanOf(file, token), { most: LIMITS.tokens });
    return undefined;
  }
  const unclosed: Token[] = [];
  for (const [i, token] of tokens.entries()) {
    if (OPEN.has(token.tokenType)) unclosed.push(token);
    else if (CLOSE.has(token.tokenType) && closes(unclosed.at(-1), token)) unclosed.pop();
    if (unclosed.length > LIMITS.depth) {
      sink.report("too-deep", spanOf(file, token), { most: LIMITS.depth });
      return undefined;
    }
    if (token.tokenType === Identifier && token.image.length > LIMITS.name) {
      sink.report("name-too-long", spanOf(file, token), { length: token.image.length, most: LIMITS.name });
      return undefined;
    }
    if (repair(file, token, tokens[i - 1], sink)) faults.push(token);
  }
  const docs = new Map((groups["docs"] ?? []).map((token) => [token.startLine ?? 0, token.image.slice(3).replace(/^ /, "").trimEnd()]));
  return { list: tokens, docs, unclosed, faults };
}

/** Malformed literals are reported here and then stand for well-formed ones, so that the parser is not confused by them too. */
function repair(file: string, token: Token, before: Token | undefined, sink: DiagnosticSink): boolean {
  switch (token.tokenType) {
    case Identifier:
      retype(token);
      return false;
    case BadNumber: {
      // `layer.2b` is a segment of a name.
      if (before?.tokenType === S.dot && before.endOffset === token.startOffset - 1) return false;
      sink.report("bad-number", spanOf(file, token), { text: token.image }, { hint: numberHint(token.image) });
      retype(token, NumberLiteral);
      token.image = "1";
      return true;
    }
    case UnterminatedString:
    case SingleQuoted:
      if (token.tokenType === SingleQuoted) {
        const inner = token.image.replaceAll("'", "");
        sink.report("single-quotes", spanOf(file, token), {}, { hint: `write \`"${inner}"\`` });
      } else sink.report("unterminated-string", spanOf(file, token), {}, { hint: 'add the closing `"`' });
      retype(token, StringLiteral);
      token.image = '""';
      return true;
    default:
      return false;
  }
}

function numberHint(text: string): string | undefined {
  if (/^\d+(_\d+)+$/.test(text)) return `write \`${text.replaceAll("_", "")}\``;
  if (/^0[xX][0-9a-fA-F]+$/.test(text)) return `numbers are decimal: write \`${Number(text)}\``;
  if (/^[\d.]+(px|s|ms|k|K|M)$/.test(text)) return "numbers have no units";
  return /^\d/.test(text) ? "a name does not begin with a digit" : undefined;
}

const OPEN = new Set([S.openBrace, S.openParen, S.openBracket]);
const CLOSE = new Set([S.closeBrace, S.closeParen, S.closeBracket]);
const PAIRS: Readonly<Record<string, string>> = { "{": "}", "(": ")", "[": "]" };
const closes = (open: Token | undefined, close: Token): boolean => open !== undefined && PAIRS[open.image] === close.image;

const spanOf = (file: string, token: Token): Span => ({ file, start: token.startOffset, end: (token.endOffset ?? token.startOffset) + 1 });

// --- faults -------------------------------------------------------------------------------------------------------------

const DECLARATIONS = new Set([K.import, K.network, K.block, K.dataset, K.recipe]);

function reportFaults(faults: readonly ParserFault[], tokens: Tokens, text: string, file: string, sink: DiagnosticSink): void {
  const lines = new Set<number>(tokens.faults.map(({ startLine }) => startLine ?? 0));
  for (const { expected, found, before, outermost } of faults) {
    const atEnd = Number.isNaN(found.startOffset);
    const end = text.trimEnd().length;
    const span = atEnd ? { file, start: Math.max(0, end - 1), end } : spanOf(file, found);
    // After the first fault of a line the parser is often still out of step.
    const line = atEnd ? Infinity : (found.startLine ?? 0);
    if (lines.has(line) || (atEnd && lines.size > 0)) continue;
    lines.add(line);
    if (outermost) {
      const hint =
        found.image === "}"
          ? "there is one `}` too many"
          : (didYouMean(found.image, ["import", "network", "block", "dataset", "recipe"]) ?? "is there one `}` too many above?");
      sink.report("expected-declaration", span, { found: describe(found, atEnd) }, { hint });
      continue;
    }
    const open = tokens.unclosed.at(-1);
    const closer = /^`([)\]])`$/.exec(expected)?.[1];
    if (closer !== undefined && before?.endOffset !== undefined && (before.endLine ?? 0) < (atEnd ? Infinity : (found.startLine ?? 0))) {
      const lineEnd = { file, start: before.endOffset, end: before.endOffset + 1 };
      sink.report(
        "unexpected-token",
        lineEnd,
        { expected, found: "the end of the line" },
        { hint: `add the missing \`${closer}\` after this` },
      );
      continue;
    }
    const lostBracket =
      open !== undefined && (atEnd || DECLARATIONS.has(found.tokenType) || CLOSE.has(found.tokenType)) && expected.includes("}");
    const notes: Note[] = lostBracket ? [{ span: spanOf(file, open), text: `this \`${open.image}\` is not closed` }] : [];
    sink.report(
      "unexpected-token",
      span,
      { expected, found: describe(found, atEnd) },
      { notes, hint: lostBracket ? `add the missing \`${PAIRS[open.image] ?? "}"}\`` : hintFor(expected, found, before) },
    );
  }
}

function describe(token: Token, atEnd: boolean): string {
  if (atEnd) return "the end of the file";
  if (token.tokenType === StringLiteral) return "a string";
  return `\`${token.image.length > 40 ? `${token.image.slice(0, 40)}…` : token.image}\``;
}

function hintFor(expected: string, found: Token, before: Token | undefined): string | undefined {
  if (found.image === "=")
    return before?.tokenType === S.assign ? "write `==` without a space" : "a named argument is written `name: value`";
  if (found.image === "->" && expected.startsWith("a step")) return "a chain begins with a step; `->` goes on after one";
  if (found.image === ",") return "there is a value missing before the `,`";
  if (expected === "`)`" && /^[\w"]/.test(found.image)) return "is there a `,` or a `:` missing before it?";
  if (found.image === ".") return "a number has a digit before its point: `0.5`";
  const word = /^`([a-z]+)`$/.exec(expected)?.[1];
  return word === undefined ? undefined : didYouMean(found.image, [word]);
}

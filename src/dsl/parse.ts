// One file's text to its AST: limits, tokens, concrete syntax, abstract syntax, and every fault on the way as a diagnostic.
// A declaration with a fault of syntax in it is left out, but its name is kept, so that uses of it are not faults too, and so are the lines of
// a network without a fault, whose names are checked all the same.

import type { DiagnosticSink } from "../diagnostics.ts";
import type { DatasetSetting, Expr, MisspeltSetting, PartialDeclaration, RecipeSetting, Spec } from "./ast.ts";
import { lex } from "./lexer.ts";
import { LIMITS } from "./limits.ts";
import { parseTokens, TooDeep } from "./parser.ts";
import type { StartRule } from "./parser.ts";
import { closes, reportFaults, spanOfToken, strayNames } from "./syntax-faults.ts";
import { datasetSettingFromCst, expressionFromCst, recipeSettingFromCst, specFromCst } from "./to-ast.ts";
import type { AstContext } from "./to-ast.ts";
import { BadNumber, Identifier, NumberLiteral, retype, S, SingleQuoted, StringLiteral, UnterminatedString } from "./tokens.ts";
import type { Token } from "./tokens.ts";

export interface ParsedSpec {
  readonly spec: Spec;
  /** Names of declarations that could not be read. */
  readonly broken: ReadonlySet<string>;
  /** What could be read of those that are networks and blocks. */
  readonly partial: readonly PartialDeclaration[];
  readonly misspelt: readonly MisspeltSetting[];
}

export function parseSpec(file: string, text: string, sink: DiagnosticSink): ParsedSpec {
  const parsed = parseWith(file, text, "spec", sink, (cst, context) => specFromCst(cst, context, text));
  return parsed ?? unread(file, text);
}

/** Of a file that cannot be read, or has another form. */
export const unread = (file: string, text: string, spec = noSpec(file, text)): ParsedSpec => ({
  ...{ spec, broken: new Set(), partial: [], misspelt: [] },
});

export const noSpec = (file: string, text: string): Spec => ({
  kind: "spec",
  span: { file, start: 0, end: text.length },
  imports: [],
  declarations: [],
});

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
    const lines = new Set<number>(tokens.faults.map(({ startLine }) => startLine ?? 0));
    reportFaults(faults, { file, text, tokens: tokens.list, unclosed: tokens.unclosed, lines }, sink);
    if (cst === undefined || (rule !== "spec" && faults.length > 0)) return undefined;
    const lastAt = tokens.list.at(-1)?.startOffset ?? text.length;
    const faultAt = faults.map(({ found }) => (Number.isNaN(found.startOffset) ? lastAt : found.startOffset));
    faultAt.push(...tokens.faults.map(({ startOffset }) => startOffset));
    const converted = convert(cst, {
      file,
      text,
      sink,
      tokens: tokens.list,
      docs: tokens.docs,
      faultAt,
      misspelt: [],
      strays: strayNames(faults, tokens.list),
      isBalanced: tokens.unclosed.length === 0,
    });
    return rule !== "spec" && faultAt.length > 0 ? undefined : converted;
  } catch (error) {
    if (error instanceof TooDeep) sink.report("too-deep", spanOfToken(file, error.token), { most: LIMITS.depth });
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
  "|": "steps are joined by `->`, conditions by `or`",
  "||": "write `or`",
  "!": "write `not`",
  "^": "there is no such operator",
  "`": "strings are written in double quotes",
  "\ufffd": "the file is not in UTF-8: save it in that encoding",
};

function hintForCharacters(characters: string): string | undefined {
  const key = characters.startsWith("\ufffd") ? "\ufffd" : characters;
  return Object.hasOwn(WORD_FOR, key) ? WORD_FOR[key] : undefined;
}

function tokenize(file: string, text: string, sink: DiagnosticSink): Tokens | undefined {
  if (text.length > LIMITS.fileLength) {
    sink.report("file-too-large", { file, start: 0, end: 1 }, { bytes: text.length, most: LIMITS.fileLength });
    return undefined;
  }
  const { tokens, groups } = lex(text);
  const faults: Token[] = [];
  for (const token of groups["unexpected"] ?? []) {
    // A `;` too many is the one that changes nothing.
    if (token.image !== ";") faults.push(token);
    const character = token.image.slice(0, 8);
    sink.report("unexpected-character", spanOfToken(file, token), { character }, { hint: hintForCharacters(character) });
  }
  if (tokens.length > LIMITS.tokens) {
    const token = tokens[LIMITS.tokens];
    sink.report("too-many-tokens", token === undefined ? { file, start: 0, end: 1 } : spanOfToken(file, token), { most: LIMITS.tokens });
    return undefined;
  }
  const unclosed: Token[] = [];
  for (const [i, token] of tokens.entries()) {
    if (OPEN.has(token.tokenType)) unclosed.push(token);
    else if (CLOSE.has(token.tokenType) && closes(unclosed.at(-1), token)) unclosed.pop();
    if (unclosed.length > LIMITS.depth) {
      sink.report("too-deep", spanOfToken(file, token), { most: LIMITS.depth });
      return undefined;
    }
    if (token.tokenType === Identifier && token.image.length > LIMITS.name) {
      sink.report("name-too-long", spanOfToken(file, token), { length: token.image.length, most: LIMITS.name });
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
      sink.report("bad-number", spanOfToken(file, token), { text: token.image }, { hint: numberHint(token.image) });
      retype(token, NumberLiteral);
      token.image = "1";
      return true;
    }
    case UnterminatedString:
    case SingleQuoted:
      if (token.tokenType === SingleQuoted) {
        const inner = token.image.replaceAll("'", "");
        sink.report("single-quotes", spanOfToken(file, token), {}, { hint: `write \`"${inner}"\`` });
      } else sink.report("unterminated-string", spanOfToken(file, token), {}, { hint: 'add the closing `"`' });
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

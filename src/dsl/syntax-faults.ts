// Faults of syntax as they are told: the parser says what it expected and what it found, and from the line around that follows what was
// most likely meant.

import { didYouMean, nearest } from "../diagnostics.ts";
import type { DiagnosticSink, Note, Span } from "../diagnostics.ts";
import { DECLARATION_WORDS, hintForDeclaration } from "./hints.ts";
import type { ParserFault } from "./parser.ts";
import { trailingComma, trailingCommaFault, trailingCommaHint } from "./setting-keys.ts";
import { Identifier, K, S, StringLiteral } from "./tokens.ts";
import type { Token } from "./tokens.ts";

/** What the lexer made of the text around the faults. */
export interface FaultContext {
  readonly file: string;
  readonly text: string;
  readonly tokens: readonly Token[];
  /** Brackets that nothing closes. */
  readonly unclosed: readonly Token[];
  /** Lines that a fault was reported on. */
  readonly lines: Set<number>;
}

const PAIRS: Readonly<Record<string, string>> = { "{": "}", "(": ")", "[": "]" };
const CLOSE = new Set([S.closeBrace, S.closeParen, S.closeBracket]);
const DECLARATIONS = new Set([K.import, K.network, K.block, K.dataset, K.recipe]);

export const closes = (open: Token | undefined, close: Token): boolean => open !== undefined && PAIRS[open.image] === close.image;

export const spanOfToken = (file: string, token: Token): Span => ({
  file,
  start: token.startOffset,
  end: (token.endOffset ?? token.startOffset) + 1,
});

/** Between two statements of a body the parser may be out of step; where a declaration is misspelt, the name after it is declared. */
export function strayNames(faults: readonly ParserFault[], tokens: readonly Token[]): ReadonlySet<string> {
  const names = faults.flatMap(({ found, outermost }) => {
    const next = outermost ? tokens[tokens.indexOf(found) + 1] : undefined;
    return next?.tokenType === Identifier ? [next.image] : [];
  });
  return new Set(names);
}

/** A fault with the token before the one that was found. */
interface Fault extends ParserFault {
  readonly before: Token | undefined;
}

const tokenBefore = (found: Token, tokens: readonly Token[]): Token | undefined =>
  Number.isNaN(found.startOffset) ? tokens.at(-1) : tokens[tokens.indexOf(found) - 1];

export function reportFaults(faults: readonly ParserFault[], context: FaultContext, sink: DiagnosticSink): void {
  const { file, text, lines } = context;
  for (const it of faults) {
    const { found, outermost, expected, rules } = it;
    const before = tokenBefore(found, context.tokens);
    const fault: Fault = { ...it, before };
    const atEnd = Number.isNaN(found.startOffset);
    const end = text.trimEnd().length;
    const span = atEnd ? { file, start: Math.max(0, end - 1), end } : spanOfToken(file, found);
    // After the first fault of a line the parser is often still out of step.
    const line = atEnd ? Infinity : (found.startLine ?? 0);
    if (lines.has(line) || (atEnd && lines.size > 0)) continue;
    lines.add(line);
    if (outermost) {
      sink.report("expected-declaration", span, { found: describe(found, atEnd) }, { hint: outermostHint(fault, context) });
      continue;
    }
    const misspelt = misspeltKeyword(fault, context);
    if (misspelt !== undefined) {
      const { word, meant } = misspelt;
      const what = { expected: "a step or `}`", found: describe(word, false) };
      sink.report("unexpected-token", spanOfToken(file, word), what, { hint: `did you mean \`${meant}\`?` });
      continue;
    }
    const lost = atEnd ? undefined : trailingComma(found, context.tokens);
    if (lost) {
      sink.report("unexpected-token", spanOfToken(file, lost.comma), trailingCommaFault(lost), { hint: trailingCommaHint(lost.next) });
      continue;
    }
    // Python and JavaScript take it; here a list is written in one way.
    if (before?.tokenType === S.comma && CLOSE.has(found.tokenType)) {
      const what = { expected: `\`${found.image}\``, found: "`,`" };
      sink.report("unexpected-token", spanOfToken(file, before), what, {
        hint: "leave this `,` out: nothing stands between it and the end",
      });
      continue;
    }
    const open = context.unclosed.at(-1);
    const closer = /^`([)\]])`$/.exec(expected)?.[1];
    if (closer !== undefined && before?.endOffset !== undefined && (before.endLine ?? 0) < (atEnd ? Infinity : (found.startLine ?? 0))) {
      const lineEnd = { file, start: before.endOffset, end: before.endOffset + 1 };
      const hint = `add the missing \`${closer}\` after this`;
      sink.report("unexpected-token", lineEnd, { expected, found: "the end of the line" }, { hint });
      continue;
    }
    if (rules.at(-1) === "inputStatement" && expected === "`:`" && before !== undefined && (before.endLine ?? 0) < line) {
      sink.report("unexpected-token", spanOfToken(file, before), { expected, found: "the end of the line" }, { hint: untypedHint(before) });
      continue;
    }
    const lostBracket =
      open !== undefined && (atEnd || DECLARATIONS.has(found.tokenType) || CLOSE.has(found.tokenType)) && expected.includes("}");
    const notes: Note[] = lostBracket ? [{ span: spanOfToken(file, open), text: `this \`${open.image}\` is not closed` }] : [];
    const hint = lostBracket ? `add the missing \`${PAIRS[open.image] ?? "}"}\`` : hintFor(fault, context);
    sink.report("unexpected-token", span, { expected, found: describe(found, atEnd) }, { notes, hint });
  }
}

function describe(token: Token, atEnd: boolean): string {
  if (atEnd) return "the end of the file";
  if (token.tokenType === StringLiteral) return "a string";
  return `\`${token.image.length > 40 ? `${token.image.slice(0, 40)}…` : token.image}\``;
}

// --- hints --------------------------------------------------------------------------------------------------------------

function outermostHint({ found }: ParserFault, { text }: FaultContext): string {
  if (found.image === "}") return "there is one `}` too many";
  if (found.image === "{") return "the JSON form of a spec is read from a file that ends in `.json`";
  const isFirst = !text.slice(0, found.startOffset).includes("}");
  const known = isFirst ? `a file holds ${DECLARATION_WORDS.map((word) => `\`${word}\``).join(", ")}` : "is there one `}` too many above?";
  return hintForDeclaration(found.image) ?? known;
}

/** `inptu image: f32[3, 24, 24]`: two words that no `->` parts begin a statement, and the first is none of those that do. */
function misspeltKeyword(
  { found, rules }: ParserFault,
  { tokens }: FaultContext,
): { readonly word: Token; readonly meant: string } | undefined {
  const [word, next] = lineOf(found, tokens);
  if (!rules.includes("body") || word?.tokenType !== Identifier || next?.tokenType !== Identifier) return undefined;
  const meant = nearest(word.image, ["input", "let", "for"]);
  return meant === undefined ? undefined : { word, meant };
}

const lineOf = (found: Token, tokens: readonly Token[]): readonly Token[] => tokens.filter((token) => token.startLine === found.startLine);

function hintFor(fault: Fault, context: FaultContext): string | undefined {
  const { expected, found, before, rules } = fault;
  const [first] = lineOf(found, context.tokens);
  if (first?.tokenType === K.stop) return "write `stop when val.loss stalls for 3`, and `, keep best` behind it if you like";
  if (rules.includes("split")) return "write `split train into train 90%, val 10%`";
  if (rules.some((rule) => rule.startsWith("pattern")))
    return "names and patterns stand without quotes and brackets: `freeze conv1, layer1.**`";
  if (rules.includes("importDeclaration")) return 'write `import { NAME } from "FILE"`';
  if (rules.at(-1) === "inputStatement") return inputHint(fault);
  switch (found.image) {
    case "=":
      return equalsHint(fault, context);
    case ":":
      return colonHint(fault, context);
    case ",":
      return commaHint(fault, context);
    case "{":
      return expected === "a value" ? 'names with values are a list of pairs: `[["cat", 2], ["dog", 1]]`' : undefined;
    case "->":
      return expected.startsWith("a step") ? "a chain begins with a step; `->` goes on after one" : undefined;
    case ".":
      return "a number has a digit before its point: `0.5`";
  }
  if (expected === "`)`" && /^[\w"]/.test(found.image)) return "is there a `,` or a `:` missing before it?";
  if (expected === "a name" && before !== undefined && DECLARATIONS.has(before.tokenType))
    return found.tokenType === StringLiteral
      ? `names stand without quotes: \`${found.image.slice(1, -1)}\``
      : `write \`${before.image} NAME { … }\``;
  const word = /^`([a-z]+)`$/.exec(expected)?.[1];
  return word === undefined ? undefined : didYouMean(found.image, [word]);
}

function inputHint({ found, before, expected }: Fault): string {
  if (found.image === "[") return "the element type stands before the shape: `f32[…]`";
  return expected === "`:`" && before !== undefined ? untypedHint(before) : "write `input NAME: f32[…]`";
}

/** `input x`, as a `forward` has it. The name `x` is one more fault, which would come after this one is mended. */
function untypedHint({ image }: Token): string {
  const name = image === "x" ? "NAME" : image;
  return `say what one example holds: \`input ${name}: f32[3, 32, 32]\` of a picture, \`f32[8]\` of 8 numbers, \`i32[20]\` of 20 tokens`;
}

const isSetting = (rules: readonly string[]): boolean => !rules.includes("body") && (rules.includes("recipe") || rules.includes("dataset"));

function equalsHint({ before, rules }: Fault, context: FaultContext): string | undefined {
  if (before?.tokenType === S.assign) return "write `==` without a space";
  if (rules.includes("argument") || rules.includes("postfix")) return "a named argument is written `name: value`";
  const name = before?.image ?? "NAME";
  if (isSetting(rules)) return settingHint(context, before);
  if (name === "x") return "each step works on the value before it: write the layer alone";
  return rules.includes("body") ? `write \`${name}: …\` for a layer, or \`let ${name} = …\` for a value` : undefined;
}

function colonHint({ before, expected, rules }: Fault, context: FaultContext): string | undefined {
  if (rules.includes("params")) return `a default is written \`${before?.image ?? "NAME"} = …\``;
  if (expected === "`{`" && rules.includes("body")) return "what is repeated or chosen stands in `{ }`";
  if (before !== undefined && DECLARATIONS.has(before.tokenType) && !isSetting(rules)) return `write \`${before.image} NAME { … }\``;
  return isSetting(rules) ? settingHint(context, before) : undefined;
}

/** `loss: mse` and `loss = mse`. */
function settingHint({ tokens }: FaultContext, key: Token | undefined): string {
  const value = key && tokens[tokens.indexOf(key) + 2];
  return `a setting is its name and its value: \`${key?.image ?? "batch"} ${value?.image ?? "…"}\``;
}

const LISTS_OF_STEPS: ReadonlySet<string> = new Set(["preprocess", "augment"]);

function commaHint({ expected, found, before, rules }: Fault, { tokens, text }: FaultContext): string | undefined {
  const [first] = lineOf(found, tokens);
  const at = tokens.indexOf(found);
  if (before?.tokenType === S.comma || before?.tokenType === S.openParen || before?.tokenType === S.openBracket)
    return "there is a value missing before the `,`";
  if (expected === "`)`") {
    const open = openingOf(at, tokens);
    const close = text.indexOf(")", found.startOffset);
    const isOnOneLine = open !== undefined && close !== -1 && !text.slice(open.startOffset, close).includes("\n");
    return isOnOneLine ? `a list stands in brackets: \`[${text.slice(open.startOffset + 1, close)}]\`` : "a list stands in brackets: `[…]`";
  }
  if (isSetting(rules)) {
    if (LISTS_OF_STEPS.has(first?.image ?? "")) return "steps are joined by `->`";
    if (tokens[at + 2]?.tokenType === S.colon)
      return `arguments stand in parentheses: \`${before?.image ?? "NAME"}(${tokens[at + 1]?.image ?? "lr"}: …)\``;
    return "each setting has a line of its own";
  }
  if (expected.startsWith("a step")) return "steps are joined by `->`";
  return expected === "`]`" ? "what stands in the brackets of a value is one index" : "there is a value missing before the `,`";
}

/** The bracket around the token at `at`. */
function openingOf(at: number, tokens: readonly Token[]): Token | undefined {
  let depth = 0;
  for (let i = at - 1; i >= 0; i--) {
    const token = tokens[i];
    if (token?.tokenType === S.closeParen) depth++;
    else if (token?.tokenType === S.openParen && depth-- === 0) return token;
  }
  return undefined;
}

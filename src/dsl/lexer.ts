// Text to tokens. Not chevrotain's lexer, which takes longer to get ready than most specs take to check: its patterns in their order, the first
// that matches, as one expression; a test holds the two to the same tokens.

import { InternalError } from "../ir/types.ts";
import { ALL_TOKENS, NOT_MATCHED, SKIPPED } from "./tokens.ts";
import type { Token, TokenType } from "./tokens.ts";

export interface Lexed {
  readonly tokens: Token[];
  /** Of the tokens that stand aside, in lists by the names of their groups. */
  readonly groups: Readonly<Record<string, readonly Token[]>>;
}

const patternOf = ({ PATTERN }: TokenType): RegExp | undefined => (PATTERN instanceof RegExp ? PATTERN : undefined);
const isSign = ({ PATTERN }: TokenType): boolean => typeof PATTERN === "string";

const SIGNS = new Map(ALL_TOKENS.filter(isSign).map((type) => [type.PATTERN as string, type]));
/** What the groups of the expression stand for, from 1; `signs` for one of them. */
const MATCHED = ALL_TOKENS.flatMap((type, i): readonly (TokenType | "signs")[] => {
  if (patternOf(type) !== undefined && patternOf(type) !== NOT_MATCHED) return [type];
  return isSign(type) && !isSign(ALL_TOKENS[i - 1] ?? type) ? ["signs"] : [];
});
const anySign = [...SIGNS.keys()].map((sign) => sign.replaceAll(/[^\w]/g, "\\$&")).join("|");
const EXPRESSION = new RegExp(MATCHED.map((it) => `(${it === "signs" ? anySign : (patternOf(it)?.source ?? "")})`).join("|"), "y");

export function lex(text: string): Lexed {
  const tokens: Token[] = [];
  const groups: Record<string, Token[]> = {};
  let [line, lineStart] = [1, 0];
  EXPRESSION.lastIndex = 0;
  for (let at = 0; at < text.length; at = EXPRESSION.lastIndex) {
    const match = EXPRESSION.exec(text);
    const image = match?.[0] ?? "";
    const found = (match as readonly (string | undefined)[] | null)?.findIndex((it, i) => i > 0 && it !== undefined);
    const which = MATCHED[(found ?? 0) - 1];
    const type = which === "signs" ? SIGNS.get(image) : which;
    if (type === undefined) throw new InternalError(`no token begins at ${at}`);
    const end = at + image.length - 1;
    if (type.GROUP === SKIPPED) {
      // Only white space goes beyond its line.
      line += image.match(/\r\n?|\n/g)?.length ?? 0;
      const last = Math.max(image.lastIndexOf("\n"), image.lastIndexOf("\r"));
      if (last >= 0) lineStart = at + last + 1;
      continue;
    }
    const token: Token = {
      image,
      startOffset: at,
      endOffset: end,
      startLine: line,
      endLine: line,
      startColumn: at - lineStart + 1,
      endColumn: end - lineStart + 1,
      tokenTypeIdx: type.tokenTypeIdx ?? 0,
      tokenType: type,
    };
    if (typeof type.GROUP === "string") (groups[type.GROUP] ??= []).push(token);
    else tokens.push(token);
  }
  return { tokens, groups };
}

// The words and signs of the language. All keywords but the ten below are names that mean something only in their place, so that
// `block`, `network` or `data` stay usable as scope names of published weights.

import { createToken as createAlone, Lexer } from "chevrotain";
import type { IToken, ITokenConfig, TokenType } from "chevrotain";

/** The pattern of types that the lexer does not look for, and the group of what nobody reads. */
export const { NA: NOT_MATCHED, SKIPPED } = Lexer;

/**
 * As chevrotain's, which for each token type would go through all types of its categories once more: 100 types of one category take longer than
 * most specs take to check.
 */
function createToken({ categories = [], ...config }: ITokenConfig): TokenType {
  const type = createAlone(config);
  const { tokenTypeIdx: index = -1 } = type;
  type.CATEGORIES = [categories].flat();
  const join = (category: TokenType): void => {
    const { categoryMatches = [], categoryMatchesMap = {} } = category;
    if (categoryMatchesMap[index] === true) return;
    categoryMatchesMap[index] = true;
    categoryMatches.push(index);
    Object.assign(category, { isParent: true });
    category.CATEGORIES?.forEach(join);
  };
  type.CATEGORIES.forEach(join);
  return type;
}

/** Category of every token, to skip over what cannot be read. */
export const AnyToken = createToken({ name: "AnyToken", pattern: NOT_MATCHED });
/** Category of the signs between two operands. */
export const BinaryOperator = createToken({ name: "BinaryOperator", pattern: NOT_MATCHED });

export const Identifier = createToken({
  name: "Identifier",
  label: "a name",
  pattern: /[A-Za-z_][A-Za-z0-9_]*/,
  categories: [AnyToken],
});

// Words are lexed as names and told apart by a table.
const word = (text: string, categories: TokenType[]): TokenType =>
  createToken({ name: `'${text}'`, label: `\`${text}\``, pattern: NOT_MATCHED, categories });
const reserved = (text: string, ...more: TokenType[]): TokenType => word(text, [AnyToken, ...more]);
const contextual = (text: string): TokenType => word(text, [Identifier, AnyToken]);
const sign = (text: string, ...more: TokenType[]): TokenType =>
  createToken({ name: `'${text}'`, label: `\`${text}\``, pattern: text, categories: [AnyToken, ...more] });

export const K = {
  let: reserved("let"),
  if: reserved("if"),
  then: reserved("then"),
  else: reserved("else"),
  for: reserved("for"),
  in: reserved("in"),
  and: reserved("and", BinaryOperator),
  or: reserved("or", BinaryOperator),
  not: reserved("not"),
  true: reserved("true"),
  false: reserved("false"),

  import: contextual("import"),
  from: contextual("from"),
  as: contextual("as"),
  network: contextual("network"),
  block: contextual("block"),
  dataset: contextual("dataset"),
  recipe: contextual("recipe"),
  input: contextual("input"),
  output: contextual("output"),
  stage: contextual("stage"),

  train: contextual("train"),
  val: contextual("val"),
  test: contextual("test"),
  split: contextual("split"),
  into: contextual("into"),
  seed: contextual("seed"),
  stratified: contextual("stratified"),
  by: contextual("by"),
  preprocess: contextual("preprocess"),
  augment: contextual("augment"),
  tokenize: contextual("tokenize"),

  weights: contextual("weights"),
  drop: contextual("drop"),
  new: contextual("new"),
  rename: contextual("rename"),
  to: contextual("to"),
  adapt: contextual("adapt"),
  replace: contextual("replace"),
  with: contextual("with"),
  data: contextual("data"),
  loss: contextual("loss"),
  metrics: contextual("metrics"),
  batch: contextual("batch"),
  epochs: contextual("epochs"),
  precision: contextual("precision"),
  freeze: contextual("freeze"),
  except: contextual("except"),
  optimizer: contextual("optimizer"),
  clip: contextual("clip"),
  rate: contextual("rate"),
  per: contextual("per"),
  layer: contextual("layer"),
  class: contextual("class"),
  of: contextual("of"),
  decay: contextual("decay"),
  accumulate: contextual("accumulate"),
  regularize: contextual("regularize"),
  recompute: contextual("recompute"),
  features: contextual("features"),
  on: contextual("on"),
  average: contextual("average"),
  distill: contextual("distill"),
  schedule: contextual("schedule"),
  stop: contextual("stop"),
  when: contextual("when"),
  stalls: contextual("stalls"),
  within: contextual("within"),
  keep: contextual("keep"),
  best: contextual("best"),
} as const;

export const S = {
  arrow: sign("->"),
  range: sign("..", BinaryOperator),
  starStar: sign("**"),
  equal: sign("==", BinaryOperator),
  notEqual: sign("!=", BinaryOperator),
  lessEqual: sign("<=", BinaryOperator),
  greaterEqual: sign(">=", BinaryOperator),
  less: sign("<", BinaryOperator),
  greater: sign(">", BinaryOperator),
  assign: sign("="),
  plus: sign("+", BinaryOperator),
  minus: sign("-", BinaryOperator),
  star: sign("*", BinaryOperator),
  slash: sign("/", BinaryOperator),
  percent: sign("%", BinaryOperator),
  dot: sign("."),
  comma: sign(","),
  colon: sign(":"),
  openBrace: sign("{"),
  closeBrace: sign("}"),
  openParen: sign("("),
  closeParen: sign(")"),
  openBracket: sign("["),
  closeBracket: sign("]"),
} as const;

export const StringLiteral = createToken({
  name: "StringLiteral",
  label: "a string",
  pattern: /"(?:[^"\\\r\n]|\\.)*"/,
  categories: [AnyToken],
});
/** Known, so that it gets a better text than "unexpected character". */
export const UnterminatedString = createToken({
  name: "UnterminatedString",
  label: "a string",
  pattern: /"[^"\r\n]*/,
  categories: [AnyToken],
});
export const SingleQuoted = createToken({
  name: "SingleQuoted",
  label: "a string",
  pattern: /'[^'\r\n]*'?/,
  categories: [AnyToken],
});

// `7%2` is a remainder, `7%` a percentage.
export const Percentage = createToken({
  name: "Percentage",
  label: "a percentage",
  pattern: /\d+(?:\.\d+)?%(?![\w(])/,
  categories: [AnyToken],
});
export const Multiplier = createToken({
  name: "Multiplier",
  label: "a multiplier",
  pattern: /\d+(?:\.\d+)?x(?!\w)/,
  categories: [AnyToken],
});
export const BadNumber = createToken({
  name: "BadNumber",
  label: "a number",
  pattern: /\d+(?:\.\d+)?(?:[eE][+-]?\d+)?[A-Za-z_]\w*/,
  categories: [AnyToken],
});
export const NumberLiteral = createToken({
  name: "NumberLiteral",
  label: "a number",
  pattern: /\d+(?:\.\d+)?(?:[eE][+-]?\d+)?(?!\w)/,
  categories: [AnyToken],
});

// eslint-disable-next-line no-control-regex
const STRANGE = /(?:[#$&;?@\\^`|~]|!(?!=)|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\ufefe\uff00-\uffff])+/;

/** Runs of what no other token begins with: every text is tokens. */
export const Unexpected = createToken({
  name: "Unexpected",
  pattern: STRANGE,
  group: "unexpected",
});
export const DocComment = createToken({ name: "DocComment", pattern: /\/\/\/[^\r\n]*/, group: "docs" });
const Comment = createToken({ name: "Comment", pattern: /\/\/[^\r\n]*/, group: SKIPPED });
const WhiteSpace = createToken({
  name: "WhiteSpace",
  pattern: /[ \t\r\n\ufeff]+/,
  group: SKIPPED,
});

/** In the order of matching: longer signs before their beginnings, numbers with a suffix before numbers. */
export const ALL_TOKENS: TokenType[] = [
  WhiteSpace,
  DocComment,
  Comment,
  ...Object.values(K),
  Identifier,
  StringLiteral,
  UnterminatedString,
  SingleQuoted,
  Percentage,
  Multiplier,
  NumberLiteral,
  BadNumber,
  ...Object.values(S),
  Unexpected,
  BinaryOperator,
  AnyToken,
];

const WORDS: ReadonlyMap<string, TokenType> = new Map(Object.entries(K));

/** Gives a name that is a keyword its own type. */
export function retype(token: IToken, type: TokenType | undefined = WORDS.get(token.image)): void {
  if (type === undefined) return;
  token.tokenType = type;
  token.tokenTypeIdx = type.tokenTypeIdx ?? token.tokenTypeIdx;
}

export { CstParser, EOF, tokenMatcher } from "chevrotain";
export type { CstNode, IParserErrorMessageProvider, IToken as Token, TokenType } from "chevrotain";

// The half of the parser that reads network bodies and expressions. What ends where the grammar alone cannot say (a newline, a scope
// name, a forgotten brace) is decided by the small gates at the bottom.

import { LIMITS } from "./limits.ts";
import { OneToken } from "./lookahead.ts";
import { CstParser, EOF, tokenMatcher } from "./tokens.ts";
import type { IParserErrorMessageProvider, Token, TokenType } from "./tokens.ts";
import * as T from "./tokens.ts";

const { K, S } = T;

/** Thrown out of the parser, since going on would use up the stack. */
export class TooDeep extends Error {
  readonly token: Token;

  constructor(token: Token) {
    super("too deep");
    this.token = token;
  }
}

const EXPECTED: Readonly<Record<string, string>> = {
  spec: "a declaration",
  declaration: "a declaration",
  body: "a step or `}`",
  statement: "a step",
  step: "a step",
  expression: "a value",
  operand: "a value",
  argument: "an argument",
  network: "`{`",
  recipe: "a setting or `}`",
  stage: "a setting or `}`",
  dataset: "a setting or `}`",
  loss: "a value",
  pattern: "a pattern of parameter names",
  label: "a scope name",
};

/** Only the "expected …" half: the diagnostic adds what was found. */
const expectedText: IParserErrorMessageProvider = {
  buildMismatchTokenMessage: ({ expected, ruleName }) =>
    (expected === S.closeBrace ? EXPECTED[ruleName] : undefined) ?? expected.LABEL ?? expected.name,
  buildNotAllInputParsedMessage: () => "a declaration",
  buildNoViableAltMessage: ({ ruleName, customUserDescription }) => customUserDescription ?? EXPECTED[ruleName] ?? "something else",
  buildEarlyExitMessage: ({ ruleName, customUserDescription }) => customUserDescription ?? EXPECTED[ruleName] ?? "something else",
};

export abstract class BodyParser extends CstParser {
  #depth = 0;

  /** @param recovers whether it goes on after a fault */
  constructor(recovers: boolean) {
    super(T.ALL_TOKENS, {
      recoveryEnabled: recovers,
      maxLookahead: 1,
      lookaheadStrategy: new OneToken(),
      nodeLocationTracking: "full",
      errorMessageProvider: expectedText,
      // The grammar is fixed and tested; validating it again in every process costs more than parsing most specs.
      skipValidations: true,
    });
  }

  /** Before each parse. */
  restart(tokens: Token[]): void {
    this.#depth = 0;
    this.input = tokens;
  }

  readonly body = this.RULE("body", () => {
    this.CONSUME(S.openBrace);
    this.MANY({ GATE: () => !this.braceForgotten(), DEF: () => this.SUBRULE(this.statement) });
    this.CONSUME(S.closeBrace);
  });

  readonly statement = this.RULE("statement", () => {
    this.OR([
      { GATE: () => this.#isKeyword(), ALT: () => this.SUBRULE(this.inputStatement) },
      { GATE: () => this.#isKeyword() && tokenMatcher(this.LA(3), S.assign), ALT: () => this.SUBRULE(this.outputStatement) },
      { ALT: () => this.SUBRULE(this.letStatement) },
      { ALT: () => this.SUBRULE(this.chain) },
    ]);
  });

  readonly inputStatement = this.RULE("inputStatement", () => {
    this.CONSUME(K.input);
    this.CONSUME(T.Identifier);
    this.CONSUME(S.colon);
    this.CONSUME2(T.Identifier, { LABEL: "dtype" });
    this.OPTION(() => {
      this.CONSUME(S.openBracket);
      this.MANY_SEP({ SEP: S.comma, DEF: () => this.SUBRULE(this.expression) });
      this.CONSUME(S.closeBracket);
    });
  });

  readonly outputStatement = this.RULE("outputStatement", () => {
    this.CONSUME(K.output);
    this.CONSUME(T.Identifier);
    this.CONSUME(S.assign);
    this.SUBRULE(this.chain);
  });

  readonly letStatement = this.RULE("letStatement", () => {
    this.CONSUME(K.let);
    this.CONSUME(T.Identifier);
    this.CONSUME(S.assign);
    this.SUBRULE(this.chain);
  });

  readonly chain = this.RULE("chain", () => {
    this.SUBRULE(this.step);
    this.MANY(() => {
      this.CONSUME(S.arrow);
      this.SUBRULE2(this.step);
    });
  });

  readonly step = this.RULE("step", () => {
    this.OPTION({ GATE: () => this.#atLabel(), DEF: () => this.SUBRULE(this.label) });
    this.OR([
      { ALT: () => this.SUBRULE(this.forLoop) },
      { ALT: () => this.SUBRULE(this.body) },
      { ALT: () => this.SUBRULE(this.expression) },
    ]);
  });

  readonly label = this.RULE("label", () => {
    this.AT_LEAST_ONE({
      GATE: () => !tokenMatcher(this.LA(1), S.colon),
      DEF: () =>
        this.OR([
          {
            ALT: () => {
              this.CONSUME(S.openBrace);
              this.SUBRULE(this.expression);
              this.CONSUME(S.closeBrace);
            },
          },
          { ALT: () => this.CONSUME(T.Identifier, { LABEL: "word" }) },
          { ALT: () => this.CONSUME(T.NumberLiteral, { LABEL: "word" }) },
          { ALT: () => this.CONSUME(T.Multiplier, { LABEL: "word" }) },
          { ALT: () => this.CONSUME(T.BadNumber, { LABEL: "word" }) },
          { ALT: () => this.CONSUME(S.dot, { LABEL: "word" }) },
          { ALT: () => this.CONSUME(S.range, { LABEL: "word" }) },
        ]),
    });
    this.CONSUME(S.colon);
  });

  readonly forLoop = this.RULE("forLoop", () => {
    this.CONSUME(K.for);
    this.CONSUME(T.Identifier);
    this.OPTION(() => {
      this.CONSUME(S.comma);
      this.CONSUME2(T.Identifier, { LABEL: "index" });
    });
    this.CONSUME(K.in);
    this.SUBRULE(this.expression);
    this.SUBRULE(this.body);
  });

  // --- expressions; precedence is sorted out in to-ast, which keeps the recursion here shallow ---

  readonly expression = this.RULE("expression", () => {
    this.#depth++;
    try {
      this.ACTION(() => {
        // One for what stands in no bracket.
        if (this.#depth > LIMITS.depth + 1) throw new TooDeep(this.LA(1));
      });
      this.SUBRULE(this.operand);
      this.MANY(() => {
        this.CONSUME(T.BinaryOperator);
        this.SUBRULE2(this.operand);
      });
    } finally {
      this.#depth--;
    }
  });

  readonly operand = this.RULE("operand", () => {
    this.MANY(() =>
      this.OR1([{ ALT: () => this.CONSUME(K.not, { LABEL: "prefix" }) }, { ALT: () => this.CONSUME(S.minus, { LABEL: "prefix" }) }]),
    );
    this.OR2([
      { ALT: () => this.CONSUME(T.NumberLiteral) },
      { ALT: () => this.CONSUME(T.Percentage) },
      { ALT: () => this.CONSUME(T.Multiplier) },
      { ALT: () => this.CONSUME(T.StringLiteral) },
      { ALT: () => this.CONSUME(K.true) },
      { ALT: () => this.CONSUME(K.false) },
      { ALT: () => this.CONSUME(T.Identifier) },
      { ALT: () => this.SUBRULE(this.list) },
      { ALT: () => this.SUBRULE(this.rest) },
      { ALT: () => this.SUBRULE(this.ifExpression) },
      {
        ALT: () => {
          this.CONSUME(S.openParen);
          this.SUBRULE(this.expression);
          this.CONSUME(S.closeParen);
        },
      },
    ]);
    this.MANY2({ GATE: () => this.#goesOn(), DEF: () => this.SUBRULE(this.postfix) });
  });

  readonly list = this.RULE("list", () => {
    this.CONSUME(S.openBracket);
    this.MANY_SEP({ SEP: S.comma, DEF: () => this.SUBRULE(this.expression) });
    this.CONSUME(S.closeBracket);
  });

  readonly rest = this.RULE("rest", () => {
    this.CONSUME(S.star);
    this.OPTION(() => {
      this.CONSUME(K.except);
      this.SUBRULE(this.expression);
    });
  });

  readonly postfix = this.RULE("postfix", () => {
    this.OR([
      {
        ALT: () => {
          this.CONSUME(S.dot);
          this.OR2([{ ALT: () => this.CONSUME(T.Identifier) }, { ALT: () => this.CONSUME(T.NumberLiteral) }]);
        },
      },
      {
        ALT: () => {
          this.CONSUME(S.openBracket);
          this.SUBRULE(this.expression);
          this.CONSUME(S.closeBracket);
        },
      },
      {
        ALT: () => {
          this.CONSUME(S.openParen);
          this.MANY_SEP({ SEP: S.comma, DEF: () => this.SUBRULE(this.argument) });
          this.CONSUME(S.closeParen);
        },
      },
    ]);
  });

  readonly argument = this.RULE("argument", () => {
    this.OPTION({
      GATE: () => tokenMatcher(this.LA(2), S.colon),
      DEF: () => {
        this.CONSUME(T.Identifier);
        this.CONSUME(S.colon);
      },
    });
    this.SUBRULE(this.expression);
  });

  readonly ifExpression = this.RULE("ifExpression", () => {
    this.CONSUME(K.if);
    this.SUBRULE(this.ifArm);
    this.MANY({
      GATE: () => tokenMatcher(this.LA(2), K.if),
      DEF: () => {
        this.CONSUME(K.else);
        this.CONSUME2(K.if);
        this.SUBRULE2(this.ifArm);
      },
    });
    this.OPTION(() => {
      this.CONSUME2(K.else);
      this.OR([{ ALT: () => this.SUBRULE(this.body) }, { ALT: () => this.SUBRULE(this.expression) }]);
    });
  });

  readonly ifArm = this.RULE("ifArm", () => {
    this.SUBRULE(this.expression, { LABEL: "condition" });
    this.OR({
      DEF: [
        {
          ALT: () => {
            this.CONSUME(K.then);
            this.SUBRULE2(this.expression, { LABEL: "then" });
          },
        },
        { ALT: () => this.SUBRULE(this.body, { LABEL: "then" }) },
      ],
      ERR_MSG: "`then` or `{`",
    });
  });

  // --- gates ---

  /** Within braces: a declaration at the beginning of a line means that a `}` was forgotten. */
  protected braceForgotten(): boolean {
    const [first, second] = [this.LA(1), this.LA(2)];
    if (first.startColumn !== 1 || second.startLine !== first.startLine) return false;
    return DECLARATION_KEYWORDS.some((type) => tokenMatcher(first, type)) && this.beginsDeclaration();
  }

  protected beginsDeclaration(): boolean {
    if (tokenMatcher(this.LA(1), K.import)) return tokenMatcher(this.LA(2), S.openBrace);
    return tokenMatcher(this.LA(2), T.Identifier) && [S.openBrace, S.openParen, S.assign].some((type) => tokenMatcher(this.LA(3), type));
  }

  /** `(` and `[` belong to the value before them on their own line only; below it they begin something new. */
  #goesOn(): boolean {
    return tokenMatcher(this.LA(1), S.dot) || this.LA(0).endLine === this.LA(1).startLine;
  }

  /** A keyword that may also be a name: a name stands behind it on its line. */
  #isKeyword(): boolean {
    const [first, second] = [this.LA(1), this.LA(2)];
    return tokenMatcher(second, T.Identifier) && first.startLine === second.startLine;
  }

  /** A word, or `{…}` and words without space between, before `:`. */
  #atLabel(): boolean {
    for (let k = 1; ; k++) {
      const token = this.LA(k);
      if (k > 1 && tokenMatcher(token, S.colon)) return true;
      if (k > 1 && !adjacent(this.LA(k - 1), token)) return false;
      if (tokenMatcher(token, S.openBrace)) {
        let depth = 1;
        while (depth > 0) {
          const inner = this.LA(++k);
          if (inner.tokenType === EOF) return false;
          depth += tokenMatcher(inner, S.openBrace) ? 1 : tokenMatcher(inner, S.closeBrace) ? -1 : 0;
        }
      } else if (!LABEL_TOKENS.some((type) => tokenMatcher(token, type))) return false;
    }
  }
}

export const adjacent = (before: Token, after: Token): boolean =>
  before.endOffset !== undefined && before.endOffset + 1 === after.startOffset;

export const DECLARATION_KEYWORDS: readonly TokenType[] = [K.import, K.network, K.block, K.dataset, K.recipe];
export const LABEL_TOKENS: readonly TokenType[] = [T.Identifier, T.NumberLiteral, T.BadNumber, T.Multiplier, S.dot, S.range];

// Text to concrete syntax: one chevrotain parser without actions, which goes on after an error. What ends where the grammar alone
// cannot say (a newline, a scope name, a forgotten brace) is decided by the small gates at the bottom.

import { CstParser, EOF, tokenMatcher } from "chevrotain";
import type { CstNode, IParserErrorMessageProvider, IToken, TokenType } from "chevrotain";
import { LIMITS } from "./limits.ts";
import * as T from "./tokens.ts";

const { K, S } = T;

/** Thrown out of the parser, since going on would use up the stack. */
export class TooDeep extends Error {
  readonly token: IToken;

  constructor(token: IToken) {
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
  recipe: "a setting or `}`",
  stage: "a setting or `}`",
  dataset: "a setting or `}`",
  pattern: "a pattern of parameter names",
  label: "a scope name",
};

/** Only the "expected …" half: the diagnostic adds what was found. */
const expectedText: IParserErrorMessageProvider = {
  buildMismatchTokenMessage: ({ expected, ruleName }) => (expected === S.closeBrace && EXPECTED[ruleName]) || (expected.LABEL ?? expected.name),
  buildNotAllInputParsedMessage: () => "a declaration",
  buildNoViableAltMessage: ({ ruleName, customUserDescription }) => customUserDescription ?? EXPECTED[ruleName] ?? "something else",
  buildEarlyExitMessage: ({ ruleName, customUserDescription }) => customUserDescription ?? EXPECTED[ruleName] ?? "something else",
};

class SpecParser extends CstParser {
  #depth = 0;

  constructor() {
    super(T.ALL_TOKENS, {
      recoveryEnabled: true,
      maxLookahead: 1,
      nodeLocationTracking: "full",
      errorMessageProvider: expectedText,
      // The grammar is fixed and tested; validating it again in every process costs more than parsing most specs.
      skipValidations: true,
    });
    this.performSelfAnalysis();
  }

  /** Before each parse. */
  restart(tokens: IToken[]): void {
    this.#depth = 0;
    this.input = tokens;
  }

  /** What is no declaration is skipped up to the next one by the recovery of MANY. */
  readonly spec = this.RULE("spec", () => {
    this.MANY({ GATE: () => this.#atDeclaration(), DEF: () => this.SUBRULE(this.declaration) });
  });

  readonly declaration = this.RULE("declaration", () => {
    this.OR([
      { ALT: () => this.SUBRULE(this.importDeclaration) },
      { ALT: () => this.SUBRULE(this.network) },
      { ALT: () => this.SUBRULE(this.block) },
      { ALT: () => this.SUBRULE(this.dataset) },
      { ALT: () => this.SUBRULE(this.recipe) },
    ]);
  });

  readonly importDeclaration = this.RULE("importDeclaration", () => {
    this.CONSUME(K.import);
    this.CONSUME(S.openBrace);
    this.MANY_SEP({ SEP: S.comma, DEF: () => this.SUBRULE(this.importedName) });
    this.CONSUME(S.closeBrace);
    this.CONSUME(K.from);
    this.CONSUME(T.StringLiteral);
  });

  readonly importedName = this.RULE("importedName", () => {
    this.CONSUME(T.Identifier);
    this.OPTION(() => {
      this.CONSUME(K.as);
      this.CONSUME2(T.Identifier, { LABEL: "alias" });
    });
  });

  readonly network = this.RULE("network", () => {
    this.CONSUME(K.network);
    this.CONSUME(T.Identifier);
    this.OR([
      {
        ALT: () => {
          this.CONSUME(S.assign);
          this.SUBRULE(this.expression);
        },
      },
      {
        ALT: () => {
          this.OPTION(() => this.SUBRULE(this.params));
          this.SUBRULE(this.body);
        },
      },
    ]);
  });

  readonly block = this.RULE("block", () => {
    this.CONSUME(K.block);
    this.CONSUME(T.Identifier);
    this.OPTION(() => this.SUBRULE(this.params));
    this.SUBRULE(this.body);
  });

  readonly params = this.RULE("params", () => {
    this.CONSUME(S.openParen);
    this.MANY_SEP({ SEP: S.comma, DEF: () => this.SUBRULE(this.param) });
    this.CONSUME(S.closeParen);
  });

  readonly param = this.RULE("param", () => {
    this.CONSUME(T.Identifier);
    this.OPTION(() => {
      this.CONSUME(S.assign);
      this.SUBRULE(this.expression);
    });
  });

  // --- bodies ---

  readonly body = this.RULE("body", () => {
    this.CONSUME(S.openBrace);
    this.MANY({ GATE: () => !this.#braceForgotten(), DEF: () => this.SUBRULE(this.statement) });
    this.CONSUME(S.closeBrace);
  });

  readonly statement = this.RULE("statement", () => {
    this.OR([
      { GATE: () => this.#atInput(), ALT: () => this.SUBRULE(this.inputStatement) },
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

  readonly postfix = this.RULE("postfix", () => {
    this.OR([
      {
        ALT: () => {
          this.CONSUME(S.dot);
          this.CONSUME(T.Identifier);
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

  // --- data sets ---

  readonly dataset = this.RULE("dataset", () => {
    this.CONSUME(K.dataset);
    this.CONSUME(T.Identifier);
    this.CONSUME(S.openBrace);
    this.MANY({ GATE: () => !this.#braceForgotten(), DEF: () => this.SUBRULE(this.datasetSetting) });
    this.CONSUME(S.closeBrace);
  });

  readonly datasetSetting = this.RULE("datasetSetting", () => {
    this.OR([
      { ALT: () => (this.CONSUME(K.train, { LABEL: "source" }), this.SUBRULE(this.expression)) },
      { ALT: () => (this.CONSUME(K.val, { LABEL: "source" }), this.SUBRULE2(this.expression)) },
      { ALT: () => (this.CONSUME(K.test, { LABEL: "source" }), this.SUBRULE3(this.expression)) },
      { ALT: () => (this.CONSUME(K.tokenize), this.SUBRULE4(this.expression)) },
      { ALT: () => this.SUBRULE(this.split) },
      { ALT: () => (this.CONSUME(K.preprocess, { LABEL: "steps" }), this.SUBRULE(this.dataSteps)) },
      { ALT: () => (this.CONSUME(K.augment, { LABEL: "steps" }), this.SUBRULE2(this.dataSteps)) },
      { ALT: () => this.SUBRULE(this.unknownSetting) },
    ]);
  });

  readonly split = this.RULE("split", () => {
    this.CONSUME(K.split);
    this.CONSUME(T.Identifier);
    this.CONSUME(K.into);
    this.AT_LEAST_ONE_SEP({ SEP: S.comma, DEF: () => this.SUBRULE(this.splitPart) });
    this.OPTION(() => (this.CONSUME(K.seed), this.SUBRULE(this.expression)));
  });

  readonly splitPart = this.RULE("splitPart", () => {
    this.CONSUME(T.Identifier);
    this.SUBRULE(this.expression);
  });

  readonly dataSteps = this.RULE("dataSteps", () => {
    this.SUBRULE(this.expression);
    this.MANY(() => {
      this.CONSUME(S.arrow);
      this.SUBRULE2(this.expression);
    });
  });

  // --- recipes ---

  readonly recipe = this.RULE("recipe", () => {
    this.CONSUME(K.recipe);
    this.CONSUME(T.Identifier);
    this.CONSUME(S.openBrace);
    this.MANY({
      GATE: () => !this.#braceForgotten(),
      DEF: () =>
        this.OR([
          { GATE: () => tokenMatcher(this.LA(3), S.openBrace), ALT: () => this.SUBRULE(this.stage) },
          { ALT: () => this.SUBRULE(this.recipeSetting) },
        ]),
    });
    this.CONSUME(S.closeBrace);
  });

  readonly stage = this.RULE("stage", () => {
    this.CONSUME(K.stage);
    this.CONSUME(T.Identifier);
    this.CONSUME(S.openBrace);
    this.MANY({ GATE: () => !this.#braceForgotten(), DEF: () => this.SUBRULE(this.recipeSetting) });
    this.CONSUME(S.closeBrace);
  });

  readonly recipeSetting = this.RULE("recipeSetting", () => {
    this.OR([
      { ALT: () => (this.CONSUME(K.network, { LABEL: "key" }), this.SUBRULE1(this.expression)) },
      { ALT: () => (this.CONSUME(K.data, { LABEL: "key" }), this.SUBRULE2(this.expression)) },
      { ALT: () => (this.CONSUME(K.loss, { LABEL: "key" }), this.SUBRULE3(this.expression)) },
      { ALT: () => (this.CONSUME(K.batch, { LABEL: "key" }), this.SUBRULE4(this.expression)) },
      { ALT: () => (this.CONSUME(K.epochs, { LABEL: "key" }), this.SUBRULE5(this.expression)) },
      { ALT: () => (this.CONSUME(K.precision, { LABEL: "key" }), this.SUBRULE6(this.expression)) },
      { ALT: () => (this.CONSUME(K.seed, { LABEL: "key" }), this.SUBRULE7(this.expression)) },
      { ALT: () => (this.CONSUME(K.schedule, { LABEL: "key" }), this.SUBRULE8(this.expression)) },
      { ALT: () => this.SUBRULE(this.metrics) },
      { ALT: () => this.SUBRULE(this.optimizer) },
      { ALT: () => this.SUBRULE(this.weights) },
      { ALT: () => this.SUBRULE(this.replace) },
      { ALT: () => this.SUBRULE(this.freeze) },
      { ALT: () => this.SUBRULE(this.rate) },
      { ALT: () => this.SUBRULE(this.stop) },
      { ALT: () => this.SUBRULE(this.unknownSetting) },
    ]);
  });

  readonly metrics = this.RULE("metrics", () => {
    this.CONSUME(K.metrics);
    this.AT_LEAST_ONE_SEP({ SEP: S.comma, DEF: () => this.SUBRULE(this.expression) });
  });

  readonly optimizer = this.RULE("optimizer", () => {
    this.CONSUME(K.optimizer);
    this.SUBRULE(this.expression);
    this.OPTION(() => (this.CONSUME(K.clip), this.SUBRULE2(this.expression, { LABEL: "clipAt" })));
  });

  readonly weights = this.RULE("weights", () => {
    this.CONSUME(K.weights);
    this.SUBRULE(this.expression);
    this.MANY(() =>
      this.OR([
        { ALT: () => (this.CONSUME(K.drop), this.SUBRULE(this.patterns, { LABEL: "dropped" })) },
        { ALT: () => (this.CONSUME(K.new), this.SUBRULE2(this.patterns, { LABEL: "added" })) },
      ]),
    );
  });

  readonly replace = this.RULE("replace", () => {
    this.CONSUME(K.replace);
    this.SUBRULE(this.pattern);
    this.CONSUME(K.with);
    this.SUBRULE(this.expression);
  });

  readonly freeze = this.RULE("freeze", () => {
    this.CONSUME(K.freeze);
    this.SUBRULE(this.patterns);
    this.OPTION(() => (this.CONSUME(K.except), this.SUBRULE2(this.patterns, { LABEL: "exceptions" })));
  });

  readonly rate = this.RULE("rate", () => {
    this.CONSUME(K.rate);
    this.AT_LEAST_ONE_SEP({ SEP: S.comma, DEF: () => this.SUBRULE(this.rateEntry) });
  });

  readonly rateEntry = this.RULE("rateEntry", () => {
    this.SUBRULE(this.pattern);
    this.CONSUME(S.colon);
    this.SUBRULE(this.expression);
  });

  readonly stop = this.RULE("stop", () => {
    this.CONSUME(K.stop);
    this.CONSUME(K.when);
    this.CONSUME(T.Identifier, { LABEL: "split" });
    this.CONSUME(S.dot);
    this.CONSUME2(T.Identifier, { LABEL: "metric" });
    this.CONSUME(K.stalls);
    this.CONSUME(K.for);
    this.SUBRULE(this.expression);
    this.OPTION(() => {
      this.CONSUME(S.comma);
      this.CONSUME(K.keep);
      this.CONSUME(K.best);
    });
  });

  readonly patterns = this.RULE("patterns", () => {
    this.AT_LEAST_ONE_SEP({ SEP: S.comma, DEF: () => this.SUBRULE(this.pattern) });
  });

  /** Words, numbers, stars and dots with nothing between them. */
  readonly pattern = this.RULE("pattern", () => {
    this.OR([
      { ALT: () => this.CONSUME(T.Identifier, { LABEL: "word" }) },
      { ALT: () => this.CONSUME(T.NumberLiteral, { LABEL: "word" }) },
      { ALT: () => this.CONSUME(S.star, { LABEL: "word" }) },
      { ALT: () => this.CONSUME(S.starStar, { LABEL: "word" }) },
    ]);
    this.MANY({ GATE: () => this.#inPattern(), DEF: () => this.CONSUME(T.AnyToken, { LABEL: "word" }) });
  });

  /** A misspelt setting, to the end of its line or of its braces. */
  readonly unknownSetting = this.RULE("unknownSetting", () => {
    const line = this.LA(1).startLine;
    let depth = 0;
    this.CONSUME(T.Identifier, { LABEL: "key" });
    this.MANY({
      GATE: () => {
        const next = this.LA(1);
        return depth > 0 ? true : next.startLine === line && !tokenMatcher(next, S.closeBrace);
      },
      DEF: () => {
        const token = this.CONSUME(T.AnyToken, { LABEL: "skipped" });
        depth += tokenMatcher(token, S.openBrace) ? 1 : tokenMatcher(token, S.closeBrace) ? -1 : 0;
      },
    });
  });

  // --- gates ---

  /** A declaration's keyword at the beginning of a line, or with what only a declaration has after it. */
  #atDeclaration(): boolean {
    return DECLARATION_KEYWORDS.some((type) => tokenMatcher(this.LA(1), type)) && (this.LA(1).startColumn === 1 || this.#beginsDeclaration());
  }

  /** Within braces: a declaration at the beginning of a line means that a `}` was forgotten. */
  #braceForgotten(): boolean {
    const [first, second] = [this.LA(1), this.LA(2)];
    if (first.startColumn !== 1 || second.startLine !== first.startLine) return false;
    return DECLARATION_KEYWORDS.some((type) => tokenMatcher(first, type)) && this.#beginsDeclaration();
  }

  #beginsDeclaration(): boolean {
    if (tokenMatcher(this.LA(1), K.import)) return tokenMatcher(this.LA(2), S.openBrace);
    return tokenMatcher(this.LA(2), T.Identifier) && [S.openBrace, S.openParen, S.assign].some((type) => tokenMatcher(this.LA(3), type));
  }

  /** `(` and `[` belong to the value before them on their own line only; below it they begin something new. */
  #goesOn(): boolean {
    return tokenMatcher(this.LA(1), S.dot) || this.LA(0).endLine === this.LA(1).startLine;
  }

  #atInput(): boolean {
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

  #inPattern(): boolean {
    const token = this.LA(1);
    return adjacent(this.LA(0), token) && PATTERN_TOKENS.some((type) => tokenMatcher(token, type));
  }
}

const adjacent = (before: IToken, after: IToken): boolean => before.endOffset !== undefined && before.endOffset + 1 === after.startOffset;

const DECLARATION_KEYWORDS: readonly TokenType[] = [K.import, K.network, K.block, K.dataset, K.recipe];
const LABEL_TOKENS: readonly TokenType[] = [T.Identifier, T.NumberLiteral, T.BadNumber, T.Multiplier, S.dot, S.range];
const PATTERN_TOKENS: readonly TokenType[] = [...LABEL_TOKENS, S.star, S.starStar, K.in, K.for, K.if, K.let, K.not, K.and, K.or];

let parser: SpecParser | undefined;

export interface ParserFault {
  readonly expected: string;
  /** The end-of-file token has no offsets. */
  readonly found: IToken;
  readonly before: IToken | undefined;
  /** Between declarations. */
  readonly outermost: boolean;
}

export type StartRule = "spec" | "recipeSetting" | "datasetSetting" | "expression";

/** One parser serves all: building it costs far more than a parse. */
export function parseTokens(tokens: IToken[], rule: StartRule): { readonly cst: CstNode | undefined; readonly faults: readonly ParserFault[] } {
  parser ??= new SpecParser();
  parser.restart(tokens);
  const cst = parser[rule]() as CstNode | undefined;
  const faults = parser.errors.map((error) => ({
    expected: rule !== "spec" && error.name === "NotAllInputParsedException" ? "the end of the value" : error.message,
    found: error.token,
    before: (error as { readonly previousToken?: IToken }).previousToken,
    outermost: rule === "spec" && error.context.ruleStack.length <= 1,
  }));
  return { cst, faults };
}

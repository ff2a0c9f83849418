// Text to concrete syntax: one chevrotain parser without actions, which goes on after an error. This half reads declarations, data
// sets and recipes; body-parser.ts has the other.

import type { CstNode, IToken, TokenType } from "chevrotain";
import { tokenMatcher } from "chevrotain";
import { adjacent, BodyParser, DECLARATION_KEYWORDS, LABEL_TOKENS } from "./body-parser.ts";
import { GRAMMAR } from "./grammar-table.ts";
import { choiceBehind, lookahead } from "./lookahead.ts";
import type { GrammarTable, Lookahead } from "./lookahead.ts";
import * as T from "./tokens.ts";

export { TooDeep } from "./body-parser.ts";

const { K, S } = T;

class SpecParser extends BodyParser {
  /** @param table what it would find out of its grammar; such a parser stops at the first fault */
  constructor(table?: GrammarTable) {
    super(table === undefined);
    if (table === undefined) this.performSelfAnalysis();
    else this.#take(table);
  }

  /** What `performSelfAnalysis` leaves behind and a text without a fault needs. */
  #take(table: GrammarTable): void {
    const self = this as unknown as Analysed;
    self.selfAnalysisDone = true;
    for (const [place, choice] of table) self.lookAheadFuncsCache.set(place, lookahead(choice));
  }

  /** For the build. */
  get table(): GrammarTable {
    return [...(this as unknown as Analysed).lookAheadFuncsCache].map(([place, it]) => [place, choiceBehind(it)]);
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

  // --- data sets ---

  readonly dataset = this.RULE("dataset", () => {
    this.CONSUME(K.dataset);
    this.CONSUME(T.Identifier);
    this.CONSUME(S.openBrace);
    this.MANY({ GATE: () => !this.braceForgotten(), DEF: () => this.SUBRULE(this.datasetSetting) });
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
    this.OPTION1(() => this.SUBRULE(this.splitManner));
    this.OPTION2(() => (this.CONSUME(K.seed), this.SUBRULE(this.expression)));
  });

  readonly splitManner = this.RULE("splitManner", () => {
    this.OR([{ ALT: () => this.CONSUME(K.stratified) }, { ALT: () => (this.CONSUME(K.by), this.SUBRULE(this.expression)) }]);
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
      GATE: () => !this.braceForgotten(),
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
    this.MANY({ GATE: () => !this.braceForgotten(), DEF: () => this.SUBRULE(this.recipeSetting) });
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
      { ALT: () => this.SUBRULE(this.keep) },
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
        {
          ALT: () => {
            this.CONSUME(K.rename);
            this.AT_LEAST_ONE_SEP({ SEP: S.comma, DEF: () => this.SUBRULE(this.renameEntry) });
          },
        },
        {
          ALT: () => {
            this.CONSUME(K.adapt);
            this.AT_LEAST_ONE_SEP2({ SEP: S.comma, DEF: () => this.SUBRULE(this.adaptEntry) });
          },
        },
      ]),
    );
  });

  readonly renameEntry = this.RULE("renameEntry", () => {
    this.SUBRULE(this.pattern, { LABEL: "from" });
    this.CONSUME(K.to);
    this.SUBRULE2(this.pattern, { LABEL: "to" });
  });

  readonly adaptEntry = this.RULE("adaptEntry", () => {
    this.SUBRULE(this.pattern);
    this.CONSUME(K.with);
    this.SUBRULE(this.expression);
  });

  readonly replace = this.RULE("replace", () => {
    this.CONSUME(K.replace);
    this.SUBRULE(this.pattern);
    this.CONSUME(K.with);
    this.SUBRULE(this.chain);
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
    this.SUBRULE(this.measure);
    this.CONSUME(K.stalls);
    this.OPTION1(() => (this.CONSUME(K.within), this.SUBRULE1(this.expression, { LABEL: "within" })));
    this.CONSUME(K.for);
    this.SUBRULE2(this.expression);
    this.OPTION2(() => {
      this.CONSUME(S.comma);
      this.CONSUME(K.keep);
      this.CONSUME(K.best);
    });
  });

  readonly keep = this.RULE("keep", () => {
    this.CONSUME(K.keep);
    this.CONSUME(K.best);
    // The next setting begins with a word, too.
    this.OPTION({ GATE: () => this.LA(2).tokenType === S.dot, DEF: () => this.SUBRULE(this.measure) });
  });

  readonly measure = this.RULE("measure", () => {
    this.CONSUME1(T.Identifier, { LABEL: "split" });
    this.CONSUME(S.dot);
    this.CONSUME2(T.Identifier, { LABEL: "metric" });
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
    return (
      DECLARATION_KEYWORDS.some((type) => tokenMatcher(this.LA(1), type)) && (this.LA(1).startColumn === 1 || this.beginsDeclaration())
    );
  }

  #inPattern(): boolean {
    const token = this.LA(1);
    return adjacent(this.LA(0), token) && PATTERN_TOKENS.some((type) => tokenMatcher(token, type));
  }
}

const PATTERN_TOKENS: readonly TokenType[] = [...LABEL_TOKENS, S.star, S.starStar, K.in, K.for, K.if, K.let, K.not, K.and, K.or];

/** The part of chevrotain's parser that its analysis fills. */
interface Analysed {
  selfAnalysisDone: boolean;
  readonly lookAheadFuncsCache: Map<number, Lookahead>;
}

let parser: SpecParser | undefined;
let quick: SpecParser | undefined;

export const grammarTable = (): GrammarTable => (parser ??= new SpecParser()).table;

export interface ParserFault {
  readonly expected: string;
  /** The end-of-file token has no offsets. */
  readonly found: IToken;
  /** Between declarations. */
  readonly outermost: boolean;
  /** The rules that were being read, from the outermost. */
  readonly rules: readonly string[];
}

export type StartRule = "spec" | "recipeSetting" | "datasetSetting" | "expression";

/** One parser serves all: building it costs far more than a parse. */
export function parseTokens(
  tokens: IToken[],
  rule: StartRule,
): { readonly cst: CstNode | undefined; readonly faults: readonly ParserFault[] } {
  if (GRAMMAR !== undefined) {
    quick ??= new SpecParser(GRAMMAR);
    quick.restart(tokens);
    const cst = quick[rule]() as CstNode | undefined;
    if (quick.errors.length === 0) return { cst, faults: [] };
  }
  parser ??= new SpecParser();
  parser.restart(tokens);
  const cst = parser[rule]() as CstNode | undefined;
  const faults = parser.errors.map((error) => ({
    expected: rule !== "spec" && error.name === "NotAllInputParsedException" ? "the end of the value" : error.message,
    found: error.token,
    outermost: rule === "spec" && error.context.ruleStack.length <= 1,
    rules: error.context.ruleStack,
  }));
  return { cst, faults };
}

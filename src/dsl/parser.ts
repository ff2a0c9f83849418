// Text to concrete syntax: one chevrotain parser without actions, which goes on after an error. This part reads declarations and
// data sets; settings-parser.ts has the settings of recipes, body-parser.ts what is in networks.

import type { CstNode, IToken } from "chevrotain";
import { tokenMatcher } from "chevrotain";
import { DECLARATION_KEYWORDS } from "./body-parser.ts";
import { GRAMMAR } from "./grammar-table.ts";
import { choiceBehind, lookahead } from "./lookahead.ts";
import type { GrammarTable, Lookahead } from "./lookahead.ts";
import { SettingsParser } from "./settings-parser.ts";
import * as T from "./tokens.ts";

export { TooDeep } from "./body-parser.ts";

const { K, S } = T;

class SpecParser extends SettingsParser {
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
    // What was expected, the grammar says, which this parser does not have.
    self.raiseNoAltException = self.raiseEarlyExitException = () => {
      throw new Stopped();
    };
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
    this.OPTION(() => (this.CONSUME(K.per), this.CONSUME(K.class)));
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

  // --- gates ---

  /** A declaration's keyword at the beginning of a line, or with what only a declaration has after it. */
  #atDeclaration(): boolean {
    return (
      DECLARATION_KEYWORDS.some((type) => tokenMatcher(this.LA(1), type)) && (this.LA(1).startColumn === 1 || this.beginsDeclaration())
    );
  }
}

/** The part of chevrotain's parser that its analysis fills, and what asks for more of it. */
interface Analysed {
  selfAnalysisDone: boolean;
  readonly lookAheadFuncsCache: Map<number, Lookahead>;
  raiseNoAltException: () => never;
  raiseEarlyExitException: () => never;
}

/** Thrown at a fault by the parser that has no grammar. */
class Stopped extends Error {}

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

/** Undefined where there is a fault. */
function readQuickly(reader: SpecParser, tokens: IToken[], rule: StartRule): CstNode | undefined {
  reader.restart(tokens);
  try {
    const cst = reader[rule]() as CstNode | undefined;
    return reader.errors.length === 0 ? cst : undefined;
  } catch (error) {
    if (error instanceof Stopped) return undefined;
    throw error;
  }
}

/** One parser serves all: building it costs far more than a parse. */
export function parseTokens(
  tokens: IToken[],
  rule: StartRule,
): { readonly cst: CstNode | undefined; readonly faults: readonly ParserFault[] } {
  if (GRAMMAR !== undefined) {
    quick ??= new SpecParser(GRAMMAR);
    const cst = readQuickly(quick, tokens, rule);
    if (cst !== undefined) return { cst, faults: [] };
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

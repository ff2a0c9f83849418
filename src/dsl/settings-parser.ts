// The settings of recipes, and patterns of parameter names: the part of the grammar between that of bodies and that of declarations.

import type { TokenType } from "chevrotain";
import { tokenMatcher } from "chevrotain";
import { ADAPTERS } from "../ir/recipe/adapters/index.ts";
import { adjacent, BodyParser, LABEL_TOKENS } from "./body-parser.ts";
import * as T from "./tokens.ts";

const { K, S } = T;

export class SettingsParser extends BodyParser {
  readonly recipeSetting = this.RULE("recipeSetting", () => {
    this.OR([
      { ALT: () => (this.CONSUME(K.network, { LABEL: "key" }), this.SUBRULE1(this.expression)) },
      { ALT: () => (this.CONSUME(K.data, { LABEL: "key" }), this.SUBRULE2(this.expression)) },
      { ALT: () => this.SUBRULE(this.loss) },
      { ALT: () => (this.CONSUME(K.batch, { LABEL: "key" }), this.SUBRULE4(this.expression)) },
      { ALT: () => (this.CONSUME(K.epochs, { LABEL: "key" }), this.SUBRULE5(this.expression)) },
      { ALT: () => (this.CONSUME(K.precision, { LABEL: "key" }), this.SUBRULE6(this.expression)) },
      { ALT: () => (this.CONSUME(K.seed, { LABEL: "key" }), this.SUBRULE7(this.expression)) },
      { ALT: () => (this.CONSUME(K.schedule, { LABEL: "key" }), this.SUBRULE8(this.expression)) },
      { ALT: () => (this.CONSUME(K.accumulate, { LABEL: "key" }), this.SUBRULE9(this.expression)) },
      { ALT: () => (this.CONSUME(K.average, { LABEL: "key" }), this.SUBRULE(this.expression)) },
      { ALT: () => this.SUBRULE(this.metrics) },
      { ALT: () => this.SUBRULE(this.optimizer) },
      { ALT: () => this.SUBRULE(this.weights) },
      { ALT: () => this.SUBRULE(this.replace) },
      { ALT: () => this.SUBRULE(this.freeze) },
      { ALT: () => this.SUBRULE(this.recompute) },
      { ALT: () => this.SUBRULE(this.features) },
      { ALT: () => this.SUBRULE(this.rate) },
      { ALT: () => this.SUBRULE(this.decay) },
      { ALT: () => this.SUBRULE(this.regularize) },
      { ALT: () => this.SUBRULE(this.adapt) },
      { ALT: () => this.SUBRULE(this.distill) },
      { ALT: () => this.SUBRULE(this.stop) },
      { ALT: () => this.SUBRULE(this.keep) },
      { ALT: () => this.SUBRULE(this.unknownSetting) },
    ]);
  });

  readonly loss = this.RULE("loss", () => {
    this.CONSUME(K.loss);
    this.OR([
      { GATE: () => this.#atOutput(), ALT: () => this.AT_LEAST_ONE_SEP({ SEP: S.comma, DEF: () => this.SUBRULE(this.outputLoss) }) },
      { ALT: () => this.SUBRULE(this.expression) },
    ]);
  });

  readonly outputLoss = this.RULE("outputLoss", () => {
    this.CONSUME(T.Identifier);
    this.CONSUME(S.colon);
    this.SUBRULE(this.expression);
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
    this.MANY({
      GATE: () => !this.#atAdapter(),
      DEF: () =>
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
    });
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
    this.OPTION(() => this.SUBRULE(this.exceptions));
  });

  readonly recompute = this.RULE("recompute", () => {
    this.CONSUME(K.recompute);
    this.SUBRULE(this.patterns);
  });

  readonly features = this.RULE("features", () => {
    this.CONSUME(K.features);
    this.SUBRULE(this.expression);
  });

  readonly rate = this.RULE("rate", () => {
    this.CONSUME(K.rate);
    this.OR([
      {
        // What is meant by a name or a star is a pattern, also where its colon is missing.
        GATE: () => this.#atEntry() || ![T.NumberLiteral, S.openParen].some((type) => tokenMatcher(this.LA(1), type)),
        ALT: () => this.AT_LEAST_ONE_SEP({ SEP: S.comma, DEF: () => this.SUBRULE(this.rateEntry) }),
      },
      {
        ALT: () => {
          this.SUBRULE(this.expression);
          this.CONSUME(K.per);
          this.CONSUME(K.layer);
          this.CONSUME(K.of);
          this.SUBRULE(this.patterns);
        },
      },
    ]);
  });

  readonly rateEntry = this.RULE("rateEntry", () => {
    this.SUBRULE(this.pattern);
    this.CONSUME(S.colon);
    this.SUBRULE(this.expression);
  });

  readonly decay = this.RULE("decay", () => {
    this.CONSUME(K.decay);
    this.OR([
      { GATE: () => this.#atEntry(), ALT: () => this.AT_LEAST_ONE_SEP({ SEP: S.comma, DEF: () => this.SUBRULE(this.rateEntry) }) },
      { GATE: () => !tokenMatcher(this.LA(1), K.except), ALT: () => this.SUBRULE(this.expression) },
      { ALT: () => this.SUBRULE(this.exceptions) },
    ]);
    this.OPTION(() => this.SUBRULE2(this.exceptions));
  });

  readonly exceptions = this.RULE("exceptions", () => {
    this.CONSUME(K.except);
    this.SUBRULE(this.patterns);
  });

  readonly regularize = this.RULE("regularize", () => {
    this.CONSUME(K.regularize);
    this.SUBRULE(this.expression);
    this.OPTION1(() => (this.CONSUME(K.on), this.SUBRULE(this.patterns)));
    this.OPTION2(() => this.SUBRULE(this.exceptions));
  });

  readonly adapt = this.RULE("adapt", () => {
    this.CONSUME(K.adapt);
    this.SUBRULE(this.patterns);
    this.OPTION(() => this.SUBRULE(this.exceptions));
    this.CONSUME(K.with);
    this.SUBRULE(this.expression);
  });

  readonly distill = this.RULE("distill", () => {
    this.CONSUME(K.distill);
    this.CONSUME(K.from);
    this.SUBRULE1(this.expression, { LABEL: "teacher" });
    this.SUBRULE(this.weights);
    this.OPTION(() => (this.CONSUME(K.with), this.SUBRULE2(this.expression, { LABEL: "how" })));
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
    // What stands between them is an output.
    this.OPTION(() => (this.CONSUME2(S.dot), this.CONSUME3(T.Identifier, { LABEL: "metric" })));
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

  /** The name of an output, with the colon behind it. */
  #atOutput(): boolean {
    return tokenMatcher(this.LA(2), S.colon);
  }

  /** A pattern with a colon behind it. */
  #atEntry(): boolean {
    let i = 1;
    while (this.#inPattern(i + 1)) i++;
    return tokenMatcher(this.LA(i + 1), S.colon);
  }

  /** Behind `weights`, `adapt` may also be the next setting: its word is one of adapters, and only that has exceptions. */
  #atAdapter(): boolean {
    if (!tokenMatcher(this.LA(1), K.adapt)) return false;
    for (let i = 2; ; i++) {
      if (tokenMatcher(this.LA(i), K.with)) return ADAPTER_NAMES.has(this.LA(i + 1).image);
      if (tokenMatcher(this.LA(i), K.except)) return true;
      if (!tokenMatcher(this.LA(i), S.comma) && !PATTERN_TOKENS.some((type) => tokenMatcher(this.LA(i), type))) return false;
    }
  }

  /** Whether a token goes on with the pattern that the one before it is in. */
  #inPattern(ahead = 1): boolean {
    const token = this.LA(ahead);
    return adjacent(this.LA(ahead - 1), token) && PATTERN_TOKENS.some((type) => tokenMatcher(token, type));
  }
}

const ADAPTER_NAMES: ReadonlySet<string> = new Set(ADAPTERS.map(({ name }) => name));

const PATTERN_TOKENS: readonly TokenType[] = [...LABEL_TOKENS, S.star, S.starStar, K.in, K.for, K.if, K.let, K.not, K.and, K.or];

// One token of lookahead for chevrotain, from the sets of tokens that a rule can begin with. Its own way finds paths of any length, which
// took a quarter of the time of checking a small spec; the grammar needs one token, and gates where that does not do.

import {
  Alternation,
  NonTerminal,
  Option,
  Repetition,
  RepetitionMandatory,
  RepetitionMandatoryWithSeparator,
  RepetitionWithSeparator,
  Terminal,
} from "chevrotain";
import type { ILookaheadStrategy, IOrAlt, IProduction, IToken, OptionalProductionType, Rule, TokenType } from "chevrotain";
import { InternalError } from "../ir/types.ts";

/** What the functions below are called on. */
interface Reader {
  LA(howMuch: number): IToken;
}

/** Numbers of token types, those in a category among them. */
type Beginnings = ReadonlySet<number>;

/** What decides at one place of the grammar: which tokens each alternative begins with, or what is optional. Survives JSON. */
export interface Choice {
  readonly kind: "gated" | "alternation" | "optional";
  readonly beginnings: readonly (readonly number[])[];
}

/** By the numbers that the parser gives its places. */
export type GrammarTable = readonly (readonly [place: number, choice: Choice])[];

export type Lookahead = ((this: unknown, given?: readonly IOrAlt<unknown>[]) => number | undefined) | ((this: unknown) => boolean);

const choiceOf = new WeakMap<object, Choice>();

/** What a function that `lookahead` made was made of. */
export function choiceBehind(it: object): Choice {
  const choice = choiceOf.get(it);
  if (!choice) throw new InternalError("the parser looks ahead in a way of its own");
  return choice;
}

export function lookahead(choice: Choice): Lookahead {
  const made = make(choice);
  choiceOf.set(made, choice);
  return made;
}

function make({ kind, beginnings }: Choice): Lookahead {
  if (kind === "optional") {
    const types = new Set(beginnings.flat());
    return function (this: unknown): boolean {
      return types.has((this as Reader).LA(1).tokenTypeIdx);
    };
  }
  if (kind === "alternation") {
    const choices = new Map<number, number>();
    for (const [i, types] of beginnings.entries()) for (const type of types) if (!choices.has(type)) choices.set(type, i);
    return function (this: unknown): number | undefined {
      return choices.get((this as Reader).LA(1).tokenTypeIdx);
    };
  }
  const alternatives = beginnings.map((types) => new Set(types));
  return function (this: unknown, given: readonly IOrAlt<unknown>[] = []): number | undefined {
    const { tokenTypeIdx } = (this as Reader).LA(1);
    const at = alternatives.findIndex((types, i) => types.has(tokenTypeIdx) && given[i]?.GATE?.call(this) !== false);
    return at === -1 ? undefined : at;
  };
}

const KINDS = { Option, Repetition, RepetitionMandatory, RepetitionMandatoryWithSeparator, RepetitionWithSeparator } as const;

export class OneToken implements ILookaheadStrategy {
  readonly #ofRules = new Map<Rule, Beginnings>();

  /** The grammar is fixed, and tested. */
  validate(): [] {
    return [];
  }

  buildLookaheadForAlternation({ rule, prodOccurrence, hasPredicates }: Alternatives): (given?: IOrAlt<unknown>[]) => number | undefined {
    const beginnings = productionOf(rule, Alternation, prodOccurrence).definition.map((it) => [...this.#beginningsOf(it)]);
    return lookahead({ kind: hasPredicates ? "gated" : "alternation", beginnings }) as () => number | undefined;
  }

  buildLookaheadForOptional({ rule, prodOccurrence, prodType }: Optional): () => boolean {
    const beginnings = [[...this.#beginningsOf(productionOf(rule, KINDS[prodType], prodOccurrence))]];
    return lookahead({ kind: "optional", beginnings }) as () => boolean;
  }

  #beginningsOf(it: IProduction): Beginnings {
    if (it instanceof Terminal) return new Set(typesOf(it.terminalType));
    if (it instanceof NonTerminal) return this.#ofRule(it.referencedRule);
    const parts = definitionOf(it);
    if (it instanceof Alternation) return new Set(parts.flatMap((part) => [...this.#beginningsOf(part)]));
    const found = new Set<number>();
    for (const part of parts) {
      for (const type of this.#beginningsOf(part)) found.add(type);
      if (!mayBeEmpty(part)) break;
    }
    return found;
  }

  #ofRule(rule: Rule): Beginnings {
    const known = this.#ofRules.get(rule);
    if (known) return known;
    const found = this.#beginningsOf(rule);
    this.#ofRules.set(rule, found);
    return found;
  }
}

interface Alternatives {
  readonly rule: Rule;
  readonly prodOccurrence: number;
  readonly hasPredicates: boolean;
}

interface Optional {
  readonly rule: Rule;
  readonly prodOccurrence: number;
  readonly prodType: OptionalProductionType;
}

const typesOf = ({ tokenTypeIdx = -1, categoryMatches = [] }: TokenType): readonly number[] => [tokenTypeIdx, ...categoryMatches];

const definitionOf = (it: IProduction): readonly IProduction[] =>
  (it as unknown as { readonly definition: readonly IProduction[] }).definition;

function mayBeEmpty(it: IProduction): boolean {
  if (it instanceof Terminal) return false;
  if (it instanceof NonTerminal) return it.referencedRule.definition.every(mayBeEmpty);
  if (it instanceof Option || it instanceof Repetition || it instanceof RepetitionWithSeparator) return true;
  return it instanceof Alternation ? it.definition.some(mayBeEmpty) : definitionOf(it).every(mayBeEmpty);
}

/** The production of a kind with a number in a rule: `MANY2` is the repetition with 2. */
function productionOf<P extends IProduction & { readonly idx: number }>(
  rule: Rule,
  kind: abstract new (...args: never[]) => P,
  idx: number,
): P {
  const search = (it: IProduction): P | undefined => {
    if (it instanceof kind && it.idx === idx) return it;
    if (it instanceof Terminal || it instanceof NonTerminal) return undefined;
    for (const part of definitionOf(it)) {
      const found = search(part);
      if (found) return found;
    }
    return undefined;
  };
  const found = search(rule);
  if (!found) throw new InternalError(`rule ${rule.name} has no ${kind.name} ${idx}`);
  return found;
}

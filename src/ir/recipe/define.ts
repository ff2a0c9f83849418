// What a word of a recipe or a data set is: a name with documentation, arguments and checks, in one object in a file of its own, with a
// line in the list of its kind. What a word builds or does is added by its kind (losses/define.ts, optimizers/define.ts, …). Everything
// else asks a word for a property, never for its name.

import type { DiagnosticName, ParamsOf } from "../../diagnostics.ts";
import type { PlainValue, WordPlan } from "../plan.ts";
import { InternalError } from "../types.ts";
import type { ArgSpecs, Values } from "./arguments.ts";

export { arg, argOr } from "./arguments.ts";
export type { ArgSpecs, Values } from "./arguments.ts";

export interface Word<N extends string = string, A extends ArgSpecs = ArgSpecs> {
  /** As the language spells it; also in artifacts. */
  readonly name: N;
  /** What it does, in a line. */
  readonly doc: string;
  /** Positional arguments fill them in this order. */
  readonly args: A;
  /** Arguments that have a name: `normalize(imagenet)`. */
  readonly presets?: Readonly<Record<string, Values<A>>>;
  /** What is wrong with arguments of which each fits its type. */
  readonly check?: (args: Values<A>) => Problem | undefined;
}

/** A fault that a word finds: an entry of the catalogue with its parameters. Whoever knows the place reports it. */
export interface Problem<N extends DiagnosticName = DiagnosticName> {
  readonly name: N;
  readonly params: ParamsOf<N>;
  readonly hint?: string;
}

export const problem = <N extends DiagnosticName>(name: N, params: ParamsOf<N>, hint?: string): Problem => ({
  name,
  params,
  ...(hint !== undefined && { hint }),
});

/** The word of a list that a plan names. Plans are checked when they are made, or read from a file. */
export function wordOf<W extends Word>(words: readonly W[], { word }: WordPlan): W {
  const found = words.find(({ name }) => name === word);
  if (found === undefined) throw new InternalError(`there is no word ${word} among ${words.map(({ name }) => name).join(", ")}`);
  return found;
}

/** A plan for a word, with defaults for the arguments left out. */
export function planOf<A extends ArgSpecs>(word: Pick<Word<string, A>, "name" | "args">, given: Partial<Values<A>> = {}): WordPlan {
  const defaults = Object.entries(word.args).flatMap(([name, spec]) => ("default" in spec ? [[name, spec.default] as const] : []));
  return { word: word.name, args: { ...Object.fromEntries(defaults), ...given } as Readonly<Record<string, PlainValue>> };
}

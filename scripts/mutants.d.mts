// For the test that imports mutants.mjs.

export interface Mutant {
  readonly name: string;
  /** The source that it is in, from the root of the checkout. */
  readonly file: string;
  /** Text that is there once, and what a careless hand would have written. */
  readonly find: string;
  readonly replace: string;
  /** What is wrong with it. */
  readonly why: string;
  /** The test file that must fail; with `only`, its tests of that name (`-t`). */
  readonly test: string;
  readonly only?: string;
}

export function readMutants(root?: string): readonly Mutant[];

export function mutate(
  source: string,
  mutant: Pick<Mutant, "find" | "replace">,
): { readonly problem: string; readonly mutated?: never } | { readonly mutated: string; readonly problem?: never };

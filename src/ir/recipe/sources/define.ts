// What a source of data is: what the language says of it. How its files are read is the runtime's, in a table with an entry for each.

import type { ColumnInfo } from "../../plan.ts";
import type { ArgSpecs, Values } from "../arguments.ts";
import type { Word } from "../define.ts";

export interface Source<N extends string = string, A extends ArgSpecs = ArgSpecs> extends Word<N, A> {
  /** Pictures feed the only input of a network, and steps work on them; columns feed inputs by their names. */
  readonly gives: "pictures" | "columns";
  /** What the label of an example is, where every such source has the same: known before anything is read. */
  readonly label?: Pick<ColumnInfo, "dtype" | "shape">;
  /** The classes that pixels have, of pictures which come with masks; those of whole examples are read from the data. */
  readonly classes?: (args: Values<A>) => readonly string[];
  /** Arguments that the training source must have, for all of its kind. */
  readonly needed?: readonly (keyof A & string)[];
  /** Arguments that a source without them has from the training source of its kind. */
  readonly shared?: readonly (keyof A & string)[];
  /** Cases for the tests. */
  readonly samples: readonly Partial<Values<A>>[];
}

/** Callers hold the arguments as plans do. */
export const defineSource = <const N extends string, const A extends ArgSpecs>(source: Source<N, A>): Source<N> =>
  Object.freeze(source) as unknown as Source<N>;

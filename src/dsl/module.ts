// A file of a spec with the names it can use: its own declarations and what it imports.

import type { Span } from "../diagnostics.ts";
import type * as Ast from "./ast.ts";

export type Bound = Exclude<Ast.Declaration, Ast.RecipeDeclaration>;

/** `declaration` is missing where it could not be read: a use of the name is then no further fault. */
export interface Binding {
  readonly module: Module;
  readonly declaration?: Bound;
  readonly span: Span;
}

export interface Module {
  readonly path: string;
  readonly text: string;
  readonly spec: Ast.Spec;
  readonly names: ReadonlyMap<string, Binding>;
  readonly recipes: ReadonlyMap<string, Ast.RecipeDeclaration>;
  /** Of networks and blocks with a fault of syntax: nothing is built of them, and the names in them are checked. */
  readonly partial: readonly Ast.PartialDeclaration[];
  /** Settings that are there under another name. */
  readonly misspelt: readonly Ast.MisspeltSetting[];
}

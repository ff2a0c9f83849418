// Names that mean something for one argument of a layer only, as in `padding: same`. There they mean that, whatever else has the name: a
// layer that is called `tanh` does not stand in the way of `gelu(approximate: tanh)`.

import type { ArgSpecs } from "../ir/recipe/arguments.ts";
import type * as Ast from "./ast.ts";

export const wordOf = (it: Ast.Expr, spec: ArgSpecs[string] | undefined): string | undefined =>
  it.kind === "ref" && spec?.words?.includes(it.name) === true ? it.name : undefined;

// Every lint. Those of data stand in a file of their own, since a compiled folder is trained without the language.

import type { DiagnosticSink } from "../../diagnostics.ts";
import { reportProblem } from "../choose.ts";
import { DATA_LINTS } from "./data.ts";
import type { BuiltRecipe, Lint } from "./define.ts";
import { NETWORK_LINTS } from "./network.ts";
import { TRAINING_LINTS } from "./training.ts";

export const LINTS: readonly Lint[] = [...NETWORK_LINTS, ...TRAINING_LINTS, ...DATA_LINTS];

/** The warnings of a recipe without an error. */
export function lintRecipe(recipe: BuiltRecipe, sink: Pick<DiagnosticSink, "report">): void {
  for (const lint of LINTS) {
    if (lint.when !== "network") continue;
    for (const { problem, at } of lint.find(recipe)) reportProblem(sink, at, problem);
  }
}

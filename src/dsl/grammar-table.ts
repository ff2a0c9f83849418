// The parser's analysis of its grammar, which takes longer than reading most specs: made when the package is built (scripts/precompile.mjs), so
// that a spec without a fault is read without it. From source there is none, and the parser makes it.

import type { GrammarTable } from "./lookahead.ts";

export const GRAMMAR: GrammarTable | undefined = undefined;

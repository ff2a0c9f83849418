// Where in a spec a value comes from. Builders keep it beside the graph, never in it: equal values are one node, whoever asked for them
// first. What is made of a node by a rewrite or as its gradient has its origin, and so have the kernels in the end; faults that are found
// late still name their place.

import type { Span } from "../diagnostics.ts";

export interface Origin {
  /** Of the layer: its scope, as in the names of its parameters, or its keyword where it has none. Of other things what they are: `loss`. */
  readonly path: string;
  /** The layer's keyword, or the word of the recipe. */
  readonly what: string;
  readonly span?: Span;
}

const blamed = new WeakMap<object, Origin>();

/** Runs what is done for a value of this origin; an error that leaves it is the origin's, unless something within is closer to it. */
export function blaming<T>(origin: Origin | undefined, run: () => T): T {
  if (!origin) return run();
  try {
    return run();
  } catch (error) {
    if (error instanceof Error && !originOfError(error)) blamed.set(error, origin);
    throw error;
  }
}

/** What an error, or the one that caused it, was found at. */
export function originOfError(error: unknown): Origin | undefined {
  for (let at = error; at instanceof Error; at = at.cause) {
    const origin = blamed.get(at);
    if (origin) return origin;
  }
  return undefined;
}

// Where a spec says what is read and compared, for lints of data: once that is loaded, there is nothing left to point with.

import type { Span } from "../../diagnostics.ts";
import type { Builder } from "../../ir/builder.ts";
import type { ForwardModel } from "../../ir/model.ts";
import type { PlannedRecipe } from "../recipe.ts";
import type { AnswerPlace } from "./define.ts";

/** Of the batch, of each split, and of answers that a layer with weights gives. */
export function placesOf(
  { data, dataSpan, batchSpan }: PlannedRecipe,
  network: ForwardModel,
  builder: Builder,
): Readonly<Record<string, Span>> {
  const of = (split: string): Span => data?.sources[split]?.span ?? dataSpan;
  const parts = data?.splits.flatMap(({ from, parts: named }) => named.map(({ name }) => [name, of(from)] as const)) ?? [];
  const sources = Object.keys(data?.sources ?? {}).map((split) => [split, of(split)] as const);
  return Object.fromEntries([["batch", batchSpan], ...sources, ...parts, ...answers(network, builder)]);
}

/** Layers whose answers go out as they are, and so begin around 0. Sums, products and functions behind them are somebody's own idea of where answers lie. */
const answers = ({ outputs, parameters }: ForwardModel, builder: Builder): readonly (readonly [AnswerPlace, Span])[] =>
  [...outputs].flatMap(([output, node]) => {
    const origin = builder.originOf(node);
    const isOfLayer = origin !== undefined && parameters.some(({ name }) => name.startsWith(`${origin.path}.`));
    return isOfLayer && origin.span ? [[`answer ${output}`, origin.span] as const] : [];
  });

// What the schedule `plateau` makes of the epochs of a stage: PyTorch's ReduceLROnPlateau, with its threshold as a share of the best value.

import type { Measure, WordPlan } from "../../ir/plan.ts";

export interface Plateau {
  /** The value that must be beaten; none before the first that is a number. */
  readonly best?: number;
  /** Epochs in a row that have not beaten it, and those in which none is counted yet. */
  readonly stalled: number;
  readonly cooling: number;
  /** What the rate is multiplied by from here on. */
  readonly factor: number;
}

export const NO_PLATEAU: Plateau = { stalled: 0, cooling: 0, factor: 1 };

/** After an epoch that reports `value`. */
export function afterEpoch({ better }: Pick<Measure, "better">, { args }: WordPlan, before: Plateau, value: number): Plateau {
  const of = (name: string): number => Number(args[name]);
  const { best } = before;
  const isGain =
    !Number.isNaN(value) &&
    (best === undefined || (better === "lower" ? value < best * (1 - of("threshold")) : value > best * (1 + of("threshold"))));
  const isCooling = before.cooling > 0;
  const stalled = isGain || isCooling ? 0 : before.stalled + 1;
  const now = { ...(isGain ? { best: value } : best !== undefined && { best }), cooling: before.cooling - (isCooling ? 1 : 0) };
  if (stalled <= of("patience")) return { ...now, stalled, factor: before.factor };
  return { ...now, stalled: 0, cooling: of("cooldown"), factor: before.factor * of("factor") };
}

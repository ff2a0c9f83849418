// The second half of fusion: values that are computed at the same points form a group, which becomes one kernel, and what only its own
// group reads gets no memory.

import { NO_PACKS, type Memory } from "../ir/fusion/buffers.ts";
import type { Node } from "../ir/node.ts";
import type { FusionPlan } from "../ir/fusion/plan.ts";
import { Grouping, type FuseOptions } from "./grouping.ts";
import { planUnits } from "./inline.ts";

/** @param roots nodes that must have a buffer */
export function planFusion(roots: readonly Node[], options: FuseOptions, memory: Memory = NO_PACKS): FusionPlan {
  return new Grouping(planUnits(roots, options, memory), options, new Set(roots), memory).plan();
}

// Whether a kernel meets its own results: then no element may be computed twice, since the second time its operands would be others.

import type { Expr } from "../../ir/loop/expr.ts";
import { boundsOf } from "../../ir/loop/index-math.ts";
import { expressionsOf, type Kernel } from "../../ir/loop/kernel.ts";
import { loadsOf } from "../../ir/loop/loads.ts";
import { strideAlong, termsOf } from "../axes.ts";

/** Whether some point may load what this or another point writes in the same launch. */
export function readsItsWrites({ params, stages, time }: Kernel): boolean {
  const loads = loadsOf(stages.flatMap(expressionsOf));
  const writes = stages.flatMap((stage) => (stage.kind === "store" ? stage.writes : []));
  return params.some(({ access }, param) => {
    if (access !== "read_write") return false;
    const own = loads.filter(({ buffer }) => buffer === param).map(({ index }) => spanOf(index, time?.name));
    return writes.some(({ buffer, index }) => buffer === param && own.some((load) => mayMeet(load, spanOf(index, time?.name))));
  });
}

/** Where an index is in a step of time: between two bounds, which move with time. */
interface Span {
  readonly perStep: number;
  readonly least: number;
  readonly most: number;
}

function spanOf(index: Expr, time: string | undefined): Span | undefined {
  const perStep = time === undefined ? 0 : strideAlong(index, time);
  if (perStep === undefined) return undefined;
  let [least, most] = [0, 0];
  for (const [scale, factor] of termsOf(index)) {
    if (factor?.kind === "axis" && factor.name === time) continue;
    const bounds = factor ? boundsOf(factor) : ([1, 1] as const);
    if (!bounds) return undefined;
    least += Math.min(scale * bounds[0], scale * bounds[1]);
    most += Math.max(scale * bounds[0], scale * bounds[1]);
  }
  return { perStep, least, most };
}

const mayMeet = (x: Span | undefined, y: Span | undefined): boolean =>
  !x || x.perStep !== y?.perStep || (x.least <= y.most && y.least <= x.most);

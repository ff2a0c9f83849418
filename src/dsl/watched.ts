// What a stage watches of its epochs: `stop when val.loss stalls for 3` and `keep best val.loss`.

import { didYouMean, oneOf } from "../diagnostics.ts";
import type { DataPlan, Measure, RecipePlan, StagePlan } from "../ir/plan.ts";
import { METRICS, metricsOf } from "../ir/recipe/metrics/index.ts";
import type * as Ast from "./ast.ts";
import { evaluate, type Environment } from "./evaluate.ts";
import { wholeNumber, type Settings } from "./settings.ts";
import { describeValue, isUnknown } from "./values.ts";

/** What there is to watch. */
export interface Watchable {
  readonly recipe: Pick<RecipePlan, "metrics">;
  readonly data: DataPlan | undefined;
}

const DEFAULT = "val.loss";
const SPLITS = ["train", "val"] as const;

export function planWatched(settings: Settings, watchable: Watchable, env: Environment): Pick<StagePlan, "stop" | "keep"> {
  const [stop, keep] = [settings.get("stop"), settings.get("keep")];
  if (stop?.keepBest === true && keep) {
    const notes = [{ span: keep.span, text: "and here" }];
    env.sink.report("duplicate-setting", stop.span, { key: "keep best" }, { notes });
  }
  const stalling = stop && measureOf(stop, stop.metric, watchable, env);
  const kept = keep
    ? measureOf(keep, keep.metric ?? stop?.metric ?? DEFAULT, watchable, env)
    : stop?.keepBest === true
      ? stalling
      : undefined;
  return {
    ...(stop && stalling && { stop: { ...stalling, patience: patienceOf(stop, env), within: withinOf(stop, env) } }),
    ...(kept && { keep: kept }),
  };
}

const patienceOf = ({ patience }: Ast.SettingOf<"stop">, env: Environment): number =>
  wholeNumber({ key: "stop when … stalls for", value: patience }, 1, 1e6, 1, env);

function withinOf({ within }: Ast.SettingOf<"stop">, { sink, ...env }: Environment): number {
  if (within === undefined) return 0;
  const value = evaluate(within, { sink, ...env });
  if (typeof value === "number" && Number.isFinite(value) && value >= 0) return value;
  const problem = { what: "`stop when … stalls within`", wanted: "a number from 0", got: describeValue(value) };
  if (!isUnknown(value)) sink.report(typeof value === "number" ? "out-of-range" : "wrong-type", within.span, problem);
  return 0;
}

function measureOf({ span }: Ast.RecipeSetting, measure: string, { recipe, data }: Watchable, { sink }: Environment): Measure | undefined {
  const [split = "", metric = ""] = measure.split(".");
  const watched = metricsOf(recipe).filter(({ metric: it }) => it.made === "of sums" || split !== "train");
  const betterOf = new Map([["loss", "lower" as const], ...watched.map(({ name, metric: { better: which } }) => [name, which] as const)]);
  const known = [...betterOf].flatMap(([name, which]) => (which === undefined ? [] : [name]));
  const better = betterOf.get(metric);
  const has = SPLITS.filter(
    (it) => !data || Object.hasOwn(data.sources, it) || data.splits.some(({ parts }) => parts.some((part) => part.name === it)),
  );
  const found = SPLITS.find((it) => it === split);
  if (found === undefined) {
    const hint = `write ${oneOf(has.map((it) => `${it}.${metric}`))}`;
    sink.report("not-measured", span, { measure, reason: `epochs report \`train\` and \`val\`, not \`${split}\`` }, { hint });
  } else if (!has.includes(found)) {
    const hint = "add `val` to the data set, or for example `split train into train 90%, val 10%`";
    sink.report("not-measured", span, { measure, reason: `the data set has no \`${split}\`` }, { hint });
  } else if (better === undefined) {
    const isMetric = METRICS.some(({ name }) => name === metric);
    const asked = isMetric ? `add \`metrics ${metric}\`` : didYouMean(metric, known);
    const hint = asked ?? `epochs report ${oneOf(known)}; \`metrics\` adds others`;
    sink.report("not-measured", span, { measure, reason: `epochs report no \`${metric}\`` }, { hint });
  } else return { split: found, metric, better };
  return undefined;
}

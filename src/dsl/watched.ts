// What a stage watches of its epochs: `stop when val.loss stalls for 3` and `keep best val.loss`.

import { didYouMean, oneOf } from "../diagnostics.ts";
import type { DataPlan, Measure, OutputTask, StagePlan, WordPlan } from "../ir/plan.ts";
import { METRICS, reportedBy } from "../ir/recipe/metrics/index.ts";
import { scheduleOf } from "../ir/recipe/schedules/index.ts";
import type * as Ast from "./ast.ts";
import { evaluate, type Environment } from "./evaluate.ts";
import { wholeNumber, type Settings } from "./settings.ts";
import { describeValue, isUnknown } from "./values.ts";

/** What there is to watch. */
export interface Watchable {
  readonly tasks: readonly OutputTask[];
  readonly data: DataPlan | undefined;
}

const DEFAULT = "val.loss";
const SPLITS = ["train", "val"] as const;

/** @param schedule the stage's, which may watch as well */
export function planWatched(
  settings: Settings,
  schedule: WordPlan | undefined,
  watchable: Watchable,
  env: Environment,
): Pick<StagePlan, "stop" | "keep" | "watch"> {
  const [stop, keep] = [settings.get("stop"), settings.get("keep")];
  if (stop?.keepBest === true && keep) {
    const notes = [{ span: keep.span, text: "and here" }];
    env.sink.report("duplicate-setting", stop.span, { key: "keep best" }, { notes });
  }
  const rates = settings.get("schedule");
  const measure = schedule && scheduleOf(schedule).watches?.(schedule.args);
  const watch = rates && measure !== undefined ? measureOf(rates, measure, watchable, env) : undefined;
  const stalling = stop && measureOf(stop, stop.metric, watchable, env);
  const kept = keep
    ? measureOf(keep, keep.metric ?? stop?.metric ?? DEFAULT, watchable, env)
    : stop?.keepBest === true
      ? stalling
      : undefined;
  return {
    ...(stop && stalling && { stop: { ...stalling, patience: patienceOf(stop, env), within: withinOf(stop, env) } }),
    ...(kept && { keep: kept }),
    ...(watch && { watch }),
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

function measureOf({ span }: Ast.RecipeSetting, measure: string, { tasks, data }: Watchable, { sink }: Environment): Measure | undefined {
  const [split = "", ...rest] = measure.split(".");
  const metric = rest.join(".");
  const reported = reportedBy(tasks);
  const betterOf = new Map<string, Measure["better"]>(
    reported.flatMap(({ name, metric: word }) => {
      const which = word ? word.better : "lower";
      return which === undefined || (word?.made === "of scores" && split === "train") ? [] : [[name, which] as const];
    }),
  );
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
    const known = [...betterOf.keys()];
    const own = reported.find(({ name }) => name === metric)?.metric;
    const way = own
      ? own.better === undefined
        ? `\`${metric}\` is no number that could be better`
        : `\`${metric}\` is of evaluations only: write \`val.${metric}\``
      : METRICS.some(({ name }) => name === rest.at(-1))
        ? `add \`metrics ${metric}\``
        : didYouMean(metric, known);
    const hint = way ?? `epochs report ${oneOf(known)}; \`metrics\` adds others`;
    sink.report("not-measured", span, { measure, reason: `epochs report no \`${metric}\`` }, { hint });
  } else return { split: found, metric, better };
  return undefined;
}

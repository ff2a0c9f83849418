// What a recipe trains the outputs of its network for: `loss` and `metrics`, of the only output of a network that gives it no name, or of each by
// its name, as in `loss age: mse * 0.5, breed: cross_entropy` and `metrics age.mae`. Whether the network has such outputs is said once it is known.

import { didYouMeanOneOf, type Span } from "../diagnostics.ts";
import type { OutputTask, WordPlan } from "../ir/plan.ts";
import type { Loss } from "../ir/recipe/losses/define.ts";
import { LOSSES } from "../ir/recipe/losses/index.ts";
import type { Metric } from "../ir/recipe/metrics/define.ts";
import { metricOf, METRICS } from "../ir/recipe/metrics/index.ts";
import { nameOf } from "../ir/tasks.ts";
import type * as Ast from "./ast.ts";
import { choose, headOf } from "./choose.ts";
import { evaluate, type Environment } from "./evaluate.ts";
import { describeValue, isUnknown } from "./values.ts";

export interface PlannedTask {
  readonly task: OutputTask;
  readonly loss: Loss;
  /** Of the loss, and of the name of its output where that has one. */
  readonly span: Span;
  readonly outputSpan?: Span;
  /** By their names, without that of the output. */
  readonly metricSpans: ReadonlyMap<string, Span>;
}

export const isNamed = ({ task }: PlannedTask): boolean => task.output !== "";

type LossEntry = Omit<PlannedTask, "task" | "metricSpans"> & Pick<OutputTask, "output" | "weight"> & { readonly plan: WordPlan };

/** Empty after a report, and without a loss. */
export function planTasks(
  loss: Ast.SettingOf<"loss"> | undefined,
  metrics: Ast.SettingOf<"metrics"> | undefined,
  env: Environment,
): readonly PlannedTask[] {
  const losses = loss === undefined ? [] : loss.losses ? lossesOf(loss.losses, env) : onlyLoss(loss.value, env);
  const asked = planMetrics(metrics, losses, env);
  return losses.map(({ output, weight, plan, loss: word, ...places }) => {
    const chosen = asked.get(output) ?? new Map<string, WordPlan>();
    const all = new Map([...word.reports.map(({ name }) => [name, { word: name, args: {} }] as const), ...chosen]);
    const task = {
      ...{ output, weight, loss: plan, labels: word.labels, outputs: word.outputs },
      metrics: [...all.values()].map(({ word: name, args }) => ({ word: name, args })),
    };
    const metricSpans = new Map([...chosen].flatMap(([name, { span }]) => (span ? [[name, span] as const] : [])));
    return { task, loss: word, ...places, metricSpans };
  });
}

function onlyLoss(value: Ast.Expr, env: Environment): readonly LossEntry[] {
  const chosen = choose<Loss>("loss", value, LOSSES, env);
  return chosen ? [{ output: "", weight: 1, plan: chosen.plan, loss: chosen.word, span: value.span }] : [];
}

function lossesOf(entries: readonly Ast.OutputLoss[], env: Environment): readonly LossEntry[] {
  const known = new Map<string, Span>();
  return entries.flatMap(({ name: output, nameSpan, value }) => {
    const before = known.get(output);
    if (before) {
      env.sink.report("duplicate-argument", nameSpan, { name: output }, { notes: [{ span: before, text: "here first" }] });
      return [];
    }
    known.set(output, nameSpan);
    const { word, factors } = factorsOf(value);
    const weight = factors.reduce((product, factor) => product * weightOf(factor, output, env), 1);
    const chosen = choose<Loss>("loss", word, LOSSES, env);
    if (!chosen) return [];
    if (chosen.word.views !== undefined) {
      const why = "it makes a batch of views of its examples";
      const hint = "train it first, in a recipe of its own that this one begins with: `weights RECIPE`";
      env.sink.report("only-one-output", word.span, { what: `\`loss ${chosen.word.name}\``, why }, { hint });
      return [];
    }
    return [{ output, weight, plan: chosen.plan, loss: chosen.word, span: word.span, outputSpan: nameSpan }];
  });
}

const hasWord = (it: Ast.Expr): boolean => headOf(it) !== undefined || (it.kind === "binary" && (hasWord(it.left) || hasWord(it.right)));

/** The loss of `0.5 * mse` and `mse * 0.5`, and what it is multiplied by. */
function factorsOf(it: Ast.Expr): { readonly word: Ast.Expr; readonly factors: readonly Ast.Expr[] } {
  if (it.kind !== "binary" || it.operator !== "*" || hasWord(it.left) === hasWord(it.right)) return { word: it, factors: [] };
  const [inner, factor] = hasWord(it.left) ? [it.left, it.right] : [it.right, it.left];
  const { word, factors } = factorsOf(inner);
  return { word, factors: [...factors, factor] };
}

function weightOf(it: Ast.Expr, output: string, env: Environment): number {
  const value = evaluate(it, env);
  if (typeof value === "number" && value > 0 && Number.isFinite(Math.fround(value)) && Math.fround(value) > 0) return value;
  if (!isUnknown(value)) env.sink.report("loss-weight", it.span, { output, got: describeValue(value) });
  return 1;
}

/** The metrics that are asked for, by output and name. */
function planMetrics(
  setting: Ast.SettingOf<"metrics"> | undefined,
  losses: readonly LossEntry[],
  env: Environment,
): ReadonlyMap<string, ReadonlyMap<string, WordPlan>> {
  const found = new Map<string, Map<string, WordPlan>>();
  for (const it of setting?.values ?? []) {
    const { output, word } = ofOutput(it);
    const entry = losses.find((loss) => loss.output === (output?.name ?? ""));
    if (losses.length > 0 && !entry) {
      reportOutput(output, word, losses, env);
      continue;
    }
    const metric = choose<Metric>("metric", word, METRICS, env);
    if (metric === undefined) continue;
    const { name } = metricOf(metric.plan);
    const own = found.get(output?.name ?? "") ?? new Map<string, WordPlan>();
    found.set(output?.name ?? "", own);
    if (own.has(name)) env.sink.report("duplicate-argument", it.span, { name: nameOf(output?.name ?? "", name) });
    else if (entry && !metric.word.labels.includes(entry.loss.labels))
      env.sink.report("metric-of-other-labels", it.span, {
        ...{ metric: metric.word.name, takes: metric.word.labels, loss: entry.loss.name, has: entry.loss.labels },
      });
    else own.set(name, { ...metric.plan, span: it.span });
  }
  return found;
}

/** `age.mae` and `breed.top_k(5)` are metrics of outputs. */
function ofOutput(it: Ast.Expr): { readonly output?: Ast.RefExpr; readonly word: Ast.Expr } {
  const member = it.kind === "call" ? it.callee : it;
  if (member.kind !== "member" || member.object.kind !== "ref") return { word: it };
  const word: Ast.RefExpr = { kind: "ref", span: member.nameSpan, name: member.name };
  return { output: member.object, word: it.kind === "call" ? { ...it, callee: word } : word };
}

/** Of a metric whose output has no loss, or that does not say which it is of. */
function reportOutput(output: Ast.RefExpr | undefined, word: Ast.Expr, losses: readonly LossEntry[], { sink }: Environment): void {
  const named = losses.flatMap((loss) => (loss.output === "" ? [] : [loss.output]));
  const metric = headOf(word)?.name.name ?? "NAME";
  if (output) {
    const hint = named.length === 0 ? `the output of this recipe has no name: \`${metric}\`` : didYouMeanOneOf(output.name, named);
    sink.report("no-such-output", output.span, { name: output.name, where: "the losses of this recipe" }, { hint });
    return;
  }
  const fits = METRICS.find(({ name }) => name === metric) as Metric | undefined;
  const first = losses.find(({ loss }) => fits?.labels.includes(loss.labels))?.output ?? named[0] ?? "";
  sink.report("metric-without-output", word.span, { metric }, { hint: `write \`${first}.${metric}\`` });
}

// What `tlc inspect` says of a stage's updates: what is added to the loss, the optimizer with what it is given, its groups of parameters, and what
// stands beside the weights.

import { operandsOf } from "../ir/recipe/precisions/index.ts";
import type { CompiledStage } from "../ir/artifact.ts";
import type { RecipePlan, StagePlan, WordPlan } from "../ir/plan.ts";

/** Names that are shown of a group. */
const SHOWN = 4;

const line = (name: string, text: string): string => `  ${name.padEnd(11)} ${text}`;

export function updateLines(
  recipe: Pick<RecipePlan, "average" | "adapters" | "distill" | "precision">,
  { optimizer, clip, schedule, accumulate, recompute, penalties = [] }: StagePlan,
  groups: CompiledStage["groups"],
): readonly string[] {
  const { average, distill, adapters = [] } = recipe;
  const parts = [optimizer.word, ...(clip ? [`clip ${wordText(clip)}`] : []), `schedule ${wordText(schedule)}`];
  return [
    ...precisionLines(recipe),
    ...adapters.map((plan) => line("adapt", wordText(plan))),
    ...(distill ? [line("distill", wordText(distill))] : []),
    ...penalties.map((plan) => line("regularize", wordText(plan))),
    ...(accumulate === undefined ? [] : [line("accumulate", `${accumulate} batches a step`)]),
    ...(recompute && recompute !== "auto" ? [line("recompute", `${recompute.join(", ")}: computed a second time for gradients`)] : []),
    line("optimizer", parts.join(", ")),
    ...groups.map(groupLine),
    ...(average ? [line("average", wordText(average))] : []),
  ];
}

/** What is rounded, and what is not. */
function precisionLines(recipe: Pick<RecipePlan, "precision">): readonly string[] {
  const operands = operandsOf(recipe);
  if (!recipe.precision || operands === undefined) return [];
  const what = `${wordText(recipe.precision)}: operands of products, forward, in gradients and in evaluation`;
  const kept =
    operands === "tf32" ? [] : [line("", `${operands} as well: what layers hand to each other between products, and its gradients`)];
  return [
    line("precision", what),
    ...kept,
    line(
      "",
      "f32: sums of products, weights and their gradients, statistics, optimizer, softmax, losses, answers, and what is made of these",
    ),
  ];
}

function groupLine({ rate, decay, parameters }: CompiledStage["groups"][number]): string {
  const more = parameters.length > SHOWN ? ` and ${parameters.length - SHOWN} more` : "";
  return line("", `rate ${short(rate)}, decay ${short(decay)}: ${parameters.slice(0, SHOWN).join(", ")}${more}`);
}

function wordText({ word, args }: WordPlan): string {
  const given = Object.entries(args).map(([name, value]) => `${name}: ${typeof value === "number" ? short(value) : JSON.stringify(value)}`);
  return given.length === 0 ? word : `${word}(${given.join(", ")})`;
}

/** Without the digits that only rounding made. */
const short = (value: number): string => String(Number(value.toPrecision(6)));

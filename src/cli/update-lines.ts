// What `tlc inspect` says of a stage's updates: the optimizer with what it is given, and its groups of parameters.

import type { CompiledStage } from "../ir/artifact.ts";
import type { StagePlan, WordPlan } from "../ir/plan.ts";

/** Names that are shown of a group. */
const SHOWN = 4;

export function updateLines({ optimizer, clip, schedule }: StagePlan, groups: CompiledStage["groups"]): readonly string[] {
  const parts = [optimizer.word, ...(clip ? [`clip ${wordText(clip)}`] : []), `schedule ${wordText(schedule)}`];
  return [`  optimizer   ${parts.join(", ")}`, ...groups.map(groupLine)];
}

function groupLine({ rate, decay, parameters }: CompiledStage["groups"][number]): string {
  const more = parameters.length > SHOWN ? ` and ${parameters.length - SHOWN} more` : "";
  return `              rate ${short(rate)}, decay ${short(decay)}: ${parameters.slice(0, SHOWN).join(", ")}${more}`;
}

function wordText({ word, args }: WordPlan): string {
  const given = Object.entries(args).map(([name, value]) => `${name}: ${typeof value === "number" ? short(value) : JSON.stringify(value)}`);
  return given.length === 0 ? word : `${word}(${given.join(", ")})`;
}

/** Without the digits that only rounding made. */
const short = (value: number): string => String(Number(value.toPrecision(6)));

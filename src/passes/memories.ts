// What optimizers remember of a parameter from stage to stage. A memory goes on for as long as the stages that train the parameter remember the
// same, also where stages between them leave it alone: as an optimizer of PyTorch does whose parameters have no gradient for a while. In those
// stages its states only stand there, so that the next takes them over by name like any other.

import type { Parameter } from "../ir/model.ts";
import type { State } from "../ir/state.ts";
import { sameType } from "../ir/types.ts";
import { trainableOf, type StageSpec } from "./step-graph.ts";
import { rememberedBy, type MemoryOf } from "./update.ts";

/** For each stage, in their order. */
export function memoriesOf(specs: readonly StageSpec[]): readonly MemoryOf[] {
  const trained = specs.map((spec) => new Set(trainableOf(spec)));
  const kept = specs.map(({ b, stage }) => rememberedBy(b, stage).join());
  const known = new Map<Parameter, readonly Memory[]>();
  const memoriesFor = (parameter: Parameter): readonly Memory[] => {
    const found = known.get(parameter) ?? memoriesIn(kept, (i) => trained[i]?.has(parameter) === true);
    known.set(parameter, found);
    return found;
  };
  return specs.map((_, i) => (parameter) => {
    const memories = memoriesFor(parameter);
    const at = memories.findIndex(({ stages }) => stages.includes(i));
    const { stages } = memories[at] ?? { stages: [i] };
    const [first = i] = stages;
    const nameOf = (stage: number): string => specs[stage]?.stage.name ?? "";
    // Who has trained without a break has made as many steps as all others that have since then; else only those that paused as well.
    const isUnbroken = stages.every((stage, k) => stage === first + k);
    const counted = isUnbroken ? (first === 0 ? "" : nameOf(first)) : stages.map(nameOf).join("+");
    return { kept: at > 0 ? nameOf(first) : "", counted };
  });
}

/** Places of stages that share a memory. */
interface Memory {
  readonly stages: readonly number[];
}

function memoriesIn(kept: readonly string[], trains: (stage: number) => boolean): readonly Memory[] {
  const memories: { stages: number[] }[] = [];
  for (const [i, keeps] of kept.entries()) {
    if (!trains(i)) continue;
    const last = memories.at(-1);
    const before = last?.stages.at(-1);
    if (last && before !== undefined && kept[before] === keeps) last.stages.push(i);
    else memories.push({ stages: [i] });
  }
  return memories;
}

/** States that a stage has no use for, and that one before and one behind it have. */
export function pausedIn(stages: readonly (readonly State[])[], at: number): readonly State[] {
  const own = new Set(stages[at]?.map(({ name }) => name));
  const behind = new Map(stages.slice(at + 1).flatMap((states) => states.map((state) => [state.name, state] as const)));
  const paused = new Map<string, State>();
  for (const state of stages.slice(0, at).flat()) {
    const later = behind.get(state.name);
    if (own.has(state.name) || state.kind === "metric" || later?.kind !== state.kind || !sameType(later.type, state.type)) continue;
    paused.set(state.name, state);
  }
  return [...paused.values()];
}

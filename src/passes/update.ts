// New weights and what the optimizer remembers: its formula (ir/recipe/optimizers) applied to every parameter with a gradient.

import type { Builder } from "../ir/builder.ts";
import type { Parameter } from "../ir/model.ts";
import type { Node } from "../ir/node.ts";
import type { ParameterGroup, StagePlan } from "../ir/plan.ts";
import { optimizerOf } from "../ir/recipe/optimizers/index.ts";
import { cyclesMomentum } from "../ir/recipe/schedules/index.ts";
import { tensorType, type TensorType } from "../ir/types.ts";
import { clip, clipNorm } from "./clip.ts";
import type { Rates } from "./learning-rate.ts";
import type { StateTable } from "./states.ts";

/** By what an optimizer's states of a parameter are told from others of the same name; "" where nothing need be said. */
export interface MemoryNames {
  /** Of those that are the parameter's own: the stage that they begin with, where there were others before. */
  readonly kept: string;
  /** Of counts, which all parameters share that have made the same steps; "" for those that have made all of them. */
  readonly counted: string;
}

export type MemoryOf = (parameter: Parameter) => MemoryNames;

export interface UpdateContext {
  readonly b: Builder;
  readonly states: StateTable;
  readonly stage: Pick<StagePlan, "optimizer" | "clip">;
  /** Training steps before this one, u32[]. */
  readonly step: Node;
  readonly rates: Rates;
  readonly groupOf: (parameter: Parameter) => ParameterGroup;
  readonly memoryOf: MemoryOf;
}

/** Next values of weights and of the optimizer's states, by their names. */
export function updateWeights(context: UpdateContext, given: ReadonlyMap<Parameter, Node>): Map<string, Node> {
  const { b, states, stage, rates } = context;
  const { optimizer: plan } = stage;
  const cycled = rates.momentum && { cycled: rates.momentum };
  const optimizer = optimizerOf(plan);
  const norm = optimizer.clipsTo?.(plan.args);
  const asked = stage.clip ? clip(b, given, stage.clip) : given;
  const gradients = norm === undefined ? asked : clipNorm(b, asked, norm);
  const outputs = new Map<string, Node>();
  const declare = (name: string, type: TensorType, value = 0): Node =>
    states.declare({ name, kind: "optimizer", type, init: { kind: "constant", value } });
  for (const [parameter, gradient] of gradients) {
    // Parameters that joined later have counts of their own: what corrects for an empty memory must not come from a full one.
    const { kept, counted } = context.memoryOf(parameter);
    const behind = (name: string): string => (name === "" ? "" : `@${name}`);
    const sharedName = (key: string): string => `optimizer/${key}${behind(counted)}`;
    const shared = (key: string, next: (old: Node) => Node): Node => {
      const name = sharedName(key);
      const value = outputs.get(name) ?? next(declare(name, tensorType("f32", []), optimizer.shared[key]));
      outputs.set(name, value);
      return value;
    };
    const ownSteps = (): Node => {
      const name = sharedName("steps");
      const old = declare(name, tensorType("u32", []));
      outputs.set(name, b.add(old, 1));
      return old;
    };
    const slotName = (key: string): string => `optimizer/${key}/${parameter.name}${behind(kept)}`;
    const slot = (key: string): Node => declare(slotName(key), parameter.state.type, optimizer.slots[key]);
    const step = counted === "" ? context.step : ownSteps();
    const group = context.groupOf(parameter);
    const args = { ...plan.args, lr: group.rate, weight_decay: group.decay };
    const update = b.withOrigin(b.originOf(parameter.node), () =>
      optimizer.update({ b, step, rate: rates.of(group.rate), ...cycled, slot, shared }, args, parameter.node, gradient),
    );
    outputs.set(parameter.state.name, update.weight);
    for (const [key, value] of Object.entries(update.slots)) outputs.set(slotName(key), value);
  }
  return outputs;
}

/** What a stage's optimizer keeps: names of what its formula asks for. */
export function rememberedBy(b: Builder, { optimizer: plan, schedule }: Pick<StagePlan, "optimizer" | "schedule">): readonly string[] {
  const asked = new Set<string>();
  const ask = (key: string): Node => {
    asked.add(key);
    return any;
  };
  const any = b.constant({ value: 0, type: tensorType("f32", []) });
  const step = b.constant({ value: 0, type: tensorType("u32", []) });
  const cycled = cyclesMomentum(schedule) && { cycled: any };
  optimizerOf(plan).update({ b, step, rate: any, ...cycled, slot: ask, shared: (key, next) => next(ask(key)) }, plan.args, any, any);
  return [...asked].sort();
}

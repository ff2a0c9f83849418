// The average of the weights: it follows every step, and stands for them wherever a network answers.

import type { Builder } from "../ir/builder.ts";
import type { StageAverage } from "../ir/artifact.ts";
import { substitute } from "../ir/graph.ts";
import type { ForwardModel, Parameter } from "../ir/model.ts";
import type { Node } from "../ir/node.ts";
import { at } from "../ir/ops/define.ts";
import type { RecipePlan } from "../ir/plan.ts";
import { averageOf } from "../ir/recipe/averages/index.ts";
import { ZEROS, type State } from "../ir/state.ts";
import { tensorType } from "../ir/types.ts";
import type { StateTable } from "./states.ts";

/** What has been trained up to a stage, and since which; "" for the first. */
export type TrainedSince = ReadonlyMap<Parameter, string>;

interface AverageContext {
  readonly b: Builder;
  readonly states: StateTable;
  readonly recipe: RecipePlan;
  readonly trainedSince: TrainedSince;
}

const averageState = ({ name, state }: Parameter): State => ({ name: `average/${name}`, kind: "average", type: state.type, init: ZEROS });
/** Steps that an average has seen: with none it is not there yet. */
const stepsState = (since: string): State => ({
  ...{ name: `average/steps${since === "" ? "" : `@${since}`}`, kind: "counter" },
  ...{ type: tensorType("u32", []), init: ZEROS },
});

/** Next averages and their counts. @param outputs next weights, of those that change */
export function followWeights({ b, states, recipe, trainedSince }: AverageContext, outputs: ReadonlyMap<string, Node>): Map<string, Node> {
  const followed = new Map<string, Node>();
  const { average: plan } = recipe;
  if (!plan) return followed;
  for (const [parameter, since] of trainedSince) {
    const [average, steps] = [averageState(parameter), stepsState(since)];
    const weight = outputs.get(parameter.state.name) ?? parameter.node;
    const isFirst = b.equal(states.declare(steps), 0);
    const old = states.declare(average);
    // What a later stage begins to train has been its own average until then.
    const next = (from: Node): Node => averageOf(plan).update(b, plan.args, from, weight);
    followed.set(average.name, since === "" ? b.where(isFirst, weight, next(old)) : next(b.where(isFirst, parameter.node, old)));
    followed.set(steps.name, b.add(states.declare(steps), 1));
  }
  return followed;
}

/** A network that answers with averages, as far as there are some. */
export function averaged({ b, states, recipe, trainedSince }: AverageContext, model: ForwardModel): ForwardModel {
  if (!recipe.average) return model;
  const replacements = new Map(
    [...trainedSince].map(([parameter, since]) => {
      const isFirst = b.equal(states.declare(stepsState(since)), 0);
      return [parameter.node, b.where(isFirst, parameter.node, states.declare(averageState(parameter)))] as const;
    }),
  );
  const names = [...model.outputs.keys()];
  const answers = substitute(b, [...model.outputs.values()], replacements);
  return { ...model, outputs: new Map(names.map((name, i) => [name, at(answers, i)])) };
}

/** For the runtime, which reads and writes weights. */
export const averagesIn = ({ recipe, trainedSince }: Pick<AverageContext, "recipe" | "trainedSince">): readonly StageAverage[] =>
  recipe.average
    ? [...trainedSince].map(([parameter, since]) => ({
        ...{ weight: parameter.state.name, average: averageState(parameter).name, steps: stepsState(since).name },
      }))
    : [];

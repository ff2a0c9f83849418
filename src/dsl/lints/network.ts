// Lints of a recipe whose network is built.

import { topologicalOrder } from "../../ir/graph.ts";
import type { Node } from "../../ir/node.ts";
import { problem } from "../../ir/recipe/define.ts";
import { sourceOf } from "../../ir/recipe/sources/index.ts";
import { targetsOf } from "../../ir/tasks.ts";
import { sizeOf } from "../../ir/types.ts";
import { batchNorm } from "../layers/batch-norm.ts";
import type { BuiltRecipe, NetworkLint } from "./define.ts";

const SOFTMAX = "softmax";

/** The loss would take a softmax of probabilities: it trains slowly, and never becomes sure. */
const softmaxBeforeLoss: NetworkLint = {
  when: "network",
  find: ({ planned: { tasks }, model, builder }) =>
    tasks.flatMap(({ task, loss }) => {
      if (loss.outputs !== "class scores") return [];
      // Through reshapes, which have the values of what they are given.
      let node: Node | undefined = model.outputs.get(task.output);
      while (node && builder.originOf(node)?.what !== SOFTMAX) node = onlyMoves(node) ? node.inputs[0] : undefined;
      const at = node && builder.originOf(node)?.span;
      if (!at) return [];
      const hint = "leave it out: predictions have their probabilities from the scores";
      return [{ problem: problem("softmax-before-loss", { layer: SOFTMAX, loss: loss.name }, hint), at }];
    }),
};

const onlyMoves = ({ type, inputs: [from, ...others] }: Node): boolean =>
  from !== undefined && others.length === 0 && sizeOf(from.type.shape) === sizeOf(type.shape);

const oneClass: NetworkLint = {
  when: "network",
  find: ({ planned: { data, dataSpan }, info }) =>
    (info ? targetsOf(info) : []).flatMap(({ classes: [only, ...others] }) => {
      if (only === undefined || others.length > 0) return [];
      const source = data?.sources["train"];
      const hint =
        source && sourceOf(source).gives === "columns"
          ? "does `label` name the column that is meant?"
          : "an image data set has one folder for each class";
      return [{ problem: problem("one-class", { name: only }, hint), at: source?.span ?? dataSpan }];
    }),
};

/** The mean of one value is that value: what is normalized is 0 whatever it was. */
const normOfOneValue: NetworkLint = {
  when: "network",
  find: (recipe) => {
    const { planned, model, builder } = recipe;
    const places = new Map<string, ReturnType<NetworkLint["find"]>[number]>();
    for (const node of topologicalOrder([...model.outputs.values()])) {
      const origin = builder.originOf(node);
      const [batch, channels = 1, ...rest] = node.type.shape;
      if (origin?.what !== batchNorm.name || !origin.span || batch !== planned.plan.batch || batch * sizeOf(rest) !== 1) continue;
      if (node.type.shape.length < 2 || !isTrained(recipe, origin.path)) continue;
      const hint = "give the recipe a larger `batch`, or take `layer_norm`";
      places.set(origin.path, { problem: problem("norm-of-one-value", { layer: batchNorm.name, channels }, hint), at: origin.span });
    }
    return [...places.values()];
  },
};

/** Where every stage freezes it, it uses running statistics. */
const isTrained = ({ planned: { stages } }: BuiltRecipe, path: string): boolean =>
  stages.some(({ frozen }) => !frozen({ name: path === batchNorm.name ? "running_mean" : `${path}.running_mean` }));

/** Two views that are the same to the bit lie close whatever the network is. */
const viewsAlike: NetworkLint = {
  when: "network",
  find: ({ planned: { tasks, data }, model }) => {
    const [only] = tasks;
    if (only?.loss.views === undefined || !data || data.augment.length > 0) return [];
    if (topologicalOrder([...model.outputs.values()]).some(({ op }) => op.training?.draws === true)) return [];
    const hint = "add for example `augment random_crop(SIZE, padding: 4) -> color_jitter(0.4, 0.4, 0.4)` to the data set";
    return [{ problem: problem("views-alike", { loss: only.loss.name }, hint), at: only.span }];
  },
};

export const NETWORK_LINTS: readonly NetworkLint[] = [softmaxBeforeLoss, oneClass, normOfOneValue, viewsAlike];

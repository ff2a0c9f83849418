// Lints of what stages train and how: rates, what is frozen, and what the loss does not reach.

import { topologicalOrder } from "../../ir/graph.ts";
import type { Parameter } from "../../ir/model.ts";
import { problem } from "../../ir/recipe/define.ts";
import { viewsOf } from "../../ir/recipe/caches/index.ts";
import { groupNames } from "../../ir/weights/groups.ts";
import { baseRate, optimizerOf } from "../../ir/recipe/optimizers/index.ts";
import type { BuiltRecipe, NetworkLint } from "./define.ts";

type Found = ReturnType<NetworkLint["find"]>[number];

const weightsOf = ({ model }: BuiltRecipe): readonly Parameter[] => model.parameters.filter(({ kind }) => kind === "weight");

/** Stages that inherit a setting share what is said of it. */
const once = (found: readonly Found[]): readonly Found[] => [
  ...new Map(found.map((it) => [`${it.at.start} ${JSON.stringify(it.problem)}`, it])).values(),
];

const unusualRate: NetworkLint = {
  when: "network",
  find: ({ planned: { stages } }) =>
    once(
      stages.flatMap(({ plan: { optimizer }, optimizerSpan }) => {
        const [rate, [least, most]] = [baseRate(optimizer), optimizerOf(optimizer).usualRates];
        if (rate >= least && rate <= most) return [];
        return [{ problem: problem("unusual-rate", { optimizer: optimizer.word, rate, least, most }), at: optimizerSpan }];
      }),
    ),
};

/** What begins with random values stays random where no stage trains it. */
const frozenNew: NetworkLint = {
  when: "network",
  find: (recipe) => {
    const { stages, adapters } = recipe.planned;
    const stuck = weightsOf(recipe).find((weight) => adapters.isNew(weight.name) && stages.every(({ frozen }) => frozen(weight)));
    const at = stages.find(({ freeze }) => freeze)?.freeze?.span;
    if (!stuck || !at) return [];
    const hint = `leave it out of what is frozen: \`except ${stuck.name.replace(/\.[^.]*$/, "")}\``;
    return [{ problem: problem("new-frozen", { name: stuck.name }, hint), at }];
  },
};

const unreached: NetworkLint = {
  when: "network",
  find: (recipe) => {
    const reached = new Set(topologicalOrder([...recipe.model.outputs.values()]));
    const { stages } = recipe.planned;
    const weights = weightsOf(recipe);
    const idle = weights.filter((weight) => !reached.has(weight.node) && stages.some(({ frozen }) => !frozen(weight)));
    const names = (of: readonly Parameter[]): string[] => of.map(({ name }) => name);
    // What is left of a network that is used up to a layer is said once.
    return groupNames(names(idle), names(weights)).flatMap(({ glob, names: [first] }) => {
      const at = idle.find(({ name }) => name === first)?.span;
      const name = glob.replace(/\.\*\*$/, "");
      const hint = `leave it out, or, of a published network, \`freeze ${name}\``;
      return at ? [{ problem: problem("unreached-weight", { name }, hint), at }] : [];
    });
  },
};

/** Biases and norms are trained or frozen by themselves for good reasons; whole layers rarely are. */
const isMatrix = ({ state }: Parameter): boolean => state.type.shape.length >= 2;

/** Layers stand in the order of the network. */
const trainedBelowFrozen: NetworkLint = {
  when: "network",
  find: (recipe) =>
    once(
      recipe.planned.stages.flatMap(({ freeze, frozen }) => {
        const layers = weightsOf(recipe).filter(isMatrix);
        const lowest = layers.findIndex((weight) => !frozen(weight));
        const above = layers.find((weight, i) => i > lowest && frozen(weight));
        const below = layers[lowest];
        // Adapters stand beside what is frozen, wherever that is.
        if (!freeze || !above || !below || recipe.planned.adapters.rules.length > 0) return [];
        return [{ problem: problem("trained-below-frozen", { trained: below.name, frozen: above.name }), at: freeze.span }];
      }),
    ),
};

/** Of what stages share, all their epochs count: views that two stages make of the same weights are the same. */
const unusedViews: NetworkLint = {
  when: "network",
  find: ({ planned: { stages, data } }) =>
    // Where nothing is augmented, nothing but the examples is kept.
    [...new Set(data && data.augment.length > 0 ? stages.map(({ features }) => features) : [])].flatMap((features) => {
      const sharing = stages.filter((stage) => stage.features === features);
      const views = Math.max(0, ...sharing.map(({ plan }) => viewsOf(plan)));
      const epochs = sharing.reduce((sum, { plan }) => sum + plan.epochs, 0);
      if (!features || views <= epochs) return [];
      return [{ problem: problem("unused-views", { views, epochs }, `\`features cached(views: ${epochs})\``), at: features.span }];
    }),
};

export const TRAINING_LINTS: readonly NetworkLint[] = [unusualRate, frozenNew, unreached, trainedBelowFrozen, unusedViews];

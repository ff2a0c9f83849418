// Every loss of the language.

import type { LabelInfo, LabelRequest, OutputTask, PlainValue, WordPlan } from "../../plan.ts";
import { wordOf, type Problem } from "../define.ts";
import { binaryCrossEntropy } from "./binary-cross-entropy.ts";
import { contrastive } from "./contrastive.ts";
import { cosine } from "./cosine.ts";
import { crossEntropy } from "./cross-entropy.ts";
import type { Loss } from "./define.ts";
import { dice } from "./dice.ts";
import { focal } from "./focal.ts";
import { hinge } from "./hinge.ts";
import { huber } from "./huber.ts";
import { klDivergence } from "./kl-divergence.ts";
import { mae } from "./mae.ts";
import { mse } from "./mse.ts";
import { smoothL1 } from "./smooth-l1.ts";
import { triplet } from "./triplet.ts";

export const LOSSES = [
  ...[crossEntropy, binaryCrossEntropy, focal, hinge, dice],
  ...[mse, mae, huber, smoothL1, klDivergence, cosine],
  ...[contrastive, triplet],
] as const satisfies readonly Loss[];

export const lossOf = (plan: WordPlan): Loss => wordOf<Loss>(LOSSES, plan);

/** Whether outputs are compared with the input. */
export const isAgainstInput = (plan: WordPlan): boolean => lossOf(plan).comparesInput?.(plan.args) === true;

/** Whether labels are for nothing: outputs are compared with the input, or with each other. */
export const isWithoutLabels = (plan: WordPlan): boolean => isAgainstInput(plan) || lossOf(plan).views !== undefined;

/** The label that stands for none, where the loss leaves one out. */
export const ignoredLabel = (plan: WordPlan): number | undefined => lossOf(plan).ignores?.(plan.args);

/** Whether the labels that are trained on are to be counted. */
export const countsLabels = (plan: WordPlan): boolean => lossOf(plan).counts?.(plan.args) === true;

/** What is asked of the labels of a data set. Those of an output without a name are read whether or not its loss looks at them. */
export const labelRequests = (tasks: readonly OutputTask[]): readonly LabelRequest[] =>
  tasks
    .filter(({ output, loss }) => output === "" || !isWithoutLabels(loss))
    .map(({ output, labels, loss }) => ({ output, kind: labels, isCounted: countsLabels(loss) }));

/** The loss with numbers for what the data says, or why there are none. */
export function balancedLoss(plan: WordPlan, info: Pick<LabelInfo, "labelled" | "classes">): WordPlan | Problem {
  const { balanced } = lossOf(plan);
  if (!balanced || !countsLabels(plan)) return plan;
  const args = balanced(plan.args, info);
  return "params" in args ? (args as unknown as Problem) : { ...plan, args: args as Readonly<Record<string, PlainValue>> };
}

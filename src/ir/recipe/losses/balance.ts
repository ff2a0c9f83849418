// How much each class weighs in a loss: as a recipe says, or by how rare it is in the training part of the data.

import type { Builder } from "../../builder.ts";
import type { Node } from "../../node.ts";
import { at } from "../../ops/define.ts";
import type { LabelInfo } from "../../plan.ts";
import { InternalError, sizeOf, tensorType, type Shape } from "../../types.ts";
import type { NamedNumber } from "../arguments.ts";
import { problem, type Problem } from "../define.ts";

export const BALANCED = "balanced" as const;

/** As an argument has them; `balanced` and names become numbers in the order of the classes before anything is built. */
export type Weights = readonly number[] | readonly NamedNumber[] | typeof BALANCED;

export const areNumbers = (weights: Weights): weights is readonly number[] =>
  weights !== BALANCED && weights.every((weight) => typeof weight === "number");

export function numbersOf(weights: Weights): readonly number[] {
  if (!areNumbers(weights)) throw new InternalError("labels are looked at before a loss is built");
  return weights;
}

/** The numbers themselves, for what is asked of each. */
export const valuesOf = (weights: Weights): readonly number[] =>
  weights === BALANCED ? [] : weights.map((weight) => (typeof weight === "number" ? weight : weight[1]));

/** How many classes they are said of in order; none where they find their classes themselves. */
export const inOrder = (weights: Weights): number => (areNumbers(weights) ? weights.length : 0);

/** What is wrong where a class is named twice. */
export function namedTwice(weights: Weights, what: string): Problem | undefined {
  const names = weights === BALANCED ? [] : weights.flatMap((weight) => (typeof weight === "number" ? [] : [weight[0]]));
  const twice = names.find((name, i) => names.indexOf(name) < i);
  return twice === undefined ? undefined : problem("out-of-range", { what, wanted: "one for each class", got: `two for ${twice}` });
}

/** Classes that are shown of many. */
const SHOWN = 16;

/** By the classes that labels have. What is not named weighs 1, as without weights. */
export function weightsIn(
  weights: Weights,
  info: Pick<LabelInfo, "labelled" | "classes">,
  balance: Balance,
  what: string,
): readonly number[] | Problem {
  if (weights === BALANCED) return balanceOf(info, balance);
  if (areNumbers(weights)) return weights;
  const named = new Map(weights);
  const unknown = [...named.keys()].find((name) => !info.classes.includes(name));
  const shown = info.classes.slice(0, SHOWN).map((name) => `\`${name}\``);
  if (unknown !== undefined)
    return problem("no-such-class", { what, name: unknown }, `classes are ${shown.join(", ")}${info.classes.length > SHOWN ? ", …" : ""}`);
  return info.classes.map((name) => named.get(name) ?? 1);
}

/** The numbers that `balanced` stands for, or why there are none. */
export type Balance = (labelled: NonNullable<LabelInfo["labelled"]>) => readonly number[];

/** sklearn's `class_weight="balanced"`: labels over classes times labels of the class. */
export const balancedWeights: Balance = ({ counts, labels }) => counts.map((count) => labels / (counts.length * count));

/** As PyTorch's documentation of `pos_weight` has it: labels without the class over labels with it. */
export const balancedOdds: Balance = ({ counts, labels }) => counts.map((count) => (labels - count) / count);

function balanceOf({ labelled, classes }: Pick<LabelInfo, "labelled" | "classes">, balance: Balance): readonly number[] | Problem {
  if (labelled === undefined) return problem("nothing-to-balance", { reason: "the labels are not counted where there is no data" });
  const missing = labelled.counts.findIndex((count) => count === 0);
  if (missing >= 0)
    return problem("nothing-to-balance", { reason: `no example that is trained on is labelled \`${classes[missing] ?? missing}\`` });
  return balance(labelled);
}

/** A number of a list for each index (i32), halving the list: so deep as it has digits in binary, and no deeper. */
export function numberAt(b: Builder, values: readonly number[], index: Node): Node {
  const between = (from: number, to: number): Node => {
    const first = at(values, from);
    if (values.slice(from, to).every((value) => value === first))
      return b.constant({ value: first, type: tensorType("f32", index.type.shape) });
    const middle = (from + to) >> 1;
    return b.where(b.less(index, middle), between(from, middle), between(middle, to));
  };
  return between(0, values.length);
}

/** What each label weighs, f32[labels]. @param labels indices of classes */
export const weightsOf = (b: Builder, weights: Weights, labels: Node): Node =>
  numberAt(b, numbersOf(weights), b.reshape(labels, { shape: [sizeOf(labels.type.shape)] }));

/** Those numbers along the last axis of a tensor of this shape. */
export const alongLast = (b: Builder, values: readonly number[], shape: Shape): Node =>
  numberAt(b, values, b.iota({ shape, axis: shape.length - 1 }));

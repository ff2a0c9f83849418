// Lints of a recipe whose data is loaded.

import { oneOf } from "../../diagnostics.ts";
import { problem } from "../../ir/recipe/define.ts";
import type { DataLint, DataPlace } from "./define.ts";

const batchOfTooMany: DataLint = {
  when: "data",
  find: ({ batch, splits }) => {
    const examples = splits["train"]?.count ?? Infinity;
    if (examples >= batch) return [];
    const hint = `each step would train on all of them: give a smaller \`batch\`, for example ${Math.max(1, Math.floor(examples / 4))}`;
    return [{ problem: problem("batch-larger-than-data", { batch, examples }, hint), at: "batch" }];
  },
};

/** What is not in `train` is never learned; what is not in another split is not measured there. */
const missingClasses: DataLint = {
  when: "data",
  find: ({ targets }) =>
    targets.flatMap(({ classes, found }) =>
      Object.entries(found).flatMap(([split, indices]) => {
        const missing = classes.filter((_, index) => !indices.has(index));
        if (missing.length === 0 || classes.length < 2) return [];
        const hint = "put examples of it there; where the data set is split, take another `seed`, or a larger part";
        return [
          {
            problem: problem("class-without-examples", { split, classes: oneOf(missing, 5), count: missing.length }, hint),
            at: split as DataPlace,
          },
        ];
      }),
    ),
};

/** What was trained on, or chosen by, says nothing of what is new. */
const twinExamples: DataLint = {
  when: "data",
  find: ({ twins, splits }) =>
    twins.map(({ split, other, count, names, isNear }) => {
      const shown = names.map(([one, two]) => `${one} ${isNear ? "is like" : "equals"} ${two}`).join("; ");
      const some = `leave them out of one of the two: ${shown}${count > names.length ? `; and ${count - names.length} more` : ""}`;
      // Most likely both name one file.
      const isAll = !isNear && count === splits[split]?.count;
      const hint = isAll ? `that is all of it: \`split ${other} into ${other} 80%, ${split} 20%\` gives each examples of its own` : some;
      return {
        problem: problem(isNear ? "like-example-in-two-splits" : "example-in-two-splits", { split, other, count }, hint),
        at: split as DataPlace,
      };
    }),
};

/** Root mean square of labels from which on a warning is worth it: ages of people are below, prices of houses above. */
const LARGE = 60;

/** What a layer begins with is around 0: the first thousands of steps would only find out how large labels are. */
const largeLabels: DataLint = {
  when: "data",
  find: ({ targets }) =>
    targets.flatMap(({ numbers }) => {
      if (!numbers || Math.hypot(numbers.mean, numbers.deviation) < LARGE) return [];
      const { output } = numbers;
      const [mean, deviation] = [numbers.mean, numbers.deviation].map((value) => String(Number(value.toPrecision(2)))) as [string, string];
      const scaled = (value: string): string =>
        `${value} * ${deviation === "0" ? "1" : deviation} ${mean.startsWith("-") ? "-" : "+"} ${mean.replace("-", "")}`;
      const written =
        output === ""
          ? `add \`${scaled("x")}\` as the last line of the network`
          : `write \`let raw = …\` for the layer and \`output ${output} = ${scaled("raw")}\``;
      const hint = `${written}, with an optimizer whose steps do not grow with the loss, such as \`adam\`; answers and metrics stay in the unit of the labels`;
      return [{ problem: problem("large-labels", { output, mean, deviation }, hint), at: `answer ${output}` as const }];
    }),
};

export const DATA_LINTS: readonly DataLint[] = [batchOfTooMany, missingClasses, twinExamples, largeLabels];

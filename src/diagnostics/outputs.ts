// 047x: networks whose outputs have names, and what recipes and data sets say of each.

import { oneOf } from "./suggest.ts";
import { entry } from "./types.ts";

const names = (list: readonly string[]): string => list.map((name) => `\`${name}\``).join(", ");

export const OUTPUTS = {
  "output-in-block": entry<Record<never, never>>({
    code: "TL0470",
    severity: "error",
    title: "`output` inside a block or braces",
    message: () => "only a network has outputs, and not within braces",
    explanation: "An output is one of the network whatever its conditions are. A value of a block gets a name by `let`.",
    wrong: "block head { output age = linear(1) }",
    right: "network n {\n  input x0: f32[4]\n  output age = fc: linear(1)\n}",
  }),
  "losses-for-outputs": entry<{ network: string; outputs: readonly string[] }>({
    code: "TL0471",
    severity: "error",
    title: "one loss for outputs that have names",
    message: ({ network, outputs }) => `network \`${network}\` has the outputs ${names(outputs)}, and this loss is of none of them`,
    explanation: "Where outputs have names, each has a loss of its own; what is trained on is their sum, each times its weight.",
    wrong: "loss mse   // of a network with `output age` and `output breed`",
    right: "loss age: mse * 0.5, breed: cross_entropy",
  }),
  "no-such-output": entry<{ name: string; where: string }>({
    code: "TL0472",
    severity: "error",
    title: "a name that no output has",
    message: ({ name, where }) => `there is no output \`${name}\` among ${where}`,
    explanation: "A network gives its outputs names by `output NAME = …`; losses and metrics are of these.",
    wrong: "output age = fc: linear(1)\n…\nloss years: mse",
    right: "output age = fc: linear(1)\n…\nloss age: mse",
  }),
  "output-without-loss": entry<{ output: string }>({
    code: "TL0473",
    severity: "error",
    title: "an output without a loss",
    message: ({ output }) => `output \`${output}\` has no loss`,
    explanation: "An output that nothing is compared with would not learn. What is only a value within the network is named by `let`.",
    wrong: "output age = fc: linear(1)\noutput breed = fc2: linear(3)\n…\nloss age: mse",
    right: "output age = fc: linear(1)\noutput breed = fc2: linear(3)\n…\nloss age: mse, breed: cross_entropy",
  }),
  "loss-weight": entry<{ output: string; got: string }>({
    code: "TL0474",
    severity: "error",
    title: "a weight of a loss that is not above 0",
    message: ({ output, got }) => `the loss of \`${output}\` is multiplied by a number above 0, not ${got}`,
    explanation:
      "The weight says how much an output counts in the sum that is trained on. With 0 it would not learn, and below 0 it would learn to be wrong.",
    wrong: "loss age: mse * 0, breed: cross_entropy",
    right: "loss age: mse * 0.1, breed: cross_entropy",
  }),
  "metric-without-output": entry<{ metric: string }>({
    code: "TL0475",
    severity: "error",
    title: "a metric that does not say which output it measures",
    message: ({ metric }) => `\`${metric}\` does not say which output it measures`,
    explanation: "Where outputs have names, a metric is of one of them.",
    wrong: "loss age: mse, breed: cross_entropy\nmetrics f1",
    right: "loss age: mse, breed: cross_entropy\nmetrics breed.f1",
  }),
  "only-one-output": entry<{ what: string; why: string }>({
    code: "TL0476",
    severity: "error",
    title: "something that several outputs do not have",
    message: ({ what, why }) => `${what} does not go with outputs that have names: ${why}`,
    explanation:
      "A teacher gives one answer, losses of views have none but vectors to compare, and a step of several batches adds up means of as many labels each. Leave out one of the two.",
    wrong: "loss age: mse, view: contrastive",
    right: "loss age: mse, breed: cross_entropy",
  }),
  "output-without-labels": entry<{ output: string; data: string }>({
    code: "TL0477",
    severity: "error",
    title: "an output without labels",
    message: ({ output, data }) => `data set \`${data}\` has no labels for output \`${output}\``,
    explanation:
      'A table says which column each output is compared with, by its name, as it does of inputs: `table("x.csv", features: 0..4, breed: race, age: age)`. The folders of pictures, and `label`, are those of the only output that is compared with labels.',
    wrong: 'train table("dogs.csv", features: [height, weight], breed)   // and `loss age: mse, breed: cross_entropy`',
    right: 'train table("dogs.csv", features: [height, weight], breed, age)',
  }),
  "label-without-output": entry<{ data: string; outputs: readonly string[] }>({
    code: "TL0478",
    severity: "error",
    title: "labels that no output is compared with",
    message: ({ data, outputs }) => `\`label\` of data set \`${data}\` is of no output: those are ${oneOf(outputs)}`,
    explanation: "Where outputs have names, each is compared with the column that has its name.",
    wrong: 'train table("dogs.csv", features: [height, weight], breed, age, label: race)',
    right: 'train table("dogs.csv", features: [height, weight], breed: race, age)',
  }),
} as const;

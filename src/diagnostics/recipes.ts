// 04xx: recipes, their settings and `--set`.

import { entry } from "./types.ts";

/** What losses and metrics compare with. */
type LabelKind = "class" | "number" | "set";
const LABELS: Readonly<Record<LabelKind, string>> = { class: "classes", number: "numbers", set: "sets of classes" };

export const RECIPES = {
  "unknown-setting": entry<{ key: string; where: string }>({
    code: "TL0401",
    severity: "error",
    title: "an unknown setting",
    message: ({ key, where }) => `\`${key}\` is not a setting of ${where}`,
    explanation: "Nothing in a recipe or data set is silently ignored.",
    wrong: "recipe main { batchsize 32 }",
    right: "recipe main { batch 32 }",
  }),
  "duplicate-setting": entry<{ key: string }>({
    code: "TL0402",
    severity: "error",
    title: "a setting given twice",
    message: ({ key }) => `\`${key}\` is set twice`,
    explanation: "Each setting has one value in a recipe and one in a stage.",
    wrong: "batch 32\nbatch 64",
    right: "batch 64",
  }),
  "missing-setting": entry<{ key: string; recipe: string }>({
    code: "TL0403",
    severity: "error",
    title: "a recipe without something it needs",
    message: ({ key, recipe }) => `recipe \`${recipe}\` has no \`${key}\``,
    explanation: "A recipe needs `network`, `loss` and `optimizer`; with `data` also `epochs` and `batch`.",
    wrong: "recipe main {\n  network cnn\n  loss cross_entropy\n}",
    right: "recipe main {\n  network cnn\n  loss cross_entropy\n  optimizer sgd(lr: 0.01)\n}",
  }),
  "unknown-choice": entry<{ what: string; name: string }>({
    code: "TL0404",
    severity: "error",
    title: "an unknown loss, optimizer, metric or data step",
    message: ({ what, name }) => `there is no ${what} \`${name}\``,
    explanation: "docs/reference.md lists all of them, and `tlc explain NAME` says what one does and takes.",
    wrong: "optimizer adm(lr: 1e-3)",
    right: "optimizer adam(lr: 1e-3)",
  }),
  "matches-nothing": entry<{ pattern: string }>({
    code: "TL0405",
    severity: "error",
    title: "a pattern that matches no parameter",
    message: ({ pattern }) => `\`${pattern}\` matches no parameter of the network`,
    explanation:
      "A misspelt pattern would silently train what was meant to be frozen. `*` stands for one segment of a name, `**` for any number; a name covers everything below it.",
    wrong: "freeze conv_1",
    right: "freeze conv1",
  }),
  "freeze-everything": entry<Record<never, never>>({
    code: "TL0406",
    severity: "error",
    title: "nothing left to train",
    message: () => "every parameter is frozen: nothing is left to train",
    explanation: "A stage must train at least one parameter.",
    wrong: "freeze **",
    right: "freeze ** except fc",
  }),
  "nothing-to-train": entry<{ name: string }>({
    code: "TL0407",
    severity: "error",
    title: "a network without parameters",
    message: ({ name }) => `network \`${name}\` has no parameters to train`,
    explanation: "A recipe trains the weights of its network, so the network needs a layer that has some.",
    wrong: "network empty {\n  input image: f32[3, 8, 8]\n  flatten\n}",
    right: "network tiny {\n  input image: f32[3, 8, 8]\n  flatten -> fc: linear(2)\n}",
  }),
  "bad-override": entry<{ text: string; reason: string }>({
    code: "TL0408",
    severity: "error",
    title: "a malformed --set",
    message: ({ text, reason }) => `\`--set ${text}\`: ${reason}`,
    explanation: "An override is `path=value`, the value written as in the recipe.",
    wrong: "tlc run cnn.tlspec --set batch:32",
    right: "tlc run cnn.tlspec --set batch=32",
  }),
  "unknown-override": entry<{ path: string; reason: string }>({
    code: "TL0409",
    severity: "error",
    title: "a --set of something that is not there",
    message: ({ path, reason }) => `cannot set \`${path}\`: ${reason}`,
    explanation:
      "A path is a setting (`batch`), an argument of a setting (`optimizer.lr`, `network.classes`), either of these within a stage (`stage.tune.epochs`), or a source of the data set (`data.train`).",
    wrong: "tlc run cnn.tlspec --set optimizer.rate=0.1",
    right: "tlc run cnn.tlspec --set optimizer.lr=0.1",
  }),
  "no-such-recipe": entry<{ name: string }>({
    code: "TL0410",
    severity: "error",
    title: "a recipe that the spec does not declare",
    message: ({ name }) => `the spec has no recipe \`${name}\``,
    explanation: "A recipe is chosen among those that the file itself declares.",
    wrong: "tlc run cnn.tlspec --recipe cnm",
    right: "tlc run cnn.tlspec --recipe cnn",
  }),
  "several-recipes": entry<{ names: string }>({
    code: "TL0411",
    severity: "error",
    title: "a choice between recipes",
    message: ({ names }) => `the spec has several recipes: ${names}`,
    explanation: "Name the recipe to use.",
    wrong: "tlc run two-recipes.tlspec",
    right: "tlc run two-recipes.tlspec --recipe main",
  }),
  "no-recipe": entry<Record<never, never>>({
    code: "TL0412",
    severity: "error",
    title: "a spec without a recipe",
    message: () => "the spec declares no recipe",
    explanation: "A network alone can be checked; to compile, train or evaluate it takes a recipe.",
    wrong: "network cnn { … }",
    right: "network cnn { … }\nrecipe main {\n  network cnn\n  loss cross_entropy\n  optimizer sgd(lr: 0.01)\n}",
  }),
  "metric-of-other-labels": entry<{ metric: string; takes: readonly LabelKind[]; loss: string; has: LabelKind }>({
    code: "TL0413",
    severity: "error",
    title: "a metric that does not fit the loss",
    message: ({ metric, takes, loss, has }) =>
      `\`${metric}\` compares with ${takes.map((kind) => LABELS[kind]).join(" or ")}, and the loss \`${loss}\` with ${LABELS[has]}`,
    explanation:
      "A metric compares answers with labels, as the loss does: both with classes, both with numbers, or both with sets of classes.",
    wrong: "loss mse\nmetrics accuracy",
    right: "loss cross_entropy\nmetrics accuracy",
  }),
  "group-frozen": entry<{ setting: string; pattern: string }>({
    code: "TL0415",
    severity: "error",
    title: "a rate or decay of what is frozen",
    message: ({ setting, pattern }) => `\`${setting}\` of \`${pattern}\`, which is frozen`,
    explanation:
      "What is frozen has no gradient and no decay, so the setting would do nothing. A setting of the whole recipe is for its stages: one of them must train some of what the pattern names.",
    wrong: "freeze conv1\nrate conv1: 0.1x",
    right: "rate conv1: 0.1x",
  }),
  "two-groups": entry<{ setting: string; name: string }>({
    code: "TL0416",
    severity: "error",
    title: "two values for one parameter",
    message: ({ setting, name }) => `\`${name}\` has two values of \`${setting}\``,
    explanation: "Which of them counts would depend on the order in which they stand. Patterns of one setting name different parameters.",
    wrong: "rate layer1.**: 0.1x, layer1.0.**: 0.3x",
    right: "rate layer1.0.**: 0.3x, layer1.1.**: 0.1x",
  }),
  "no-decay": entry<{ optimizer: string }>({
    code: "TL0417",
    severity: "error",
    title: "exceptions of no decay",
    message: ({ optimizer }) => `\`${optimizer}\` has no weight decay that anything could be left out of`,
    explanation:
      "`decay except PATTERN` leaves the amount to the optimizer's `weight_decay`, which is 0 for most of them unless it is given.",
    wrong: "optimizer adam(lr: 1e-3)\ndecay except vectors",
    right: "optimizer adamw(lr: 1e-3, weight_decay: 0.05)\ndecay except vectors",
  }),
  "setting-in-stage": entry<{ key: string }>({
    code: "TL0414",
    severity: "error",
    title: "a setting that belongs to the whole recipe",
    message: ({ key }) => `\`${key}\` is set for the whole recipe, not for a stage`,
    explanation:
      "Stages share network, weights, data, loss, metrics, batch, precision and seed; they differ in what is frozen and in how it is trained.",
    wrong: "stage head {\n  batch 32\n}",
    right: "batch 32\nstage head {\n  epochs 3\n}",
  }),
  "not-measured": entry<{ measure: string; reason: string }>({
    code: "TL0430",
    severity: "error",
    title: "a stage that watches what no epoch reports",
    message: ({ measure, reason }) => `\`${measure}\` cannot be watched: ${reason}`,
    explanation:
      "`stop when` and `keep best` look at what every epoch reports: `loss` and the metrics of the recipe, of `train` or of `val`. The test data is for the end.",
    wrong: "stop when val.acuracy stalls for 3",
    right: "metrics accuracy\nstop when val.accuracy stalls for 3",
  }),
  "weight-count": entry<{ what: string; weights: number; classes: number }>({
    code: "TL0440",
    severity: "error",
    title: "weights of other classes than the network has",
    message: ({ what, weights, classes }) => `${what} has ${weights} numbers, and the network has scores of ${classes} classes`,
    explanation: "Each class has a weight of its own, in the order of the labels; `balanced` makes them from the data.",
    wrong: "loss cross_entropy(weights: [1, 5])   // of three classes",
    right: "loss cross_entropy(weights: [1, 5, 2])",
  }),
  "nothing-to-balance": entry<{ reason: string }>({
    code: "TL0441",
    severity: "error",
    title: "balanced weights without labels to count",
    message: ({ reason }) => `\`balanced\` cannot be counted: ${reason}`,
    explanation:
      "Balanced weights are made of how often each class is labelled in the part of the data that is trained on, so each must be there at least once.",
    wrong: "loss cross_entropy(weights: balanced)   // traced without data",
    right: "loss cross_entropy(weights: [1, 5, 2])",
  }),
} as const;

// 07xx: what runs and is most likely not meant, a warning; and what cannot be meant, an error.

import { entry } from "./types.ts";

export const LINTS = {
  "softmax-before-loss": entry<{ layer: string; loss: string }>({
    code: "TL0701",
    severity: "warning",
    title: "a softmax before a loss that has one",
    message: ({ layer, loss }) => `\`${layer}\` before \`${loss}\`, which takes the softmax itself`,
    explanation:
      "`cross_entropy` takes scores and makes probabilities of them. Of probabilities it makes others that are never near 0 or 1, so that the network learns slowly and its loss stays high.",
    wrong: "fc: linear(10) -> softmax\n…\nloss cross_entropy",
    right: "fc: linear(10)\n…\nloss cross_entropy",
  }),
  "one-class": entry<{ name: string }>({
    code: "TL0702",
    severity: "warning",
    title: "data of one class",
    message: ({ name }) => `all examples are of one class, \`${name}\``,
    explanation:
      "There is nothing to tell apart, and every network is right. An image data set has one folder for each class, with the images in it.",
    wrong: 'train images("data")   // which holds only the folder `train`',
    right: 'train images("data/train")',
  }),
  "norm-of-one-value": entry<{ layer: string; channels: number }>({
    code: "TL0703",
    severity: "warning",
    title: "a batch normalization over one value",
    message: ({ layer, channels }) =>
      `\`${layer}\` normalizes ${channels === 1 ? "one channel" : `${channels} channels`} of one value each, which makes all of them 0 in training`,
    explanation:
      "Batch normalization takes the mean over the batch and over all places of a picture. Of one value the mean is the value itself, and the difference 0.",
    wrong: "fc: linear(64) -> bn: batch_norm\n…\nbatch 1",
    right: "fc: linear(64) -> bn: batch_norm\n…\nbatch 32",
  }),
  "batch-larger-than-data": entry<{ batch: number; examples: number }>({
    code: "TL0704",
    severity: "warning",
    title: "a batch larger than the data",
    message: ({ batch, examples }) =>
      `a batch is ${batch} examples, and there ${examples === 1 ? "is one" : `are ${examples}`} to train on`,
    explanation: "Every epoch is then one step, on a batch that is filled up with examples that do not count.",
    wrong: "batch 512   // of 60 examples",
    right: "batch 16",
  }),
  "class-without-examples": entry<{ split: string; classes: string; count: number }>({
    code: "TL0705",
    severity: "warning",
    title: "a class that a split lacks",
    message: ({ split, classes, count }) => `\`${split}\` has no examples of ${count === 1 ? "the class" : `${count} classes:`} ${classes}`,
    explanation:
      "What is not in `train` cannot be learned, and metrics say nothing of what is not in `val` or `test`. A random split can miss a rare class.",
    wrong: "split train into train 98%, val 2%   // of 50 examples of 5 classes",
    right: "split train into train 80%, val 20%",
  }),
  "example-in-two-splits": entry<{ split: string; other: string; count: number }>({
    code: "TL0706",
    severity: "warning",
    title: "examples that two splits have",
    message: ({ split, other, count }) =>
      `${count === 1 ? "one example" : `${count} examples`} of \`${split}\` ${count === 1 ? "is" : "are"} in \`${other}\` as well`,
    explanation:
      "A network remembers what it was trained on, so that metrics of the same examples are better than those of new ones will be. Pictures are compared by their files' bytes, rows of tables by all their inputs, where these are enough numbers not to be equal by chance.",
    wrong: 'train images("data/all")\ntest images("data/some")   // copies of files in data/all',
    right: 'train images("data/all")\nsplit train into train 80%, val 10%, test 10%',
  }),
  "like-example-in-two-splits": entry<{ split: string; other: string; count: number }>({
    code: "TL0707",
    severity: "warning",
    title: "examples that are nearly those of another split",
    message: ({ split, other, count }) =>
      `${count === 1 ? "one example" : `${count} examples`} of \`${split}\` ${count === 1 ? "is" : "are"} nearly the same as ${count === 1 ? "one" : "some"} of \`${other}\``,
    explanation:
      "A picture that was compressed or scaled again, or a row whose numbers were rounded, is no new example. Pictures are compared as they are stored for the network, by their mean brightness in 16 by 16 parts, which may differ by 2 levels of 255, or by 6 % of their standard deviation; rows by all their inputs, rounded to a thousandth of each column's standard deviation. Frames of one film, or pictures of one series, belong in one split.",
    wrong: 'train images("data/full")\ntest images("data/thumbnails")   // of pictures in data/full',
    right: 'train table("frames.csv", label: kind)\nsplit train into train 80%, test 20% by film',
  }),
  "large-labels": entry<{ output: string; mean: string; deviation: string }>({
    code: "TL0708",
    severity: "warning",
    title: "numbers to predict that are far from what a network begins with",
    message: ({ output, mean, deviation }) =>
      `the labels${output === "" ? "" : ` of \`${output}\``} are ${mean} on average, with a deviation of ${deviation}, and the network begins with answers around 0`,
    explanation:
      "What a layer gives at first is around 0 and about 1 large. `adam` changes a weight by about its rate in a step, so that it comes to hundreds late; under `sgd` the squared error of hundreds has gradients that diverge. A network that ends with `x * DEVIATION + MEAN` of its labels begins where they are, and its answers, losses and metrics stay in their unit. Inputs have `standardize`.",
    wrong: "fc: linear(1)   // for prices around 400",
    right: "fc: linear(1)\nx * 130 + 400",
  }),
  "unusual-rate": entry<{ optimizer: string; rate: number; least: number; most: number }>({
    code: "TL0710",
    severity: "warning",
    title: "a learning rate far from the usual",
    message: ({ optimizer, rate, least, most }) => `\`${optimizer}\` with the rate ${rate}; usual are ${least} to ${most}`,
    explanation:
      "The step of `sgd` is the rate times a gradient, that of `adam` about the rate itself, and that of `lion` the rate exactly. A rate of one does not fit another: training diverges, or nothing moves.",
    wrong: "optimizer adam(lr: 1)",
    right: "optimizer adam(lr: 1e-3)",
  }),
  "new-frozen": entry<{ name: string }>({
    code: "TL0711",
    severity: "error",
    title: "new weights that no stage trains",
    message: ({ name }) => `\`${name}\` begins with random values, and every stage freezes it`,
    explanation: "What is replaced, or new beside published weights, knows nothing yet. Frozen in all stages, it stays random.",
    wrong: "replace fc with linear(5)\nfreeze **, fc except layer4",
    right: "replace fc with linear(5)\nfreeze ** except fc",
  }),
  "unreached-weight": entry<{ name: string }>({
    code: "TL0712",
    severity: "error",
    title: "a weight that the loss does not reach",
    message: ({ name }) => `\`${name}\` is trained, and nothing that it gives reaches the output`,
    explanation: "It has no gradient, so that it stays as it began. Most likely a value is computed and not used.",
    wrong: "let side = extra: linear(8)\nfc: linear(2)",
    right: "fc: linear(2)",
  }),
  "views-alike": entry<{ loss: string }>({
    code: "TL0720",
    severity: "warning",
    title: "views of an example that do not differ",
    message: ({ loss }) => `\`${loss}\` compares two views of each example, and nothing makes them differ`,
    explanation:
      "Each view is augmented for itself; what both have in common is what the network learns to see. Without augmentation, or dropout, they are the same picture.",
    wrong: 'dataset pictures { train images("data") }   // with `loss contrastive`',
    right: 'dataset pictures { train images("data")  augment random_crop(32, padding: 4) -> horizontal_flip }',
  }),
  "unused-views": entry<{ views: number; epochs: number }>({
    code: "TL0721",
    severity: "warning",
    title: "more augmentations that are kept than epochs to train on them",
    message: ({ views, epochs }) =>
      `${views} augmentations of each example are made and kept, and ${epochs === 1 ? "the only epoch trains on one" : `the ${epochs} epochs train on ${epochs}`} of them`,
    explanation:
      "An epoch trains on one of them, and the next on the next. Those that no epoch comes to are computed and kept for nothing.",
    wrong: "features cached(views: 8)  epochs 4",
    right: "features cached(views: 4)  epochs 4",
  }),
  "trained-below-frozen": entry<{ trained: string; frozen: string }>({
    code: "TL0713",
    severity: "warning",
    title: "a trained layer below a frozen one",
    message: ({ trained, frozen }) => `\`${trained}\` is trained below \`${frozen}\`, which is frozen`,
    explanation:
      "Gradients go through all frozen layers above the lowest trained one, so that freezing them saves little. What is frozen is usually what lies nearest to the input.",
    wrong: "freeze layer4.**   // and train layer1 to layer3",
    right: "freeze layer1.**",
  }),
} as const;

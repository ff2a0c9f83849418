// What a recipe and a data set can name: losses, optimizers, sources and steps, each with its arguments. Names, defaults and
// meanings are PyTorch's.

import { arg } from "./layers/define.ts";
import type { ArgSpecs } from "./layers/define.ts";

export type Choices = Readonly<Record<string, { readonly doc: string; readonly args: ArgSpecs }>>;

export const OPTIMIZERS = {
  sgd: {
    doc: "stochastic gradient descent",
    args: {
      lr: arg("positive", "learning rate"),
      momentum: arg("fraction", "share of the last update that is kept", 0),
      dampening: arg("fraction", "share of the gradient that momentum leaves out", 0),
      nesterov: arg("bool", "look ahead along the momentum", false),
      weight_decay: arg("non-negative", "added to the gradient, times the weight", 0),
    },
  },
  adam: {
    doc: "Adam",
    args: {
      lr: arg("positive", "learning rate", 1e-3),
      betas: arg("numbers", "decay of the first and second moment", [0.9, 0.999]),
      eps: arg("positive", "added to the root of the second moment", 1e-8),
      weight_decay: arg("non-negative", "added to the gradient, times the weight", 0),
    },
  },
  adamw: {
    doc: "Adam with decoupled weight decay",
    args: {
      lr: arg("positive", "learning rate", 1e-3),
      betas: arg("numbers", "decay of the first and second moment", [0.9, 0.999]),
      eps: arg("positive", "added to the root of the second moment", 1e-8),
      weight_decay: arg("non-negative", "share of the weight that is taken away, times the rate", 0.01),
    },
  },
} as const satisfies Choices;

export const LOSSES = {
  cross_entropy: {
    doc: "of class scores and class labels",
    args: { label_smoothing: arg("probability", "share of the label spread over all classes", 0) },
  },
  mse: { doc: "mean squared error", args: {} },
} as const satisfies Choices;

export const METRICS = ["accuracy", "precision", "recall", "f1"] as const;

/** A table's columns are named by network inputs, so its arguments are not checked here. */
export const SOURCES = {
  images: { doc: "a folder with one folder of images per class", args: { path: arg("string", "the folder") } },
  table: { doc: "a .csv or .tsv file with a header line", args: { path: arg("string", "the file") } },
} as const satisfies Choices;

export const PREPROCESS = {
  resize: { doc: "scales the shorter side", args: { size: arg("count", "pixels") } },
  center_crop: { doc: "cuts a square out of the middle", args: { size: arg("count", "pixels") } },
  grayscale: { doc: "one channel instead of three", args: {} },
  normalize: {
    doc: "subtracts the mean and divides by the deviation of each channel, of values in [0, 1]",
    args: { mean: arg("numbers", "per channel"), std: arg("numbers", "per channel") },
  },
} as const satisfies Choices;

/** `normalize(NAME)`. */
export const NORMALIZATIONS: Readonly<Record<string, { readonly mean: readonly number[]; readonly std: readonly number[] }>> = {
  imagenet: { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] },
  cifar10: { mean: [0.4914, 0.4822, 0.4465], std: [0.247, 0.2435, 0.2616] },
};

export const AUGMENT = {
  random_crop: {
    doc: "cuts a square out of anywhere",
    args: { size: arg("count", "pixels"), padding: arg("whole", "zeros around the image first", 0) },
  },
  random_resized_crop: {
    doc: "cuts a random rectangle and scales it",
    args: {
      size: arg("count", "pixels"),
      scale: arg("range", "share of the area", [0.08, 1]),
      ratio: arg("range", "width over height", [3 / 4, 4 / 3]),
    },
  },
  horizontal_flip: { doc: "mirrors left and right", args: { probability: arg("probability", "how often", 0.5) } },
} as const satisfies Choices;

// What people write who come from other frameworks or languages, and what to write here: the words that no distance between letters
// would find.

import { didYouMean, nearest } from "../diagnostics.ts";
import { sizeOf, type Shape } from "../ir/types.ts";

const write = (text: string): string => `write \`${text}\``;

/** Layers under their names elsewhere, with the argument that makes them what that name says. */
export const LAYERS_ELSEWHERE: ReadonlyMap<string, string> = new Map([
  ["dense", "linear"],
  ["fully_connected", "linear"],
  ["fc", "linear"],
  ["bn", "batch_norm"],
  ["batch_normalization", "batch_norm"],
  ["layer_normalization", "layer_norm"],
  ["conv", "conv2d"],
  ["maxpool", "max_pool2d"],
  ["max_pool", "max_pool2d"],
  ["avgpool", "avg_pool2d"],
  ["avg_pool", "avg_pool2d"],
  ["gap", "global_avg_pool"],
  ["cat", "concat"],
  ["concatenate", "concat"],
  ["view", "reshape"],
  ["permute", "transpose"],
  ["logistic", "sigmoid"],
  ["swish", "silu"],
  ...["bilstm", "bi_lstm", "bidirectional_lstm"].map((name) => [name, "lstm(N, bidirectional: true)"] as const),
  ...["bigru", "bi_gru", "bidirectional_gru"].map((name) => [name, "gru(N, bidirectional: true)"] as const),
  ...["birnn", "bi_rnn", "bidirectional_rnn"].map((name) => [name, "rnn(N, bidirectional: true)"] as const),
]);

/** The layer that is called so elsewhere. */
export function layerMeant(name: string): string | undefined {
  const written = LAYERS_ELSEWHERE.get(name.toLowerCase());
  return written === undefined ? undefined : `did you mean \`${written}\`?`;
}

const NOT_LAYERS: ReadonlyMap<string, string> = new Map([
  ["range", "a range is written `0..N`"],
  ["return", "the last value of a network is its output: write the step alone"],
  ["output", "the last value of a network is its output: leave this out; one of several has a name: `output NAME = …`"],
  ["True", write("true")],
  ["False", write("false")],
  ["None", "what is not given has its default: leave it out"],
  ...["nn", "torch", "F", "tf", "keras", "layers", "self"].map((name) => [name, "names have no prefix: `linear(10)`"] as const),
]);

/** For a name in a network that stands for nothing. `labels`: scopes of the network, which name parameters and no values. */
export function hintForName(name: string, names: () => Iterable<string>, labels: ReadonlySet<string>): string {
  const other = NOT_LAYERS.get(name);
  if (other !== undefined) return other;
  if (labels.has(name)) return `\`${name}:\` names the parameters of a layer; a value gets a name by \`let ${name} = …\``;
  return layerMeant(name) ?? didYouMean(name, names()) ?? "`tlc explain` lists all layers";
}

/** Losses, metrics, optimizers and schedules under their names elsewhere, in small letters. */
const WORDS_ELSEWHERE: ReadonlyMap<string, string> = new Map([
  ...["mseloss", "mean_squared_error", "l2loss"].map((name) => [name, "mse"] as const),
  ...["l1loss", "l1", "mean_absolute_error"].map((name) => [name, "mae"] as const),
  ...["nllloss", "nll", "categorical_crossentropy", "sparse_categorical_crossentropy", "softmax_cross_entropy"].map(
    (name) => [name, "cross_entropy"] as const,
  ),
  ...["bce", "bceloss", "bcewithlogitsloss", "binary_crossentropy"].map((name) => [name, "binary_cross_entropy"] as const),
  ...["kldivloss", "kld", "kl_div"].map((name) => [name, "kl_divergence"] as const),
  ["huberloss", "huber"],
  ["multimarginloss", "hinge"],
  ...["acc", "categorical_accuracy"].map((name) => [name, "accuracy"] as const),
  ["reducelronplateau", "plateau"],
  ...["cosineannealinglr", "cosine_annealing"].map((name) => [name, "cosine"] as const),
  ["cosineannealingwarmrestarts", "cosine_restarts"],
  ["exponentiallr", "exponential"],
  ["onecyclelr", "one_cycle"],
]);

/** The word that is called so elsewhere, where it is among those that may stand there. */
export function wordMeant(name: string, known: readonly string[]): string | undefined {
  const meant = WORDS_ELSEWHERE.get(name.toLowerCase());
  return meant !== undefined && known.includes(meant) ? `did you mean \`${meant}\`?` : undefined;
}

/** Settings of recipes and data sets under their names elsewhere. */
export const SETTINGS_ELSEWHERE: ReadonlyMap<string, string> = new Map([
  ["batch_size", write("batch")],
  ["model", write("network")],
  ["dataset", write("data")],
  ["criterion", write("loss")],
  ["lr", "the rate is an argument of the optimizer: `optimizer adam(lr: 1e-3)`"],
  ["learning_rate", "the rate is an argument of the optimizer: `optimizer adam(lr: 1e-3)`"],
  ["momentum", "it is an argument of the optimizer: `optimizer sgd(lr: 0.01, momentum: 0.9)`"],
  ["weight_decay", "it is an argument of the optimizer: `optimizer adamw(lr: 1e-3, weight_decay: 0.01)`"],
  ...["clip", "clip_norm", "clip_grad_norm", "grad_clip", "gradient_clipping", "max_grad_norm"].map(
    (name) => [name, "it stands behind the optimizer: `optimizer adam(lr: 1e-3) clip 1.0`"] as const,
  ),
  ["early_stopping", "write `stop when val.loss stalls for 3`"],
  ["patience", "write `stop when val.loss stalls for 3`"],
  ["lora", "write `adapt PATTERN with lora(rank: 8)`"],
  ["peft", "write `adapt PATTERN with lora(rank: 8)`"],
  ["teacher", 'write `distill from NETWORK weights "FILE"`'],
  ["distillation", 'write `distill from NETWORK weights "FILE"`'],
  ["cache", write("features")],
  ["scheduler", write("schedule")],
  ["lr_scheduler", write("schedule")],
  ["transform", write("preprocess` or `augment")],
  ["transforms", write("preprocess` or `augment")],
  ["valid", write("val")],
  ["validation", write("val")],
  ["shuffle", "training data is shuffled in every epoch: leave it out"],
  ["pretrained", write("weights")],
  ["checkpoint", write("weights")],
  ["phase", "a part of the training is a `stage NAME { … }`"],
  ["stage", "a stage has a name: `stage NAME { … }`"],
  ["device", "the device is chosen when it runs: `tlc run SPEC --device wasm`"],
  ["classes", "classes are the folders, or the labels of the table: leave it out"],
]);

export const hintForSetting = (name: string): string | undefined => SETTINGS_ELSEWHERE.get(name);

/** The setting that is there under another name, or misspelt. */
export const meantSetting = (name: string, known: readonly string[]): string | undefined =>
  SETTINGS_ELSEWHERE.has(name) ? known.find((key) => hintForSetting(name) === write(key)) : nearest(name, known);

/** Declarations under their names elsewhere. */
const DECLARATIONS_ELSEWHERE: ReadonlyMap<string, string> = new Map([
  ...["model", "net", "class", "def", "module", "architecture"].map((name) => [name, "network"] as const),
  ...["data", "dataloader", "loader"].map((name) => [name, "dataset"] as const),
  ...["train", "training", "trainer", "experiment", "config", "run"].map((name) => [name, "recipe"] as const),
  ...["function", "layer", "fn", "func"].map((name) => [name, "block"] as const),
  ...["from", "include", "require"].map((name) => [name, "import"] as const),
]);

export const DECLARATION_WORDS = ["import", "network", "block", "dataset", "recipe"];

export function hintForDeclaration(word: string): string | undefined {
  const known = DECLARATIONS_ELSEWHERE.get(word);
  return known === undefined ? didYouMean(word, DECLARATION_WORDS) : `did you mean \`${known}\`?`;
}

/** Names that stand for the batch elsewhere, where shapes have that axis. */
const BATCH_ELSEWHERE: ReadonlySet<string> = new Set(["None", "N", "B", "n", "b", "batch", "batch_size", "bs"]);

export const BATCH_HINT = "the batch is no axis of an input: leave it out";

export const hintForDimension = (name: string): string | undefined => (BATCH_ELSEWHERE.has(name) ? BATCH_HINT : undefined);

interface InputType {
  readonly name: string;
  readonly dtype: string;
}

const declared = ({ name, dtype }: InputType, shape: Shape): string =>
  `\`input ${name}: ${dtype}${shape.length === 0 ? "" : `[${shape.join(", ")}]`}\``;

/** Of an input with other axes than the data has for it. */
export const inputAsGiven = (input: InputType, given: Shape): string =>
  `the data has ${given.length === 0 ? "one number" : `[${given.join(", ")}]`} for it: ${declared(input, given)}`;

/** Where the data has as many numbers in another shape. */
export const reshapeHint = (input: InputType, given: Shape, wanted: Shape): string | undefined =>
  sizeOf(given) === sizeOf(wanted)
    ? `declare it as the data has it, ${declared(input, given)}, and begin with \`reshape([${wanted.join(", ")}])\``
    : undefined;

/** What an input may hold. */
export const INPUT_TYPES: readonly string[] = ["f32", "i32"];

/** Element types under their names elsewhere. */
const TYPES_ELSEWHERE: ReadonlyMap<string, string> = new Map(
  Object.entries({
    float: "write `f32`",
    float32: "write `f32`",
    int: "write `i32`",
    int32: "write `i32`",
    int64: "write `i32`",
    f16: "write `f32`",
    f64: "write `f32`",
    i64: "write `i32`",
    u8: "images are `f32` once they are normalized",
  }),
);

export const hintForType = (name: string): string => TYPES_ELSEWHERE.get(name) ?? "inputs are `f32` or `i32`";

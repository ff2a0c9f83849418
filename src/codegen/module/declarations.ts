// The types of a generated module: what its inputs take, which classes it can answer with, which metrics its events carry. Complete in
// itself, so that an application needs no other package to be checked.

import type { Artifact } from "../../ir/artifact.ts";
import type { ColumnInfo, FieldInfo, OutputKind, OutputTask } from "../../ir/plan.ts";
import { readingNamed } from "../../ir/recipe/columns/index.ts";
import { reportedBy, type Reported } from "../../ir/recipe/metrics/index.ts";
import { isPicture } from "../../ir/recipe/steps/define.ts";
import { outputShapeOf, targetOf, tasksOf } from "../../ir/tasks.ts";
import { sizeOf, type DType } from "../../ir/types.ts";
import { template } from "../template.ts";
import { commentText, jsString } from "./encode.ts";

interface Skeleton {
  readonly recipe: string;
  readonly classes: readonly string[];
  readonly example: string;
  readonly inputs: string;
  readonly labels: string;
  readonly prediction: string;
  readonly metrics: readonly string[];
  readonly devices: string;
  readonly preference: string;
  readonly createOptions: readonly string[];
  readonly trainOptions: readonly string[];
  readonly trainedFrom: string;
  readonly events: string;
}

/** Of a distilled network. */
const TEACHER = [
  "  /** Weights of the network that it learns from: `teacher.safetensors` beside the module. Needed where there is no checkpoint to go on from. */",
  "  readonly teacher?: Uint8Array | ArrayBuffer | undefined;",
];

const FROM_RANDOM = "Trains from the weights that were loaded or trained before, or else from random ones.";

const FROM_PUBLISHED =
  "Trains from the weights that were loaded or trained before, and rejects while there are none: `weights.safetensors` beside the module has those that the recipe begins with.";

const skeleton = template<Skeleton>(`// Made by tlc from the recipe {{recipe}}: the types of the module beside this file.

{{#each classes}}
{{this}}
{{/each}}

/** A picture: grey, RGB or RGBA samples, row after row, as a canvas gives them. */
export interface Picture {
  readonly data: Uint8Array | Uint8ClampedArray;
  readonly width: number;
  readonly height: number;
}

/**
 * A file of a picture, as a \`Blob\` is one; or its bytes. In Node the package sharp decodes it, in a page the browser: the
 * same levels in Chromium, but for pictures that are clear in places.
 */
export interface PictureFile {
  arrayBuffer(): Promise<ArrayBuffer>;
}

/** What a canvas can draw, as an \`ImageBitmap\`; in pages only. */
export interface PageImage {
  readonly width: number;
  readonly height: number;
  close(): void;
}

/** What the network takes for one example. Pictures go through the recipe's preprocessing; numbers have. */
export type Example = {{example}};

{{inputs}}

export interface Split {
  readonly inputs: Inputs;
  readonly labels: {{labels}};
}

export interface Data {
  readonly train: Split;
  readonly val?: Split | undefined;
  readonly test?: Split | undefined;
}

export type Metrics = {
{{#each metrics}}
  {{this}};
{{/each}}
};

{{prediction}}

{{events}}

export interface TrainOptions {
  /** Aborting ends the run after the steps in flight; \`done\` still comes, with the weights so far. */
  readonly signal?: AbortSignal | undefined;
  /** Of every stage, instead of the recipe's. */
  readonly epochs?: number | undefined;
{{#each trainOptions}}
{{this}}
{{/each}}
  /** Told of a checkpoint after every epoch, and when \`signal\` ends the run; training waits for it. */
  readonly onCheckpoint?: ((checkpoint: Uint8Array) => void | Promise<void>) | undefined;
  /** A checkpoint to go on from, to the bit as if the run had not been stopped; data and \`epochs\` must be the same. */
  readonly resume?: Uint8Array | ArrayBuffer | undefined;
}

export interface CreateOptions {
  /** \`auto\`, the default, takes {{preference}}. */
  readonly device?: "auto" | {{devices}} | undefined;
{{#each createOptions}}
{{this}}
{{/each}}
}

export interface Model {
  /** \`description\` and \`reason\`, why this device, are for people; \`isHardware\` is false where a CPU plays the GPU. */
  readonly device: { readonly kind: {{devices}}; readonly description: string; readonly isHardware: boolean; readonly reason: string };
  /** Takes the weights of a safetensors file, under PyTorch's names; or what a training changed of those that it has, which \`tlc run --delta\` wrote. */
  load(weights: Uint8Array | ArrayBuffer): Promise<void>;
  /** The weights as a safetensors file, under PyTorch's names; before any were loaded or trained, random ones of the recipe's seed. */
  save(): Promise<Uint8Array>;
  /** Any number of examples; the answers come in their order. Rejects while nothing was loaded or trained: random weights answer at random. */
  predict<const T extends readonly Example[]>(examples: T): Promise<{ -readonly [K in keyof T]: Prediction }>;
  /** {{trainedFrom}} Leaving the loop ends the run. */
  train(data: Data, options?: TrainOptions): AsyncGenerator<TrainEvent, void, undefined>;
  /** Of weights that were loaded or trained, as \`predict\`. */
  evaluate(split: Split): Promise<Metrics>;
  /** Gives the device's memory back. */
  dispose(): void;
}

export declare function create(options?: CreateOptions): Promise<Model>;

/** Data or weights that do not fit the network. */
export declare class DataError extends Error {
  readonly hint: string;
}

/** A device that cannot be had, was lost, or ran out of memory. */
export declare class DeviceError extends Error {
  readonly reason: "unavailable" | "lost" | "out-of-memory";
  readonly hint: string;
  /** Of a training that ended with its device: what it had learned by the end of its last whole epoch, a safetensors file. */
  readonly last: { readonly stage: string; readonly epoch: number; readonly weights: Uint8Array } | undefined;
}

/** The loss, or a weight that it trains, became infinite or not a number. */
export declare class NonFiniteLossError extends Error {
  readonly stage: string;
  readonly epoch: number;
  readonly step: number;
  readonly hint: string;
}
`);

/** What `create` takes besides `device`, and the targets of which that is. */
const CREATE_OPTIONS: readonly { readonly of: readonly string[]; readonly text: string }[] = [
  {
    of: ["cuda", "webgpu"],
    text: "  /** Of GPUs in Node: false for the kernels that the compiler took, as on pages. Else which are the fastest on this GPU is measured once and remembered under the user's cache folder. */\n  readonly tune?: boolean | undefined;",
  },
  {
    of: ["webgpu"],
    text: "  /** Of webgpu: a `GPU` to use instead of the page's, or in Node of the package `webgpu`. */\n  readonly gpu?: object | undefined;",
  },
  {
    of: ["wasm"],
    text: "  /** Of wasm: one for each processor unless given; always 1 on a page without cross-origin isolation. */\n  readonly threads?: number | undefined;",
  },
];

/** Where `auto` takes a target that others follow. */
const TAKEN: Readonly<Record<string, string>> = { cuda: "where there is an NVIDIA GPU", webgpu: "where there is a GPU" };

/** What `auto` means. */
function preferenceAmong(targets: readonly string[]): string {
  if (targets.length === 1) return `what the module was compiled for, ${targets.join()}`;
  const last = targets.length - 1;
  const parts = targets.map((target, i) => (i === last ? `else ${target}` : `${target} ${TAKEN[target] ?? "where it is there"}`));
  return `${parts.slice(0, last).join(", ")}, and ${parts[last] ?? ""}`;
}

/** The file of this package, built from `src/runtime/events.ts`, that declares what training says. */
export const EVENTS_FILE = "runtime/events.d.ts";

// What stands at the top of the file, and a source map's mark, are about the file and not about the types.
const declarationsIn = (events: string): string =>
  events
    .slice(events.search(/^\/\*\*|^export/m))
    .replace(/^\/\/# .*$/m, "")
    .trim();

/**
 * @param targets best first
 * @param events the text of EVENTS_FILE
 */
export function printDeclarations(artifact: Artifact, targets: readonly string[], events: string): string {
  const { name, recipe, dataInfo, teacher, weights } = artifact;
  const { inputs } = dataInfo;
  const [first] = inputs;
  const tasks = tasksOf(recipe).map((task) => typedTask(artifact, task));
  const only = recipe.tasks ? undefined : tasks[0];
  const fields = inputs.map((info) => `readonly ${jsString(info.name)}: ${oneOf(info)}`);
  const takesRows = inputs.some((info) => info.fields !== undefined);
  return skeleton({
    recipe: commentText(name),
    classes: only ? onlyClasses(only) : namedClasses(tasks),
    example: takesRows ? rowType(inputs) : inputs.length === 1 && first !== undefined ? oneOf(first) : `{ ${fields.join("; ")} }`,
    inputs: inputsType(inputs, takesRows),
    labels: only ? labelsType(only) : `{ ${tasks.flatMap((task) => labelsField(task)).join("; ")} }`,
    prediction: only ? onlyPrediction(only) : namedPrediction(tasks),
    devices: targets.map(jsString).join(" | "),
    preference: preferenceAmong(targets),
    events: declarationsIn(events),
    trainOptions: teacher ? TEACHER : [],
    trainedFrom: weights ? FROM_PUBLISHED : FROM_RANDOM,
    createOptions: CREATE_OPTIONS.flatMap(({ of, text }) => (of.some((target) => targets.includes(target)) ? [text] : [])),
    metrics: reportedBy(tasksOf(recipe)).map(metricType),
  });
}

/** What is made of all scores of an evaluation is in no event of training, nor where labels of one class leave nothing to rank. */
const metricType = ({ name, metric }: Reported): string =>
  `readonly ${name.includes(".") ? jsString(name) : name}${metric?.made === "of scores" ? "?" : ""}: ${metric?.unit === "matrix" ? "readonly (readonly number[])[]" : "number"}`;

const ARRAYS = {
  f32: "Float32Array",
  f16: "Uint16Array",
  bf16: "Uint16Array",
  i32: "Int32Array",
  u32: "Uint32Array",
  u8: "Uint8Array",
  bool: "Uint32Array",
} as const satisfies Record<DType, string>;

function oneOf({ dtype, shape }: ColumnInfo): string {
  if (shape.length === 0) return "number";
  const values = `${ARRAYS[dtype]} | readonly number[]`;
  return isPicture({ dtype, shape }) ? `Picture | PictureFile | PageImage | ${values}` : values;
}

function inputsType(inputs: readonly ColumnInfo[], takesRows: boolean): string {
  if (takesRows) return "/** The rows of a table, by the names of their columns. */\nexport type Inputs = readonly Example[];";
  const lines = inputs.map((info) => `  readonly ${jsString(info.name)}: ${ARRAYS[info.dtype]} | readonly (${oneOf(info)})[];`);
  const doc = "/** All examples of a data set: one array of all, one after the other, or one entry for each. */";
  return [doc, "export interface Inputs {", ...lines, "}"].join("\n");
}

/** A row by the names of its columns, each once, however many inputs it feeds. */
function rowType(inputs: readonly ColumnInfo[]): string {
  const columns = new Map<string, string>();
  for (const info of inputs) {
    if (info.fields === undefined) columns.set(info.column ?? info.name, oneOf(info));
    for (const field of info.fields ?? []) {
      // What one of several readings of a column cannot do without, no row may leave out.
      const before = columns.get(field.column);
      if (before === undefined || before.endsWith("| null")) columns.set(field.column, cellType(field));
    }
  }
  const lines = [...columns].map(([name, type]) => `  readonly ${jsString(name)}: ${type};`);
  return ["{", ...lines, "}"].join("\n");
}

/** Longer lists of categories are texts: nobody reads them, and a type checker takes its time. */
const MOST_LITERALS = 200;

function cellType(field: FieldInfo): string {
  if (field.kind === "number") return `${readingNamed(field.reading).values}${field.fill === undefined ? "" : " | null"}`;
  const { categories, hasMissing, hasUnknown } = field;
  const isOpen = hasUnknown || categories.length === 0 || categories.length > MOST_LITERALS;
  return `${isOpen ? "string" : categories.map(jsString).join(" | ")}${hasMissing ? " | null" : ""}`;
}

/** An output with what its types are made of. */
interface TypedTask {
  readonly output: string;
  /** What its labels are, where it is compared with some. */
  readonly label: ColumnInfo | undefined;
  /** Literals, in label order. */
  readonly names: readonly string[];
  readonly isClass: boolean;
  readonly outputs: OutputKind;
  readonly rank: number;
}

function typedTask(artifact: Artifact, task: OutputTask): TypedTask {
  const target = targetOf(artifact.dataInfo, task);
  const shape = outputShapeOf(artifact, task);
  const names = (target?.classes ?? []).map(jsString);
  // One score for two classes says which of them it is.
  const isYesOrNo = task.outputs === "scores of each class" && names.length === 2 && sizeOf(shape) === 1;
  const isClass = task.labels !== "number" && names.length > 0;
  const outputs = isYesOrNo ? "class scores" : task.outputs;
  return { output: task.output, label: target?.label, names, isClass, outputs, rank: shape.length };
}

const labelType = ({ names }: TypedTask): string => (names.length > 0 ? names.join(" | ") : "string");

const onlyClasses = (task: TypedTask): readonly string[] => [
  "/** The name of a class. */",
  `export type Label = ${labelType(task)};`,
  "",
  "/** In label order. */",
  `export declare const classes: readonly [${task.names.join(", ")}];`,
];

const namedClasses = (tasks: readonly TypedTask[]): readonly string[] => [
  "/** Of each output that tells classes apart, in label order. */",
  "export declare const classes: {",
  ...tasks.flatMap(({ output, names }) => (names.length > 0 ? [`  readonly ${output}: readonly [${names.join(", ")}];`] : [])),
  "};",
];

/** Of masks: pictures with one sample a pixel, the number of its class; or those numbers for the pixels that the network sees. */
const MASKS = "readonly (Picture | Uint8Array | readonly number[])[]";

const MASK = [
  ...['readonly kind: "mask";', "readonly height: number;", "readonly width: number;"],
  ...["/** Numbers of classes, row after row. */", "readonly mask: Uint8Array;"],
  ...["/** [height, width, classes]. */", "readonly probabilities: Float32Array;"],
];

function labelsType({ output, label, names, isClass }: TypedTask): string {
  if (!label) return "never";
  const one = output === "" ? "Label" : names.join(" | ");
  if (isPicture(label)) return `${ARRAYS[label.dtype]} | ${MASKS}`;
  const perExample = isClass ? `${one} | number` : "number";
  const lists = label.shape.length === 0 ? `readonly (${perExample})[]` : `readonly (readonly (${perExample})[])[]`;
  return `${ARRAYS[label.dtype]} | ${lists}`;
}

const labelsField = (task: TypedTask): readonly string[] => (task.label ? [`readonly ${task.output}: ${labelsType(task)}`] : []);

function onlyPrediction(task: TypedTask): string {
  const { doc, fields } = predictionFields(task, "Label");
  return [`/** ${doc} */`, "export interface Prediction {", ...fields.map((field) => `  ${field}`), "}"].join("\n");
}

/** By the names of the outputs. */
function namedPrediction(tasks: readonly TypedTask[]): string {
  const lines = tasks.flatMap((task) => {
    const { doc, fields } = predictionFields(task, labelType(task));
    return [`  /** ${doc} */`, `  readonly ${task.output}: {`, ...fields.map((field) => `    ${field}`), "  };"];
  });
  return ["/** What the network says of an example, by its outputs. */", "export interface Prediction {", ...lines, "}"].join("\n");
}

const PROBABILITIES = ["/** Of every class, in label order. */", "readonly probabilities: readonly number[];"];

function predictionFields(
  { outputs, rank, label: labels }: TypedTask,
  label: string,
): { readonly doc: string; readonly fields: readonly string[] } {
  const list = label.includes(" | ") ? `(${label})` : label;
  if (labels && isPicture(labels))
    return { doc: "The likeliest class of every pixel that the network sees, after preprocessing.", fields: MASK };
  if (outputs === "scores of each class")
    return {
      doc: "The classes that are likelier than not.",
      fields: ['readonly kind: "set";', `readonly labels: readonly ${list}[];`, ...PROBABILITIES],
    };
  if (outputs === "numbers")
    return { doc: "The network's output.", fields: ['readonly kind: "values";', "readonly values: readonly number[];"] };
  if (rank > 1) return { doc: "A class for every step.", fields: ['readonly kind: "sequence";', `readonly labels: readonly ${list}[];`] };
  return {
    doc: "The likeliest class.",
    fields: ['readonly kind: "class";', `readonly label: ${label};`, "readonly probability: number;", ...PROBABILITIES],
  };
}

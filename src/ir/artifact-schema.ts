// The shape of an artifact, for those read from disk: a folder may be damaged, edited or a stranger's. What depends on several places
// (indices within bounds, buffers within the arena) is checked after it, in artifact-checks.ts. Loaded only when a compiled folder is read.

import { artifactFault } from "./artifact-checks.ts";
import { ARTIFACT_VERSION, type Artifact } from "./artifact.ts";
import { KERNEL_DEFINITIONS, KERNEL_SCHEMA, PARAMETER_TYPE } from "./loop/kernel-schema.ts";
import { ARCHITECTURES, MOST_ALTERNATIVES, MOST_MAPS, PROGRAM_VERSION } from "./program.ts";
import { ADAPTERS } from "./recipe/adapters/index.ts";
import { AVERAGES } from "./recipe/averages/index.ts";
import { CACHES } from "./recipe/caches/index.ts";
import { CLIPS } from "./recipe/clips/index.ts";
import type { Reading } from "./recipe/columns/define.ts";
import { READINGS } from "./recipe/columns/index.ts";
import { DISTILLATIONS } from "./recipe/distillations/index.ts";
import { LOSSES } from "./recipe/losses/index.ts";
import { METRICS } from "./recipe/metrics/index.ts";
import { OPTIMIZERS } from "./recipe/optimizers/index.ts";
import { SCHEDULES } from "./recipe/schedules/index.ts";
import { PENALTIES } from "./recipe/penalties/index.ts";
import { PRECISIONS } from "./recipe/precisions/index.ts";
import { wordSchema } from "./recipe/schema.ts";
import { SOURCES } from "./recipe/sources/index.ts";
import { LOAD_STEPS } from "./recipe/steps/host.ts";
import { AUGMENT, PREPROCESS } from "./recipe/steps/index.ts";
import { TABLE_STEPS } from "./recipe/table-steps/index.ts";
import { schemaProblem } from "./schema-problem.ts";
import { validatorOf } from "./schema-validator.ts";
import type { StateKind } from "./state.ts";

/** Indices are 32-bit integers on every target. */
const LARGEST = 2 ** 31 - 1;
/** More than any machine has; sums of a few of these are exact. */
const MOST_BYTES = 2 ** 46;
/** Iterations of a counted loop: steps of a sequence. */
const MOST_ITERATIONS = 1_000_000;

const name = { type: "string", maxLength: 4096 } as const;
/** Of what objects are keyed by: no key means something to JavaScript. */
const key = { type: "string", pattern: "^[A-Za-z][A-Za-z0-9_]{0,199}$" } as const;
const base64 = { type: "string", pattern: "^[A-Za-z0-9+/]*={0,2}$" } as const;
const whole = (minimum: number, maximum: number): object => ({ type: "integer", minimum, maximum });
const count = whole(0, LARGEST);
const positive = whole(1, LARGEST);
const bytes = whole(0, MOST_BYTES);
const seed = whole(0, 2 ** 32 - 1);
const figure = { type: "number", minimum: 0 } as const;
const shape = { type: "array", items: positive, maxItems: 16 } as const;
const dtype = { enum: ["f32", "f16", "bf16", "i32", "u32", "u8", "bool"] } as const;
const object = (required: Readonly<Record<string, object>>, optional: Readonly<Record<string, object>> = {}): object => ({
  type: "object",
  required: Object.keys(required),
  properties: { ...required, ...optional },
  additionalProperties: false,
});
const definitions: Record<string, object> = { ...KERNEL_DEFINITIONS };
/** For what stands at several places: it is one function of the validator, and not one at each of them. */
function defined(what: string, schema: object): object {
  definitions[what] = schema;
  return { $ref: `#/$defs/${what}` };
}
const has = (property: string): object => ({ type: "object", required: [property], properties: { [property]: {} } });
const list = (items: object): object => ({ type: "array", items });
const named = (values: object): object => ({ type: "object", propertyNames: key, additionalProperties: values });
const kind = {
  enum: ["weight", "statistic", "teacher", "folded", "average", "optimizer", "counter", "metric"] satisfies StateKind[],
} as const;
const oneOf = (tag: string, ...forms: readonly object[]): object => ({
  type: "object",
  discriminator: { propertyName: tag },
  oneOf: forms,
});
const number = { type: "number" } as const;
const flag = { type: "boolean" } as const;
const reading = (kind: Reading["kind"]): object => ({ enum: READINGS.flatMap((it) => (it.kind === kind ? [it.name] : [])) });
const field = oneOf(
  "kind",
  object(
    { kind: { const: "number" }, column: name, reading: reading("number"), shift: number, scale: number, isMarked: flag },
    { fill: number },
  ),
  object({
    kind: { const: "category" },
    column: name,
    reading: reading("category"),
    categories: list(name),
    hasMissing: flag,
    hasUnknown: flag,
  }),
);
/** Of pictures of sizes of their own, which a random crop takes its parts of, there are no sizes. */
const ownSizes = { type: "array", items: [positive, { const: 0 }, { const: 0 }], minItems: 3, maxItems: 3 } as const;
const training = object({ shape: { anyOf: [shape, ownSizes] }, steps: list(wordSchema(LOAD_STEPS)) });
const pictured = { picture: shape, training };
const column = defined(
  "column",
  object(
    { name, dtype, shape },
    {
      below: positive,
      ignored: whole(-LARGEST, LARGEST),
      padded: { const: true },
      column: name,
      fields: { ...list(field), minItems: 1 },
      ...pictured,
    },
  ),
);

const kernelLaunch = object({ kind: { const: "kernel" }, kernel: count, buffers: list(count) }, { layer: name });
const loopLaunch = object(
  { kind: { const: "loop" }, count: whole(1, MOST_ITERATIONS), reverse: { type: "boolean" }, body: list(kernelLaunch) },
  { whole: kernelLaunch },
);

const wasmKernel = object(
  {
    relaxed: base64,
    simd: base64,
    units: positive,
    grain: positive,
    piece: positive,
    scratchBytes: count,
    margin: count,
    writes: list(count),
  },
  {
    keeps: object({ params: list(count), bytes: count }),
    rows: object({ extent: positive, perUnit: positive, own: list(object({ param: count, stride: count })) }),
  },
);

const buffer = object(
  { name, role: { enum: ["state", "input", "output", "temp", "data", "pack"] }, dtype, shape, bytes, offset: whole(-1, MOST_BYTES) },
  { kind },
);

const matrixPlace = object({
  param: count,
  dtype: { enum: ["f32", "bf16", "f16"] },
  first: count,
  matrix: count,
  row: count,
  column: count,
});
const tensorMap = object({
  param: count,
  dtype: { enum: ["f32", "bf16", "f16"] },
  first: count,
  rows: positive,
  columns: positive,
  row: positive,
  box: positive,
});
const precision = { enum: ["f32", "tf32", "bf16", "f16"] };
const tuple = (items: object, length: number): object => ({ type: "array", items, minItems: length, maxItems: length });
const tensorPlace = object({
  param: count,
  dtype: { enum: ["f32", "bf16", "f16"] },
  first: count,
  shape: tuple(positive, 4),
  strides: tuple(count, 4),
});
const libraryForm = object(
  {
    product: oneOf(
      "kind",
      object(
        {
          ...{ kind: { const: "matmul" }, precision },
          ...{ batch: positive, m: positive, n: positive, k: positive },
          ...{ left: matrixPlace, right: matrixPlace, result: matrixPlace },
        },
        { bias: matrixPlace, added: matrixPlace },
      ),
      object({
        ...{ kind: { const: "convolution" }, direction: { enum: ["forward", "data", "filter"] }, precision },
        ...{ stride: tuple(positive, 2), padding: tuple(count, 2), dilation: tuple(positive, 2), groups: positive },
        ...{ image: tensorPlace, filter: tensorPlace, response: tensorPlace },
      }),
      object(
        {
          ...{ kind: { const: "attention" }, precision, scale: { type: "number" } },
          ...{ query: tensorPlace, key: tensorPlace, value: tensorPlace, result: tensorPlace },
        },
        { bias: tensorPlace },
      ),
    ),
  },
  { before: { ...list(count), minItems: 1, maxItems: 2 }, rest: count },
);
const program = object(
  {
    format: { const: "tlc-program" },
    version: { const: PROGRAM_VERSION },
    target: name,
    arenaBytes: bytes,
    buffers: list(buffer),
    kernels: list(
      object(
        { name },
        {
          source: { type: "string" },
          grid: { type: "array", items: positive, minItems: 3, maxItems: 3 },
          kernel: KERNEL_SCHEMA,
          parts: list(object({ kernel: KERNEL_SCHEMA, slots: list(count) })),
          subgroupSize: whole(1, 1024),
          then: count,
          library: libraryForm,
          alternatives: { ...list(count), minItems: 1, maxItems: MOST_ALTERNATIVES },
          wasm: wasmKernel,
          cuda: object(
            { entry: { type: "string", pattern: "^\\w+$" }, threads: whole(1, 1024) },
            { needs: { enum: ARCHITECTURES }, sharedBytes: positive, maps: { ...list(tensorMap), minItems: 1, maxItems: MOST_MAPS } },
          ),
          params: list(object(PARAMETER_TYPE)),
        },
      ),
    ),
    entries: named(list(oneOf("kind", kernelLaunch, loopLaunch))),
  },
  {
    prelude: { type: "string" },
    ptx: { type: "string" },
    ptxFor: object({}, Object.fromEntries(ARCHITECTURES.map((it) => [it, { type: "string" }]))),
  },
);

const part = {
  anyOf: [
    object({ name: key, fraction: { type: "number", exclusiveMinimum: 0, maximum: 1 } }),
    object({ name: key, perClass: { type: "integer", minimum: 1 } }),
  ],
};
const data = object(
  {
    name,
    sources: { type: "object", propertyNames: key, additionalProperties: wordSchema(SOURCES) },
    splits: list(object({ from: key, parts: list(part), seed }, { stratified: flag, by: { anyOf: [name, count] } })),
    preprocess: list(wordSchema(PREPROCESS)),
    augment: list(wordSchema(AUGMENT)),
  },
  { columns: list(wordSchema(TABLE_STEPS)) },
);
const columns = list(defined("columnOfBuffer", object({ column: name, buffer: name }, { places: name })));
const outputBuffers = { ...list(object({ output: key, buffer: name })), minItems: 1 };
const outputPort = { anyOf: [name, outputBuffers] };
const epoch = { columns, cursor: name, count: name, sums: list(object({ sum: name, buffer: name })) };
const ports = defined(
  "ports",
  oneOf(
    "purpose",
    object({ purpose: { const: "initialize" } }),
    object({ purpose: { const: "fold" }, isSteady: flag }),
    object({ purpose: { const: "train" }, order: name, losses: name, rates: name, ...epoch }, { epochs: name, decided: name }),
    object({ purpose: { const: "evaluate" }, ...epoch }, { scores: outputPort }),
    object({ purpose: { const: "predict" }, columns, output: outputPort }),
    object({ purpose: { const: "features" }, columns, outputs: columns }),
    object({ purpose: { const: "views" }, columns, first: name, count: name, outputs: columns }, { draw: name }),
    object(
      { purpose: { const: "trace" }, columns, loss: name, output: outputPort, gradients: list(object({ parameter: name, buffer: name })) },
      { count: name, epochs: name, parts: outputBuffers },
    ),
  ),
);
const initializer = oneOf(
  "kind",
  object({ kind: { const: "constant" }, value: { type: "number" } }),
  object({ kind: { const: "uniform" }, bound: figure }),
  object({ kind: { const: "normal" }, std: figure }),
);
const state = object({ name, kind, type: object({ dtype, shape }), init: initializer });

const work = { ops: figure, kernels: figure, launches: figure, flops: figure };
const report = object(
  {
    layers: list(object({ layer: name, ...work, share: figure })),
    frontier: list(name),
    entries: named(object({ ...work, temporary: bytes, traffic: object({ read: figure, written: figure, least: figure }) })),
    bytes: object({
      weights: bytes,
      gradients: bytes,
      optimizer: bytes,
      folded: bytes,
      temporary: bytes,
      temporaryLowerBound: bytes,
      arena: bytes,
    }),
    cache: object({ features: flag, reason: { type: "string" } }, { bytes: figure, spared: figure, views: positive }),
    folded: object({ training: list(name), answers: list(name) }),
  },
  { recomputed: object({ tried: { ...list(object({ segments: figure, peak: bytes, flops: figure })), minItems: 1 }, chosen: count }) },
);

const features = object(
  { key: name, columns: { ...list(column), minItems: 1 }, parameters: list(name), entries: named(ports) },
  { inputs: { ...list(column), minItems: 1 }, taught: { const: true }, views: positive },
);

const averages = { ...list(object({ weight: name, average: name, steps: name })), minItems: 1 };
const group = object({ rate: figure, decay: figure, parameters: list(name) });
const stage = object(
  { name, trainable: list(name), groups: list(group), states: list(state), entries: named(ports), report, program },
  { seed: name, features, averages },
);

const measure = {
  split: { enum: ["train", "val"] },
  metric: name,
  better: { enum: ["higher", "lower"] },
} as const;
const stagePlan = defined(
  "stage",
  object(
    { name, optimizer: wordSchema(OPTIMIZERS), schedule: wordSchema(SCHEDULES), epochs: count },
    {
      clip: wordSchema(CLIPS),
      accumulate: positive,
      recompute: { anyOf: [{ const: "auto" }, { ...list(name), minItems: 1 }] },
      features: wordSchema(CACHES),
      penalties: { ...list(wordSchema(PENALTIES)), minItems: 1 },
      stop: object({ ...measure, patience: positive, within: figure }),
      keep: object(measure),
      watch: object(measure),
    },
  ),
);

const parameters = list(
  object({ name, state: name, dtype, shape, kind: { enum: ["weight", "statistic"] } }, { adapter: object({ layer: name, scale: figure }) }),
);

const task = {
  loss: defined("loss", wordSchema(LOSSES)),
  labels: { enum: ["class", "set", "number"] },
  outputs: { enum: ["class scores", "scores of each class", "numbers"] },
  metrics: list(defined("metric", wordSchema(METRICS))),
};
const tasks = { ...list(object({ ...task, output: key, weight: { type: "number", exclusiveMinimum: 0 } })), minItems: 1 };
const settings = { name, batch: positive, seed, stages: { ...list(stagePlan), minItems: 1 } };
const settingsIfSaid = {
  precision: defined("precision", wordSchema(PRECISIONS)),
  average: defined("average", wordSchema(AVERAGES)),
  distill: defined("distillation", wordSchema(DISTILLATIONS)),
  adapters: { ...list(defined("adapter", wordSchema(ADAPTERS))), minItems: 1 },
  views: { type: "integer", minimum: 1, maximum: 16 },
};
const inputs = { ...list(column), minItems: 1 };
const labels = { label: column, classes: list(name) };
const labelled = { labelled: object({ labels: count, counts: list(count) }) };

const SCHEMA = {
  $id: "tlc-artifact",
  ...object(
    {
      format: { const: "tlc-artifact" },
      version: { const: ARTIFACT_VERSION },
      name,
      target: name,
      recipe: {
        if: has("tasks"),
        then: object({ ...settings, tasks }, settingsIfSaid),
        else: object({ ...settings, ...task }, settingsIfSaid),
      },
      dataInfo: {
        if: has("targets"),
        then: object({ inputs, targets: list(object(labels, labelled)) }),
        else: object({ inputs, ...labels }, labelled),
      },
      parameters,
      network: name,
      stages: { ...list(stage), minItems: 1 },
    },
    {
      outputShape: shape,
      outputShapes: named(shape),
      data,
      weights: object({ source: name, taken: count, dropped: count, new: list(name) }),
      teacher: object({ source: name, parameters }),
    },
  ),
  $defs: definitions,
};

const validate = validatorOf(SCHEMA);

/** What is wrong with a value that should be an artifact, as a path and a reason; undefined when nothing is. */
export function artifactProblem(value: unknown): string | undefined {
  const problem = schemaProblem(validate, value);
  if (problem !== undefined) return `${problem.path === "" ? "the artifact" : problem.path} ${problem.reason}`;
  return artifactFault(value as Artifact);
}

// The shape of an artifact, for those read from disk: a folder may be damaged, edited or a stranger's. What the schema cannot say
// (indices within bounds, buffers within the arena) is checked after it. Loaded only when a compiled folder is read.

import { Ajv } from "ajv";
import { ARTIFACT_VERSION, type Artifact, type CompiledStage, type EntryPorts } from "./artifact.ts";
import { PROGRAM_VERSION, type KernelLaunch, type Program } from "./program.ts";
import { LOSSES } from "./recipe/losses/index.ts";
import { METRICS } from "./recipe/metrics/index.ts";
import { OPTIMIZERS } from "./recipe/optimizers/index.ts";
import { SCHEDULES } from "./recipe/schedules/index.ts";
import { wordSchema } from "./recipe/schema.ts";
import { SOURCES } from "./recipe/sources/index.ts";
import { AUGMENT, PREPROCESS } from "./recipe/steps/index.ts";
import type { StateKind } from "./state.ts";

const name = { type: "string", maxLength: 4096 } as const;
const code = { type: "string" } as const;
const count = { type: "integer", minimum: 0 } as const;
const shape = { type: "array", items: count, maxItems: 16 } as const;
const dtype = { enum: ["f32", "f16", "i32", "u32", "u8", "bool"] } as const;
const object = (required: Readonly<Record<string, object>>, optional: Readonly<Record<string, object>> = {}): object => ({
  type: "object",
  required: Object.keys(required),
  properties: { ...required, ...optional },
  additionalProperties: false,
});
const list = (items: object): object => ({ type: "array", items });
const named = (values: object): object => ({ type: "object", additionalProperties: values });
const kind = { enum: ["weight", "statistic", "optimizer", "counter", "metric"] satisfies StateKind[] } as const;
const column = object({ name, dtype, shape });

const kernelLaunch = object({ kind: { const: "kernel" }, kernel: count, buffers: list(count) });
const loopLaunch = object({ kind: { const: "loop" }, count, reverse: { type: "boolean" }, body: list(kernelLaunch) });
const launch = {
  type: "object",
  properties: { kind: true },
  required: ["kind"],
  discriminator: { propertyName: "kind" },
  oneOf: [kernelLaunch, loopLaunch],
};

const program = object({
  format: { const: "tlc-program" },
  version: { const: PROGRAM_VERSION },
  target: name,
  arenaBytes: count,
  buffers: list(
    object(
      {
        name,
        role: { enum: ["state", "input", "output", "temp", "data", "pack"] },
        dtype,
        shape,
        bytes: count,
        offset: { type: "integer", minimum: -1 },
      },
      { kind },
    ),
  ),
  kernels: list(
    object(
      { name },
      {
        source: { type: "string" },
        grid: { type: "array", items: [count, count, count], minItems: 3, additionalItems: false },
        kernel: { type: "object" },
        parts: list(object({ kernel: { type: "object" }, slots: list(count) })),
        subgroupSize: count,
        wasm: object(
          { relaxed: code, simd: code, units: count, grain: count, piece: count, scratchBytes: count, margin: count, writes: list(count) },
          { keeps: object({ params: list(count), bytes: count }) },
        ),
      },
    ),
  ),
  entries: named(list(launch)),
});

const data = object({
  name,
  sources: { type: "object", additionalProperties: wordSchema(SOURCES) },
  splits: list(object({ from: name, parts: list(object({ name, fraction: { type: "number" } })), seed: count })),
  preprocess: list(wordSchema(PREPROCESS)),
  augment: list(wordSchema(AUGMENT)),
});
const columns = list(object({ column: name, buffer: name }));
const epoch = { columns, cursor: name, count: name, sums: list(object({ sum: name, buffer: name })) };
const ports = {
  type: "object",
  properties: { purpose: true },
  required: ["purpose"],
  discriminator: { propertyName: "purpose" },
  oneOf: [
    object({ purpose: { const: "initialize" } }),
    object({ purpose: { const: "train" }, order: name, losses: name, rates: name, ...epoch }, { epochs: name }),
    object({ purpose: { const: "evaluate" }, ...epoch }),
    object({ purpose: { const: "predict" }, columns, output: name }),
    object(
      { purpose: { const: "trace" }, columns, loss: name, output: name, gradients: list(object({ parameter: name, buffer: name })) },
      { count: name, epochs: name },
    ),
  ],
};
const state = object({ name, kind, type: object({ dtype, shape }), init: { type: "object" } });

const stage = object(
  { name, trainable: list(name), states: list(state), entries: named(ports), report: { type: "object" }, program },
  { seed: name },
);

const SCHEMA = object(
  {
    format: { const: "tlc-artifact" },
    version: { const: ARTIFACT_VERSION },
    name,
    target: name,
    recipe: object({
      name,
      loss: wordSchema(LOSSES),
      metrics: list(wordSchema(METRICS)),
      batch: { type: "integer", minimum: 1 },
      seed: count,
      stages: { ...list(object({ name, optimizer: wordSchema(OPTIMIZERS), schedule: wordSchema(SCHEDULES), epochs: count })), minItems: 1 },
    }),
    dataInfo: object({ inputs: list(column), label: column, classes: list(name) }),
    outputShape: shape,
    parameters: list(object({ name, state: name, dtype, shape, kind: { enum: ["weight", "statistic"] } })),
    stages: { ...list(stage), minItems: 1 },
  },
  { data },
);

/** What is wrong with a value that should be an artifact, as a path and a reason; undefined when nothing is. */
export function artifactProblem(value: unknown): string | undefined {
  const validate = new Ajv({ strict: true, strictTuples: false, discriminator: true }).compile<Artifact>(SCHEMA);
  if (!validate(value)) {
    const error = validate.errors?.[0];
    return `${error?.instancePath === "" ? "the artifact" : (error?.instancePath ?? "")} ${error?.message ?? "does not fit"}`;
  }
  if (value.stages.length !== value.recipe.stages.length) return "the artifact has other stages than its recipe";
  for (const compiled of value.stages) {
    const problem = stageProblem(compiled) ?? programProblem(compiled.program);
    if (problem !== undefined) return `stage ${compiled.name}: ${problem}`;
  }
  return undefined;
}

/** Every buffer that an entry or a state names must be there. */
function stageProblem({ seed, states, entries, program: { buffers, entries: launches } }: CompiledStage): string | undefined {
  const known = new Set(buffers.map((buffer) => buffer.name));
  const used = [
    ...states.map((declared) => declared.name),
    ...(seed === undefined ? [] : [seed]),
    ...Object.values(entries).flatMap(buffersOf),
  ];
  const missing = used.find((buffer) => !known.has(buffer));
  if (missing !== undefined) return `there is no buffer ${missing}`;
  const entry = Object.keys(entries).find((it) => !Object.hasOwn(launches, it));
  return entry === undefined ? undefined : `the program has no entry ${entry}`;
}

function buffersOf(entry: EntryPorts): readonly string[] {
  const of = (...lists: (readonly { readonly buffer: string }[])[]): string[] => lists.flat().map(({ buffer }) => buffer);
  const asked = (...names: (string | undefined)[]): string[] => names.filter((it) => it !== undefined);
  switch (entry.purpose) {
    case "initialize":
      return [];
    case "train":
      return [...asked(entry.order, entry.losses, entry.rates, entry.cursor, entry.count, entry.epochs), ...of(entry.columns, entry.sums)];
    case "evaluate":
      return [entry.cursor, entry.count, ...of(entry.columns, entry.sums)];
    case "predict":
      return [entry.output, ...of(entry.columns)];
    case "trace":
      return [...asked(entry.loss, entry.output, entry.count, entry.epochs), ...of(entry.columns, entry.gradients)];
    default:
      return entry satisfies never;
  }
}
function programProblem({ arenaBytes, buffers, kernels, entries }: Program): string | undefined {
  for (const { name: buffer, role, offset, bytes } of buffers) {
    if (role !== "data" && (offset < 0 || offset + bytes > arenaBytes)) return `buffer ${buffer} lies outside the arena`;
  }
  const isSound = (l: KernelLaunch): boolean => l.kernel < kernels.length && l.buffers.every((i) => i < buffers.length);
  for (const [entry, launches] of Object.entries(entries)) {
    if (!launches.flatMap((l) => (l.kind === "loop" ? l.body : [l])).every(isSound)) return `entry ${entry} launches what is not there`;
  }
  return undefined;
}

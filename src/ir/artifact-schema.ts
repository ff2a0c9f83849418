// The shape of an artifact, for those read from disk: a folder may be damaged, edited or a stranger's. What the schema cannot say
// (indices within bounds, buffers within the arena) is checked after it. Loaded only when a compiled folder is read.

import { Ajv } from "ajv";
import type { Artifact } from "./artifact.ts";
import type { KernelLaunch, Program } from "./program.ts";
import { LOSSES } from "./recipe/losses/index.ts";
import { METRICS } from "./recipe/metrics/index.ts";
import { OPTIMIZERS } from "./recipe/optimizers/index.ts";
import { SCHEDULES } from "./recipe/schedules/index.ts";
import { wordSchema } from "./recipe/schema.ts";
import { SOURCES } from "./recipe/sources/index.ts";
import { AUGMENT, PREPROCESS } from "./recipe/steps/index.ts";

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
  version: { const: 1 },
  target: name,
  arenaBytes: count,
  buffers: list(
    object({
      name,
      role: { enum: ["weight", "state", "input", "output", "temp", "data"] },
      dtype,
      shape,
      bytes: count,
      offset: { type: "integer", minimum: -1 },
    }),
  ),
  kernels: list(
    object(
      { name },
      {
        source: { type: "string" },
        grid: { type: "array", items: [count, count, count], minItems: 3, additionalItems: false },
        kernel: { type: "object" },
        subgroupSize: count,
        wasm: object(
          { relaxed: code, simd: code, units: count, grain: count, piece: count, scratchBytes: count, margin: count, writes: list(count) },
          { keeps: object({ params: list(count), bytes: count }) },
        ),
      },
    ),
  ),
  entries: {
    type: "object",
    additionalProperties: false,
    properties: Object.fromEntries(["init", "train", "eval", "predict"].map((entry) => [entry, list(launch)])),
  },
});

const data = object({
  name,
  sources: { type: "object", additionalProperties: wordSchema(SOURCES) },
  splits: list(object({ from: name, parts: list(object({ name, fraction: { type: "number" } })), seed: count })),
  preprocess: list(wordSchema(PREPROCESS)),
  augment: list(wordSchema(AUGMENT)),
});

const SCHEMA = object(
  {
    format: { const: "tlc-artifact" },
    version: { const: 1 },
    name,
    recipe: object({
      name,
      stage: name,
      loss: wordSchema(LOSSES),
      metrics: list(wordSchema(METRICS)),
      optimizer: wordSchema(OPTIMIZERS),
      schedule: wordSchema(SCHEDULES),
      batch: { type: "integer", minimum: 1 },
      epochs: count,
      seed: count,
    }),
    dataInfo: object({ inputs: list(column), label: column, classes: list(name) }),
    outputShape: shape,
    parameters: list(object({ name, dtype, shape, kind: { enum: ["weight", "buffer"] }, trainable: { type: "boolean" } })),
    report: { type: "object" },
    program,
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
  return programProblem(value.program);
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

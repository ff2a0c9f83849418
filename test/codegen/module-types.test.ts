// The types of a compiled folder, as an application's type checker sees them: what should compile does, and what should not says why.

import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { printDeclarations } from "../../src/codegen/module/declarations.ts";
import type { Artifact } from "../../src/ir/artifact.ts";
import type { DataInfo } from "../../src/ir/plan.ts";
import type { OneTask } from "../support/one-output.ts";
import { fakeArtifact } from "../runtime/trainer/fake-session.ts";

const EVENTS = readFileSync("src/runtime/events.ts", "utf8");

mkdirSync(".cache", { recursive: true });
const folder = mkdtempSync(".cache/types-");
afterAll(() => rmSync(folder, { recursive: true }));

const LABEL = { name: "label", dtype: "i32", shape: [] } as const;
const write = (
  name: string,
  data: DataInfo,
  outputShape: readonly number[],
  recipe: Partial<OneTask> = {},
  targets: readonly string[] = ["webgpu", "wasm"],
): void => {
  const artifact = fakeArtifact();
  const whole: Artifact = { ...artifact, name, dataInfo: data, outputShape, recipe: { ...artifact.recipe, ...recipe } };
  writeFileSync(join(folder, `${name}.d.mts`), printDeclarations(whole, targets, EVENTS));
};
write("flowers", { inputs: [{ name: "image", dtype: "u8", shape: [3, 8, 8] }], label: LABEL, classes: ["daisy", "rose"] }, [2]);
const all = ["cuda", "webgpu", "wasm"];
write("everywhere", { inputs: [{ name: "image", dtype: "u8", shape: [3, 8, 8] }], label: LABEL, classes: ["daisy", "rose"] }, [2], {}, all);
write(
  "tagger",
  { inputs: [{ name: "tokens", dtype: "i32", shape: [24] }], label: { ...LABEL, shape: [24] }, classes: ["off", "on"] },
  [24, 2],
  { metrics: [{ word: "f1", args: { average: "macro" } }] },
);
write(
  "masks",
  {
    inputs: [{ name: "image", dtype: "u8", shape: [3, 8, 8] }],
    label: { name: "label", dtype: "u8", shape: [1, 8, 8] },
    classes: ["ground", "box"],
  },
  [8, 8, 2],
);
const numbers = [
  { name: "size", dtype: "f32", shape: [] },
  { name: "rest of it", dtype: "f32", shape: [4] },
] as const;
write("price", { inputs: numbers, label: { ...LABEL, dtype: "f32" }, classes: [] }, [1], {
  loss: { word: "mse", args: {} },
  labels: "number",
  outputs: "numbers",
  metrics: [],
});

const number = { kind: "number", reading: "number", shift: 1, scale: 2, isMarked: false } as const;
const category = { kind: "category", reading: "one_hot", categories: ["Basel", "Bern"], hasMissing: false, hasUnknown: false } as const;
write(
  "risk",
  {
    inputs: [
      {
        ...{ name: "features", dtype: "f32", shape: [7] },
        fields: [
          { ...number, column: "age" },
          { ...number, column: "in come", fill: 3 },
          { ...number, column: "smokes", reading: "bool" },
          { ...number, column: "born", reading: "days" },
          { ...category, column: "city" },
          { ...category, column: "job", reading: "category", hasMissing: true, hasUnknown: true },
        ],
      },
      { name: "walk", dtype: "f32", shape: [3] },
    ],
    label: LABEL,
    classes: ["low", "high"],
  },
  [2],
);

const both: Artifact = fakeArtifact();
writeFileSync(
  join(folder, "dogs.d.mts"),
  printDeclarations(
    {
      ...both,
      name: "dogs",
      dataInfo: {
        inputs: [{ name: "body", dtype: "f32", shape: [2] }],
        targets: [
          { label: { name: "breed", dtype: "i32", shape: [] }, classes: ["pug", "collie"] },
          { label: { name: "age", dtype: "f32", shape: [] }, classes: [] },
        ],
      },
      outputShapes: { breed: [2], age: [1] },
      recipe: {
        ...{ name: "dogs", batch: 2, seed: 0, stages: both.recipe.stages },
        tasks: [
          {
            ...{ output: "breed", weight: 1, loss: { word: "cross_entropy", args: {} }, labels: "class", outputs: "class scores" },
            metrics: [
              { word: "accuracy", args: {} },
              { word: "f1", args: { average: "macro" } },
            ],
          },
          { ...{ output: "age", weight: 0.5, loss: { word: "mse", args: {} }, labels: "number", outputs: "numbers" }, metrics: [] },
        ],
      },
    },
    ["wasm"],
    EVENTS,
  ),
);

/** One program for all consumers: a type checker takes seconds to start. */
function check(consumers: Readonly<Record<string, string>>): (name: string) => string[] {
  const fileOf = (name: string): string => join(folder, `${name.replaceAll(" ", "-")}.mts`);
  for (const [name, source] of Object.entries(consumers)) writeFileSync(fileOf(name), source);
  const program = ts.createProgram(Object.keys(consumers).map(fileOf), {
    strict: true,
    noEmit: true,
    noUncheckedIndexedAccess: true,
    exactOptionalPropertyTypes: true,
    allowImportingTsExtensions: true,
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.NodeNext,
    lib: ["lib.es2023.d.ts", "lib.dom.d.ts"],
    types: ["node", "@webgpu/types"],
    skipLibCheck: false,
  });
  const errors = ts.getPreEmitDiagnostics(program);
  return (name) =>
    errors
      .filter(
        ({ file }) =>
          file === undefined ||
          file.fileName.endsWith(fileOf(name)) ||
          (file.fileName.includes(folder) && file.fileName.endsWith(".d.mts")),
      )
      .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, "\n"));
}

const FLOWERS = `import { create, classes, DataError, type Label, type TrainEvent } from "./flowers.mjs";
const model = await create({ device: "auto", threads: 2 });
if (model.device.kind === "wasm") console.log(model.device.reason);
declare const image: ImageData;
declare const pixels: Uint8Array;
`;

const GOOD = `${FLOWERS}
await model.load(new Uint8Array(8));
await model.load(await new Response().arrayBuffer());
const [best, second] = await model.predict([image, pixels]);
const name: "daisy" | "rose" = best.label;
const sure: number = best.probability + second.probability;
const data = { train: { inputs: { image: pixels }, labels: Int32Array.of(0, 1) }, val: { inputs: { image: [image, pixels] }, labels: ["daisy" as const, 1] } };
const stop = new AbortController();
for await (const event of model.train(data, { signal: stop.signal, epochs: 2 })) {
  if (event.event === "step") console.log(event.loss, event.lr);
  if (event.event === "epoch") console.log(event.train.loss, event.val?.accuracy);
}
const { accuracy } = await model.evaluate(data.train);
const bytes: Uint8Array = await model.save();
const first: "daisy" = classes[0];
const many: Label[] = (await model.predict([image, image].map((it) => it))).map(({ label }) => label);
try { model.dispose(); } catch (error) { if (error instanceof DataError) console.log(error.hint); }
export { name, sure, accuracy, bytes, first, many };`;

const OTHERS = `import { create as tagger } from "./tagger.mjs";
import { create as price } from "./price.mjs";
import { create as segmenter } from "./masks.mjs";
import { create } from "./risk.mjs";
const scenes = await segmenter();
const [scene] = await scenes.predict([{ data: new Uint8Array(192), width: 8, height: 8 }]);
const pixels: Uint8Array = scene.mask;
const shares: Float32Array = scene.probabilities;
await scenes.evaluate({ inputs: { image: new Uint8Array(192) }, labels: [{ data: new Uint8Array(64), width: 8, height: 8 }] });
await scenes.evaluate({ inputs: { image: new Uint8Array(192) }, labels: new Uint8Array(64) });
const tags = await tagger();
const [steps] = await tags.predict([[1, 2, 3]]);
const last: "off" | "on" | undefined = steps.labels.at(-1);
const { f1 } = await tags.evaluate({ inputs: { tokens: Int32Array.of(1) }, labels: [["on", 0]] });
const risks = await create();
const row = { age: 3, "in come": null, smokes: true, born: "2024-02-29", city: "Bern", job: "smith", walk: [1, 2, 3] } as const;
const [danger] = await risks.predict([row]);
const sure: "low" | "high" = danger.label;
await risks.evaluate({ inputs: [row], labels: ["low"] });
const prices = await price();
const [answer] = await prices.predict([{ size: 3, "rest of it": Float32Array.of(1, 2, 3, 4) }]);
const value: number | undefined = answer.values[0];
for await (const event of prices.train({ train: { inputs: { size: [1, 2], "rest of it": [[1, 2, 3, 4], [5, 6, 7, 8]] }, labels: [3, 4] } })) {
  if (event.event === "epoch") console.log(event.train.loss);
}
export { last, f1, value, sure, pixels, shares };`;

const NAMED = `import { create, classes } from "./dogs.mjs";
const model = await create();
const first: "pug" = classes.breed[0];
const [dog] = await model.predict([[1, 2]]);
const breed: "pug" | "collie" = dog.breed.label;
const years: number | undefined = dog.age.values[0];
const split = { inputs: { body: [[1, 2], [3, 4]] }, labels: { breed: ["pug" as const, 1], age: [3, 4.5] } };
const metrics = await model.evaluate(split);
const all: readonly number[] = [metrics.loss, metrics["breed.f1"], metrics["breed.accuracy"], metrics["age.loss"]];
for await (const event of model.train({ train: split, val: split })) if (event.event === "epoch") console.log(event.val?.["breed.loss"]);
export { first, breed, years, all };`;

/** Of a network whose outputs have names. */
const MISNAMED = [
  ["labels without an output", "await model.evaluate({ inputs: { body: [[1, 2]] }, labels: [0] });", "breed, age"],
  ["labels of one of two outputs", 'await model.evaluate({ inputs: { body: [[1, 2]] }, labels: { breed: ["pug"] } });', "'age' is missing"],
  [
    "a label of another output",
    'await model.evaluate({ inputs: { body: [[1, 2]] }, labels: { breed: ["pug"], age: ["pug"] } });',
    "'string' is not assignable to type 'number'",
  ],
  ["an output that is none", "const [dog] = await model.predict([[1, 2]]);\nexport const size = dog.size;", "'size' does not exist"],
] as const;

const RUNTIME = `import type { Model, TrainEvent } from "./everywhere.mjs";
import type * as runtime from "../../src/runtime/index.ts";
import type * as embed from "../../src/runtime/embed/model.ts";
declare const model: embed.Model;
declare const event: runtime.TrainEvent;
import type { CreateOptions } from "./everywhere.mjs";
import type { CreateOptions as Options } from "../../src/runtime/embed/device-file.ts";
export const device: Model["device"] = model.device;
export const options = (given: Omit<CreateOptions, "gpu">): Options => given;
export const load: Model["load"] = (weights) => model.load(weights);
export const save: Model["save"] = () => model.save();
export const names: TrainEvent["event"] = event.event;
export const back: runtime.TrainEvent["event"] = "done" as TrainEvent["event"];
type Of<T, E> = Extract<T, { readonly event: E }>;
declare const start: Of<TrainEvent, "start">;
declare const step: Of<TrainEvent, "step">;
declare const epoch: Of<TrainEvent, "epoch">;
declare const done: Of<TrainEvent, "done">;
export const events: readonly runtime.TrainEvent[] = [start, step, epoch, done];`;

const REFUSED = [
  ["a class that is none", 'const [best] = await model.predict([image]);\nif (best.label === "dandelion") model.dispose();', "no overlap"],
  ["an input that is none", "await model.evaluate({ inputs: { picture: pixels }, labels: [0] });", "'picture' does not exist"],
  ["a label that is no class", 'await model.evaluate({ inputs: { image: pixels }, labels: ["tulip"] });', "'\"tulip\"' is not assignable"],
  ["a device that it is not for", 'await create({ device: "cuda" });', "'\"cuda\"' is not assignable"],
  ["text for a picture", 'await model.predict(["rose.jpg"]);', "'string' is not assignable"],
  [
    "a metric that is not measured",
    "const { f1 } = await model.evaluate({ inputs: { image: pixels }, labels: [0] });\nexport { f1 };",
    "'f1' does not exist",
  ],
  [
    "a category that is none",
    `import { create as risk } from "./risk.mjs";
await (await risk()).predict([{ age: 3, "in come": 4, smokes: true, born: "", city: "Zug", job: null, walk: [1, 2, 3] }]);`,
    "'\"Zug\"' is not assignable",
  ],
  [
    "a missing value that nothing fills",
    `import { create as risk } from "./risk.mjs";
await (await risk()).predict([{ age: null, "in come": 4, smokes: true, born: "", city: "Bern", job: null, walk: [1, 2, 3] }]);`,
    "'null' is not assignable",
  ],
  ["an event that never comes", 'declare const event: TrainEvent;\nif (event.event === "end") model.dispose();', "no overlap"],
] as const;

describe("the types of a compiled folder", () => {
  let errorsOf: (name: string) => string[];
  beforeAll(() => {
    const refused = REFUSED.map(([name, use]) => [name, FLOWERS + use]);
    const misnamed = MISNAMED.map(([name, use]) => [name, `import { create } from "./dogs.mjs";\nconst model = await create();\n${use}`]);
    const wrong = Object.fromEntries([...refused, ...misnamed]) as Record<string, string>;
    errorsOf = check({ good: GOOD, others: OTHERS, named: NAMED, runtime: RUNTIME, ...wrong });
  });

  it("take what an application does", () => {
    expect(errorsOf("good")).toEqual([]);
  });

  it("know sequences and numbers", () => {
    expect(errorsOf("others")).toEqual([]);
  });

  it("know outputs by their names", () => {
    expect(errorsOf("named")).toEqual([]);
  });

  it("say which devices there are, and which one is taken", () => {
    const text = readFileSync(join(folder, "everywhere.d.mts"), "utf8");
    expect(text).toContain('readonly device?: "auto" | "cuda" | "webgpu" | "wasm" | undefined;');
    expect(text).toContain("takes cuda where there is an NVIDIA GPU, webgpu where there is a GPU, and else wasm. */");
    expect(readFileSync(join(folder, "flowers.d.mts"), "utf8")).toContain("takes webgpu where there is a GPU, and else wasm. */");
  });

  it("are those of the runtime behind them", () => {
    expect(errorsOf("runtime")).toEqual([]);
  });

  it.each([...REFUSED, ...MISNAMED])("refuse %s", (name, _, message) => {
    const errors = errorsOf(name);
    expect(errors).toHaveLength(1);
    expect(errors[0]).toContain(message);
  });
});

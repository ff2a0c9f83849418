// Compiled folders that somebody changed, checksum and all: each is refused with a reason, or trains, evaluates and predicts without an
// error of ours.

import { join } from "node:path";
import { writeFileSync } from "node:fs";
import { compileSpec } from "../src/compile.ts";
import { hostArray } from "../src/ir/arrays.ts";
import { artifactProblem } from "../src/ir/artifact-schema.ts";
import type { Artifact } from "../src/ir/artifact.ts";
import { readExact, writeExact } from "../src/ir/exact-json.ts";
import { InternalError, sizeOf } from "../src/ir/types.ts";
import { splitFromArrays, type LoadedSplit } from "../src/runtime/data/loaded-split.ts";
import { DeviceError } from "../src/runtime/device.ts";
import { DataError, NonFiniteLossError } from "../src/runtime/errors.ts";
import { createEvaluator } from "../src/runtime/evaluate.ts";
import { predictSplit } from "../src/runtime/predict.ts";
import { Network } from "../src/runtime/network.ts";
import { openReferenceDevice } from "../src/runtime/reference/device.ts";
import { train } from "../src/runtime/trainer.ts";
import { Failure, pick, type Case, type Fuzzer, type Outcome } from "./fuzzer.ts";
import { mutateJson } from "./mutate-json.ts";
import { columnsIn } from "../src/ir/tasks.ts";

const SPECS = {
  dense: `network n(classes = 3) {
  input given: f32[4]
  a: linear(5) -> tanh -> dropout(0.2)
  b: linear(classes)
}
dataset d { train table("d.csv", given: x, label: y) }
recipe r { network n data d loss cross_entropy metrics f1 batch 4 optimizer adam(lr: 1e-2) epochs 1 seed 1 }`,
  convolution: `network n(classes = 3) {
  input given: f32[1, 4, 4]
  a: conv2d(2, kernel: 3, padding: 1) -> batch_norm -> relu -> max_pool2d(2)
  flatten
  b: linear(classes)
}
dataset d { train images("d") preprocess grayscale }
recipe r { network n data d loss cross_entropy batch 4 optimizer sgd(lr: 1e-2, momentum: 0.9) epochs 1 seed 1 }`,
  sequence: `network n(classes = 3) {
  input given: i32[time]
  e: embedding(7, 3)
  a: lstm(3)
  b: linear(classes)
}
dataset d { train table("d.csv", given: x, label: y) }
recipe r { network n data d loss cross_entropy batch 4 optimizer adamw(lr: 1e-2) schedule cosine epochs 1 seed 1 }`,
};

const INPUTS = {
  dense: { input: { name: "given", dtype: "f32", shape: [4] }, label: [] },
  convolution: { input: { name: "given", dtype: "u8", shape: [1, 4, 4] }, label: [] },
  sequence: { input: { name: "given", dtype: "i32", shape: [5] }, label: [5] },
} as const;

export const TARGETS = ["reference", "wasm", "webgpu"] as const;

/** An artifact of each spec for each target, as a folder holds it. */
export async function seedArtifacts(folder: string): Promise<readonly Artifact[]> {
  const artifacts: Artifact[] = [];
  for (const [name, text] of Object.entries(SPECS) as [keyof typeof SPECS, string][]) {
    const file = join(folder, `${name}.tlspec`);
    writeFileSync(file, text);
    const { input, label } = INPUTS[name];
    const dataInfo = { inputs: [input], label: { name: "label", dtype: "i32", shape: label } as const, classes: ["a", "b", "c"] };
    for (const target of TARGETS) {
      const { artifact, diagnostics } = await compileSpec(file, { target, describeData: () => Promise.resolve(dataInfo) });
      if (!artifact) throw new Error(`${name}: ${diagnostics.map(({ message }) => message).join("; ")}`);
      artifacts.push(readExact(writeExact(artifact)) as Artifact);
    }
  }
  return artifacts;
}

/** More than the seeds have: nothing is trained on it. */
const MOST_ELEMENTS = 1e6;

function dataFor({ dataInfo, recipe }: Artifact): LoadedSplit | undefined {
  const columns = columnsIn(dataInfo);
  if (recipe.batch > 1000 || columns.some(({ shape }) => sizeOf(shape) * 6 > MOST_ELEMENTS)) return undefined;
  return splitFromArrays(
    dataInfo,
    Object.fromEntries(columns.map(({ name, dtype, shape }) => [name, hostArray(dtype, 6 * sizeOf(shape)).fill(1)])),
  );
}

/** What an accepted artifact does on the reference device, which runs program text made of it. */
export async function runArtifact(artifact: Artifact): Promise<Outcome> {
  const split = dataFor(artifact);
  if (!split || artifact.recipe.stages.some(({ epochs }) => epochs > 4)) return "accepted, too large to run";
  const device = openReferenceDevice();
  try {
    const network = await Network.open(artifact, device);
    try {
      for await (const { event } of train(network, { train: split })) if (event === "done") break;
      await createEvaluator(network.loaded)(split);
      await predictSplit(network.loaded, split);
    } finally {
      network.dispose();
    }
  } catch (error) {
    const isMeant = error instanceof DataError || error instanceof DeviceError || error instanceof NonFiniteLossError;
    if (isMeant) return "accepted, ends in an error";
    throw error;
  } finally {
    device.dispose();
  }
  return "accepted, trains";
}

export const artifacts: Fuzzer = {
  doc: "compiled folders with changes that their checksum allows",
  count: 10_000,
  prepare: async (folder): Promise<Case> => {
    const seeds = await seedArtifacts(folder);
    const good = new Set(seeds.map(writeExact));
    // What refuses everything refuses no attack.
    for (const seed of seeds) {
      const problem = artifactProblem(seed);
      if (problem !== undefined) throw new Error(`${seed.target}: ${problem}`);
      if (seed.target === "reference") await runArtifact(seed);
    }
    return async (random) => {
      const changed = mutateJson(pick(random, seeds), random);
      const text = writeExact(changed);
      if (good.has(text)) return "unchanged";
      let artifact: unknown;
      try {
        artifact = readExact(text);
      } catch (error) {
        if (error instanceof SyntaxError) return "refused";
        throw error;
      }
      const problem = artifactProblem(artifact);
      if (problem !== undefined) {
        if (problem.length > 10_000) throw new Failure("a reason of 10,000 characters");
        return "refused";
      }
      const accepted = artifact as Artifact;
      if (accepted.target !== "reference") return "accepted, for another device";
      try {
        return await runArtifact(accepted);
      } catch (error) {
        throw error instanceof InternalError ? new Failure(error.stack) : error;
      }
    };
  },
};

// Fixed augmentations that a feature cache keeps: each is what augmentation makes of its example, with draws that are those of the seed and the
// view; an epoch trains on the view whose turn it is. On any device.

import { describe, expect, it } from "vitest";
import { artifactProblem } from "../../src/ir/artifact-schema.ts";
import type { Artifact } from "../../src/ir/artifact.ts";
import { readExact, writeExact } from "../../src/ir/exact-json.ts";
import type { DataInfo } from "../../src/ir/plan.ts";
import type { Progress } from "../../src/runtime/checkpoint/checkpoint.ts";
import { splitFromArrays, type LoadedSplit } from "../../src/runtime/data/loaded-split.ts";
import type { Device } from "../../src/runtime/device.ts";
import { createEvaluator } from "../../src/runtime/evaluate.ts";
import { FeatureMemory, withFeatures, type FeatureRequest } from "../../src/runtime/features.ts";
import { initialize, Network } from "../../src/runtime/network.ts";
import { train, type TrainOptions } from "../../src/runtime/trainer.ts";
import { createRandom } from "../support/random.ts";
import { compileText } from "../support/run-spec.ts";

const [COUNT, SIDE, BATCH, VIEWS] = [10, 8, 4, 3];

const SPEC = `network net(classes = 3) {
  input image: f32[3, 8, 8]
  conv1: conv2d(16, kernel: 5, padding: 2, bias: false) -> bn1: batch_norm -> relu
  global_avg_pool
  fc: linear(classes)
}
dataset d {
  train images("d")
  augment horizontal_flip
}
recipe r {
  network net(classes: d.classes)
  data d
  loss cross_entropy
  optimizer sgd(lr: 1e-1)
  freeze ** except fc
  features cached(views: ${VIEWS})
  batch ${BATCH}
  seed 3
  stage one { epochs 4 }
  stage two { epochs 4 }
}
`;

const INFO: DataInfo = {
  inputs: [{ name: "image", dtype: "u8", shape: [3, SIDE, SIDE] }],
  label: { name: "label", dtype: "i32", shape: [] },
  classes: ["a", "b", "c"],
};

const compiled = (device: Device, spec = SPEC): Promise<Artifact> => compileText(spec, INFO, device.info.kind, device.limits);

const random = createRandom(7);
const image = Uint8Array.from({ length: COUNT * 3 * SIDE * SIDE }, () => Math.floor(random() * 256));
const mirrored = image.map((_, i) => image[i - (i % SIDE) + (SIDE - 1 - (i % SIDE))] ?? 0);
const label = Int32Array.from({ length: COUNT }, () => Math.floor(random() * 3));
const examples = ({ dataInfo }: Artifact, pictures = image): LoadedSplit => splitFromArrays(dataInfo, { image: pictures, label });

/** Rows of the only feature of a split, as the cache makes them. */
async function featuresOf(device: Device, artifact: Artifact, pictures = image): Promise<readonly Float32Array[]> {
  const network = await Network.open(artifact, device);
  try {
    initialize(network.loaded);
    const options = { device: device.info, epochs: 2, isStopped: () => false, store: undefined };
    const making = withFeatures(network.loaded, { train: examples(artifact, pictures) }, new FeatureMemory(), options);
    for (;;) {
      const { done, value } = await making.next();
      if (done !== true) continue;
      const { data, shape } = value.data.train.columns.get("features/0")!;
      const size = shape.reduce((a, b) => a * b, 1);
      return Array.from({ length: data.length / size }, (_, i) => Float32Array.from(data.subarray(i * size, (i + 1) * size)));
    }
  } finally {
    network.dispose();
  }
}

interface Outcome {
  /** Mean losses of the epochs, of both stages. */
  readonly losses: readonly number[];
  readonly weights: Uint8Array | undefined;
  readonly progress: readonly Progress[];
}

async function run(device: Device, artifact: Artifact, options: TrainOptions = {}): Promise<Outcome> {
  const network = await Network.open(artifact, device);
  const losses: number[] = [];
  const progress: Progress[] = [];
  let weights: Uint8Array | undefined;
  const checkpoints = { save: (it: Progress) => void progress.push(structuredClone(it)), every: { steps: 1 } };
  try {
    for await (const event of train(network, { train: examples(artifact) }, { checkpoints, ...options })) {
      if (event.event === "epoch") losses.push(event.train["loss"] as number);
      if (event.event === "done") weights = event.weights;
    }
  } finally {
    network.dispose();
  }
  return { losses, weights, progress };
}

const distance = (a: Float32Array, b: Float32Array): number => Math.max(...a.map((value, i) => Math.abs(value - (b[i] ?? NaN))));

export function viewsSuite(open: () => Promise<Device>): void {
  describe("views that are kept", () => {
    const on = async (work: (device: Device) => Promise<void>): Promise<void> => {
      const device = await open();
      try {
        await work(device);
      } finally {
        device.dispose();
      }
    };

    it("are what augmentation makes, of draws of the seed and the view", () =>
      on(async (device) => {
        const [artifact, plain] = [await compiled(device), await compiled(device, SPEC.replace(/ {2}augment.*\n/, ""))];
        expect(artifactProblem(readExact(writeExact(artifact)))).toBeUndefined();
        expect(plain.stages[0]?.features?.views).toBeUndefined();
        const [as, mirror] = [await featuresOf(device, plain), await featuresOf(device, plain, mirrored)];
        const rows = await featuresOf(device, artifact);
        expect(rows).toHaveLength(VIEWS * COUNT);
        /** Which views are mirrored. */
        const flips = (
          of: readonly Float32Array[],
          [one, turned]: readonly (readonly Float32Array[])[] = [as, mirror],
        ): readonly boolean[] =>
          of.map((row, i) => {
            const [own, other] = [distance(row, one![i % COUNT]!), distance(row, turned![i % COUNT]!)];
            expect(Math.min(own, other)).toBeLessThan(1e-5);
            expect(Math.max(own, other)).toBeGreaterThan(1e-3);
            return other < own;
          });
        const seen = flips(rows);
        // Other draws for each view, and for each batch of one.
        const parts = Array.from({ length: VIEWS }, (_, view) => seen.slice(view * COUNT, (view + 1) * COUNT).join());
        expect(new Set(parts).size).toBe(VIEWS);
        expect(seen.slice(0, BATCH).join()).not.toBe(seen.slice(BATCH, 2 * BATCH).join());
        expect(flips(await featuresOf(device, artifact))).toEqual(seen);
        // Of another seed, other weights as well.
        const [other, plainOther] = [artifact, plain].map((it) => ({ ...it, recipe: { ...it.recipe, seed: 4 } })) as [Artifact, Artifact];
        const both = [await featuresOf(device, plainOther), await featuresOf(device, plainOther, mirrored)] as const;
        expect(flips(await featuresOf(device, other), both)).not.toEqual(seen);
      }));

    it("are trained on by turns, in all stages of a run", () =>
      on(async (device) => {
        // With weights that stand still, an epoch's loss is that of the pictures that it saw.
        const still = SPEC.replace("lr: 1e-1", "lr: 1e-12");
        const [artifact, plain] = [await compiled(device, still), await compiled(device, still.replace(/ {2}augment.*\n/, ""))];
        const [as, rows] = [await featuresOf(device, plain), await featuresOf(device, artifact)];
        const network = await Network.open(plain, device);
        const expected: number[] = [];
        try {
          initialize(network.loaded);
          for (let view = 0; view < VIEWS; view++) {
            const size = 3 * SIDE * SIDE;
            const isMirrored = (i: number): boolean => distance(rows[view * COUNT + i]!, as[i]!) > 1e-4;
            const pictures = image.map((value, i) => (isMirrored(Math.floor(i / size)) ? (mirrored[i] ?? 0) : value));
            expected.push((await createEvaluator(network.loaded)(examples(plain, pictures)))!["loss"] as number);
          }
        } finally {
          network.dispose();
        }
        const { losses } = await run(device, artifact);
        expect(losses).toHaveLength(8);
        losses.forEach((loss, epoch) => expect(loss).toBeCloseTo(expected[epoch % VIEWS]!, 5));
        expect(Math.abs(expected[0]! - expected[1]!)).toBeGreaterThan(1e-4);
      }));

    it("are the same when a training goes on, and where a store has them for their seed", () =>
      on(async (device) => {
        const artifact = await compiled(device);
        const kept = new Map<string, readonly (Float32Array | Int32Array | Uint32Array | Uint8Array)[]>();
        const nameOf = ({ key, count }: FeatureRequest): string => JSON.stringify([key, count]);
        const store = {
          find: (request: FeatureRequest) => Promise.resolve(kept.get(nameOf(request))),
          keep: (request: FeatureRequest, features: readonly Float32Array[]) => {
            kept.set(nameOf(request), features);
            return Promise.resolve();
          },
        };
        const whole = await run(device, artifact, { features: store as NonNullable<TrainOptions["features"]> });
        expect([...kept.values()].map(([only]) => only?.length)).toEqual([VIEWS * COUNT * 16]);
        const middle = whole.progress.find(({ position }) => position.stage === 1 && position.epoch === 2 && position.steps === 1);
        expect(middle).toBeDefined();
        for (const features of [undefined, store as NonNullable<TrainOptions["features"]>])
          expect((await run(device, artifact, { features, ...(middle && { resume: middle }) })).weights).toEqual(whole.weights);
        const other = await compiled(device, SPEC.replace("seed 3", "seed 4"));
        await run(device, other, { features: store as NonNullable<TrainOptions["features"]> });
        expect(kept.size).toBe(2);
      }));

    it("are none where a batch is mixed, or where the recipe keeps none", () =>
      on(async (device) => {
        const cacheOf = async (spec: string): Promise<unknown> => (await compiled(device, spec)).stages[0]?.report.cache;
        expect(await cacheOf(SPEC)).toMatchObject({
          features: true,
          bytes: VIEWS * 64,
          views: VIEWS,
          reason: `global_avg_pool gives the same in every epoch, of ${VIEWS} views of each example that horizontal_flip makes once`,
        });
        // Without augmentation all views were one.
        expect(await cacheOf(SPEC.replace(/ {2}augment.*\n/, ""))).toMatchObject({
          features: true,
          bytes: 64,
          reason: "global_avg_pool gives the same in every epoch; nothing augments the examples, so there is one view of each",
        });
        expect(await cacheOf(SPEC.replace("horizontal_flip", "horizontal_flip -> mixup(0.2)"))).toMatchObject({
          features: false,
          reason: "mixup mixes the examples of a batch, which are others in every epoch: no view of one alone can be kept",
        });
        expect(await cacheOf(SPEC.replace(/ {2}features.*\n/, ""))).toMatchObject({
          features: false,
          reason: "augmentation (horizontal_flip) makes other examples in every epoch; `features cached(views: K)` keeps K of each",
        });
      }));
  });
}

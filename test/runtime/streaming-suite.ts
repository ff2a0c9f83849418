// Pictures that are streamed make the training of pictures that lie on the device: the same losses, weights and metrics to the bit, also where it
// goes on in the middle of an epoch. On any device.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { compileSpec } from "../../src/compile.ts";
import type { Artifact } from "../../src/ir/artifact.ts";
import type { Progress } from "../../src/runtime/checkpoint/checkpoint.ts";
import { describeData, loadSplit } from "../../src/runtime/data/index.ts";
import type { LoadedSplit } from "../../src/runtime/data/loaded-split.ts";
import type { Device } from "../../src/runtime/device.ts";
import { Network } from "../../src/runtime/network.ts";
import { train, type TrainData, type TrainOptions } from "../../src/runtime/trainer.ts";
import { createRandom } from "../support/random.ts";

const folder = mkdtempSync(join(tmpdir(), "tlc-streaming-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const CLASSES = ["a", "b", "c"];
const EACH = 9;

/** Pictures of sizes of their own; in the first class one that is damaged. */
beforeAll(async () => {
  const random = createRandom(5);
  for (const name of CLASSES) {
    mkdirSync(join(folder, "d", name), { recursive: true });
    for (let i = 0; i < EACH; i++) {
      const [width, height] = [10 + Math.floor(8 * random()), 10 + Math.floor(8 * random())];
      const data = Uint8Array.from({ length: 3 * width * height }, () => Math.floor(256 * random()));
      await sharp(data, { raw: { width, height, channels: 3 } })
        .png()
        .toFile(join(folder, "d", name, `${i}.png`));
    }
  }
  writeFileSync(join(folder, "d", "a", "4.png"), "no picture");
});

const spec = (preprocess: string, augment: string, recipe = ""): string => `network net(classes = 3) {
  input image: f32[3, 8, 8]
  conv1: conv2d(8, kernel: 3, bias: false) -> bn1: batch_norm -> relu
  global_avg_pool
  fc: linear(classes)
}
dataset d {
  train images("d", broken: skip)
  split train into train 60%, val 25%, test 15% seed 2
  preprocess ${preprocess}
  augment ${augment}
}
recipe r {
  network net(classes: d.classes)
  data d
  loss cross_entropy
  metrics accuracy, auc
  optimizer adamw(lr: 1e-2)
  batch 2
  seed 3
  ${recipe}
  stage all { epochs 2 }
  stage head {
    freeze ** except fc
    epochs 2
  }
}
`;

const SPECS = {
  "one size": spec("resize([9, 9]) -> center_crop(8)", "random_crop(8, padding: 1) -> horizontal_flip"),
  "sizes of their own": spec("resize(9) -> center_crop(8)", "random_resized_crop(8) -> horizontal_flip"),
  "gathered batches": spec("resize([8, 8])", "mixup(0.2)", "accumulate 3"),
  features: spec("resize([8, 8])", ""),
  views: spec("resize(9) -> center_crop(8)", "random_resized_crop(8) -> horizontal_flip", "features cached(views: 2)"),
};

interface Outcome {
  readonly events: readonly unknown[];
  readonly weights: Uint8Array | undefined;
  readonly progress: readonly Progress[];
}

async function compiled(device: Device, name: keyof typeof SPECS): Promise<Artifact> {
  const file = join(folder, `${name}.tlspec`);
  writeFileSync(file, SPECS[name].replace(/ {2}augment \n/, ""));
  const { artifact, diagnostics } = await compileSpec(file, {
    target: device.info.kind,
    ...(device.limits && { limits: device.limits }),
    describeData,
  });
  if (!artifact) throw new Error(diagnostics.map(({ message }) => message).join("\n"));
  return artifact;
}

/** Windows of two batches, however small the pictures. */
const inSmallWindows = (split: LoadedSplit): LoadedSplit =>
  split.streamed ? { ...split, streamed: { ...split.streamed, bytes: 2 ** 22 } } : split;

async function dataOf({ data, dataInfo }: Artifact, streamAbove: number | undefined): Promise<TrainData> {
  if (!data) throw new Error("the spec has data");
  const load = async (name: string): Promise<LoadedSplit> => inSmallWindows(await loadSplit(data, name, dataInfo, { streamAbove }));
  return { train: await load("train"), val: await load("val"), test: await load("test") };
}

async function run(device: Device, artifact: Artifact, data: TrainData, options: Partial<TrainOptions> = {}): Promise<Outcome> {
  const network = await Network.open(artifact, device);
  const events: unknown[] = [];
  const progress: Progress[] = [];
  let weights: Uint8Array | undefined;
  const checkpoints = { save: (it: Progress) => void progress.push(structuredClone(it)), every: { steps: 1 } };
  try {
    for await (const event of train(network, data, { checkpoints, ...options })) {
      if (event.event === "step") events.push([event.stage, event.step, event.loss]);
      if (event.event === "epoch") events.push((({ seconds: _, ...rest }) => rest)(event));
      if (event.event === "features") events.push([event.split, event.examples, event.bytes]);
      if (event.event === "done") {
        events.push(event.test);
        weights = event.weights;
      }
    }
  } finally {
    network.dispose();
  }
  return { events, weights, progress };
}

export function streamingSuite(open: () => Promise<Device>): void {
  describe("pictures that are streamed", () => {
    for (const name of Object.keys(SPECS) as (keyof typeof SPECS)[])
      it(`train as those in memory: ${name}`, async () => {
        const device = await open();
        try {
          const artifact = await compiled(device, name);
          const [held, streamed] = [await dataOf(artifact, undefined), await dataOf(artifact, 0)];
          expect(held.train.streamed).toBeUndefined();
          expect(streamed.train.streamed && streamed.val?.streamed && streamed.test?.streamed).toBeDefined();
          const isCached = name === "features" || name === "views";
          const options = isCached ? {} : { features: false as const };
          const expected = await run(device, artifact, held, options);
          const actual = await run(device, artifact, streamed, options);
          expect(actual.events).toEqual(expected.events);
          expect(actual.weights).toEqual(expected.weights);
          if (isCached) expect(actual.events.filter((it) => Array.isArray(it) && it[0] === "val")).toHaveLength(1);
          // In the middle of an epoch, from a checkpoint of those in memory.
          const middle = expected.progress.find(({ position }) => position.stage === 0 && position.epoch === 1 && position.steps === 1);
          expect(middle).toBeDefined();
          const resumed = await run(device, artifact, streamed, { ...options, ...(middle && { resume: middle }) });
          expect(resumed.weights).toEqual(expected.weights);
        } finally {
          device.dispose();
        }
      });

    it("have been asked for when an epoch begins with them", async () => {
      const device = await open();
      try {
        const artifact = await compiled(device, "one size");
        const { train: training, val } = await dataOf(artifact, 0);
        if (!val) throw new Error("the spec has a validation part");
        const asked = { train: 0, val: 0 };
        const counted = (split: LoadedSplit, name: keyof typeof asked): LoadedSplit => {
          const { streamed } = split;
          if (!streamed) throw new Error("streamed");
          return { ...split, streamed: { ...streamed, read: (examples) => (asked[name]++, streamed.read(examples)) } };
        };
        const data = { train: counted(training, "train"), val: counted(val, "val") };
        const seen: unknown[] = [];
        const network = await Network.open(artifact, device);
        try {
          for await (const event of train(network, data, { features: false })) if (event.event === "epoch") seen.push({ ...asked });
        } finally {
          network.dispose();
        }
        const windows = ({ count }: LoadedSplit): number => Math.ceil(count / 4);
        const after = (epochs: number, ahead: number): typeof asked => ({
          train: epochs * windows(training) + ahead,
          val: epochs * windows(val) + ahead,
        });
        // Of two stages of two epochs: a stage begins and ends with nothing under way.
        expect(seen).toEqual([after(1, 1), after(2, 0), after(3, 1), after(4, 0)]);
      } finally {
        device.dispose();
      }
    });
  });
}

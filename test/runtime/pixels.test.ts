// A network with classes for every pixel, from folders to masks: what an evaluation says is what its answers are against the masks, pixels
// without a class left out; streamed pictures train the same weights; an application hands over the same and is answered alike.

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import sharp from "sharp";
import { beforeAll, describe, expect, it } from "vitest";
import { compileSpec } from "../../src/compile.ts";
import { renderDiagnostics } from "../../src/diagnostics.ts";
import { artifactProblem } from "../../src/ir/artifact-schema.ts";
import type { Artifact } from "../../src/ir/artifact.ts";
import { readExact, writeExact } from "../../src/ir/exact-json.ts";
import { loadSteps } from "../../src/ir/recipe/steps/host.ts";
import { outputShapeOf, tasksOf } from "../../src/ir/tasks.ts";
import { describeData, loadSplit } from "../../src/runtime/data/index.ts";
import type { LoadedSplit } from "../../src/runtime/data/loaded-split.ts";
import { maskFile } from "../../src/runtime/data/mask-file.ts";
import { splitOfColumns, type Picture } from "../../src/runtime/embed/values.ts";
import { createEvaluator } from "../../src/runtime/evaluate.ts";
import { predictSplit } from "../../src/runtime/predict.ts";
import type { Metrics } from "../../src/runtime/metrics.ts";
import { Network } from "../../src/runtime/network.ts";
import { openDevice } from "../../src/runtime/open-device.ts";
import { train } from "../../src/runtime/trainer.ts";
import { createRandom } from "../support/random.ts";
import { temporaryFolder } from "../support/temporary.ts";

const folder = temporaryFolder("tlc-pixels-");
const IGNORED = 255;
const COUNT = 10;

interface Scene {
  readonly picture: Picture;
  readonly mask: Uint8Array;
}
const scenes: Scene[] = [];

/** A bright box on dark ground, and a row of pixels of which nobody says what they are. */
beforeAll(async () => {
  const random = createRandom(9);
  const upTo = (most: number): number => Math.floor(random() * most);
  for (const part of ["images", "masks"]) mkdirSync(join(folder, part));
  for (let i = 0; i < COUNT; i++) {
    const [width, height] = [12 + upTo(4), 12 + upTo(4)];
    const [top, left, size] = [1 + upTo(5), upTo(5), 4 + upTo(4)];
    const mask = new Uint8Array(width * height);
    const data = new Uint8Array(3 * width * height);
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++) {
        const isBox = y >= top && y < top + size && x >= left && x < left + size;
        mask[y * width + x] = y === 5 ? IGNORED : Number(isBox);
        for (let c = 0; c < 3; c++) data[(y * width + x) * 3 + c] = (isBox ? 120 : 20) + upTo(100);
      }
    scenes.push({ picture: { data, width, height }, mask });
    await sharp(data, { raw: { width, height, channels: 3 } })
      .png()
      .toFile(join(folder, "images", `${i}.png`));
    writeFileSync(join(folder, "masks", `${i}.png`), maskFile(mask, height, width));
  }
});

const spec = (
  augment: string,
  metrics = "mean_iou, confusion, auc",
  loss = `cross_entropy(ignore: ${IGNORED})`,
): string => `network net(classes) {
  input image: f32[3, 8, 8]
  conv1: conv2d(6, kernel: 3, padding: 1) -> relu
  conv2: conv2d(classes, kernel: 1)
}
dataset d {
  train pictures("images", masks: "masks", classes: ["ground", "box"])
  preprocess resize(10) -> center_crop(8)
  ${augment}
}
recipe r { network net(d.classes)  data d  loss ${loss}  metrics ${metrics}  optimizer adam(lr: 2e-2)  batch 4  epochs 3 }
`;

let files = 0;
async function compiled(text: string, target = "wasm"): Promise<Artifact> {
  const file = join(folder, `${files++}.tlspec`);
  writeFileSync(file, text);
  const { artifact, diagnostics, sources } = await compileSpec(file, {
    ...{ target, verify: true },
    describeData: (data, labels) => describeData(data, labels),
  });
  if (!artifact) throw new Error(renderDiagnostics(diagnostics, sources));
  expect(artifactProblem(readExact(writeExact(artifact)))).toBeUndefined();
  return artifact;
}

interface Trained {
  readonly network: Network;
  readonly losses: readonly number[];
  readonly metrics: Metrics;
  readonly held: LoadedSplit;
}

async function trained(artifact: Artifact, data: LoadedSplit): Promise<Trained> {
  const network = await Network.open(artifact, await openDevice("wasm", { threads: 1 }));
  const losses: number[] = [];
  for await (const event of train(network, { train: data })) if (event.event === "epoch") losses.push(event.train.loss as number);
  const held = await loadSplit(artifact.data!, "train", artifact.dataInfo, { purpose: "evaluate" });
  return { network, losses, metrics: (await createEvaluator(network.loaded)(held))!, held };
}

describe("classes of pixels", () => {
  it.each([
    ["preprocessing alone", ""],
    ["crops of pictures with sizes of their own", "augment random_crop(8) -> horizontal_flip -> random_rotation(20)"],
    ["resized crops and colours", "augment random_resized_crop(8, scale: 0.5..1) -> color_jitter(0.2, 0.2) -> random_erasing"],
    ["mixtures", "augment horizontal_flip -> mixup(0.2)"],
  ])("%s: an evaluation counts what the answers are", async (_, augment) => {
    const artifact = await compiled(spec(augment));
    expect(outputShapeOf(artifact, { output: "" })).toEqual([8, 8, 2]);
    const { network, losses, metrics, held } = await trained(artifact, await loadSplit(artifact.data!, "train", artifact.dataInfo));
    expect(losses.at(-1)!).toBeLessThan(losses[0]!);
    const truth = held.columns.get("label")!.data;
    const matrix = [
      [0, 0],
      [0, 0],
    ];
    let loss = 0;
    const scores: [number[], number[]] = [[], []];
    for (const [i, answers] of (await predictSplit(network.loaded, held)).entries()) {
      const answer = answers.get("");
      if (answer?.kind !== "mask") throw new Error(answer?.kind);
      expect([answer.height, answer.width]).toEqual([8, 8]);
      answer.mask.forEach((predicted, pixel) => {
        const label = truth[i * 64 + pixel]!;
        if (label === IGNORED) return;
        matrix[label]![predicted]!++;
        scores[label as 0 | 1].push(answer.probabilities[pixel * 2 + 1]!);
        loss -= Math.log(answer.probabilities[pixel * 2 + label]!);
        expect(answer.probabilities[pixel * 2 + predicted]!).toBeGreaterThanOrEqual(0.5);
      });
    }
    const counted = matrix.flat().reduce((sum, n) => sum + n, 0);
    expect(counted).toBeLessThan(COUNT * 64);
    const [[right = 0, wrong = 0] = [], [missed = 0, hit = 0] = []] = matrix;
    expect(metrics["confusion"]).toEqual(matrix);
    expect(metrics["accuracy"]).toBeCloseTo((right + hit) / counted, 6);
    expect(metrics["mean_iou"]).toBeCloseTo((right / (right + wrong + missed) + hit / (hit + wrong + missed)) / 2, 6);
    expect(metrics["loss"]).toBeCloseTo(loss / counted, 4);
    const [negative, positive] = scores;
    const ahead = positive.reduce(
      (sum, one) => sum + negative.reduce((n, other) => n + Number(one > other) + Number(one === other) / 2, 0),
      0,
    );
    expect(metrics["auc"]).toBeCloseTo(ahead / (positive.length * negative.length), 4);
    network.dispose();
  });

  it.each([
    ["one size", "augment horizontal_flip"],
    ["sizes of their own", "augment random_crop(8) -> horizontal_flip"],
  ])("streamed pictures of %s, whose masks are held, train the same weights", async (_, augment) => {
    const artifact = await compiled(spec(augment, "mean_iou"));
    const [held, streamed] = [
      await loadSplit(artifact.data!, "train", artifact.dataInfo),
      await loadSplit(artifact.data!, "train", artifact.dataInfo, { streamAbove: 0 }),
    ];
    expect(streamed.streamed?.name).toBe("image");
    const [one, other] = [await trained(artifact, held), await trained(artifact, streamed)];
    expect(other.losses).toEqual(one.losses);
    expect(other.metrics).toEqual(one.metrics);
    for (const { network } of [one, other]) network.dispose();
  });

  it("an application's masks go the way of its pictures, as files do", async () => {
    const artifact = await compiled(spec("augment random_crop(8)"));
    const steps = loadSteps(artifact.data!.preprocess);
    // As folders have them: by name.
    const names = Array.from({ length: COUNT }, (_, i) => i).sort((a, b) => (String(a) < String(b) ? -1 : 1));
    const values = {
      inputs: { image: names.map((i) => scenes[i]!.picture) },
      labels: names.map((i) => ({ ...scenes[i]!.picture, data: scenes[i]!.mask })),
    };
    for (const purpose of ["train", "evaluate"] as const) {
      const own = splitOfColumns(artifact.dataInfo, steps, values, "train on", purpose);
      const read = await loadSplit(artifact.data!, "train", artifact.dataInfo, { purpose });
      expect(own.columns).toEqual(read.columns);
    }
    const flat = { inputs: values.inputs, labels: new Uint8Array(COUNT * 64).fill(1) };
    expect(splitOfColumns(artifact.dataInfo, steps, flat).columns.get("label")!.data).toEqual(flat.labels);
    const failing =
      (labels: (typeof values)["labels"] | Uint8Array, purpose: "train" | "evaluate" = "evaluate") =>
      () =>
        splitOfColumns(artifact.dataInfo, steps, { inputs: values.inputs, labels }, "train on", purpose);
    expect(failing(flat.labels, "train")).toThrow("masks, which have sizes of their own");
    expect(failing(new Uint8Array(COUNT * 64).fill(2))).toThrow("the labels hold 2, which is no class");
    const [first, ...rest] = values.labels;
    expect(failing([{ ...first!, data: Uint8Array.from(first!.data, () => 7) }, ...rest])).toThrow("the mask of example 0 holds 7");
    expect(failing([{ ...first!, width: 3 }, ...rest])).toThrow("numbers for 3x");
  });

  it("kept views of pictures would lie otherwise than their masks, which is said", async () => {
    const of = (augment: string): string =>
      spec(augment, "mean_iou").replace("epochs 3", "epochs 3\n  freeze ** except conv2\n  features cached(views: 2)\n ");
    const [flipped, jittered] = [await compiled(of("augment horizontal_flip")), await compiled(of("augment color_jitter(0.5)"))];
    expect(flipped.stages[0]!.report.cache).toEqual({
      features: false,
      reason: "horizontal_flip moves the masks of examples with their pictures, of which alone views are kept",
    });
    expect(jittered.stages[0]!.report.cache).toMatchObject({ features: true, views: 2 });
  });

  it("classes weigh by how many pixels they have", async () => {
    const artifact = await compiled(spec("", "mean_iou", `cross_entropy(weights: balanced, ignore: ${IGNORED})`));
    const counts = [0, 1].map((c) => scenes.reduce((sum, { mask }) => sum + mask.filter((value) => value === c).length, 0));
    const weights = tasksOf(artifact.recipe)[0]!.loss.args["weights"] as readonly number[];
    weights.forEach((weight, c) => expect(weight).toBeCloseTo((counts[0]! + counts[1]!) / (2 * counts[c]!), 6));
  });
});

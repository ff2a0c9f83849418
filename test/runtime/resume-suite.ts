// Runs on a device that are stopped at places of no one's choosing and go on: they end with the bits of the run that was not.

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Artifact } from "../../src/ir/artifact.ts";
import type { DataInfo } from "../../src/ir/plan.ts";
import type { Device } from "../../src/runtime/device.ts";
import type { TrainData } from "../../src/runtime/trainer.ts";
import { splitFromArrays } from "../../src/runtime/data/loaded-split.ts";
import { GATHERED_STAGES, TABLE, THREE_STAGES, trainInParts, type Ending, type Part } from "../support/interrupted.ts";
import { createRandom } from "../support/random.ts";
import { compileText } from "../support/run-spec.ts";
import type { Subject } from "./stages-suite.ts";

const info: DataInfo = {
  inputs: [{ name: "features", dtype: "f32", shape: [6] }],
  label: { name: "label", dtype: "i32", shape: [] },
  classes: ["a", "b", "c"],
};

/** The sign of a noisy sum: a network learns it, and its validation loss turns. */
export function noisyExamples(): TrainData {
  const random = createRandom(5);
  const part = (count: number) => {
    const features = Float32Array.from({ length: 6 * count }, () => random() * 2 - 1);
    const label = Int32Array.from({ length: count }, (_, i) => {
      const sum = features[6 * i]! + features[6 * i + 1]! + (random() - 0.5);
      return sum < -0.3 ? 0 : sum < 0.3 ? 1 : 2;
    });
    return splitFromArrays(info, { features, label });
  };
  return { train: part(22), val: part(10) };
}

const whole = (): Part => ({ how: "none", events: 0 });

export function resumeSuite({ name, open }: Subject, points: number): void {
  describe(`going on, on ${name}`, () => {
    let device: Device;
    let artifact: Artifact;
    let expected: Ending;
    const data = noisyExamples();
    beforeAll(async () => {
      device = await open();
      artifact = await compileText(THREE_STAGES, info, device.info.kind, device.limits);
      expected = await trainInParts(artifact, device, data, whole);
    });
    afterAll(() => device.dispose());

    it("ends a stage early, and leaves each with its best epoch", () => {
      const stages = expected.told.filter((line) => line.includes('"event":"stage"')).map((line) => JSON.parse(line) as object);
      expect(stages).toMatchObject([
        { stage: "head", epochs: 3, stalled: false, best: {} },
        { stage: "all", stalled: true, best: {} },
      ]);
    });

    it(`ends with the same bits after ${points} breaks in one run`, async () => {
      const random = createRandom(points);
      let left = points;
      const part = (): Part => {
        const how = left-- > 0 ? (random() < 0.5 ? "signal" : "kill") : "none";
        return { how, events: 1 + Math.floor(random() * 9), every: { steps: 2 } };
      };
      const ending = await trainInParts(artifact, device, data, part);
      expect(Buffer.from(ending.weights).equals(expected.weights)).toBe(true);
      expect([...ending.told].sort()).toEqual([...expected.told].sort());
    });

    it("goes on in the middle of a step's batches, of an average and of what was kept of frozen layers", async () => {
      const gathered = await compileText(GATHERED_STAGES, info, device.info.kind, device.limits);
      expect(gathered.stages.map(({ features }) => features !== undefined)).toEqual([true, false]);
      const unbroken = await trainInParts(gathered, device, data, whole);
      const random = createRandom(points + 1);
      let left = 10;
      const part = (): Part => ({
        how: left-- > 0 ? (left % 2 === 0 ? "signal" : "kill") : "none",
        events: 1 + Math.floor(random() * 6),
        every: { steps: 1 },
      });
      const ending = await trainInParts(gathered, device, data, part);
      expect(Buffer.from(ending.weights).equals(unbroken.weights)).toBe(true);
      expect([...ending.told].sort()).toEqual([...unbroken.told].sort());
    });

    it("goes on for more epochs than it had, and ends with the bits of a training that had them from its beginning", async () => {
      const [short, long] = await Promise.all([2, 5].map((epochs) => compileText(ofEpochs(epochs), info, device.info.kind, device.limits)));
      const ending = await trainInParts([short!, long!], device, data, whole);
      expect(Buffer.from(ending.weights).equals((await trainInParts(long!, device, data, whole)).weights)).toBe(true);
    });
  });
}

const ofEpochs = (epochs: number): string => `network net {
  input features: f32[6]
  low: linear(8) -> bn: batch_norm -> relu -> dropout(0.25)
  fc: linear(3)
}
${TABLE}recipe r {
  network net  data d  loss cross_entropy  batch 4
  optimizer adam(lr: 1e-2)  schedule step(every: 2, factor: 0.5)
  epochs ${epochs}  keep best val.loss
}
`;

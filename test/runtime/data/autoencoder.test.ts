// Networks that learn to give what they are given: the input stands for the label, on every device, as it is preprocessed and augmented.

import { describe, expect, it } from "vitest";
import type { DataInfo } from "../../../src/ir/plan.ts";
import { splitFromArrays } from "../../../src/runtime/data/loaded-split.ts";
import type { Device } from "../../../src/runtime/device.ts";
import { createEvaluator } from "../../../src/runtime/evaluate.ts";
import { predictBatch } from "../../../src/runtime/predict.ts";
import { Network } from "../../../src/runtime/network.ts";
import { openDevice } from "../../../src/runtime/open-device.ts";
import { openReferenceDevice } from "../../../src/runtime/reference/device.ts";
import { train } from "../../../src/runtime/trainer.ts";
import { compileText } from "../../support/run-spec.ts";
import { only } from "../../support/one-output.ts";

const SPEC = `network autoencoder {
  input image: f32[1, 2, 3]
  flatten -> code: linear(4) -> picture: linear(6) -> reshape([1, 2, 3])
}
dataset d {
  train images("pictures")
  preprocess grayscale -> normalize(mean: [0.5], std: [0.25])
  augment horizontal_flip
}
recipe r {
  network autoencoder
  data d
  loss mse(against: input)
  metrics mae, rmse
  optimizer adam(lr: 0.02)
  batch 4
  epochs 60
}
`;
const INFO: DataInfo = {
  inputs: [{ name: "image", dtype: "u8", shape: [1, 2, 3], picture: [3, 2, 3] }],
  label: { name: "label", dtype: "i32", shape: [] },
  classes: ["all"],
};
const PICTURES = Uint8Array.from({ length: 6 * 6 }, (_, i) => (i * 89) % 256);
const split = splitFromArrays(INFO, { image: PICTURES, label: new Int32Array(6) });

const DEVICES: readonly (readonly [string, () => Promise<Device>])[] = [
  ["reference", () => Promise.resolve(openReferenceDevice())],
  ["wasm", () => openDevice("wasm")],
];

describe.each(DEVICES)("an autoencoder on %s", (target, open) => {
  it("learns its input and measures how far it is off", async () => {
    const device = await open();
    const network = await Network.open(await compileText(SPEC, INFO, target), device);
    const losses: number[] = [];
    for await (const event of train(network, { train: split })) if (event.event === "epoch") losses.push(event.train["loss"] as number);
    expect(losses.at(-1)).toBeLessThan(losses[0]! / 4);
    const metrics = await createEvaluator(network.loaded)(split);
    const wanted = Array.from(PICTURES, (level) => (level / 255 - 0.5) / 0.25);
    const given = [...only(await predictBatch(network.loaded, split)), ...only(await predictBatch(network.loaded, split, 4))];
    const errors = wanted.map((value, i) => given[i]! - value);
    expect(metrics!["loss"]).toBeCloseTo(errors.reduce((sum, e) => sum + e * e, 0) / errors.length, 4);
    // As scikit-learn: the root for each number of an answer, and the mean of these.
    const roots = Array.from({ length: 6 }, (_, n) => Math.sqrt(errors.reduce((sum, e, i) => sum + (i % 6 === n ? e * e : 0), 0) / 6));
    expect(metrics!["rmse"]).toBeCloseTo(roots.reduce((sum, root) => sum + root, 0) / 6, 4);
    expect(metrics!["mae"]).toBeCloseTo(errors.reduce((sum, e) => sum + Math.abs(e), 0) / errors.length, 4);
    network.dispose();
    device.dispose();
  });
});

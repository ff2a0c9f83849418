// Learning rates of a whole training on a device: the program counts its steps, the host says how many epochs there will be.

import { expect, it } from "vitest";
import { openDevice } from "../../src/runtime/open-device.ts";
import { splitFromArrays } from "../../src/runtime/data/loaded-split.ts";
import { Network } from "../../src/runtime/network.ts";
import { train } from "../../src/runtime/trainer.ts";
import { compileSmall, type SmallRecipe } from "../support/words.ts";

/** 7 examples in batches of 2: four steps an epoch, three epochs unless said otherwise. */
async function rates(schedule: string, epochs?: number): Promise<number[]> {
  const recipe: SmallRecipe = {
    input: { dtype: "f32", shape: [2] },
    output: [2],
    label: { dtype: "i32", shape: [] },
    classes: 2,
    recipe: `loss cross_entropy\n  optimizer adam(lr: 0.5)\n  ${schedule}`,
  };
  const artifact = await compileSmall(recipe);
  const numbers = Float32Array.from({ length: 14 }, (_, i) => Math.sin(i));
  const data = { train: splitFromArrays(artifact.dataInfo, { numbers, label: Int32Array.of(0, 1, 0, 1, 0, 1, 0) }) };
  const device = await openDevice("reference");
  try {
    const network = await Network.open(artifact, device);
    const found: number[] = [];
    for await (const event of train(network, data, { epochs })) if (event.event === "step") found.push(event.lr ?? NaN);
    return found;
  } finally {
    device.dispose();
  }
}

const close = (values: readonly number[]): unknown => values.map((value) => expect.closeTo(value, 6) as unknown);

it("stay as they are without a schedule", async () => {
  expect(await rates("")).toEqual(close(Array<number>(12).fill(0.5)));
});

it("fall by epochs", async () => {
  expect(await rates("schedule step(every: 1, factor: 0.5)")).toEqual(
    close([0.5, 0.25, 0.125].flatMap((rate) => Array<number>(4).fill(rate))),
  );
});

it("rise over the warmup and fall until the end, however many epochs are asked for", async () => {
  const model = (total: number): number[] =>
    Array.from({ length: total }, (_, step) => {
      const warmup = Math.ceil(total / 4);
      return 0.5 * (step < warmup ? step / warmup : 1 - (step - warmup) / (total - warmup));
    });
  expect(await rates("schedule linear(warmup: 25%)")).toEqual(close(model(12)));
  expect(await rates("schedule linear(warmup: 25%)", 5)).toEqual(close(model(20)));
});

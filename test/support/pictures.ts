// Sees the pictures that a training step makes of its batch. The network is one linear layer of zeros with a class for every example
// and at least one without: a step of gradient descent leaves in the row of class `o` its picture, less the mean of all, which the row
// of the class without examples holds alone. So what augmentation did can be read off the weights, on any device.

import type { DataInfo, DataPlan } from "../../src/ir/plan.ts";
import type { Pixels } from "../../src/ir/recipe/steps/define.ts";
import { loadSteps } from "../../src/ir/recipe/steps/host.ts";
import { pictureColumn } from "../../src/ir/recipe/steps/index.ts";
import type { Column } from "../../src/runtime/data/loaded-split.ts";
import { PictureStore, storageOf, type Purpose } from "../../src/runtime/data/pixels.ts";
import type { Session } from "../../src/runtime/device.ts";
import { compileText, read, start } from "./run-spec.ts";

export interface Pictures {
  readonly channels: number;
  readonly height: number;
  readonly width: number;
  /** One picture: u8[channels, height, width]. Every example of the batch is this one, unless there are others. */
  readonly levels: Uint8Array;
}

export interface Camera {
  /** Numbers per picture, after preprocessing. */
  readonly pixels: number;
  /** The examples of the next training step. */
  train(): Promise<number[][]>;
  /** What the network is given in evaluation. */
  predict(): Promise<number[]>;
}

/** @param shape of a picture after `lines`, the settings of the data set */
export async function openCamera(
  lines: string,
  shape: readonly number[],
  from: Pictures,
  options: { batch?: number; seed?: number; layers?: string; others?: readonly Pictures[] } = {},
): Promise<Camera> {
  const { batch = 8, seed = 1, layers = "", others = [] } = options;
  const pixels = shape.reduce((product, extent) => product * extent, 1);
  const classes = Math.max(batch, pixels) + 1;
  const spec = `network camera {
  input image: f32[${shape.join(", ")}]
  flatten ${layers}
  fc: linear(${classes}, bias: false)
}
dataset d {
  train images("d")
  ${lines}
}
recipe r {
  network camera
  data d
  loss cross_entropy
  optimizer sgd(lr: ${batch})
  batch ${batch}
  epochs 1
}
`;
  const info = (plan: DataPlan): DataInfo => ({
    inputs: [pictureColumn("image", plan, [from.channels, from.height, from.width])],
    label: { name: "label", dtype: "i32", shape: [] },
    classes: Array.from({ length: classes }, (_, i) => `c${i}`),
  });
  const artifact = await compileText(spec, info);
  const session: Session = await start(artifact, seed);
  const indices = Int32Array.from({ length: batch }, (_, i) => i);
  const stored = (purpose: Purpose): Column => {
    const storage = storageOf(artifact.dataInfo.inputs[0]!, loadSteps(artifact.data?.preprocess ?? []), purpose);
    const store = new PictureStore(storage, batch);
    for (const i of indices) {
      const problem = store.put(i, interleaved(others[i % (others.length + 1)] ?? from));
      if (problem !== undefined) throw new Error(problem);
    }
    return store.column();
  };
  const { data: pictures, places } = stored("train");
  session.write("train/image", pictures);
  if (places !== undefined) session.write("train/image.places", places);
  session.write("train/label", indices);
  session.write("train/order", indices);
  session.write("train/count", Int32Array.of(batch));
  return {
    pixels,
    async train() {
      session.write("weight/fc.weight", new Float32Array(classes * pixels));
      session.write("train/cursor", Int32Array.of(0));
      session.run("train");
      const weights = await read(session, "weight/fc.weight");
      const row = (o: number): number[] => weights.slice(o * pixels, (o + 1) * pixels);
      const mean = row(classes - 1);
      return Array.from({ length: batch }, (_, o) => row(o).map((v, i) => v - (mean[i] ?? NaN)));
    },
    async predict() {
      const identity = Float32Array.from({ length: classes * pixels }, (_, i) => Number(Math.floor(i / pixels) === i % pixels));
      session.write("weight/fc.weight", identity);
      session.write("predict/image", stored("evaluate").data);
      session.run("predict");
      return (await read(session, "predict/output")).slice(0, pixels);
    },
  };
}

function interleaved({ channels, height, width, levels }: Pictures): Pixels {
  const data = Uint8Array.from(levels, (_, i) => levels[(i % channels) * height * width + Math.floor(i / channels)] ?? 0);
  return { channels, height, width, data };
}

/** A picture whose levels are all different, where there are at most 255 of them, and none is 0. */
export const distinct = (channels: number, height: number, width: number): Pictures => ({
  ...{ channels, height, width },
  levels: Uint8Array.from({ length: channels * height * width }, (_, i) => ((i * 97) % 251) + 1),
});

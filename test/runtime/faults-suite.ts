// A device that ends under a network: whatever is awaited ends, with an error that says so, and a training's error brings along
// what was learned by the end of its last whole epoch.

import { expect, it } from "vitest";
import { DeviceError, type Device } from "../../src/runtime/device.ts";
import { splitFromArrays, type LoadedSplit } from "../../src/runtime/data/loaded-split.ts";
import { createEvaluator } from "../../src/runtime/evaluate.ts";
import { predictSplit } from "../../src/runtime/predict.ts";
import type { TrainEvent } from "../../src/runtime/events.ts";
import { initialize, Network } from "../../src/runtime/network.ts";
import { train } from "../../src/runtime/trainer.ts";
import { loadWeights, readWeights } from "../../src/runtime/weights/model-weights.ts";
import { readSafetensors } from "../../src/runtime/weights/safetensors.ts";
import type { Artifact } from "../../src/ir/artifact.ts";
import type { DataInfo } from "../../src/ir/plan.ts";
import { compileText } from "../support/run-spec.ts";

const SPEC = `network n(classes = 2) {
  input given: f32[4]
  a: linear(64) -> tanh
  b: linear(classes)
}
dataset d { train table("d.csv", given: x, label: y) }
recipe r { network n data d loss cross_entropy batch 16 optimizer sgd(lr: 0.1) epochs 1000 seed 1 }`;

const INFO: DataInfo = {
  inputs: [{ name: "given", dtype: "f32", shape: [4] }],
  label: { name: "label", dtype: "i32", shape: [] },
  classes: ["a", "b"],
};
/** After which what is awaited does not end any more: far more than any machine needs. */
const SECONDS = 60;

export interface Mortal {
  readonly device: Device;
  /** Ends the device from outside, as a driver or the system would. */
  readonly kill: () => void;
}

const data = (count: number): LoadedSplit =>
  splitFromArrays(INFO, {
    given: Float32Array.from({ length: 4 * count }, (_, i) => Math.sin(i)),
    label: Int32Array.from({ length: count }, (_, i) => i % 2),
  });

/** The error that the work ends with; fails the test where it ends otherwise, or not in time once the device has ended. */
async function failureOf(work: Promise<unknown>, ended: Promise<void> = Promise.resolve()): Promise<DeviceError> {
  let timer: NodeJS.Timeout | undefined;
  const late = ended.then(() => new Promise((resolve) => (timer = setTimeout(resolve, 1000 * SECONDS, "nothing: it hangs"))));
  const end = await Promise.race([
    work.then(
      () => "success",
      (error: unknown) => error,
    ),
    late,
  ]);
  clearTimeout(timer);
  expect(end).toBeInstanceOf(DeviceError);
  return end as DeviceError;
}

/** Work of a device that is about to end: what needs no more of it than is left may succeed until the end is heard of. */
async function again(work: () => Promise<unknown>): Promise<never> {
  for (;;) await work();
}

/** How a training ends whose device is killed at an event. */
async function trainUntil(network: Network, count: number, isTime: (event: TrainEvent) => boolean, kill: () => void): Promise<DeviceError> {
  let end = (): void => undefined;
  const ended = new Promise<void>((resolve) => (end = resolve));
  const training = (async () => {
    for await (const event of train(network, { train: data(count) })) {
      if (!isTime(event)) continue;
      kill();
      end();
    }
  })();
  return failureOf(training, ended);
}

export function faults(target: string, open: () => Promise<Mortal>): void {
  let artifact: Artifact | undefined;
  const opened = async (): Promise<Mortal & { readonly network: Network }> => {
    artifact ??= await compileText(SPEC, INFO, target);
    const { device, kill } = await open();
    return { device, kill, network: await Network.open(artifact, device) };
  };

  it("ends a training, whose error has the weights of its last whole epoch", async () => {
    const { device, kill, network } = await opened();
    const error = await trainUntil(network, 64, (event) => event.event === "epoch" && event.epoch === 3, kill);
    expect(error.reason).toBe("lost");
    const { stage, epoch, weights } = error.last!;
    expect([stage, epoch >= 3]).toEqual(["main", true]);
    device.dispose();
    // They are weights that a network can go on from.
    const { device: other, network: next } = await opened();
    initialize(next.loaded);
    loadWeights(next.loaded, readSafetensors(weights));
    expect(await readWeights(next.loaded)).toEqual(weights);
    other.dispose();
  });

  it("ends a training that has learned nothing yet", async () => {
    const { device, kill, network } = await opened();
    // An epoch of so many takes far longer than an end needs to be heard of.
    const error = await trainUntil(network, 2 ** 19, ({ event }) => event === "start", kill);
    expect([error.reason, error.last]).toEqual(["lost", undefined]);
    device.dispose();
  });

  it("ends answers, evaluations, loading, and whatever comes after", async () => {
    const split = data(4096);
    const predicted = await opened();
    initialize(predicted.network.loaded);
    const answers = again(() => predictSplit(predicted.network.loaded, split));
    predicted.kill();
    await failureOf(answers);
    await failureOf(predictSplit(predicted.network.loaded, split));
    await failureOf(predicted.network.loaded.session.sync());
    await failureOf(predicted.device.load(artifact!.stages[0]!.program));
    predicted.device.dispose();

    const evaluated = await opened();
    initialize(evaluated.network.loaded);
    const evaluate = createEvaluator(evaluated.network.loaded);
    const metrics = again(() => evaluate(split));
    evaluated.kill();
    await failureOf(metrics);
    evaluated.device.dispose();

    const loading = await open();
    const load = again(() => loading.device.load(artifact!.stages[0]!.program));
    loading.kill();
    await failureOf(load);
    loading.device.dispose();
  });

  it("ends what is awaited when it is disposed of", async () => {
    const { device, network } = await opened();
    initialize(network.loaded);
    const answers = predictSplit(network.loaded, data(4096));
    device.dispose();
    expect((await failureOf(answers)).message).toBe("the device was disposed");
  });
}

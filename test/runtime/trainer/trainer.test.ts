// The trainer against a device that only follows the protocol: what is written when, what events say, how runs end.

import { describe, expect, it } from "vitest";
import type { Artifact } from "../../../src/ir/artifact.ts";
import { splitFromArrays, type LoadedSplit } from "../../../src/runtime/data/loaded-split.ts";
import { DataError, NonFiniteLossError } from "../../../src/runtime/errors.ts";
import { interpret, predictSplit } from "../../../src/runtime/predict.ts";
import { metricsFrom } from "../../../src/runtime/metrics.ts";
import { initialize, Network, type LoadedStage } from "../../../src/runtime/network.ts";
import { Pace } from "../../../src/runtime/pace.ts";
import type { DoneEvent, EpochEvent, StepEvent, TrainEvent } from "../../../src/runtime/events.ts";
import { train, type TrainData } from "../../../src/runtime/trainer.ts";
import { loadWeights } from "../../../src/runtime/weights/model-weights.ts";
import { readSafetensors, writeSafetensors, type Tensor } from "../../../src/runtime/weights/safetensors.ts";
import { fakeArtifact, fakeDevice, type FakeOptions, type FakeSession } from "./fake-session.ts";
import { only } from "../../support/one-output.ts";
import { stillClock } from "../../support/still-clock.ts";

// How many steps are handed over at once depends on how long the ones before took.
stillClock();

const split = (artifact: Artifact, count: number): LoadedSplit =>
  splitFromArrays(artifact.dataInfo, {
    image: Uint8Array.from({ length: count }, (_, i) => i),
    label: Int32Array.from({ length: count }, (_, i) => i % 2),
  });

async function open(artifact: Artifact): Promise<{ network: Network; loaded: LoadedStage; session: FakeSession }> {
  const { device, sessions } = fakeDevice(artifact);
  const network = await Network.open(artifact, device);
  return { network, loaded: network.loaded, session: sessions[0]! };
}

async function run(
  artifact: Artifact,
  sizes: { train: number; val?: number; test?: number },
  options: FakeOptions & { signal?: AbortSignal } = {},
): Promise<{ events: TrainEvent[]; session: FakeSession; error: unknown }> {
  const { device, sessions } = fakeDevice(artifact, options);
  const network = await Network.open(artifact, device);
  const [session] = sessions as [FakeSession];
  const data: TrainData = {
    train: split(artifact, sizes.train),
    val: sizes.val === undefined ? undefined : split(artifact, sizes.val),
    test: sizes.test === undefined ? undefined : split(artifact, sizes.test),
  };
  const events: TrainEvent[] = [];
  try {
    for await (const event of train(network, data, { signal: options.signal })) events.push(event);
  } catch (error) {
    return { events, session, error };
  }
  return { events, session, error: undefined };
}

const steps = (events: readonly TrainEvent[]): StepEvent[] => events.filter((event) => event.event === "step");
const epochs = (events: readonly TrainEvent[]): EpochEvent[] => events.filter((event) => event.event === "epoch");

describe("a run", () => {
  it("gives start, every step, every epoch, done", async () => {
    const { events } = await run(fakeArtifact(), { train: 10, val: 5, test: 5 });
    expect(events.map((event) => event.event)).toEqual([
      "start",
      "uncached",
      "step",
      "step",
      "step",
      "epoch",
      "step",
      "step",
      "step",
      "epoch",
      "done",
    ]);
    expect(events[0]).toMatchObject({
      device: "fake",
      steps: 6,
      parameters: 4,
      trainable: 2,
      stages: [{ stage: "main", epochs: 2, steps: 6, trainable: 2 }],
      seed: 5,
      examples: { train: 10, val: 5, test: 5 },
    });
    expect(steps(events).map(({ epoch, step }) => [epoch, step])).toEqual([
      [1, 1],
      [1, 2],
      [1, 3],
      [2, 4],
      [2, 5],
      [2, 6],
    ]);
    expect(steps(events)[1]).toMatchObject({ loss: 0.5, lr: Math.fround(0.1), stage: "main" });
    for (const step of steps(events)) expect(step.examples_per_s).toBeGreaterThan(0);
    expect(steps(events).at(-1)!.eta_s).toBe(0);
    expect(epochs(events)[0]!.train["accuracy"]).toBeCloseTo(0.8);
    expect(epochs(events)[0]!.val).toEqual({ loss: 0.25, accuracy: Math.fround(4) / 5 });
    expect((events.at(-1) as DoneEvent).test).toEqual({ loss: 0.25, accuracy: 0.8 });
  });

  it("writes the seed before init, and for each epoch order, count, cursor and zeros before its first step", async () => {
    const { session } = await run(fakeArtifact({ confusion: true }), { train: 10 });
    const before = session.log.slice(0, session.log.indexOf("run train"));
    expect(before).toEqual([
      "write seed",
      "run init",
      "write train/image",
      "write train/label",
      "write train/order",
      "write train/count",
      "write train/cursor",
      "write train/metrics",
      "write train/confusion",
    ]);
    expect(session.buffers.get("seed")).toEqual(Uint32Array.of(5));
  });

  it("shuffles each epoch anew, the same in every run", async () => {
    const [first, second] = [await run(fakeArtifact(), { train: 50 }), await run(fakeArtifact(), { train: 50 })];
    expect(first.session.seen).toEqual(second.session.seen);
    expect(first.session.seen[0]).not.toEqual(first.session.seen[1]);
    expect(first.session.seen[0]!.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 50 }, (_, i) => i));
  });

  it("uploads validation data once, and test data once", async () => {
    const { session } = await run(fakeArtifact({ epochs: 4 }), { train: 10, val: 5, test: 6 });
    expect(session.log.filter((entry) => entry === "write eval/image").length).toBe(2);
  });

  it("keeps a chunk ahead of the device and never lets the ring of losses overflow", async () => {
    const artifact = fakeArtifact({ batch: 1, epochs: 1 });
    const { events, session } = await run(artifact, { train: 2000 });
    expect(steps(events).map((event) => event.loss)).toEqual(Array.from({ length: 2000 }, (_, i) => Math.fround(1 / (i + 1))));
    expect(session.mostUnread).toBeLessThanOrEqual(256);
    const runs = session.log.flatMap((entry, i) => (entry === "run train" ? [i] : []));
    expect(runs[1]).toBe(runs[0]! + 2);
    expect(runs.length).toBeLessThan(100);
  });

  it("reports macro metrics where a recipe asks for them", async () => {
    const { events } = await run(fakeArtifact({ confusion: true }), { train: 10, val: 10 });
    expect(Object.keys(epochs(events)[0]!.val!)).toEqual(["loss", "accuracy", "f1"]);
    expect(epochs(events)[0]!.val!["f1"]).toBeCloseTo(0.8);
  });

  it("gives weights under their names, and takes them back", async () => {
    const artifact = fakeArtifact();
    const { events } = await run(artifact, { train: 4 });
    const file = readSafetensors((events.at(-1) as DoneEvent).weights);
    expect([...file.tensors.keys()].sort()).toEqual(["bn.running_mean", "fc.bias", "fc.weight"]);
    const { loaded, session } = await open(artifact);
    loadWeights(loaded, file);
    expect(session.buffers.get("weight/fc.weight")).toEqual(Float32Array.of(0.5, 0.5));
  });
});

describe("a run of several stages", () => {
  it("gives each stage its name in events, and the next what the one before has", async () => {
    const artifact = fakeArtifact({ epochs: 1, stages: ["head", "tune"] });
    const { device, sessions } = fakeDevice(artifact);
    const network = await Network.open(artifact, device);
    const events: TrainEvent[] = [];
    for await (const event of train(network, { train: split(artifact, 8), test: split(artifact, 4) })) events.push(event);
    expect(events.map((event) => ("stage" in event ? `${event.event} ${event.stage}` : event.event))).toEqual([
      "start",
      "step head",
      "step head",
      "epoch head",
      "step tune",
      "step tune",
      "epoch tune",
      "done",
    ]);
    expect(events[0]).toMatchObject({
      epochs: 2,
      steps: 4,
      trainable: 4,
      stages: [
        { stage: "head", steps: 2, trainable: 2 },
        { stage: "tune", steps: 2, trainable: 4 },
      ],
    });
    const [first, second] = sessions as [FakeSession, FakeSession];
    const states = ["fc.weight", "fc.bias", "bn.running_mean"].map((name) => `weight/${name}`);
    expect(second.log.slice(0, 3)).toEqual([
      "write seed",
      "run init",
      `adopt ${[...states, "train/step", "train/cursor", "eval/cursor"].join(" ")}`,
    ]);
    expect(first.log.at(-1)).toBe("dispose");
    // Test data goes to the stage that is there at the end, and its epochs have orders of their own.
    expect([first, second].map(({ log }) => log.filter((it) => it === "write eval/image").length)).toEqual([0, 1]);
    expect(first.seen[0]).not.toEqual(second.seen[0]);
  });

  it("ends with its last stage, or where it is interrupted", async () => {
    const artifact = fakeArtifact({ batch: 1, epochs: 3, stages: ["head", "tune"] });
    const { device, sessions } = fakeDevice(artifact);
    const network = await Network.open(artifact, device);
    const stop = new AbortController();
    for await (const event of train(network, { train: split(artifact, 600) }, { signal: stop.signal }))
      if (event.event === "step" && event.step === 5) stop.abort();
    expect(sessions).toHaveLength(1);
    expect(network.loaded.stage.name).toBe("head");
  });
});

describe("an end before the end", () => {
  it("comes at the first loss that is not a number", async () => {
    const { events, error } = await run(fakeArtifact(), { train: 10 }, { loss: (step) => (step === 5 ? NaN : 1) });
    expect(error).toBeInstanceOf(NonFiniteLossError);
    expect(error).toMatchObject({ epoch: 2, step: 5, stage: "main" });
    expect((error as Error).message).toContain("NaN at step 5");
    expect(steps(events).length).toBe(4);
  });

  it("comes after an epoch that left weights that are not numbers, though no loss says so", async () => {
    const { device, sessions } = fakeDevice(fakeArtifact(), {
      onRun: (entry) => {
        const session = sessions[0];
        if (entry === "train" && session) session.buffers.get("weight/fc.bias")![1] = Infinity;
      },
    });
    const network = await Network.open(fakeArtifact(), device);
    const events: TrainEvent[] = [];
    const training = async (): Promise<void> => {
      for await (const event of train(network, { train: split(fakeArtifact(), 10) })) events.push(event);
    };
    const error: unknown = await training().catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(NonFiniteLossError);
    expect(error).toMatchObject({ epoch: 1, step: 3, stage: "main" });
    expect((error as Error).message).toContain('"fc.bias"');
    expect(epochs(events)).toEqual([]);
  });

  it("comes soon after an abort, with the weights so far", async () => {
    const controller = new AbortController();
    let runs = 0;
    const onRun = (entry: string): void => {
      if (entry === "train" && ++runs === 3) controller.abort();
    };
    const { events } = await run(fakeArtifact({ batch: 1, epochs: 5 }), { train: 1000, test: 5 }, { onRun, signal: controller.signal });
    expect(steps(events).length).toBeLessThan(600);
    const done = events.at(-1) as DoneEvent;
    expect(done).toMatchObject({ event: "done", interrupted: true });
    expect(done.test).toBeUndefined();
    expect(readSafetensors(done.weights).tensors.size).toBe(3);
    expect(epochs(events)).toEqual([]);
  });

  it("passes a device's failure on, once", async () => {
    const { error } = await run(fakeArtifact({ batch: 1 }), { train: 100 }, { failReads: true });
    expect((error as Error).message).toBe("lost");
  });

  it("is refused for data that the program was not compiled for, and for none", async () => {
    const artifact = fakeArtifact();
    const other: LoadedSplit = {
      count: 1,
      classes: [],
      columns: new Map([
        ["image", { dtype: "u8", shape: [3, 1, 1], data: new Uint8Array(3) }],
        ["label", { dtype: "i32", shape: [], data: new Int32Array(1) }],
      ]),
    };
    const events = train((await open(artifact)).network, { train: other });
    await expect(events.next()).rejects.toThrow("u8[3, 1, 1] in the data, the program was compiled for u8[1, 1, 1]");
    await expect(train((await open(artifact)).network, { train: split(artifact, 0) }).next()).rejects.toThrow(DataError);
  });
});

describe("weights", () => {
  const f32 = (shape: number[]): Tensor => ({ dtype: "F32", shape, data: new Uint8Array(4 * shape.reduce((a, b) => a * b, 1)) });
  it("that do not fit are listed, each with its reason", async () => {
    const { loaded } = await open(fakeArtifact());
    const file = readSafetensors(
      writeSafetensors(
        new Map([
          ["fc.weight", f32([3, 1])],
          ["fc.bia", f32([2])],
          ["bn.running_mean", f32([1])],
          ["bn.num_batches_tracked", f32([])],
        ]),
      ),
    );
    const attempt = (): unknown => loadWeights(loaded, file);
    expect(attempt).toThrow("fc.weight is [3, 1], the network has [2, 1]");
    expect(attempt).toThrow("fc.bias is missing (did you mean `fc.bia`?)");
    expect(attempt).toThrow("fc.bia is not in the network");
    expect(attempt).not.toThrow("num_batches_tracked is not");
  });
});

describe("prediction", () => {
  it("goes through batches, the last one partial", async () => {
    const artifact = fakeArtifact();
    const { loaded, session } = await open(artifact);
    initialize(loaded);
    const predictions = await predictSplit(loaded, split(artifact, 10));
    expect(predictions.map(only).map((p) => (p.kind === "class" ? p.label : ""))).toEqual(
      Array.from({ length: 10 }, (_, i) => ["even", "odd"][i % 2]),
    );
    expect(session.log.filter((entry) => entry === "run predict").length).toBe(3);
  });

  it("reads outputs as classes, sequences or values", () => {
    const artifact = fakeArtifact();
    const [kind, ...probabilities] = [interpret(artifact, Float32Array.of(1000, 1001))].flatMap((p) =>
      p.kind === "class" ? [p.label, ...p.probabilities] : [],
    );
    expect(kind).toBe("odd");
    expect(probabilities[1]).toBeCloseTo(1 / (1 + Math.exp(-1)));
    expect(interpret({ ...artifact, outputShape: [3, 2] }, Float32Array.of(1, 0, 0, 1, 1, 0))).toEqual({
      kind: "sequence",
      labels: ["even", "odd", "even"],
    });
    const numbers = { loss: { word: "mse", args: {} }, labels: "number", outputs: "numbers" } as const;
    const regression = { ...artifact, recipe: { ...artifact.recipe, ...numbers } };
    expect(interpret(regression, Float32Array.of(1.5))).toEqual({ kind: "values", values: [1.5] });
  });
});

describe("metrics", () => {
  it("are scikit-learn's macro averages", () => {
    // sklearn on y_true = 0 0 0 1 1 2, y_pred = 0 0 1 1 0 1, four possible classes of which one never occurs
    const confusion = Float32Array.of(2, 1, 0, 0, 1, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0);
    const { recipe, dataInfo } = fakeArtifact();
    const averages = ["precision", "recall", "f1"].map((word) => ({ word, args: { average: "macro" } }));
    const metrics = [{ word: "accuracy", args: {} }, ...averages];
    const artifact = { recipe: { ...recipe, metrics }, dataInfo: { ...dataInfo, classes: ["a", "b", "c", "d"] }, outputShape: [4] };
    const truth = new Int32Array();
    const sums = new Map([
      ["metrics", Float32Array.of(3, 6, 6, 3)],
      ["confusion", confusion],
    ]);
    const values = metricsFrom(artifact, { sums, truthOf: () => truth });
    expect(Object.keys(values)).toEqual(["loss", "accuracy", "precision", "recall", "f1"]);
    expect([values["loss"], values["accuracy"]]).toEqual([0.5, 0.5]);
    expect(values["precision"]).toBeCloseTo((2 / 3 + 1 / 3 + 0) / 3);
    expect(values["recall"]).toBeCloseTo((2 / 3 + 1 / 2 + 0) / 3);
    expect(values["f1"]).toBeCloseTo((2 / 3 + 0.4 + 0) / 3);
    sums.set("confusion", new Float32Array(16));
    expect(metricsFrom(artifact, { sums, truthOf: () => truth })).toMatchObject({ precision: 0, recall: 0, f1: 0 });
  });

  it("leave accuracy out of a regression", () => {
    const { recipe, dataInfo } = fakeArtifact();
    const artifact = {
      recipe: { ...recipe, loss: { word: "mse", args: {} }, ...({ labels: "number", outputs: "numbers" } as const), metrics: [] },
      dataInfo: { ...dataInfo, classes: [] },
      outputShape: [1],
    };
    const sums = new Map([["metrics", Float32Array.of(6, 3, 3)]]);
    expect(metricsFrom(artifact, { sums, truthOf: () => [] })).toEqual({ loss: 2 });
  });
});

it("finds its pace: short chunks on slow devices, long ones on fast, never over the ring", () => {
  const pace = new Pace(256);
  expect(pace.size).toBe(1);
  for (let i = 0; i < 10; i++) pace.finished(pace.size, pace.size * 0.1);
  expect(pace.size).toBe(256);
  pace.finished(256, 256 * 800);
  expect(pace.size).toBe(1);
  for (let i = 0; i < 10; i++) pace.finished(pace.size, pace.size * 20);
  expect(pace.size).toBe(8);
});

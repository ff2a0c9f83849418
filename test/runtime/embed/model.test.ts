// The model of a generated module on a device that computes nothing: what it accepts as data, and what it refuses while it works.

import { describe, expect, it } from "vitest";
import type { Artifact } from "../../../src/ir/artifact.ts";
import type { WordPlan } from "../../../src/ir/plan.ts";
import { planOf } from "../../../src/ir/recipe/define.ts";
import { resize } from "../../../src/ir/recipe/steps/resize.ts";
import { loadSteps, type LoadSteps } from "../../../src/ir/recipe/steps/host.ts";
import { Model } from "../../../src/runtime/embed/model.ts";
import { splitOfColumns, splitOfExamples } from "../../../src/runtime/embed/values.ts";
import type { TrainEvent } from "../../../src/runtime/events.ts";
import { DataError, StateError } from "../../../src/runtime/errors.ts";
import { readSafetensors, writeSafetensors } from "../../../src/runtime/weights/safetensors.ts";
import { fromHostArray, toFloat32 } from "../../../src/runtime/weights/tensor-values.ts";
import { FAKE_DEVICE, fakeArtifact, fakeDevice, type FakeOptions, type FakeSession } from "../trainer/fake-session.ts";

interface Opened {
  readonly model: Model;
  /** The first that was loaded, and all. */
  readonly session: FakeSession;
  readonly sessions: readonly FakeSession[];
  readonly disposed: () => number;
}

const CHOICE = { kind: "wasm", reason: "a test" } as const;

async function open(artifact: Artifact = fakeArtifact(), options: FakeOptions = {}): Promise<Opened> {
  const { device, sessions } = fakeDevice(artifact, options);
  let disposed = 0;
  const model = await Model.open(artifact, { ...device, dispose: () => (disposed += 1) }, CHOICE);
  return { model, session: sessions[0]!, sessions, disposed: () => disposed };
}

/** With weights to answer from. */
async function openLoaded(): Promise<Opened> {
  const opened = await open();
  await opened.model.load(await opened.model.save());
  return opened;
}

const pixels = Uint8Array.from({ length: 10 }, (_, i) => i);
const labels = Int32Array.from(pixels, (value) => value % 2);
const data = { train: { inputs: { image: pixels }, labels } };

async function all(events: AsyncGenerator<TrainEvent>): Promise<TrainEvent[]> {
  const list: TrainEvent[] = [];
  for await (const event of events) list.push(event);
  return list;
}

describe("a model", () => {
  it("predicts any number of examples", async () => {
    const { model } = await openLoaded();
    const answers = await model.predict([...pixels].map((value) => [value]));
    expect(answers.map((answer) => answer.kind === "class" && answer.label)).toEqual(
      [...pixels].map((value) => (value % 2 === 0 ? "even" : "odd")),
    );
    expect(await model.predict([])).toEqual([]);
  });

  it("trains for as long as it is told", async () => {
    const { model } = await open();
    const events = await all(model.train({ ...data, val: data.train, test: data.train }, { epochs: 1 }));
    expect(events.map(({ event }) => event)).toEqual(["start", "step", "step", "step", "epoch", "done"]);
    expect(events.at(-2)).toMatchObject({ epoch: 1, val: { accuracy: 0.8 } });
    expect(events.at(-1)).toMatchObject({ test: { accuracy: 0.8 }, interrupted: false });
    expect(events[0]).toMatchObject({ epochs: 1, steps: 3 });
  });

  it("trains on from what it holds, and from the recipe's seed when it holds nothing", async () => {
    const { model, session } = await open();
    const writes = (): string[] => session.log.filter((entry) => entry.startsWith("write weight/"));
    await all(model.train(data, { epochs: 1 }));
    expect(writes()).toEqual([]);
    await all(model.train(data, { epochs: 1 }));
    expect(writes()).toHaveLength(3);
  });

  it("starts anew after a loss that is no number", async () => {
    let isBroken = true;
    const { model, session } = await open(fakeArtifact(), { loss: () => (isBroken ? NaN : 1) });
    await expect(all(model.train(data))).rejects.toThrow("the loss is NaN at step 1");
    isBroken = false;
    expect((await all(model.train(data, { epochs: 1 }))).at(-1)).toMatchObject({ event: "done" });
    expect(session.log.filter((entry) => entry.startsWith("write weight/"))).toEqual([]);
  });

  it("has random weights still after a training that could not begin", async () => {
    const { model, session } = await open();
    const nothing = { train: { inputs: { image: new Uint8Array() }, labels: new Int32Array() } };
    await expect(all(model.train(nothing))).rejects.toThrow("there are no examples to train on");
    expect(session.log).not.toContain("run init");
    await model.save();
    expect(session.log.filter((entry) => entry.startsWith("run"))).toEqual(["run init"]);
    await all(model.train(data, { epochs: 1 }));
    expect(session.log.filter((entry) => entry.startsWith("write weight/"))).toEqual([]);
  });

  it("answers from weights that were loaded or trained, and from no others", async () => {
    const { model, session } = await open();
    const refused = async (message: string): Promise<void> => {
      for (const asked of [() => model.predict([[1]]), () => model.evaluate(data.train)]) {
        await expect(asked()).rejects.toThrow(message);
        await expect(asked()).rejects.toBeInstanceOf(StateError);
      }
      expect(session.log).not.toContain("run predict");
    };
    await refused("no weights: `load` or `train` first");
    // Random weights may be saved, and are the caller's own when they come back.
    const first = await model.save();
    await refused("no weights");
    await expect(model.load(first.subarray(0, 9))).rejects.toThrow("not a valid safetensors file");
    await refused("no weights");
    await model.load(first);
    expect(await model.predict([[1]])).toHaveLength(1);
    const { model: trained } = await open();
    await all(trained.train(data, { epochs: 1 }));
    expect(await trained.predict([[1]])).toHaveLength(1);
    const broken = await open(fakeArtifact(), { loss: () => NaN });
    await expect(all(broken.model.train(data))).rejects.toThrow("the loss is NaN");
    await expect(broken.model.predict([[1]])).rejects.toThrow("no weights");
  });

  it("trains from published weights once they are loaded, and answers once what they lack is trained", async () => {
    const published = (fresh: readonly string[]): Artifact => ({
      ...fakeArtifact(),
      weights: { source: "hf:o/n", taken: 3 - fresh.length, dropped: 0, new: fresh },
    });
    const { model, session } = await open(published(["fc.bias"]));
    const begins = "the recipe begins with published weights: call `load` first, with `weights.safetensors` of the folder";
    await expect(all(model.train(data))).rejects.toThrow(begins);
    const { tensors, metadata } = readSafetensors(await model.save());
    await expect(all(model.train(data))).rejects.toThrow(begins);
    await expect(model.predict([[1]])).rejects.toThrow("`load` or `train` first");
    const begun = writeSafetensors(
      new Map([...tensors].filter(([name]) => name !== "fc.bias")),
      new Map([...metadata, ["tlc.base", "hf:o/n"]]),
    );
    await model.load(begun);
    const random = "some weights are random: `train` first";
    await expect(model.predict([[1]])).rejects.toThrow(random);
    await expect(model.evaluate(data.train)).rejects.toThrow(random);
    await all(model.train(data, { epochs: 1 }));
    expect(await model.predict([[1]])).toHaveLength(1);
    // What was trained of them is no first weights: they begin at random once more.
    session.log.length = 0;
    await model.load(begun);
    expect(session.log).toContain("run init");
    await expect(model.predict([[1]])).rejects.toThrow(random);
    const { model: whole } = await open(published([]));
    await expect(whole.predict([[1]])).rejects.toThrow("`load` or `train` first");
  });

  it("loads what it saved", async () => {
    const { model, session } = await open();
    const saved = await model.save();
    expect([...readSafetensors(saved).tensors.keys()].sort()).toEqual(["bn.running_mean", "fc.bias", "fc.weight"]);
    session.buffers.get("weight/fc.weight")![0] = 9;
    const buffer = new ArrayBuffer(saved.length);
    new Uint8Array(buffer).set(saved);
    await model.load(buffer);
    expect(session.buffers.get("weight/fc.weight")![0]).toBe(0.5);
    await expect(model.load(Uint8Array.of(1, 2, 3))).rejects.toThrow("not a valid safetensors file");
    await expect(model.evaluate(data.train)).resolves.toEqual({ loss: 0.25, accuracy: 0.8 });
  });

  it("does one thing at a time, but answers while it trains", async () => {
    const { model } = await open();
    for await (const event of model.train(data)) {
      if (event.event !== "step") continue;
      await expect(model.evaluate(data.train)).rejects.toThrow("the model is training; wait");
      await expect(model.load(new Uint8Array(8))).rejects.toThrow("the model is training; wait");
      await expect(model.train(data).next()).rejects.toThrow("the model is training; wait");
      expect(await model.predict([[3]])).toMatchObject([{ label: "odd" }]);
      break;
    }
    expect(await model.evaluate(data.train)).toEqual({ loss: 0.25, accuracy: 0.8 });
  });

  it("answers from the stage that it is in, whose session goes when the last answer has come", async () => {
    const { model, sessions } = await open(fakeArtifact({ epochs: 1, stages: ["head", "tune"] }));
    let answers: Promise<unknown> | undefined;
    for await (const event of model.train(data)) {
      // Eleven batches, while the network goes on to its next stage.
      if (event.event === "epoch" && event.stage === "head") answers = model.predict(Array.from({ length: 44 }, (_, i) => [i]));
    }
    expect(await answers).toHaveLength(44);
    const [head, tune] = sessions as [FakeSession, FakeSession];
    const count = ({ log }: FakeSession, entry: string): number => log.filter((it) => it === entry).length;
    expect([count(head, "run predict"), count(tune, "run predict")]).toEqual([11, 0]);
    expect(head.log.at(-1)).toBe("dispose");
    expect(head.log.lastIndexOf("run predict")).toBeLessThan(head.log.indexOf("dispose"));
    await all(model.train(data));
    expect(sessions).toHaveLength(4);
    expect(sessions.map(({ log }) => log.filter((it) => it === "dispose").length)).toEqual([1, 1, 1, 0]);
  });

  it("stops when told to", async () => {
    const { model } = await open();
    const stop = new AbortController();
    const events: TrainEvent[] = [];
    for await (const event of model.train(data, { epochs: 1000, signal: stop.signal })) {
      events.push(event);
      if (events.length === 2) stop.abort();
    }
    expect(events.at(-1)).toMatchObject({ event: "done", interrupted: true });
    expect(events.length).toBeLessThan(10);
  });

  it.each<[unknown, string]>([
    [{}, "there is no data to train on"],
    [undefined, "there is no data to train on"],
    [{ train: null }, "there is no data to train on"],
    [{ train: {} }, "the data to train on has no inputs"],
    [{ train: { inputs: [], labels } }, "the data to train on has no inputs"],
    [{ train: { inputs: { image: pixels } } }, "the data to train on has no labels"],
    [{ train: { inputs: { image: 3 }, labels } }, '"image" is no list of values'],
    [{ ...data, val: { inputs: { image: pixels } } }, "the data to validate on has no labels"],
    [{ ...data, test: 7 }, "there is no data to test on"],
  ])("says of %j what it misses", async (given, message) => {
    const { model } = await open();
    await expect(all(model.train(given as never))).rejects.toThrow(new DataError(message));
  });

  it.each([NaN, 0.5, -1, Infinity, "3", 2 ** 31])("does not train for %s epochs", async (epochs) => {
    const { model } = await open();
    await expect(all(model.train(data, { epochs: epochs as number }))).rejects.toThrow(`epochs are ${String(epochs)}`);
  });

  it.each<[unknown, string]>([
    [[null], "example 0 is null"],
    [[[1], undefined], "example 1 is undefined"],
    [["a"], '"image" of example 0: a text'],
    [null, "examples are null, expected a list"],
    [[{ pixels: [1] }], '"image" of example 0: an object, expected its values themselves'],
    [[{ image: [1] }], "an object, expected its values themselves: what is `image` there, since it is the only input"],
    [[{ data: null, width: 1, height: 1 }], '"image" of example 0: a picture without samples'],
  ])("predicts nothing of %j", async (examples, message) => {
    const { model } = await openLoaded();
    await expect(model.predict(examples as never)).rejects.toThrow(message);
    await expect(model.predict(examples as never)).rejects.toBeInstanceOf(DataError);
  });

  it("names a weight that is no number, and keeps those that it has", async () => {
    const { model, session } = await open();
    const weights = readSafetensors(await model.save());
    const [first] = weights.tensors;
    const values = toFloat32("it", first![1]);
    values[values.length - 1] = NaN;
    const broken = writeSafetensors(new Map([...weights.tensors, [first![0], fromHostArray(values, "f32", first![1].shape)]]));
    session.log.length = 0;
    await expect(model.load(broken)).rejects.toThrow(new RegExp(`the weight ${first![0]} is NaN at \\[`));
    expect(session.log.filter((entry) => entry.startsWith("write"))).toEqual([]);
  });

  it("gives everything back once, and says so afterwards", async () => {
    const { model, session, disposed } = await open();
    model.dispose();
    model.dispose();
    expect([session.log.at(-1), disposed()]).toEqual(["dispose", 1]);
    await expect(model.predict([[1]])).rejects.toThrow("disposed");
    await expect(model.save()).rejects.toThrow("disposed");
  });

  it("gives the device back when the program does not load", async () => {
    let disposed = 0;
    const device = { info: FAKE_DEVICE, load: () => Promise.reject(new Error("no room")), dispose: () => (disposed += 1) };
    await expect(Model.open(fakeArtifact(), device, CHOICE)).rejects.toThrow("no room");
    expect(disposed).toBe(1);
  });
});

describe("data of a page", () => {
  const plain: LoadSteps = [];
  const steps = (...plans: WordPlan[]): LoadSteps => loadSteps(plans);
  const rgb = {
    inputs: [{ name: "image", dtype: "u8", shape: [3, 2, 2] }],
    label: { name: "label", dtype: "i32", shape: [] },
    classes: ["cat", "dog"],
  } as const;
  const rgba = Uint8ClampedArray.from({ length: 16 }, (_, i) => (i % 4 === 3 ? 255 : i));

  it("takes pictures as a canvas gives them", () => {
    const split = splitOfExamples(rgb, plain, [{ data: rgba, width: 2, height: 2 }]);
    expect([...split.columns.get("image")!.data]).toEqual([0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14]);
  });

  it("resizes where the recipe does, and only there", () => {
    const big = { data: new Uint8Array(8 * 6 * 3).fill(70), width: 8, height: 6 };
    expect([...splitOfExamples(rgb, steps(planOf(resize, { size: [2, 2] })), [big]).columns.get("image")!.data]).toEqual(
      Array(12).fill(70),
    );
    expect(() => splitOfExamples(rgb, plain, [big])).toThrow('"image" of example 0: 8x6, expected 2x2');
  });

  it("turns colours to grey as the recipe does", () => {
    const grey = { ...rgb, inputs: [{ name: "image", dtype: "u8", shape: [1, 1, 1] }] } as const;
    const red = { data: Uint8Array.of(255, 0, 0, 255), width: 1, height: 1 };
    expect([...splitOfExamples(grey, steps({ word: "grayscale", args: {} }), [red]).columns.get("image")!.data]).toEqual([76]);
    expect([...splitOfExamples(grey, plain, [red]).columns.get("image")!.data]).toEqual([76]);
  });

  it("takes records where there are several inputs", () => {
    const info = { ...rgb, inputs: [...rgb.inputs, { name: "__proto__", dtype: "f32", shape: [2] }] } as const;
    const example = JSON.parse('{"image": [1,2,3,4,5,6,7,8,9,10,11,12], "__proto__": [0.5, 1]}') as never;
    const split = splitOfExamples(info, plain, [example, example]);
    expect([...split.columns.get("__proto__")!.data]).toEqual([0.5, 1, 0.5, 1]);
    expect(() => splitOfExamples(info, plain, [{ image: [1] }])).toThrow(/example 0/);
  });

  it("takes labels as names, indices or arrays", () => {
    const inputs = { image: new Uint8Array(24) };
    const label = (values: never): number[] => [...splitOfColumns(rgb, plain, { inputs, labels: values }).columns.get("label")!.data];
    expect(label(["dog", "cat"] as never)).toEqual([1, 0]);
    expect(label([1, "cat"] as never)).toEqual([1, 0]);
    expect(label(Int32Array.of(0, 1) as never)).toEqual([0, 1]);
    const sequences = { ...rgb, label: { name: "label", dtype: "i32", shape: [2] } } as const;
    expect([
      ...splitOfColumns(sequences, plain, {
        inputs,
        labels: [
          ["dog", "cat"],
          [0, 1],
        ],
      }).columns.get("label")!.data,
    ]).toEqual([1, 0, 0, 1]);
  });

  it.each([
    ["a name that is no class", { inputs: { image: new Uint8Array(12) }, labels: ["doc"] }, 'the label "doc" is no class'],
    ["an index that is no class", { inputs: { image: new Uint8Array(12) }, labels: Int32Array.of(2) }, "the label 2 is no class"],
    ["a negative index", { inputs: { image: new Uint8Array(12) }, labels: [-1] }, "the label -1 is no class"],
    ["an unknown input", { inputs: { picture: new Uint8Array(12) }, labels: [0] }, 'no input "picture"'],
    ["a missing input", { inputs: {}, labels: [0] }, 'the input "image" is missing'],
    ["numbers of another kind", { inputs: { image: new Float32Array(12) }, labels: [0] }, "Float32Array of 12"],
    ["fractions where bytes are", { inputs: { image: [Array(12).fill(0.5)] }, labels: [0] }, "0.5 is no u8"],
    ["more labels than examples", { inputs: { image: new Uint8Array(12) }, labels: [0, 1] }, "holds 2 examples"],
    ["numbers that are too many", { inputs: { image: [new Uint8Array(13)] }, labels: [0] }, "13 numbers, expected 12"],
    [
      "half a picture",
      { inputs: { image: [{ data: new Uint8Array(7), width: 2, height: 2 }] }, labels: [0] },
      "7 samples in a picture of 2x2",
    ],
  ])("refuses %s", (_, values, message) => {
    expect(() => splitOfColumns(rgb, plain, values as never)).toThrow(message);
  });
});

describe("a training that goes on", () => {
  const stoppedAfter = async (steps: number, given: typeof data): Promise<Uint8Array> => {
    const { model } = await open();
    const stop = new AbortController();
    let last = new Uint8Array();
    const options = { signal: stop.signal, onCheckpoint: (bytes: Uint8Array<ArrayBuffer>) => void (last = bytes) };
    for await (const event of model.train(given, options as Parameters<Model["train"]>[1]))
      if (event.event === "step" && event.step === steps) stop.abort();
    return last;
  };

  it("does so in another model, from the bytes that it handed over", async () => {
    const bytes = await stoppedAfter(1, data);
    const { model } = await open();
    const events = await all(model.train(data, { resume: bytes }));
    const { resumed } = events[0] as { readonly resumed?: { readonly step: number } };
    expect(resumed).toMatchObject({ stage: "main", epoch: 1 });
    expect(events.filter(({ event }) => event === "step")).toHaveLength(6 - resumed!.step);
    expect(events.at(-1)).toMatchObject({ event: "done", interrupted: false });
  });

  it("goes on for another number of epochs, all of which its record counts", async () => {
    const bytes = await stoppedAfter(1, data);
    const { model } = await open();
    const events = await all(model.train(data, { resume: bytes, epochs: 3 }));
    expect(events.flatMap((event) => (event.event === "epoch" ? [event.epoch] : []))).toEqual([1, 2, 3]);
  });

  it("is refused with other data, for fewer epochs than have begun, and from what is no checkpoint", async () => {
    const bytes = await stoppedAfter(1, data);
    const { model, session } = await open();
    const other = { train: { inputs: { image: pixels.toReversed() }, labels } };
    await expect(all(model.train(other, { resume: bytes }))).rejects.toThrow("`image` of `train` holds other values");
    await expect(all(model.train(data, { resume: bytes, epochs: 0 }))).rejects.toThrow(
      "`stages.main.epochs` is 0, in the checkpoint it is 2, of which 1 has begun",
    );
    await expect(all(model.train(data, { resume: await model.save() }))).rejects.toThrow("it is no checkpoint of a training");
    expect(session.log).not.toContain("run train");
  });
});

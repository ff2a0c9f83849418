// Networks whose outputs have names: what is trained on is the weighted sum of their losses, and each is measured, kept, predicted and given labels
// by its name, on every device and in an application.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { compileSpec } from "../../src/compile.ts";
import { renderDiagnostics } from "../../src/diagnostics.ts";
import { artifactProblem } from "../../src/ir/artifact-schema.ts";
import type { Artifact } from "../../src/ir/artifact.ts";
import { readExact, writeExact } from "../../src/ir/exact-json.ts";
import type { Progress } from "../../src/runtime/checkpoint/checkpoint.ts";
import { describeData, loadSplit } from "../../src/runtime/data/index.ts";
import { splitFromArrays, type LoadedSplit } from "../../src/runtime/data/loaded-split.ts";
import type { Device } from "../../src/runtime/device.ts";
import { Model } from "../../src/runtime/embed/model.ts";
import { createEvaluator } from "../../src/runtime/evaluate.ts";
import { predictSplit } from "../../src/runtime/predict.ts";
import { StateError } from "../../src/runtime/errors.ts";
import type { DoneEvent, EpochEvent, TrainEvent } from "../../src/runtime/events.ts";
import { initialize, Network } from "../../src/runtime/network.ts";
import { openDevice } from "../../src/runtime/open-device.ts";
import { openReferenceDevice } from "../../src/runtime/reference/device.ts";
import { train, type TrainOptions } from "../../src/runtime/trainer.ts";
import { loadWeights, readWeights } from "../../src/runtime/weights/model-weights.ts";
import { readSafetensors } from "../../src/runtime/weights/safetensors.ts";
import { compileText } from "../support/run-spec.ts";
import { temporaryFolder } from "../support/temporary.ts";

const folder = temporaryFolder("tlc-outputs-");
const ROWS = Array.from({ length: 24 }, (_, i) => {
  const kind = i % 3;
  return [kind + Math.sin(i) / 4, 2 - kind + Math.cos(i) / 4, ["pug", "labrador", "collie"][kind], kind === 0 ? 1 : 5 + Math.sin(i)];
});
writeFileSync(join(folder, "dogs.csv"), ["height,mass,breed,years", ...ROWS.map((row) => row.join(","))].join("\n"));

/** @param recipe lines, and `table` for what the table is given beside its inputs */
const specOf = (recipe: string, table = "breed, age: years"): string => `network dog(breeds) {
  input body: f32[2]
  hidden: linear(6) -> tanh
  output breed = fc_breed: linear(breeds)
  output age = fc_age: linear(1)
}
dataset dogs { train table("dogs.csv", body: [height, mass], ${table}) }
recipe dogs {
  network dog(dogs.breed.classes)
  data dogs
  ${recipe}
}
`;
const LOSSES = "loss breed: cross_entropy, age: 0.25 * mse";
const WHOLE = `${LOSSES}\n  metrics breed.f1, breed.auc, age.mae\n  optimizer adam(lr: 0.05)\n  batch 5\n  epochs 12`;

let specs = 0;
async function compiled(text: string, target = "reference"): Promise<Artifact> {
  const file = join(folder, `spec-${specs++}.tlspec`);
  writeFileSync(file, text);
  const { artifact, diagnostics, sources } = await compileSpec(file, { target, verify: true, describeData });
  if (!artifact) throw new Error(renderDiagnostics(diagnostics, sources));
  expect(artifactProblem(readExact(writeExact(artifact)))).toBeUndefined();
  return artifact;
}

const dataOf = (artifact: Artifact): Promise<LoadedSplit> => loadSplit(artifact.data!, "train", artifact.dataInfo);

async function eventsOf(network: Network, data: LoadedSplit, options: TrainOptions = {}): Promise<readonly TrainEvent[]> {
  const events: TrainEvent[] = [];
  for await (const event of train(network, { train: data, val: data }, options)) events.push(event);
  return events;
}
const epochsOf = (events: readonly TrainEvent[]): readonly EpochEvent[] => events.filter((it) => it.event === "epoch");

const DEVICES: readonly (readonly [string, () => Promise<Device>])[] = [
  ["reference", () => Promise.resolve(openReferenceDevice())],
  ["wasm", () => openDevice("wasm")],
];

describe.each(DEVICES)("two outputs on %s", (target, open) => {
  it("learn together, and are reported by their names", async () => {
    const artifact = await compiled(specOf(WHOLE), target);
    const [network, data] = [await Network.open(artifact, await open()), await dataOf(artifact)];
    const events = await eventsOf(network, data);
    expect(events[0]).toMatchObject({ labels: { breed: "class", age: "number" } });
    for (const { train: trained, val } of epochsOf(events)) {
      for (const metrics of [trained, val!])
        expect(metrics["loss"]).toBeCloseTo((metrics["breed.loss"] as number) + 0.25 * (metrics["age.loss"] as number), 10);
      expect(Object.keys(trained)).toEqual(["loss", "breed.loss", "breed.accuracy", "breed.f1", "age.loss", "age.mae"]);
      expect(Object.keys(val!).at(-1)).toBe("breed.auc");
    }
    const last = epochsOf(events).at(-1)!.val!;
    expect(last).toMatchObject({ "breed.accuracy": 1, "breed.f1": 1, "breed.auc": 1 });
    const answers = await predictSplit(network.loaded, data);
    expect(answers.map((answer) => [...answer.keys()].join())).toEqual(ROWS.map(() => "breed,age"));
    expect(answers.map((answer) => (answer.get("breed") as { readonly label: string }).label)).toEqual(ROWS.map(([, , breed]) => breed));
    const off = answers.map((answer, i) =>
      Math.abs((answer.get("age") as { readonly values: readonly number[] }).values[0]! - Number(ROWS[i]![3])),
    );
    expect(off.reduce((sum, each) => sum + each, 0) / ROWS.length).toBeCloseTo(last["age.mae"] as number, 4);
    network.dispose();
  });

  it("are asked for nothing before they have weights", async () => {
    const artifact = await compiled(specOf(WHOLE), target);
    const [device, data] = [await open(), await dataOf(artifact)];
    const [network, other] = [await Network.open(artifact, device), await Network.open(artifact, device)];
    const evaluate = createEvaluator(network.loaded);
    for (const asked of [() => predictSplit(network.loaded, data), () => evaluate(data)])
      await expect(asked()).rejects.toThrow(new StateError("no weights: `load` or `train` first"));
    initialize(other.loaded);
    const given = readSafetensors(await readWeights(other.loaded));
    // In f32, as files have them.
    for (const { loaded } of [network, other]) loadWeights(loaded, given);
    expect(await predictSplit(network.loaded, data)).toEqual(await predictSplit(other.loaded, data));
    for (const it of [network, other]) it.dispose();
    device.dispose();
  });

  it("go through stages that freeze what one of them is made of, in f16, with kept features as without", async () => {
    const stages = (features: string): string =>
      `${LOSSES}\n  precision f16\n  optimizer adam(lr: 0.05)\n  batch 5\n  ${features}
  stage breeds { freeze fc_age  epochs 4 }
  stage ages { freeze ** except fc_age  epochs 6 }`;
    const run = async (features: string): Promise<readonly [readonly EpochEvent[], ReadonlyMap<string, string>, readonly boolean[]]> => {
      // Enough below the outputs for it to be worth keeping.
      const wide = specOf(stages(features)).replace("linear(6) -> tanh", "linear(64) -> tanh\n  narrow: linear(3) -> tanh");
      const artifact = await compiled(wide, target);
      const [network, data] = [await Network.open(artifact, await open()), await dataOf(artifact)];
      const epochs = epochsOf(await eventsOf(network, data));
      const states = artifact.parameters.map(({ state }) => state);
      const values = await network.loaded.session.read(states);
      const weights = new Map([...values].map(([name, value]) => [name, [...value].join()]));
      network.dispose();
      return [epochs, weights, artifact.stages.map(({ report }) => report.cache.features)];
    };
    const [epochs, weights, kept] = await run("features cached");
    const [plain, same, none] = await run("features uncached");
    expect([kept, none]).toEqual([
      [false, true],
      [false, false],
    ]);
    expect(weights).toEqual(same);
    expect(epochs.map(({ train: it }) => it)).toEqual(plain.map(({ train: it }) => it));
    const of = (name: string): number[] => epochs.map(({ val }) => val![name] as number);
    // The second stage leaves breeds as they are, to the bit, and learns ages.
    expect(new Set(of("breed.loss").slice(3)).size).toBe(1);
    expect(of("breed.loss")[3]).toBeLessThan(of("breed.loss")[0]!);
    expect(of("age.loss").at(-1)).toBeLessThan(of("age.loss")[3]!);
  });

  it("go on from a checkpoint to the bit, and keep the best epoch of one of them", async () => {
    const artifact = await compiled(specOf(`${WHOLE}\n  keep best train.age.loss\n  stop when train.breed.accuracy stalls for 20`), target);
    const data = await dataOf(artifact);
    const saved: Progress[] = [];
    const whole = await eventsOf(await Network.open(artifact, await open()), data, {
      checkpoints: { save: (progress) => void saved.push(progress) },
    });
    const again = await eventsOf(await Network.open(artifact, await open()), data, { resume: saved[4]! });
    const weights = (events: readonly TrainEvent[]): string => Buffer.from((events.at(-1) as DoneEvent).weights).toString("hex");
    expect(weights(again)).toBe(weights(whole));
    expect(whole.find(({ event }) => event === "stage")).toMatchObject({ best: { metric: "train.age.loss" } });
  });
});

describe("several outputs", () => {
  it("weigh what is trained on: an output that counts for little learns little", async () => {
    const after = async (losses: string): Promise<EpochEvent["train"]> => {
      const artifact = await compiled(specOf(`${losses}\n  optimizer sgd(lr: 0.1)\n  batch 24\n  epochs 8`));
      return epochsOf(await eventsOf(await Network.open(artifact, openReferenceDevice()), await dataOf(artifact))).at(-1)!.train;
    };
    const [little, much] = [
      await after("loss breed: cross_entropy, age: mse * 1e-6"),
      await after("loss breed: cross_entropy, age: mse * 0.5"),
    ];
    expect(much["age.loss"] as number).toBeLessThan((little["age.loss"] as number) / 3);
  });

  it("take several batches for a step as one batch of their size", async () => {
    const weightsAfter = async (batches: string): Promise<number[]> => {
      const artifact = await compiled(specOf(`${LOSSES}\n  optimizer sgd(lr: 0.1)\n  epochs 3\n  ${batches}`));
      const network = await Network.open(artifact, openReferenceDevice());
      await eventsOf(network, await dataOf(artifact));
      const state = artifact.parameters.map((parameter) => parameter.state);
      return [...(await network.loaded.session.read(state)).values()].flatMap((values) => [...values]);
    };
    const [one, several] = [await weightsAfter("batch 10"), await weightsAfter("batch 5  accumulate 2")];
    several.forEach((value, i) => expect(value).toBeCloseTo(one[i]!, 6));
  });

  it("stand in an application by their names", async () => {
    const artifact = await compiled(specOf(WHOLE), "wasm");
    const device = await openDevice("wasm");
    const model = await Model.open(artifact, device, { kind: "wasm", reason: "a test" });
    const inputs = { body: ROWS.map(([height, mass]) => [Number(height), Number(mass)]) };
    // The network takes numbers as they are: no step of the data set scales them.
    const rows = ROWS.map(([height, mass]) => ({ height: Number(height), mass: Number(mass) }));
    const labels = { breed: ROWS.map(([, , breed]) => String(breed)), age: ROWS.map((row) => Number(row[3])) };
    const split = { inputs: artifact.dataInfo.inputs[0]!.fields ? rows : inputs, labels };
    for await (const _ of model.train({ train: split }, { epochs: 30 }));
    const metrics = await model.evaluate(split);
    expect(metrics["breed.accuracy"]).toBe(1);
    const [answer] = await model.predict([artifact.dataInfo.inputs[0]!.fields ? rows[1]! : inputs.body[1]!]);
    expect(answer).toMatchObject({ breed: { kind: "class", label: "labrador" }, age: { kind: "values" } });
    await expect(model.evaluate({ ...split, labels: { breed: labels.breed } })).rejects.toThrow('no labels for "age"');
    await expect(model.evaluate({ ...split, labels: labels.age })).rejects.toThrow('no labels for "breed"');
    model.dispose();
  });

  it("may be compared with the picture, beside the class of its folder", async () => {
    const info = {
      inputs: [{ name: "image", dtype: "u8", shape: [1, 2, 3], picture: [3, 2, 3] }],
      targets: [{ label: { name: "kind", dtype: "i32", shape: [] }, classes: ["cat", "dog"] }],
    } as const;
    const text = `network two(kinds) {
  input image: f32[1, 2, 3]
  flatten -> code: linear(4)
  output kind = fc: linear(kinds)
  output picture = back: linear(6) -> reshape([1, 2, 3])
}
dataset d {
  train images("pictures")
  preprocess grayscale -> normalize(mean: [0.5], std: [0.25])
}
recipe r {
  network two(d.classes)
  data d
  loss kind: cross_entropy, picture: mse(against: input) * 0.5
  metrics picture.mae
  optimizer adam(lr: 0.02)
  batch 4
  epochs 80
}`;
    const data = splitFromArrays(info, {
      // The first pixel says which it is.
      image: Uint8Array.from({ length: 36 }, (_, i) => (i % 6 === 0 ? (i % 12) * 40 : (i * 89) % 256)),
      kind: Int32Array.of(0, 1, 0, 1, 0, 1),
    });
    const network = await Network.open(await compileText(text, info), openReferenceDevice());
    const epochs = epochsOf(await eventsOf(network, data));
    const metrics = (await createEvaluator(network.loaded)(data))!;
    expect(metrics["kind.accuracy"]).toBe(1);
    expect(metrics["picture.loss"] as number).toBeLessThan((epochs[0]!.train["picture.loss"] as number) / 4);
  });

  it("are mixed as their pictures are: the class of each, and the picture that it is compared with", async () => {
    const info = {
      inputs: [{ name: "image", dtype: "u8", shape: [1, 2, 2], picture: [3, 2, 2] }],
      targets: [{ label: { name: "kind", dtype: "i32", shape: [] }, classes: ["cat", "dog"] }],
    } as const;
    const text = (augment: string): string => `network two(kinds) {
  input image: f32[1, 2, 2]
  flatten
  output kind = fc: linear(kinds)
  output picture = back: linear(4) -> reshape([1, 2, 2])
}
dataset d {
  train images("pictures")
  ${augment}
  preprocess grayscale -> normalize(mean: [0], std: [1])
}
recipe r {
  network two(d.classes)
  data d
  loss kind: cross_entropy, picture: mse(against: input)
  optimizer sgd(lr: 1e-20)
  batch 2
  epochs 1
}`;
    const data = splitFromArrays(info, { image: Uint8Array.of(0, 0, 0, 0, 255, 255, 255, 255), kind: Int32Array.of(0, 1) });
    const first = async (augment: string): Promise<{ readonly kind: number; readonly picture: number; readonly share: number }> => {
      const network = await Network.open(await compileText(text(augment), info), openReferenceDevice());
      const { session } = network.loaded;
      // Scores are 0 and the brightness of all pixels, and the other output is the picture.
      const epochs: EpochEvent[] = [];
      for await (const event of train(network, { train: data })) {
        if (event.event === "start") {
          session.write("weight/fc.weight", Float32Array.of(0, 0, 0, 0, 1, 1, 1, 1));
          for (const name of ["fc.bias", "back.bias"]) session.write(`weight/${name}`, new Float32Array(name === "fc.bias" ? 2 : 4));
          session.write(
            "weight/back.weight",
            Float32Array.from({ length: 16 }, (_, i) => Number(i % 5 === 0)),
          );
        }
        if (event.event === "epoch") epochs.push(event);
      }
      const { "kind.loss": kind, "picture.loss": picture } = epochs[0]!.train as Record<string, number>;
      // Of black by s and white by the rest, the mean square from both of them in the same shares: s (1 - s)^2 + (1 - s) s^2.
      return { kind: kind!, picture: picture!, share: (1 + Math.sqrt(1 - 4 * picture!)) / 2 };
    };
    const plain = await first("");
    expect(plain.picture).toBeCloseTo(0, 6);
    const { kind, share } = await first("augment mixup(alpha: 1)");
    expect(share).toBeGreaterThan(0.5);
    expect(share).toBeLessThan(1);
    // Of a picture of brightness v, cross entropy of the class 0 and of 1; each picture has its own class by one share and the other by the rest.
    const losses = (v: number): readonly [number, number] => [Math.log(1 + Math.exp(4 * v)), Math.log(1 + Math.exp(-4 * v))];
    const expected = (s: number): number =>
      (s * losses(1 - s)[0] + (1 - s) * losses(1 - s)[1] + s * losses(s)[1] + (1 - s) * losses(s)[0]) / 2;
    expect([expected(share), expected(1 - share)].some((it) => Math.abs(it - kind) < 1e-5)).toBe(true);
  });

  it("have weights of classes that are made of their own labels", async () => {
    const { recipe } = await compiled(
      specOf(`loss breed: cross_entropy(weights: balanced), age: mse\n  optimizer sgd(lr: 0.1)\n  batch 4\n  epochs 1`),
    );
    expect(recipe.tasks?.[0]?.loss.args["weights"]).toEqual([1, 1, 1]);
  });

  it("have weights of classes by their names, where the others weigh 1", async () => {
    // In order: collie, labrador, pug.
    const of = async (weights: string): Promise<unknown> =>
      (await compiled(specOf(WHOLE.replace("breed: cross_entropy", `breed: cross_entropy(weights: ${weights})`)))).recipe.tasks?.[0]?.loss
        .args["weights"];
    expect(await of('[["pug", 3], ["collie", 0.5]]')).toEqual(await of("[0.5, 1, 3]"));
    expect(await of('[["labrador", 2]]')).toEqual([1, 2, 1]);
    await expect(of('[["poodle", 2]]')).rejects.toThrow("`weights` has a number for `poodle`");
  });

  it("are told which of their labels cannot be used", async () => {
    writeFileSync(join(folder, "faulty.csv"), "height,mass,breed,years\n1,2,pug,3\n2,3,,4\n");
    const faulty = specOf(WHOLE).replace("dogs.csv", "faulty.csv");
    await expect(compiled(faulty)).rejects.toThrow('the label of "breed" is empty');
    await expect(compiled(specOf(WHOLE, "breed, age: breed"))).rejects.toThrow(
      'the label of "age" holds "pug", and the loss compares numbers',
    );
  });
});

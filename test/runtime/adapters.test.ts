// Adapters beside the layers of a network, as a run has them: where it begins, what it changes, and what of it PEFT and a merge are given.

import { describe, expect, it } from "vitest";
import type { Artifact } from "../../src/ir/artifact.ts";
import type { DataInfo } from "../../src/ir/plan.ts";
import { splitFromArrays, type LoadedSplit } from "../../src/runtime/data/loaded-split.ts";
import type { Device } from "../../src/runtime/device.ts";
import type { DoneEvent, TrainEvent } from "../../src/runtime/events.ts";
import { Network } from "../../src/runtime/network.ts";
import { openDevice } from "../../src/runtime/open-device.ts";
import { openReferenceDevice } from "../../src/runtime/reference/device.ts";
import { train, type TrainOptions } from "../../src/runtime/trainer.ts";
import { ADAPTER_CONFIG, ADAPTER_WEIGHTS, adapterFiles, mergeAdapter } from "../../src/runtime/weights/adapter.ts";
import { checkWeights } from "../../src/runtime/weights/model-weights.ts";
import { readSafetensors, writeSafetensors, type Safetensors, type Tensor } from "../../src/runtime/weights/safetensors.ts";
import { fromHostArray, toFloat32 } from "../../src/runtime/weights/tensor-values.ts";
import { createRandom } from "../support/random.ts";
import { compileText } from "../support/run-spec.ts";
import { relativeError } from "../support/values.ts";

const EXAMPLES = 20;

const info: DataInfo = {
  inputs: [{ name: "tokens", dtype: "i32", shape: [6] }],
  label: { name: "label", dtype: "i32", shape: [] },
  classes: ["a", "b", "c"],
};

const spec = (settings: string): string => `network net {
  input tokens: i32[6]
  embedding: embedding(9, 4) -> transpose([1, 0])
  conv: conv1d(6, kernel: 3, padding: 1) -> bn: batch_norm -> relu -> transpose([1, 0]) -> mean
  low: linear(5) -> tanh
  fc: linear(3)
}
dataset d { train table("d.tsv", tokens: t, label: l) }
recipe r {
  network net
  data d
  loss cross_entropy
  optimizer adamw(lr: 0.05)
  epochs 3
  batch 5
  ${settings}
}
`;

function examples(): LoadedSplit {
  const random = createRandom(5);
  return splitFromArrays(info, {
    tokens: Int32Array.from({ length: EXAMPLES * 6 }, () => Math.floor(random() * 9)),
    label: Int32Array.from({ length: EXAMPLES }, (_, i) => i % 3),
  });
}

interface Outcome {
  readonly artifact: Artifact;
  readonly losses: readonly number[];
  readonly validated: readonly number[];
  readonly file: Uint8Array;
  readonly weights: Safetensors;
}

async function run(device: Device, settings: string, options: TrainOptions = {}): Promise<Outcome> {
  const artifact = await compileText(spec(settings), info, device.info.kind);
  const network = await Network.open(artifact, device);
  try {
    const events: TrainEvent[] = [];
    for await (const event of train(network, { train: examples(), test: examples() }, options)) events.push(event);
    const { weights: file, test } = events.at(-1) as DoneEvent;
    const losses = events.flatMap((it) => (it.event === "step" ? [it.loss] : []));
    return { artifact, losses, validated: [Number(test?.["loss"])], file, weights: readSafetensors(file) };
  } finally {
    network.dispose();
  }
}

const DEVICES = [
  ["reference", () => Promise.resolve(openReferenceDevice())],
  ["wasm", () => openDevice("wasm", { threads: 2 })],
] as const;

const values = ({ tensors }: Safetensors, name: string): Float32Array => toFloat32(name, tensors.get(name)!);
const base = (file: Uint8Array): { has: (it: string) => boolean; read: (it: string) => Promise<Tensor>; names: Iterable<string> } => {
  const { tensors } = readSafetensors(file);
  return { has: (it) => tensors.has(it), read: (it) => Promise.resolve(tensors.get(it)!), names: tensors.keys() };
};

describe.each(DEVICES)("adapters on %s", (_, open) => {
  const ADAPTED = "adapt ** except low with lora(rank: 2, alpha: 6)\n  replace fc with linear(3)";

  it("begin with the network as it was, and leave it as it is to the bit", async () => {
    const device = await open();
    const [plain, adapted, start] = [await run(device, ""), await run(device, ADAPTED), await run(device, ADAPTED, { epochs: 0 })];
    // The norm is frozen, and so with the statistics of no batch: only where it begins is it the same.
    expect((await run(device, "freeze bn")).losses[0]).toBeCloseTo(adapted.losses[0]!, 5);
    for (const name of plain.weights.tensors.keys()) {
      const isTrained = name.startsWith("fc.");
      expect(Buffer.from(adapted.weights.tensors.get(name)!.data).equals(start.weights.tensors.get(name)!.data), name).toBe(!isTrained);
    }
    const epoch = (from: number): number => adapted.losses.slice(from, from + 4).reduce((sum, loss) => sum + loss / 4, 0);
    expect(epoch(8)).toBeLessThan(epoch(0) - 0.02);
    device.dispose();
  });

  it("answer as the network does that takes them up", async () => {
    const device = await open();
    const { artifact, file, validated } = await run(device, ADAPTED);
    const files = adapterFiles(artifact, file);
    const before = await run(device, "replace fc with linear(3)", { epochs: 0 });
    const adapter = readSafetensors(files.get(ADAPTER_WEIGHTS) as Uint8Array);
    expect([...adapter.tensors.keys()].sort()).toEqual([
      ...["base_model.model.conv.lora_A.weight", "base_model.model.conv.lora_B.weight"],
      ...["base_model.model.embedding.lora_embedding_A", "base_model.model.embedding.lora_embedding_B"],
      ...["base_model.model.fc.bias", "base_model.model.fc.weight"],
    ]);
    const merged = await mergeAdapter(base(before.file), adapter, String(files.get(ADAPTER_CONFIG)));
    const answer = await run(device, "replace fc with linear(3)", { weights: readSafetensors(merged), epochs: 0 });
    expect(answer.validated[0]).toBeCloseTo(validated[0]!, 5);
    expect(Math.abs(answer.validated[0]! - before.validated[0]!)).toBeGreaterThan(0.01);
    device.dispose();
  });
});

describe("the files of an adapter", () => {
  const read = async (settings: string): Promise<Outcome> => run(openReferenceDevice(), settings, { epochs: 0 });

  it("say what PEFT asks: names of layers as one pattern, and what some of them have otherwise", async () => {
    const { artifact, file } = await read(
      "adapt conv, embedding with lora(rank: 4, alpha: 8)\n  adapt low with lora(rank: 2, alpha: 1)\n  replace fc with linear(3)",
    );
    const config = JSON.parse(String(adapterFiles(artifact, file).get(ADAPTER_CONFIG))) as object;
    expect(config).toMatchObject({
      ...{ peft_type: "LORA", r: 4, lora_alpha: 8, bias: "none", target_modules: "embedding|conv|low" },
      ...{ rank_pattern: { low: 2 }, alpha_pattern: { low: 1 }, modules_to_save: ["fc"] },
    });
  });

  const merge = (config: object, tensors: Record<string, Tensor>, weight = [1, 2, 3, 4]): Promise<Uint8Array> =>
    mergeAdapter(
      base(writeSafetensors(new Map([["a.fc.weight", f32([2, 2], weight)]]))),
      { tensors: new Map(Object.entries(tensors)), metadata: new Map() },
      JSON.stringify({ peft_type: "LORA", r: 1, lora_alpha: 2, ...config }),
    );
  const f32 = (shape: number[], list: number[]): Tensor => fromHostArray(Float32Array.from(list), "f32", shape);
  const pair = {
    "base_model.model.a.fc.lora_A.weight": f32([1, 2], [10, 100]),
    "base_model.model.a.fc.lora_B.weight": f32([2, 1], [1, -1]),
  };

  it.each([
    [{}, [21, 202, -17, -196]],
    [{ alpha_pattern: { fc: 4 } }, [41, 402, -37, -396]],
    [{ r: 4, use_rslora: true }, [21, 202, -17, -196]],
  ])("are merged as PEFT does: %j", async (config, expected) => {
    const { tensors } = readSafetensors(await merge(config, pair));
    expect([...toFloat32("w", tensors.get("a.fc.weight")!)]).toEqual(expected);
    expect([...tensors.keys()]).toEqual(["a.fc.weight"]);
  });

  it.each([
    [{ use_dora: true }, pair, "`use_dora`"],
    [{ peft_type: "IA3" }, pair, "IA3"],
    [{ alpha_pattern: { "f.*": 4 } }, pair, "the pattern f.*"],
    [{}, { "base_model.model.a.fc.lora_A.weight": f32([1, 2], [1, 1]) }, "has lora_A.weight alone"],
    [
      {},
      { "base_model.model.b.lora_A.weight": f32([1, 2], [1, 1]), "base_model.model.b.lora_B.weight": f32([2, 1], [1, 1]) },
      "no b.weight",
    ],
    [{}, { ...pair, "base_model.model.a.fc.lora_magnitude_vector": f32([2], [1, 1]) }, "lora_magnitude_vector"],
    [{}, { ...pair, "base_model.model.a.fc.lora_B.weight": f32([4, 1], [1, 1, 1, 1]) }, "the base has [2, 2]"],
  ])("are refused where they say what cannot be merged: %#", async (config, tensors, message) => {
    await expect(merge(config, tensors as Record<string, Tensor>)).rejects.toThrow(message);
  });

  it("are no part of a network's weights that has them taken up, and are there whole or not at all", async () => {
    const { artifact, weights } = await read("adapt fc with lora");
    const without = new Map([...weights.tensors].filter(([name]) => !name.includes("lora_")));
    expect(checkWeights(artifact, { tensors: without }).has("fc.lora_A.weight")).toBe(false);
    expect(checkWeights(artifact, weights).has("fc.lora_A.weight")).toBe(true);
    const half = new Map([...weights.tensors].filter(([name]) => name !== "fc.lora_B.weight"));
    expect(() => checkWeights(artifact, { tensors: half })).toThrow("fc.lora_B.weight is missing");
    expect(values(weights, "fc.lora_B.weight").every((value) => value === 0)).toBe(true);
    expect(relativeError([...values(weights, "fc.lora_A.weight")], [0])).toBeGreaterThan(0);
  });
});

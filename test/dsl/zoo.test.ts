// Every network of the zoo at full size: its number of weights, and the name and shape of every tensor, are those that published weights
// have. What they are is said independently, by scripts/zoo_models.py; `python3 scripts/make-zoo-traces.py NAME` prints them.

import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { namesInNetwork } from "../../src/ir/weights/names.ts";
import { sizeOf } from "../../src/ir/types.ts";
import { elaborated } from "../support/elaborated.ts";
import { specOfZoo, ZOO } from "../support/zoo.ts";
import { SPECS } from "./support.ts";

/** As published with the weights. */
const PUBLISHED: Readonly<Record<string, number>> = {
  resnet18: 11_689_512,
  resnet34: 21_797_672,
  resnet50: 25_557_032,
  resnet101: 44_549_160,
  resnet152: 60_192_808,
  wide_resnet50_2: 68_883_240,
  wide_resnet101_2: 126_886_696,
  resnext50_32x4d: 25_028_904,
  resnext101_32x8d: 88_791_336,
  vgg11: 132_863_336,
  vgg16: 138_357_544,
  vgg16_bn: 138_365_992,
  vgg19: 143_667_240,
  densenet121: 7_978_856,
  mobilenet_v2: 3_504_872,
  mobilenet_v3_large: 5_483_032,
  mobilenet_v3_small: 2_542_856,
  efficientnet_b0: 5_288_548,
  convnext_tiny: 28_589_128,
  squeezenet1_0: 1_248_424,
  squeezenet1_1: 1_235_496,
  bert: 109_482_240,
  bert_classifier: 109_483_778,
};

describe("the zoo", () => {
  it("is all in the list", () => {
    const declared = readdirSync(join(SPECS, "zoo")).flatMap((file) => {
      const text = readFileSync(join(SPECS, "zoo", file), "utf8");
      // Networks that can be used as they are: aliases, and such whose parameters all have defaults.
      const networks = [...text.matchAll(/^network (\w+)( =|\(\w+ = )/gm)];
      return networks.map(([, name]) => name);
    });
    expect(Object.keys(ZOO).sort()).toEqual(declared.sort());
    expect(Object.keys(ZOO)).toEqual(expect.arrayContaining(Object.keys(PUBLISHED)));
  });

  it.each(Object.entries(ZOO))("%s has the published names and shapes", (name, { file, weights, tensors, sha256 }) => {
    const { parameters } = elaborated(specOfZoo(file, name, file === "unet" ? "mse" : "cross_entropy"), 1, { time: 8 });
    const sizes = parameters.filter(({ kind }) => kind === "weight").map(({ state }) => sizeOf(state.type.shape));
    const count = sizes.reduce((sum, size) => sum + size, 0);
    expect([count, parameters.length]).toEqual([weights, tensors]);
    expect(count).toBe(PUBLISHED[name] ?? count);
    const lines = parameters.map((it) => `${it.name} ${it.state.type.shape.join("x")}\n`).sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1));
    expect(createHash("sha256").update(lines.join("")).digest("hex")).toBe(sha256);
  });
});

describe("weights of BERT", () => {
  const { parameters } = elaborated(specOfZoo("bert", "bert_classifier(layers: 1)"), 1, { time: 8 });
  const own = parameters.map(({ name }) => name);
  const published = own.filter((name) => !name.startsWith("classifier"));

  // The first checkpoints have a norm's weights as gamma and beta, a table of positions, and the heads that they were trained with.
  it.each([
    ["are of a classifier's encoder", published],
    ["are of an encoder by itself", published.map((name) => name.replace("bert.", ""))],
    [
      "are those of the first checkpoints",
      published.map((name) => name.replace("Norm.weight", "Norm.gamma").replace("Norm.bias", "Norm.beta")),
    ],
  ])("%s", (_, file) => {
    const { names } = namesInNetwork([...file, "cls.predictions.bias", "bert.embeddings.position_ids"], new Set(own), []);
    expect([...names.values()].sort()).toEqual([...published, "cls.predictions.bias"].sort());
  });
});

const nameOf = (line: string): string => line.slice(0, line.indexOf(" "));

// Recipes and data sets as plans, and what `--set` changes in them.

import { describe, expect, it } from "vitest";
import { renderDiagnostics } from "../../src/diagnostics.ts";
import { planRecipe } from "../../src/dsl/index.ts";
import type { PlannedRecipe } from "../../src/dsl/index.ts";
import { globCovers } from "../../src/ir/glob.ts";
import { folderOf, joinPath } from "../../src/dsl/paths.ts";
import { load } from "./support.ts";

const NETWORK = "network net(classes = 10, width = 4) {\n  input image: f32[3, 8, 8]\n  flatten -> fc: linear(classes)\n}\n";

function plan(
  settings: string,
  overrides: readonly string[] = [],
  data = 'train images("data/train")\n  test images("data/test")',
  path = "specs/main.tlspec",
): PlannedRecipe {
  const spec = load(
    `${NETWORK}dataset pictures {\n  ${data}\n}\nrecipe main {\n  network net\n  data pictures\n  batch 8\n  epochs 1\n  ${settings}\n}\n`,
    {},
    path,
  );
  const planned = planRecipe(spec, { overrides });
  if (planned === undefined || spec.sink.hasErrors) throw new Error(renderDiagnostics(spec.sink.list(), spec.sources));
  return planned;
}
const SGD = "loss cross_entropy\n  optimizer sgd(lr: 0.1)";

describe("recipes", () => {
  it.each([
    ["sgd(lr: 0.1)", { word: "sgd", args: { lr: 0.1, momentum: 0, dampening: 0, nesterov: false, weight_decay: 0 } }],
    [
      "sgd(1e-2, 0.9, nesterov: true, weight_decay: 1e-4)",
      { word: "sgd", args: { lr: 0.01, momentum: 0.9, dampening: 0, nesterov: true, weight_decay: 1e-4 } },
    ],
    ["adam", { word: "adam", args: { lr: 1e-3, betas: [0.9, 0.999], eps: 1e-8, weight_decay: 0 } }],
    ["adamw(lr: 3e-4, betas: [0.8, 0.9])", { word: "adamw", args: { lr: 3e-4, betas: [0.8, 0.9], eps: 1e-8, weight_decay: 0.01 } }],
  ])("take optimizer %s with PyTorch's defaults", (optimizer, expected) => {
    expect(plan(`loss cross_entropy\n  optimizer ${optimizer}`).plan.stages[0]?.optimizer).toEqual(expected);
  });

  it("are plain values", () => {
    const { plan: it } = plan(
      "loss cross_entropy(label_smoothing: 10%)\n  optimizer adam\n  metrics accuracy, f1\n  schedule cosine(warmup: 5%)\n  seed 7\n  precision f32",
    );
    expect(it).toMatchObject({
      name: "main",
      loss: { word: "cross_entropy", args: { label_smoothing: 0.1 } },
      metrics: [
        { word: "accuracy", args: {} },
        { word: "f1", args: { average: "macro" } },
      ],
      batch: 8,
      seed: 7,
      stages: [{ name: "main", optimizer: { word: "adam" }, schedule: { word: "cosine", args: { warmup: 0.05, end: 0 } }, epochs: 1 }],
    });
    expect(JSON.parse(JSON.stringify(it))).toEqual(it);
  });

  it("have stages, each with settings of its own or else the recipe's", () => {
    const tune = "stage tune {\n    optimizer adam\n    schedule linear\n    epochs 5\n    freeze fc.bias\n  }";
    const planned = plan(`loss mse\n  optimizer sgd(lr: 1)\n  freeze fc.weight\n  stage head { epochs 2 }\n  ${tune}`);
    expect(planned.plan.stages).toMatchObject([
      { name: "head", epochs: 2, optimizer: { word: "sgd", args: { lr: 1 } }, schedule: { word: "constant" } },
      { name: "tune", epochs: 5, optimizer: { word: "adam" }, schedule: { word: "linear" } },
    ]);
    expect(planned.stages.map(({ frozen }) => ["fc.bias", "fc.weight"].map((name) => frozen({ name })))).toEqual([
      [false, true],
      [true, false],
    ]);
  });
});

describe("data sets", () => {
  it("are plain values, with paths below the spec's folder", () => {
    const data = [
      'train images("data/train")',
      'test images("/abs/test")',
      "split train into train 90%, val 1/20 seed 7",
      "preprocess resize(32) -> center_crop(24) -> grayscale -> normalize(mean: [0.5], std: [0.25])",
      "augment random_crop(24, padding: 4) -> random_resized_crop(24, scale: 0.08..1) -> horizontal_flip",
    ].join("\n  ");
    const { data: it } = plan(SGD, [], data);
    expect(it).toMatchObject({
      name: "pictures",
      sources: {
        train: { word: "images", args: { path: "specs/data/train" } },
        test: { word: "images", args: { path: "/abs/test" } },
      },
      splits: [
        {
          from: "train",
          parts: [
            { name: "train", fraction: 0.9 },
            { name: "val", fraction: 0.05 },
          ],
          seed: 7,
        },
      ],
      preprocess: [
        { word: "resize", args: { size: 32, filter: "bilinear" } },
        { word: "center_crop", args: { size: [24, 24] } },
        { word: "grayscale", args: {} },
        { word: "normalize", args: { mean: [0.5], std: [0.25] } },
      ],
      augment: [
        { word: "random_crop", args: { size: [24, 24], padding: 4 } },
        { word: "random_resized_crop", args: { size: [24, 24], scale: [0.08, 1], ratio: [3 / 4, 4 / 3] } },
        { word: "horizontal_flip", args: { probability: 0.5 } },
      ],
    });
    expect(JSON.parse(JSON.stringify(it))).toEqual(it);
  });

  it("map inputs to columns", () => {
    const { data } = plan(SGD, [], 'train table("x.tsv", image: pixels, label: "the label")');
    expect(data?.sources["train"]).toMatchObject({
      word: "table",
      args: { path: "specs/x.tsv", columns: { image: "pixels", label: "the label" } },
    });
  });
});

describe("--set", () => {
  it.each<[string, (it: PlannedRecipe) => unknown, unknown]>([
    ["batch=32", (it) => it.plan.batch, 32],
    [" batch = 32 ", (it) => it.plan.batch, 32],
    ["epochs=2", (it) => it.plan.stages[0]?.epochs, 2],
    ["seed=3", (it) => it.plan.seed, 3],
    ["loss=mse", (it) => it.plan.loss, { word: "mse", args: { against: "label" } }],
    [
      "loss.label_smoothing=5%",
      (it) => it.plan.loss,
      { word: "cross_entropy", args: { label_smoothing: 0.05, weights: [], ignore: "nothing" } },
    ],
    ["optimizer=adam(lr: 1e-2)", (it) => it.plan.stages[0]?.optimizer.word, "adam"],
    ["optimizer.lr=1e-2", (it) => it.plan.stages[0]?.optimizer.args["lr"], 0.01],
    [
      "optimizer.momentum=0.5",
      (it) => it.plan.stages[0]?.optimizer,
      { word: "sgd", args: { lr: 0.1, momentum: 0.5, dampening: 0, nesterov: false, weight_decay: 0 } },
    ],
    ["metrics=accuracy, f1", (it) => it.plan.metrics?.map(({ word }) => word), ["accuracy", "f1"]],
    ["freeze=** except fc.weight", (it) => ["fc.bias", "fc.weight"].map((name) => it.stages[0]?.frozen({ name })), [true, false]],
    ["data.train=/else/where", (it) => it.data?.sources["train"]?.args["path"], "/else/where"],
    ["data.train=../relative path", (it) => it.data?.sources["train"]?.args["path"], "../relative path"],
    ['data.train="quoted"', (it) => it.data?.sources["train"]?.args["path"], "quoted"],
    ['data.val=images("more")', (it) => it.data?.sources["val"]?.args["path"], "more"],
    [
      "data.augment=horizontal_flip",
      (it) => it.data?.augment.map(({ word, args }) => ({ word, args })),
      [{ word: "horizontal_flip", args: { probability: 0.5 } }],
    ],
    ["network.classes=3", (it) => (it.network.kind === "call" ? it.network.args.length : 0), 1],
  ])("%s", (override, pick, expected) => {
    expect(pick(plan(SGD, [override]))).toEqual(expected);
  });

  it("reaches into stages, by name or wherever the setting is", () => {
    const staged = "loss mse\n  stage tune {\n    optimizer adam\n    epochs 5\n  }";
    expect(plan(staged, ["stage.tune.epochs=2"]).plan.stages[0]?.epochs).toBe(2);
    expect(plan(staged, ["epochs=3"]).plan.stages[0]?.epochs).toBe(3);
    expect(plan(staged, ["optimizer.lr=2"]).plan.stages[0]?.optimizer.args["lr"]).toBe(2);
    expect(plan(staged, ["stage.tune.freeze=fc.bias"]).stages[0]?.frozen({ name: "fc.bias" })).toBe(true);
  });

  it("reaches the loss of one output, with its weight", () => {
    const spec = load(
      "network two {\n  input image: f32[4]\n  output a = fa: linear(1)\n  output b = fb: linear(1)\n}\n" +
        "recipe main {\n  network two\n  loss a: mse, b: mae * 0.5\n  optimizer adam\n}\n",
    );
    const planned = planRecipe(spec, { overrides: ["loss.b=huber(delta: 2) * 0.1"] });
    expect(renderDiagnostics(spec.sink.list(), spec.sources)).toBe("");
    expect(planned?.tasks.map(({ task, loss }) => [task.output, task.weight, loss.name])).toEqual([
      ["a", 1, "mse"],
      ["b", 0.1, "huber"],
    ]);
  });

  it("replaces an argument given by its place", () => {
    expect(plan("loss mse\n  optimizer sgd(0.1, 0.9)", ["optimizer.lr=1"]).plan.stages[0]?.optimizer.args).toMatchObject({
      lr: 1,
      momentum: 0.9,
    });
  });
});

describe("patterns", () => {
  it.each([
    ["fc", "fc.weight", true],
    ["fc", "fc2.weight", false],
    ["layer1.**", "layer1.0.conv1.weight", true],
    ["layer1.*", "layer1.0.conv1.weight", true],
    ["**", "a", true],
    ["**.bias", "a.b.bias", true],
    ["**.bias", "a.bias.weight", true],
    ["*.bias", "a.b.bias", false],
    ["*.b.**.c", "a.b.d.c", true],
    ["*.b.**.c", "a.x.b.d.c", false],
    ["a.**.c", "a.c", true],
    ["a.**.c", "a.b.b.c.d", true],
    ["bn*.weight", "bn12.weight", true],
    ["b*n*1", "bxnx1", true],
    ["b*n*1", "bxnx2", false],
    ["a.b", "a", false],
    ["layer.1", "layer.10", false],
  ])("%s covers %s: %s", (pattern, name, expected) => expect(globCovers(pattern, name)).toBe(expected));

  it("are matched in bounded time", () => {
    expect(globCovers(`${"*a".repeat(200)}b`, "a".repeat(2000))).toBe(false);
    expect(globCovers("**.a.".repeat(100) + "b", "a.".repeat(300) + "c")).toBe(false);
  });
});

describe("paths", () => {
  it.each([
    ["specs", "../a/./b.tlspec", "a/b.tlspec"],
    ["/x/y", "../../../z", "/z"],
    [".", "../z", "../z"],
    ["C:\\specs", "data/train", "C:\\specs/data/train"],
  ])("%s and %s", (folder, relative, expected) => expect(joinPath(folder, relative)).toBe(expected));

  it("have folders", () => {
    expect(["a.tlspec", "/a.tlspec", "b/a.tlspec", "C:\\b\\a.tlspec"].map(folderOf)).toEqual([".", "/", "b", "C:\\b"]);
  });
});

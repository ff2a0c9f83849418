// Networks as graphs: names, shapes, initial values and modes of what a spec declares, and the numbers of the layers that are more
// than one op.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { renderDiagnostics } from "../../src/diagnostics.ts";
import { elaborate, planRecipe } from "../../src/dsl/index.ts";
import type { ElaborateRequest, PlannedStage } from "../../src/dsl/index.ts";
import { createBuilder } from "../../src/ir/builder.ts";
import type { Builder } from "../../src/ir/builder.ts";
import { evaluateNodes } from "../../src/ir/evaluate.ts";
import { topologicalOrder } from "../../src/ir/graph.ts";
import { STREAMS, type ForwardModel, type Parameter } from "../../src/ir/model.ts";
import type { Node } from "../../src/ir/node.ts";
import { sizeOf } from "../../src/ir/types.ts";
import { decompose } from "../../src/passes/decompose.ts";
import { specialize } from "../../src/passes/specialize.ts";
import { loadClean, SPECS } from "./support.ts";
import { onlyOutput } from "../../src/ir/model.ts";

const RECIPE = "loss cross_entropy\n  optimizer sgd(lr: 0.1)";

/** The model of recipe `main`, which trains `network` with `settings`, in its first stage. */
function build(
  source: string,
  network: string,
  request: Partial<ElaborateRequest> = {},
  settings = "",
): ForwardModel & { readonly builder: Builder; readonly stage: PlannedStage } {
  const spec = loadClean(`${source}\nrecipe main {\n  network ${network}\n  ${RECIPE}\n  ${settings}\n}\n`);
  const planned = planRecipe(spec);
  const builder = request.builder ?? createBuilder();
  const stage = planned?.stages[0];
  const model = planned && stage && elaborate(spec, planned, { batch: 2, ...request, builder });
  if (model === undefined || stage === undefined) throw new Error(renderDiagnostics(spec.sink.list(), spec.sources));
  return { ...model, builder, stage };
}

const body = (text: string, input = "image: f32[3, 8, 8]"): string => `network net(classes = 10) {\n  input ${input}\n${text}\n}`;
const shapeOf = (model: ForwardModel): readonly number[] => onlyOutput(model).type.shape;
const names = (model: ForwardModel): string[] => model.parameters.map(({ name }) => name);

function evaluate(builder: Builder, nodes: readonly Node[], values: ReadonlyMap<Node, readonly number[]>): number[][] {
  const { outputs } = decompose({ builder, outputs: new Map(nodes.map((node, i) => [String(i), node])) });
  const bindings = new Map([...values].map(([node, value]) => [node, Float64Array.from(value)]));
  return evaluateNodes([...outputs.values()], bindings).map((data) => [...data]);
}

describe("names", () => {
  const zoo = 'import { resnet18, resnet34, resnet50 } from "tlc:zoo/resnet"\n';

  it("are torchvision's for resnet18", () => {
    const { parameters } = build(zoo, "resnet18");
    const weights = parameters.filter(({ kind }) => kind === "weight").map(({ name, state }) => `${name} ${state.type.shape.join("x")}`);
    const buffers = parameters.filter(({ kind }) => kind === "statistic").map(({ name }) => name);
    expect(weights.length).toBe(62);
    expect(buffers.length).toBe(40);
    for (const expected of [
      "conv1.weight 64x3x7x7",
      "bn1.weight 64",
      "layer1.0.conv1.weight 64x64x3x3",
      "layer1.1.bn2.bias 64",
      "layer2.0.downsample.0.weight 128x64x1x1",
      "layer2.0.downsample.1.bias 128",
      "layer4.1.conv2.weight 512x512x3x3",
      "fc.weight 1000x512",
      "fc.bias 1000",
    ])
      expect(weights).toContain(expected);
    expect(weights.filter((name) => name.includes("downsample")).length).toBe(9);
    expect(weights.some((name) => name.startsWith("layer1.0.downsample"))).toBe(false);
    expect(buffers).toContain("layer2.0.downsample.1.running_var");
  });

  it.each([
    ["resnet18", 11_689_512],
    ["resnet34", 21_797_672],
    ["resnet50", 25_557_032],
  ])("add up to torchvision's number of weights for %s", (network, count) => {
    const { parameters } = build(zoo, network);
    const sizes = parameters.filter(({ kind }) => kind === "weight").map(({ state }) => sizeOf(state.type.shape));
    expect(sizes.reduce((a, b) => a + b, 0)).toBe(count);
  });

  it("take arguments of an alias and of a recipe", () => {
    const { parameters, outputs } = build(zoo, "resnet18(classes: 5)");
    expect(parameters.find(({ name }) => name === "fc.weight")?.state.type.shape).toEqual([5, 512]);
    expect(onlyOutput({ outputs }).type.shape).toEqual([2, 5]);
  });

  it("are those of PyTorch's modules", () => {
    const source = body(
      "embedding: embedding(10, 8)\nrnn: lstm(4, 2, bidirectional: true)\nnorm: layer_norm\nencoder.layer.{1 + 1}: { fc: linear(classes) }",
      "tokens: i32[time]",
    );
    const model = build(source, "net", { dims: { time: 5 } });
    expect(names(model)).toEqual([
      "embedding.weight",
      ...["l0", "l0_reverse", "l1", "l1_reverse"].flatMap((s) => [
        `rnn.weight_ih_${s}`,
        `rnn.weight_hh_${s}`,
        `rnn.bias_ih_${s}`,
        `rnn.bias_hh_${s}`,
      ]),
      "norm.weight",
      "norm.bias",
      "encoder.layer.2.fc.weight",
      "encoder.layer.2.fc.bias",
    ]);
    expect(shapeOf(model)).toEqual([2, 5, 10]);
    expect(model.parameters.find(({ name }) => name === "rnn.weight_ih_l1")?.state.type.shape).toEqual([16, 8]);
  });

  it("may be those of JavaScript's own properties", () => {
    const source = body("let constructor = relu\n__proto__: conv2d(3, kernel: 1) -> add(constructor)\nflatten\ntoString: linear(classes)");
    expect(names(build(source, "net"))).toEqual(["__proto__.weight", "__proto__.bias", "toString.weight", "toString.bias"]);
  });
});

describe("bodies", () => {
  it.each([
    ["conv2d(4, kernel: 3) -> flatten", [2, 144]],
    ["conv2d(4, kernel: [3, 1], stride: 2, padding: [1, 0]) -> flatten", [2, 64]],
    ["max_pool2d(2) -> avg_pool2d(2, stride: 1) -> flatten", [2, 27]],
    ["global_avg_pool", [2, 3]],
    ["let y = max_pool2d(2)\nflatten", [2, 192]],
    ["let y = a: conv2d(4, kernel: 1)\nconcat(y) -> flatten", [2, 448]],
    ["let y = a: conv2d(3, kernel: 1) -> sigmoid\nmul(y) -> add(1) -> flatten", [2, 192]],
    ["if x.channels == 3 { flatten } else { conv: conv2d(1, kernel: 9) }", [2, 192]],
    ["if x.channels == 4 { flatten }\nreshape([-1, 8])", [2, 24, 8]],
    ["for n in [4, 5] { {n}: conv2d(n, kernel: 3) }\nflatten", [2, 80]],
    ["for i in 0..2 { {i}: conv2d(4 * (i + 1), kernel: 3) }\nflatten", [2, 128]],
    ["for i in 0..0 { relu }\nflatten", [2, 192]],
    ["reshape([3, 64]) -> transpose([1, 0]) -> rnn: lstm(5) -> last", [2, 5]],
    ["reshape([3, 64]) -> mean", [2, 64]],
    ["let s = x.shape\nflatten -> fc: linear(s[0] + x.rank)", [2, 4]],
    ["group_norm(3) -> flatten -> log_softmax", [2, 192]],
    ["add(image) -> flatten", [2, 192]],
    ["let y = -x * 0.5 + image / 2\ny - 1 -> flatten", [2, 192]],
    ["slice(1, step: 3) -> slice(-1, start: 1, stop: -2) -> flatten", [2, 45]],
    ["pad([1, 2, 0, 3, 4, 0]) -> flatten", [2, 7 * 11 * 11]],
    ["pad([-1, 2], mode: reflect) -> pad([0, 0, 7, 7], mode: replicate) -> pad([8, 0], mode: circular) -> flatten", [2, 3 * 22 * 17]],
    ["let parts = split(3, axis: 1)\nparts[2] -> flatten", [2, 48]],
    ["let parts = split([1, 2])\nparts[1] -> flatten", [2, 128]],
    ["let parts = chunk(5, axis: -1)\nparts[3] -> stack(parts[0], axis: 1) -> flatten", [2, 3 * 2 * 8 * 2]],
    ["center_crop([5, 2]) -> flatten", [2, 30]],
    ["fc: linear(7)", undefined],
  ])("build %s", (text, expected) => {
    if (expected === undefined) expect(() => build(body(text), "net")).toThrow("TL0304");
    else expect(shapeOf(build(body(`${text}\nhead: linear(x.features)`), "net"))).toEqual(expected);
  });

  it("take blocks and layers as values", () => {
    const source = `block twice(unit, act = relu) { a: unit(4) -> act -> b: unit(4) }\n${body("flatten -> t: twice(linear, act: gelu)")}`;
    expect(names(build(source, "net"))).toEqual(["t.a.weight", "t.a.bias", "t.b.weight", "t.b.bias"]);
  });

  it("take networks as steps, with further inputs by name", () => {
    const source = `network inner(n) {\n  input a: f32[width]\n  input gate: f32[width]\n  mul(gate) -> fc: linear(n + width)\n}\n${body("flatten\nlet g = sigmoid\nbackbone: inner(3, gate: g)")}`;
    const model = build(source, "net");
    expect(shapeOf(model)).toEqual([2, 195]);
    expect(names(model)).toEqual(["backbone.fc.weight", "backbone.fc.bias"]);
    expect([...model.inputs.keys()]).toEqual(["image"]);
  });

  it("have several inputs", () => {
    const model = build("network net {\n  input a: f32[4]\n  input b: f32[4]\n  add(b) -> fc: linear(2)\n}", "net");
    expect([...model.inputs].map(([name, { type }]) => `${name} ${type.shape.join("x")}`)).toEqual(["a 2x4", "b 2x4"]);
  });

  it("bind symbolic dimensions from the data", () => {
    const dataInfo = {
      inputs: [{ name: "tokens", dtype: "i32" as const, shape: [7] }],
      label: { name: "label", dtype: "i32" as const, shape: [7] },
      classes: ["a", "b"],
    };
    const source = body("embedding: embedding(10, 8)\nfc: linear(2)", "tokens: i32[time]");
    expect(shapeOf(build(source, "net", { dataInfo }))).toEqual([2, 7, 2]);
  });

  it("bind the number of classes from the data", () => {
    const dataInfo = {
      inputs: [{ name: "image", dtype: "u8" as const, shape: [3, 8, 8] }],
      label: { name: "label", dtype: "i32" as const, shape: [] },
      classes: ["a", "b", "c"],
    };
    const source = `${body("flatten -> fc: linear(classes)")}\ndataset pictures { train images("a") }`;
    expect(shapeOf(build(source, "net(classes: pictures.classes)", { dataInfo }, "data pictures\n  batch 2\n  epochs 1"))).toEqual([2, 3]);
  });
});

describe("parts of a network by their scopes", () => {
  const DEEP = `block unit(planes) {
  0: conv2d(planes, kernel: 1) -> relu
}
network deep(classes = 4) {
  input image: f32[3, 8, 8]
  layer1: unit(4)
  layer2: unit(6) -> max_pool2d(2)
  global_avg_pool
  fc: linear(classes)
}
`;
  const names = (model: ForwardModel): string[] => model.parameters.map(({ name }) => name);

  it("are values, from where the step ends on, and keep their names", () => {
    const tapped = build(
      DEEP + body("backbone: deep\nlet f = backbone.layer1\nf\nhead: conv2d(backbone.layer2.channels, kernel: 1)"),
      "net",
      {},
      "freeze backbone.layer2, backbone.fc",
    );
    expect(shapeOf(tapped)).toEqual([2, 6, 8, 8]);
    expect(names(tapped).slice(0, 2)).toEqual(["backbone.layer1.0.weight", "backbone.layer1.0.bias"]);
    expect(names(tapped)).toContain("backbone.fc.weight");
  });

  it("are found by numbers, as a path of weights has them", () => {
    const deep = "layer: for i in 1..3 { {i}: for j in 0..2 { {j}: conv2d(2 * i + j, kernel: 1) } }";
    const channels = (path: string): number | undefined =>
      shapeOf(build(body(`${deep}\nlet f = ${path}\nf -> head: conv2d(f.channels, kernel: 1)`), "net", {}, "freeze layer"))[1];
    expect(["layer.1", "layer.1.0", "layer.2.0", "layer.2.1"].map(channels)).toEqual([3, 2, 4, 5]);
    expect(channels("layer.2.1 * 0.5 + layer.2")).toBe(5);
    expect(() => build(body(`${deep}\nlayer.2.7`), "net")).toThrow(/has no `7`/);
    expect(() => build(body(`${deep}\nlayer.1e1`), "net")).toThrow(/has no `1e1`/);
  });

  it("are found from within a scope, and by a counter", () => {
    const source = body(
      "for i in 0..2 { stage{i}: conv2d(4 + i, kernel: 1) }\nlet f = stage0.channels\nhead: { 0: conv2d(f, kernel: 1) -> 1: conv2d(stage1.channels, kernel: 1) }",
    );
    expect(shapeOf(build(source, "net"))).toEqual([2, 5, 8, 8]);
  });

  it("are replaced by any chain of steps, with the names of the recipe", () => {
    const model = build(
      DEEP + "block twice(n) {\n  a: linear(n) -> relu\n  b: linear(n)\n}\n",
      "deep",
      {},
      "replace fc with dropout(0.5) -> twice(7)",
    );
    expect(shapeOf(model)).toEqual([2, 7]);
    expect(names(model).filter((name) => name.startsWith("fc"))).toEqual(["fc.a.weight", "fc.a.bias", "fc.b.weight", "fc.b.bias"]);
    const inner = build(
      DEEP + body("backbone: deep"),
      "net",
      {},
      "replace backbone.layer1 with conv2d(5, kernel: 1)\n  replace backbone.fc with linear(3)",
    );
    expect(names(inner)).toEqual([
      ...["backbone.layer1.weight", "backbone.layer1.bias", "backbone.layer2.0.weight", "backbone.layer2.0.bias"],
      ...["backbone.fc.weight", "backbone.fc.bias"],
    ]);
    expect(inner.parameters[2]!.state.type.shape).toEqual([6, 5, 1, 1]);
  });
});

describe("initial values", () => {
  it("are PyTorch's", () => {
    const source = body("embedding: embedding(10, 16)\nrnn: lstm(4)\nlast\nbn: batch_norm\nfc: linear(classes)", "tokens: i32[5]");
    const { parameters } = build(source, "net");
    expect(Object.fromEntries(parameters.map(({ name, state }) => [name, state.init]))).toMatchObject({
      "embedding.weight": { kind: "normal", std: 1 },
      "rnn.weight_ih_l0": { kind: "uniform", bound: 0.5 },
      "rnn.bias_hh_l0": { kind: "uniform", bound: 0.5 },
      "bn.weight": { kind: "constant", value: 1 },
      "bn.bias": { kind: "constant", value: 0 },
      "bn.running_mean": { kind: "constant", value: 0 },
      "bn.running_var": { kind: "constant", value: 1 },
      "fc.weight": { kind: "uniform", bound: 0.5 },
    });
    const [conv] = build(body("conv: conv2d(4, kernel: 2)\nflatten"), "net").parameters;
    expect(conv?.state.init).toEqual({ kind: "uniform", bound: 1 / Math.sqrt(12) });
  });
});

describe("freezing", () => {
  const source = body("conv1: conv2d(4, kernel: 3) -> bn1: batch_norm\nflatten\nfc: linear(classes)");
  const trainable = (settings: string): string[] => {
    const { parameters, stage } = build(source, "net", {}, settings);
    return parameters.filter((it) => it.kind === "weight" && !stage.frozen(it)).map(({ name }) => name);
  };

  it.each([
    ["", ["conv1.weight", "conv1.bias", "bn1.weight", "bn1.bias", "fc.weight", "fc.bias"]],
    ["freeze conv1", ["bn1.weight", "bn1.bias", "fc.weight", "fc.bias"]],
    ["freeze ** except fc", ["fc.weight", "fc.bias"]],
    ["freeze *.bias", ["conv1.weight", "bn1.weight", "fc.weight"]],
    ["freeze **.weight", ["conv1.bias", "bn1.bias", "fc.bias"]],
    ["freeze c*1.**, bn1.bias", ["bn1.weight", "fc.weight", "fc.bias"]],
    ["stage head {\n    freeze ** except *.weight\n  }", ["conv1.weight", "bn1.weight", "fc.weight"]],
  ])("%s", (settings, expected) => expect(trainable(settings)).toEqual(expected));

  it("keeps the running statistics of a frozen batch_norm", () => {
    const updates = (settings: string): string[] => {
      const { builder, stage, ...model } = build(source, "net", {}, settings);
      const isFrozen = (it: Parameter): boolean => stage.frozen(it);
      return [...specialize(builder, model, { mode: "train", isFrozen, isRandom: true }).updates.keys()];
    };
    expect(updates("")).toEqual(["bn1.running_mean", "bn1.running_var"]);
    for (const settings of ["freeze bn1", "freeze bn1.weight, bn1.bias", "freeze ** except fc", "freeze bn1.running_mean"])
      expect(updates(settings)).toEqual([]);
    expect(updates("freeze bn1.running_var")).toEqual(["bn1.running_mean"]);
  });
});

const nothingFrozen = { mode: "train", isFrozen: () => false, isRandom: true } as const;

describe("batch_norm", () => {
  // Two features of three examples, the third masked out.
  const values = [1, 10, 3, 30, 100, 1000];
  const source = "network net {\n  input a: f32[2]\n  bn: batch_norm\n}";
  const run = (masked: boolean, mode: "train" | "eval"): { readonly y: number[]; readonly mean: number[]; readonly variance: number[] } => {
    const builder = createBuilder();
    const network = build(source, "net", { builder, batch: 3 });
    const model = specialize(builder, network, mode === "train" ? nothingFrozen : { mode });
    const [a] = [...model.inputs.values()];
    if (a === undefined) throw new Error("no input");
    const byName = new Map(model.parameters.map(({ name, node }) => [name, node]));
    const node = (name: string): Node => model.updates.get(name) ?? byName.get(name) ?? a;
    const bindings = new Map<Node, readonly number[]>([
      [a, values],
      [model.leaves.mask, [1, 1, masked ? 0 : 1]],
    ]);
    for (const { name, node: leaf } of model.parameters)
      bindings.set(leaf, name.endsWith("weight") || name.endsWith("var") ? [1, 1] : [0, 0]);
    const [y = [], mean = [], variance = []] = evaluate(
      builder,
      [onlyOutput(model), node("bn.running_mean"), node("bn.running_var")],
      bindings,
    );
    return { y, mean, variance };
  };
  const close = (actual: readonly number[], expected: readonly number[]): void =>
    expected.forEach((value, i) => expect(actual[i]).toBeCloseTo(value, 4));

  it("uses the real examples' statistics in training, and the unbiased variance for the running one", () => {
    const { y, mean, variance } = run(true, "train");
    close(
      y.slice(0, 4),
      [-1, -1, 1, 1].map((sign, i) => (sign * (i % 2 === 0 ? 1 : 10)) / Math.sqrt((i % 2 === 0 ? 1 : 100) + 1e-5)),
    );
    close(mean, [0.2, 2]);
    close(variance, [0.9 + 0.1 * 2, 0.9 + 0.1 * 200]);
  });

  it("uses all examples without a mask", () => {
    close(run(false, "train").mean, [0.1 * (104 / 3), 0.1 * (1040 / 3)]);
  });

  it("uses the running statistics in evaluation", () => {
    const { y, mean } = run(true, "eval");
    close(
      y,
      values.map((value) => value / Math.sqrt(1 + 1e-5)),
    );
    close(mean, [0, 0]);
  });
});

describe("dropout", () => {
  const source = body("flatten -> dropout(25%) -> fc: linear(classes)");
  const uses = (model: ForwardModel): number => topologicalOrder([onlyOutput(model)]).filter(({ op }) => op.name === "dropout").length;

  it("draws numbers in training only, other ones at each place", () => {
    const { builder, ...network } = build(source, "net");
    expect(uses(specialize(builder, network, nothingFrozen))).toBe(1);
    expect(uses(specialize(builder, network, { mode: "eval" }))).toBe(0);
    expect(uses(specialize(builder, network, { ...nothingFrozen, isRandom: false }))).toBe(0);
    const twice = build(body("flatten -> dropout -> dropout -> fc: linear(2)"), "net");
    const streams = topologicalOrder([onlyOutput(twice)])
      .filter(({ op }) => op.name === "dropout")
      .map(({ attrs }) => (attrs as { readonly stream: number }).stream);
    expect(streams.sort()).toEqual([STREAMS.network, STREAMS.network + 1]);
  });

  it("is not there where it drops nothing", () => {
    expect(uses(build(body("flatten -> dropout(0) -> fc: linear(2)"), "net"))).toBe(0);
  });
});

describe("examples", () => {
  it.each(["cnn", "lstm", "cifar", "golden-cnn", "golden-lstm", "golden-bert"])("%s.tlspec has no faults", (name) => {
    const spec = loadClean(readFileSync(join(SPECS, `examples/${name}.tlspec`), "utf8"));
    const planned = planRecipe(spec);
    if (planned === undefined) throw new Error(renderDiagnostics(spec.sink.list(), spec.sources));
    elaborate(spec, planned, { builder: createBuilder(), dims: { time: 12 } });
    expect(renderDiagnostics(spec.sink.list(), spec.sources)).toBe("");
  });
});

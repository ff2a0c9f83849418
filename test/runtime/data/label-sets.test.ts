// Labels that have any number of classes, from a table to an answer; and classes that weigh by how rare they are.

import { describe, expect, it } from "vitest";
import { compileSpec } from "../../../src/compile.ts";
import { renderDiagnostics } from "../../../src/diagnostics.ts";
import type { Artifact } from "../../../src/ir/artifact.ts";
import { describeData, loadSplit } from "../../../src/runtime/data/index.ts";
import { splitOfColumns } from "../../../src/runtime/embed/values.ts";
import { createEvaluator } from "../../../src/runtime/evaluate.ts";
import { interpret } from "../../../src/runtime/predict.ts";
import { Network } from "../../../src/runtime/network.ts";
import { openReferenceDevice } from "../../../src/runtime/reference/device.ts";
import { train } from "../../../src/runtime/trainer.ts";
import { failure, file, plan } from "../../support/tables.ts";
import { artifactProblem } from "../../../src/ir/artifact-schema.ts";
import { readExact, writeExact } from "../../../src/ir/exact-json.ts";
import { asked, oneLabel, type OneOutput } from "../../support/one-output.ts";

const read = async (text: string, label: string, extension = "csv"): Promise<{ classes: readonly string[]; rows: number[][] }> => {
  const data = plan(`train table("${file(text, extension)}", v: v, label: ${label})`);
  const info = oneLabel(await describeData(data, asked("set")));
  const values = [...(await loadSplit(data, "train", info)).columns.get("label")!.data];
  const width = info.label.shape[0]!;
  expect(info.label).toEqual({ name: "label", dtype: "f32", shape: [info.classes.length] });
  return { classes: info.classes, rows: Array.from({ length: values.length / width }, (_, i) => values.slice(i * width, (i + 1) * width)) };
};

describe("labels that are sets of classes", () => {
  it("are names in a cell, of which there may be none", async () => {
    expect(await read("v,tags\n1,sea; old town\n2,\n3,sea\n4,ice|sea\n", "tags")).toEqual({
      classes: ["ice", "old town", "sea"],
      rows: [
        [0, 1, 1],
        [0, 0, 0],
        [0, 0, 1],
        [1, 0, 1],
      ],
    });
  });

  it("are a column of 0 and 1 for each class, under its name", async () => {
    expect(await read("v,sea,ice\n1,0,1\n2,1,1\n", "[sea, ice]")).toEqual({
      classes: ["sea", "ice"],
      rows: [
        [0, 1],
        [1, 1],
      ],
    });
    expect(await read("v,sick\n1,0\n2,1\n", "sick")).toEqual({ classes: ["sick"], rows: [[0], [1]] });
  });

  it("are lists of names, or a 0 or 1 for each class, in lines of JSON", async () => {
    const names = '{"v": 1, "tags": ["b", "a"]}\n{"v": 2, "tags": []}\n';
    expect(await read(names, "tags", "jsonl")).toEqual({ classes: ["a", "b"], rows: [[1, 1], [0, 0]] }); // prettier-ignore
    const digits = '{"v": 1, "tags": [0, 1]}\n{"v": 2, "tags": [0, 0]}\n';
    expect(await read(digits, "tags", "jsonl")).toEqual({ classes: ["0", "1"], rows: [[0, 1], [0, 0]] }); // prettier-ignore
  });

  it("say what is no set", async () => {
    expect(await failure(read("v,sea,ice\n1,0,1\n2,1,yes\n", "[sea, ice]"))).toContain(
      'holds "1 yes", and columns of several classes hold 0 or 1',
    );
    expect(await failure(read("v,tags\n1,\n2,\n", "tags"))).toContain("has no class in any row");
    const [train, test] = [file("v,tags\n1,a\n2,b\n"), file("v,tags\n1,a;c\n")];
    const data = plan(`train table("${train}", v: v, label: tags)\n  test table("${test}", v: v, label: tags)`);
    expect(await failure(loadSplit(data, "test", await describeData(data, asked("set"))))).toContain('the label is "c", which is no class');
  });
});

const TAGS = file(
  `v,tags\n${Array.from({ length: 16 }, (_, i) => `${Math.cos(i)} ${Math.sin(i)},${[...(Math.cos(i) > 0 ? ["right"] : []), ...(Math.sin(i) > 0 ? ["up"] : [])].join(";")}`).join("\n")}\n`,
);
const SIDES = file(`v,side\n${["a", "a", "b", "a", "a", "a", "a", "c"].map((side, i) => `${i} ${-i},${side}`).join("\n")}\n`);

async function compiled(table: string, label: string, loss: string, outputs: string, metrics = "accuracy"): Promise<OneOutput> {
  const spec = file(
    `network net(classes) {\n  input v: f32[2]\n  fc: linear(classes)\n}
dataset d { train table("${table}", v: v, label: ${label}) }
recipe r { network net(${outputs}) data d loss ${loss} metrics ${metrics} batch 4 epochs 40 optimizer adam(lr: 0.1) }`,
    "tlspec",
  );
  const { artifact, diagnostics, sources } = await compileSpec(spec, {
    ...{ target: "reference", verify: true },
    describeData,
  });
  if (!artifact) throw new Error(renderDiagnostics(diagnostics, sources));
  // A folder of it is none that `run` and modules refuse.
  const problem = artifactProblem(readExact(writeExact(artifact)));
  if (problem !== undefined) throw new Error(problem);
  return artifact as OneOutput;
}

describe("a network that answers with sets", () => {
  it("learns them, measures them and names them", async () => {
    const artifact = await compiled(TAGS, "tags", "binary_cross_entropy", "d.classes", "f1, auc");
    const network = await Network.open(artifact, openReferenceDevice());
    const data = await loadSplit(artifact.data!, "train", artifact.dataInfo);
    for await (const event of train(network, { train: data })) expect(event.event).not.toBe("error");
    expect(await createEvaluator(network.loaded)(data)).toMatchObject({ accuracy: 1, f1: 1, auc: 1 });
    expect(interpret(artifact, Float32Array.of(2, -1))).toEqual({
      kind: "set",
      labels: ["right"],
      probabilities: [expect.closeTo(1 / (1 + Math.exp(-2)), 6), expect.closeTo(1 / (1 + Math.exp(1)), 6)],
    });
    const given = { inputs: { v: [[1, 0], [0, 1]] }, labels: [["up", "right"], [1]] }; // prettier-ignore
    const named = splitOfColumns(artifact.dataInfo, [], given);
    expect([...named.columns.get("label")!.data]).toEqual([1, 1, 0, 1]);
    expect(() => splitOfColumns(artifact.dataInfo, [], { ...given, labels: [["left"], [0]] })).toThrow('"left" is no class');
    expect(() => splitOfColumns(artifact.dataInfo, [], { ...given, labels: Float32Array.of(0, 2, 0, 0) })).toThrow("the labels hold 2");
  });

  it("says with one score which of two classes it is", async () => {
    const artifact = await compiled(TAGS, "tags", "binary_cross_entropy", "d.classes");
    const two: Artifact = { ...artifact, outputShape: [1], dataInfo: { ...artifact.dataInfo, classes: ["cat", "dog"] } };
    expect(interpret(two, Float32Array.of(-2))).toMatchObject({
      kind: "class",
      label: "cat",
      probability: expect.closeTo(0.8808, 4) as number,
    });
  });
});

describe("balanced weights", () => {
  it("are scikit-learn's, of what is trained on", async () => {
    const { recipe } = await compiled(SIDES, "side", "cross_entropy(weights: balanced)", "d.classes");
    // compute_class_weight("balanced", classes=["a", "b", "c"], y=…)
    expect(recipe.loss.args["weights"]).toEqual([8 / (3 * 6), 8 / 3, 8 / 3]);
    const info = await describeData(
      plan(`train table("${SIDES}", v: v, label: side)\n  split train into train 50%, val 50% seed 3`),
      asked("class", true),
    );
    expect(info.labelled!.labels).toBe(4);
    expect(info.labelled!.counts.reduce((a, b) => a + b)).toBe(4);
  });

  it("of sets are labels without a class over labels with it", async () => {
    const { recipe } = await compiled(TAGS, "tags", "binary_cross_entropy(pos_weight: balanced)", "d.classes");
    const right = Array.from({ length: 16 }, (_, i) => Math.cos(i) > 0).filter(Boolean).length;
    expect((recipe.loss.args["pos_weight"] as number[])[0]).toBeCloseTo((16 - right) / right);
  });

  it("are not made of data that nobody has counted, and none has to be counted for others", async () => {
    const data = plan(`train table("${SIDES}", v: v, label: side)`);
    expect((await describeData(data, asked("class"))).labelled).toBeUndefined();
  });
});

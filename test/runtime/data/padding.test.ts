// Sequences of different lengths: what `last`, `mean` and the loss make of them is what each would make of it alone, without padding.

import { describe, expect, it } from "vitest";
import { compileSpec } from "../../../src/compile.ts";
import { renderDiagnostics } from "../../../src/diagnostics.ts";
import type { Artifact } from "../../../src/ir/artifact.ts";
import type { DataInfo } from "../../../src/ir/plan.ts";
import { PADDING } from "../../../src/ir/padding.ts";
import { describeData, loadInputs, loadSplit } from "../../../src/runtime/data/index.ts";
import { splitOfColumns, splitOfExamples } from "../../../src/runtime/embed/values.ts";
import { createEvaluator } from "../../../src/runtime/evaluate.ts";
import { predictSplit } from "../../../src/runtime/predict.ts";
import { initialize, Network } from "../../../src/runtime/network.ts";
import { openReferenceDevice } from "../../../src/runtime/reference/device.ts";
import { train } from "../../../src/runtime/trainer.ts";
import { failure, file, load, plan } from "../../support/tables.ts";
import { only } from "../../support/one-output.ts";

const rows = ["3 1 4", "1", "5 9 2 6 5", "3 5"];
const texts = file(
  `tokens,kind,tags\n${rows.map((row, i) => `${row},${"ab"[i % 2]!},${row.replaceAll(/\d/g, (d) => String(Number(d) % 3))}`).join("\n")}\n`,
);

/** @param info instead of what the table holds */
async function compiled(layers: string, input: string, label: string, info?: DataInfo): Promise<Artifact> {
  const spec = file(
    `network net(classes) {
  input tokens: i32[time]
  vectors: embedding(10, 3)
  ${layers}
  fc: linear(classes)
}
dataset d { train table("${texts}", tokens: ${input}, label: ${label}) }
recipe r { network net(d.classes) data d loss cross_entropy batch 4 epochs 2 optimizer sgd(lr: 0.5) }`,
    "tlspec",
  );
  const { artifact, diagnostics, sources } = await compileSpec(spec, {
    ...{ target: "reference", verify: true },
    describeData: (data, labels) => (info === undefined ? describeData(data, labels) : Promise.resolve(info)),
  });
  if (!artifact) throw new Error(renderDiagnostics(diagnostics, sources));
  return artifact;
}

async function opened(artifact: Artifact): Promise<Network> {
  const network = await Network.open(artifact, openReferenceDevice());
  initialize(network.loaded);
  return network;
}

describe("padded sequences", () => {
  it("are as long as the longest of the training table, or as the spec says", async () => {
    const data = (length: string): ReturnType<typeof plan> => plan(`train table("${texts}", tokens: pad(tokens${length}), label: kind)`);
    const { inputs, values } = await load(data(""));
    expect(inputs["tokens"]).toEqual({ name: "tokens", dtype: "i32", shape: [5], padded: true });
    expect(values["tokens"]![1]).toEqual([1, PADDING, PADDING, PADDING, PADDING]);
    const longer = data(", length: 7");
    const info = await describeData(longer);
    expect(info.inputs[0]!.shape).toEqual([7]);
    expect(await failure(describeData(data(", length: 4")))).toContain("a cell of 5 numbers");
    expect(await failure(loadInputs(longer, [file("tokens\n1 2 3 4 5 6 7 8\n")], info))).toContain("has 8 values, there is room for 7");
    expect(await failure(load(plan(`train table("${file("t,y\n1 2,a\n1 x,b\n")}", t: pad(t), label: y)`)))).toContain(
      ':3: column "t" holds "x"',
    );
    const floats = await load(plan(`train table("${file("t,y\n1 2.5,a\n3,b\n")}", t: pad(t), label: y)`));
    expect(floats.values["t"]).toEqual([
      [1, 2.5],
      [3, PADDING],
    ]);
  });

  const attending = ["a: multi_head_attention(3) -> mean", "a: multi_head_attention(1, causal: true) -> last"];
  it.each(["rnn: lstm(4) -> last", "mean", "rnn: lstm(4) -> mean", "rnn: lstm(4, 2) -> last", ...attending])(
    "through %s give what each gives alone",
    async (layers) => {
      const sequences = rows.map((row) => row.split(" ").map(Number));
      const together = await opened(await compiled(layers, "pad(tokens)", "kind"));
      const answers = await predictSplit(together.loaded, splitOfExamples(together.artifact.dataInfo, [], sequences));
      for (const [i, sequence] of sequences.entries()) {
        // The same network, with the weights of its seed, compiled for sequences of this length.
        const inputs = [{ name: "tokens", dtype: "i32", shape: [sequence.length] }] as const;
        const alone = await opened(await compiled(layers, "tokens", "kind", { ...together.artifact.dataInfo, inputs }));
        const [answer] = await predictSplit(alone.loaded, splitOfExamples(alone.artifact.dataInfo, [], [sequence]));
        alone.dispose();
        const [own, expected] = [only(answers[i]!), only(answer!)];
        if (own.kind !== "class" || expected.kind !== "class") throw new Error("a class was expected");
        own.probabilities.forEach((p, k) => expect(p).toBeCloseTo(expected.probabilities[k]!, 6));
      }
      expect(new Set(answers.map(only).map((answer) => (answer.kind === "class" ? answer.probability : 0))).size).toBe(4);
      together.dispose();
    },
  );

  it("have labels at their own steps only: loss, accuracy, gradients and answers", async () => {
    const artifact = await compiled("rnn: lstm(4)", "pad(tokens)", "pad(tags)");
    expect(artifact.dataInfo.label).toMatchObject({ shape: [5], padded: true });
    expect(artifact.dataInfo.classes).toEqual(["0", "1", "2"]);
    const split = await loadSplit(artifact.data!, "train", artifact.dataInfo);
    const network = await opened(artifact);
    const answers = (await predictSplit(network.loaded, split)).map(only);
    expect(answers.map((answer) => (answer.kind === "sequence" ? answer.labels.length : 0))).toEqual([3, 1, 5, 2]);
    const metrics = (await createEvaluator(network.loaded)(split))!;
    // By hand, of the eleven labels that there are.
    const right = answers.flatMap((answer, i) =>
      answer.kind === "sequence" ? answer.labels.map((label, t) => Number(label === String(Number(rows[i]!.split(" ")[t]) % 3))) : [],
    );
    expect(right).toHaveLength(11);
    expect(metrics["accuracy"]).toBeCloseTo(right.reduce((a, b) => a + b, 0) / 11, 6);
    // More room changes nothing but what is stored.
    const wide = await opened(await compiled("rnn: lstm(4)", "pad(tokens, length: 9)", "pad(tags, length: 9)"));
    const data = { train: await loadSplit(wide.artifact.data!, "train", wide.artifact.dataInfo) };
    expect((await createEvaluator(wide.loaded)(data.train))!["loss"]).toBeCloseTo(metrics["loss"] as number, 6);
    const losses = async (of: Network, from: typeof data): Promise<number[]> => {
      const found: number[] = [];
      for await (const event of train(of, from)) if (event.event === "step") found.push(event.loss);
      return found;
    };
    const [short, long] = [await losses(network, { train: split }), await losses(wide, data)];
    expect(short).toHaveLength(2);
    short.forEach((loss, i) => expect(loss).toBeCloseTo(long[i]!, 6));
    const info = artifact.dataInfo;
    const tags = rows.map((row) => row.split(" ").map((digit) => Number(digit) % 3));
    const given = splitOfColumns(info, [], { inputs: { tokens: rows.map((row) => row.split(" ").map(Number)) }, labels: tags });
    expect(given).toEqual(split);
  });

  it("have labels that are names, of which a cell has several", async () => {
    const named = (tags: readonly string[]): string => file(`t,y\n${tags.map((it) => `${it.replaceAll(/\S+/g, "1")},${it}`).join("\n")}\n`);
    const words = plan(`train table("${named(["O B-PER I-PER", "O", "B-LOC O 7"])}", t: pad(t), label: pad(y))`);
    const { info, values } = await load(words);
    expect(info.label).toMatchObject({ dtype: "i32", shape: [3], padded: true });
    expect(info.classes).toEqual(["7", "B-LOC", "B-PER", "I-PER", "O"]);
    expect(values["label"]).toEqual([
      [4, 2, 3],
      [4, PADDING, PADDING],
      [1, 4, 0],
    ]);
    // Where classes have names, a number is one of them or none.
    const other = { ...words, sources: plan(`train table("${named(["O 2"])}", t: pad(t), label: pad(y))`).sources };
    expect(await failure(loadSplit(other, "train", info))).toContain('the label holds "2", which is no class of the training data');
    expect(await failure(describeData(plan(`train table("${named(["0 1", "O"])}", t: pad(t), label: pad(y))`)))).toContain(
      ':3: the label holds "O", which is not an integer',
    );
  });

  it("hold to the rows of an embedding before their padding", async () => {
    const beyond = file("tokens,kind\n1 2,a\n3,b\n4 5 10,a\n");
    const artifact = await compiled("mean", "pad(tokens)", "kind");
    expect(artifact.dataInfo.inputs[0]).toMatchObject({ below: 10, padded: true });
    const said = await failure(loadInputs(artifact.data!, [beyond], artifact.dataInfo));
    expect(said).toContain(':4: column "tokens" holds 10, the network takes 0 to 9');
    expect(said).toContain("an `embedding` of more rows takes larger numbers");
    expect(() => splitOfExamples(artifact.dataInfo, [], [[1, 10]])).toThrow("holds 10");
    expect(() => splitOfExamples(artifact.dataInfo, [], [[]])).toThrow("0 numbers, expected 1 to 5");
  });

  it("are not read backwards", async () => {
    await expect(compiled("rnn: lstm(4, bidirectional: true) -> last", "pad(tokens)", "kind")).rejects.toThrow(
      "backwards is not implemented",
    );
  });

  it("leave no state behind their padding to be used", async () => {
    const body = "rnn: gru(4) -> last\n  add(rnn.state)";
    await expect(compiled(body, "pad(tokens)", "kind")).rejects.toThrow("that behind the padding: use `last`");
  });
});

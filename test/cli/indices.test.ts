// Numbers of rows and classes that there are not, where users meet them: in tables, in a batch to trace, in what a program hands to a module.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, it } from "vitest";
import { toolchain } from "../../src/cli/default-toolchain.ts";
import { runCli } from "../../src/cli/program.ts";
import { Model } from "../../src/runtime/embed/model.ts";
import { openReferenceDevice } from "../../src/runtime/reference/device.ts";
import { readSafetensors, writeSafetensors } from "../../src/runtime/weights/safetensors.ts";
import { fromHostArray, toHostArray } from "../../src/runtime/weights/tensor-values.ts";
import { compileText } from "../support/run-spec.ts";

const work = mkdtempSync(join(tmpdir(), "tlc-indices-"));
afterAll(() => rmSync(work, { recursive: true, force: true }));

async function cli(...args: readonly string[]): Promise<{ readonly code: number; readonly err: string }> {
  let err = "";
  const stderr = { write: (text: string) => (err += text) };
  const code = await runCli(args, { stdout: { write: () => undefined }, stderr, env: {}, toolchain });
  return { code, err };
}

const spec = (data: string): string => `
network reader {
  input tokens: i32[3]
  embedding: embedding(10, 4)
  flatten
  fc: linear(2)
}
dataset words { train table("${data}", tokens: tokens, label: label)  split train into train 60%, val 40% seed 1 }
recipe reader { network reader  data words  loss cross_entropy  batch 2  optimizer sgd(lr: 0.1)  epochs 1 }
`;

describe("a table", () => {
  it.each([
    ["beyond the embedding", "1 2 3,a", "4 10 5,b", "holds 10, the network takes 0 to 9"],
    ["below zero", "1 2 3,a", "-1 4 5,b", "holds -1, the network takes 0 to 9"],
  ])("with a token %s is refused before the first step, with its place", async (name, good, bad, message) => {
    const data = join(work, `${name}.csv`);
    writeFileSync(data, ["tokens,label", good, good, bad, good, good].join("\n"));
    const file = join(work, "reader.tlspec");
    writeFileSync(file, spec(data));
    const { code, err } = await cli("run", file, "--device", "reference");
    expect(err).toContain(`${data}:4: tokens ${message}`);
    expect(code).toBe(2);
  });
});

describe("a traced batch", () => {
  const traces = fileURLToPath(new URL("../fixtures/traces", import.meta.url));
  it.each([
    ["tokens", 1_000_000],
    ["tokens", -1],
    ["label", 99],
  ])("with %s of %d is refused", async (column, value) => {
    const { tensors, metadata } = readSafetensors(readFileSync(join(traces, "tagger-adam.in.safetensors")));
    const tensor = tensors.get(`batch/${column}`)!;
    const values = toHostArray(column, tensor, "i32");
    values[2] = value;
    const input = join(work, "in.safetensors");
    writeFileSync(
      input,
      writeSafetensors(new Map([...tensors, [`batch/${column}`, fromHostArray(values, "i32", tensor.shape)]]), metadata),
    );
    const { code, err } = await cli(
      ...["trace", join(traces, "tagger-adam.tlspec"), "--input", input],
      ...["--out", join(work, "out.safetensors"), "--device", "reference"],
    );
    expect(err).toContain(`batch/${column} holds ${value}, the network takes 0 to `);
    expect(code).toBe(2);
  });
});

describe("a module", async () => {
  const info = {
    inputs: [{ name: "tokens", dtype: "i32", shape: [3] }],
    label: { name: "label", dtype: "i32", shape: [] },
    classes: ["a", "b"],
  } as const;
  const artifact = await compileText(spec("none.csv"), info);
  const good = { inputs: { tokens: Int32Array.of(1, 2, 3, 4, 5, 6) }, labels: ["a", "b"] };
  const bad = { inputs: { tokens: Int32Array.of(1, 2, 3, 4, 5, 10) }, labels: ["a", "b"] };
  const message = '"tokens" of example 1 holds 10, the network takes 0 to 9';

  it("knows what its inputs are the numbers of", () => {
    expect(artifact.dataInfo.inputs[0]?.below).toBe(10);
    expect(artifact.dataInfo.label.below).toBe(2);
  });

  it("refuses them in training, evaluation and prediction", async () => {
    const model = await Model.open(artifact, openReferenceDevice());
    await expect(model.train({ train: good, val: bad }).next()).rejects.toThrow(message);
    await expect(model.train({ train: bad }).next()).rejects.toThrow(message);
    await expect(model.evaluate(bad)).rejects.toThrow(message);
    await expect(
      model.predict([
        [1, 2, 3],
        [4, 5, 10],
      ]),
    ).rejects.toThrow(message);
    await expect(model.evaluate({ ...good, labels: [0, 2] })).rejects.toThrow("the label 2 is no class");
    model.dispose();
  });
});

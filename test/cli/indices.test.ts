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
import { readSafetensors, writeSafetensors, type Tensor } from "../../src/runtime/weights/safetensors.ts";
import { fromHostArray, toHostArray } from "../../src/runtime/weights/tensor-values.ts";
import { compileText } from "../support/run-spec.ts";

const work = mkdtempSync(join(tmpdir(), "tlc-indices-"));
afterAll(() => rmSync(work, { recursive: true, force: true }));

async function cli(...args: readonly string[]): Promise<{ readonly code: number; readonly out: string; readonly err: string }> {
  let [out, err] = ["", ""];
  const stderr = { write: (text: string) => (err += text) };
  const code = await runCli(args, { stdout: { write: (text: string) => (out += text) }, stderr, env: {}, toolchain });
  return { code, out, err };
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
    expect(err).toContain(`${data}:4: column "tokens" ${message}`);
    expect(code).toBe(2);
  });
});

describe("labels", () => {
  it("are what the loss compares with", async () => {
    const data = join(work, "prices.csv");
    writeFileSync(data, "size,price\n1.5 2,10\n2.5 1,20\n3.5 1,30\n4.5 1,40\n");
    const file = join(work, "prices.tlspec");
    const recipe = (loss: string): string => `
network net {
  input size: f32[2]
  fc: linear(${loss === "mse" ? 1 : 4})
}
dataset prices { train table("${data}", size: size, label: price) }
recipe r { network net  data prices  loss ${loss}  batch 2  optimizer sgd(lr: 0.1)  epochs 1 }
`;
    for (const [loss, kind] of [
      ["mse", "one number"],
      ["cross_entropy", "one of 4 classes"],
    ] as const) {
      writeFileSync(file, recipe(loss));
      const { code, out, err } = await cli("inspect", file, "--target", "reference");
      expect(err).toBe("");
      expect(out).toContain(`labels      ${kind}`);
      expect(code).toBe(0);
    }
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

describe("what a trace is given", () => {
  const net = `
network net {
  input given: f32[4]
  fc1: linear(3) -> relu -> dropout(0.5)
  fc2: linear(2)
}
recipe r { network net  loss cross_entropy  optimizer sgd(lr: 0.1)  epochs 1  batch 2 }
`;
  const floats = (...shape: number[]): Tensor => fromHostArray(new Float32Array(shape.reduce((a, b) => a * b)).fill(0.5), "f32", shape);
  const whole: Readonly<Record<string, Tensor>> = {
    "weight/fc1.weight": floats(3, 4),
    "weight/fc1.bias": floats(3),
    "weight/fc2.weight": floats(2, 3),
    "weight/fc2.bias": floats(2),
    "batch/given": floats(2, 4),
    "batch/label": fromHostArray(Int32Array.of(0, 1), "i32", [2]),
  };
  async function trace(tensors: Readonly<Record<string, Tensor>>): Promise<{ readonly code: number; readonly err: string }> {
    const [file, input] = [join(work, "net.tlspec"), join(work, "net.in.safetensors")];
    writeFileSync(file, net);
    writeFileSync(input, writeSafetensors(new Map(Object.entries(tensors))));
    return cli("trace", file, "--input", input, "--out", join(work, "net.out.safetensors"), "--device", "reference");
  }
  const without = (name: string): Readonly<Record<string, Tensor>> =>
    Object.fromEntries(Object.entries(whole).filter(([it]) => it !== name));

  it("is all that it takes, with a note where the network draws random numbers", async () => {
    const { code, err } = await trace(whole);
    expect(err).toContain("dropout is off in a trace");
    expect(code).toBe(0);
  });

  it.each<[string, Readonly<Record<string, Tensor>>, string]>([
    ["no label", without("batch/label"), "there is no batch/label to trace"],
    ["no input", without("batch/given"), "there is no batch/given to trace"],
    ["another input", { ...whole, "batch/other": floats(2, 4) }, "batch/other is nothing that the network takes"],
    ["a tensor that is neither", { ...whole, "wieght/fc1.bias": floats(3) }, 'holds "wieght/fc1.bias"'],
  ])("is refused with %s", async (_, tensors, message) => {
    const { code, err } = await trace(tensors);
    expect(err).toContain(message);
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
    expect(artifact.dataInfo.label!.below).toBe(2);
  });

  it("refuses them in training, evaluation and prediction", async () => {
    const model = await Model.open(artifact, openReferenceDevice(), { kind: "wasm", reason: "a test" });
    await expect(model.train({ train: good, val: bad }).next()).rejects.toThrow(message);
    await expect(model.train({ train: bad }).next()).rejects.toThrow(message);
    await model.load(await model.save());
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

// What a training changed, as a file: with its base it is the whole again, to the bit, and with another base nothing.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runCli } from "../../src/cli/program.ts";
import { Model } from "../../src/runtime/embed/model.ts";
import { readSafetensors, writeSafetensors, type Tensor } from "../../src/runtime/weights/safetensors.ts";
import { fromHostArray } from "../../src/runtime/weights/tensor-values.ts";
import { fakeArtifact, fakeDevice } from "../runtime/trainer/fake-session.ts";
import { fakeCli, pixelFolder, type FakeCli } from "./fake-toolchain.ts";

const before = process.cwd();
const work = mkdtempSync(join(tmpdir(), "tlc-merge-"));
let root = "";
beforeAll(async () => {
  root = await pixelFolder();
  process.chdir(work);
});
afterAll(() => {
  process.chdir(before);
  for (const folder of [root, work]) rmSync(folder, { recursive: true });
});

const file = (tensors: Readonly<Record<string, Tensor>>): Uint8Array => writeSafetensors(new Map(Object.entries(tensors)));
const f32 = (shape: number[], ...values: number[]): Tensor => fromHostArray(Float32Array.from(values), "f32", shape);
const base = (bias = 2): Record<string, Tensor> => ({
  "fc.weight": f32([2, 1], 5, 6),
  "fc.bias": f32([2], 1, bias),
  "bn.running_mean": f32([1], 3),
});

/** Its training changes `fc.weight` and nothing else. */
async function cli(...args: readonly string[]): Promise<FakeCli & { readonly code: number }> {
  const fake = fakeCli(root, {
    session: {
      onRun: (entry) => {
        const weight = fake.sessions.at(-1)?.buffers.get("weight/fc.weight");
        if (entry === "train" && weight) weight[0]! += 0.1;
      },
    },
  });
  return { ...fake, code: await runCli(args, fake.io) };
}

describe("what a training changed", () => {
  const spec = (): string => join(root, "good.tlspec");
  let delta: Uint8Array;
  let trained: Uint8Array;

  it("is written beside the weights", async () => {
    writeFileSync("base.safetensors", file(base()));
    const { code, objects } = await cli("run", spec(), "-w", "base.safetensors", "-o", "w.safetensors", "--delta", "--json");
    expect([code, objects().at(-1)]).toEqual([0, expect.objectContaining({ weights: "w.safetensors", delta: "w.delta.safetensors" })]);
    delta = readFileSync("w.delta.safetensors");
    trained = readFileSync("w.safetensors");
    expect([...readSafetensors(delta).tensors.keys()]).toEqual(["fc.weight"]);
    const without = await cli("run", spec(), "--delta");
    expect([without.code, without.err()]).toEqual([2, expect.stringContaining("--delta is of weights to begin with")]);
  });

  it("is the whole again with its base", async () => {
    const { code, objects } = await cli("merge", "base.safetensors", "w.delta.safetensors", "-o", "full.safetensors", "--json");
    expect([code, objects().at(-1)]).toMatchObject([0, { event: "merged", out: "full.safetensors", bytes: trained.length }]);
    expect(readFileSync("full.safetensors").equals(trained)).toBe(true);
  });

  it("is refused by another base, which says where it is another", async () => {
    writeFileSync("other.safetensors", file(base(7)));
    const other = await cli("merge", "other.safetensors", "w.delta.safetensors", "-o", "no.safetensors");
    expect([other.code, other.err()]).toEqual([
      2,
      expect.stringContaining(
        "w.delta.safetensors does not go with other.safetensors: fc.bias of the base is not what this was trained from",
      ),
    ]);
    const { "fc.bias": _, ...less } = base();
    writeFileSync("less.safetensors", file(less));
    expect((await cli("merge", "less.safetensors", "w.delta.safetensors", "-o", "no.safetensors")).err()).toContain(
      "the base has no fc.bias",
    );
    const whole = await cli("merge", "base.safetensors", "w.safetensors", "-o", "no.safetensors");
    expect([whole.code, whole.err()]).toEqual([2, expect.stringContaining("this is no file of what a training changed")]);
  });

  it("is loaded by a model that has its base", async () => {
    const artifact = fakeArtifact();
    const model = await Model.open(artifact, fakeDevice(artifact).device, { kind: "wasm", reason: "a test" });
    await expect(model.load(delta)).rejects.toThrow("of the base is not what this was trained from");
    await model.load(file(base()));
    await model.load(delta);
    expect(Buffer.from(await model.save()).equals(trained)).toBe(true);
  });
});

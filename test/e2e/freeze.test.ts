// Freezing is absence: what a recipe freezes has no gradient, no optimizer state and no update, to the last bit, and a frozen
// BatchNorm uses its running statistics and leaves them alone.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { compileSpec, compileTrace } from "../../src/compile.ts";
import type { Artifact } from "../../src/ir/artifact.ts";
import type { DataInfo } from "../../src/ir/plan.ts";
import { tensorType } from "../../src/ir/types.ts";
import type { Session } from "../../src/runtime/device.ts";
import { entryFor } from "../../src/runtime/network.ts";
import { FoldingSession } from "../../src/runtime/folding-session.ts";
import { openReferenceDevice } from "../../src/runtime/reference/device.ts";
import { createRandom } from "../support/random.ts";
import { soleStage } from "../support/stages.ts";

const folder = mkdtempSync(join(tmpdir(), "tlc-freeze-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const spec = (freeze: string): string => {
  const file = join(folder, `spec-${freeze.length}.tlspec`);
  writeFileSync(
    file,
    `network net(classes = 3) {
  input image: f32[2, 6, 6]
  conv1: conv2d(4, kernel: 3, padding: 1, bias: false) -> bn1: batch_norm -> relu
  conv2: conv2d(4, kernel: 3, padding: 1, bias: false) -> bn2: batch_norm -> relu
  global_avg_pool
  fc: linear(classes)
}
dataset d {
  train images("d")
}
recipe r {
  network net(classes: d.classes)
  data d
  loss cross_entropy
  ${freeze}
  optimizer adamw(lr: 1e-2)
  batch 4
  epochs 1
}
`,
  );
  return file;
};

const dataInfo: DataInfo = {
  inputs: [{ name: "image", dtype: "u8", shape: [2, 6, 6] }],
  label: { name: "label", dtype: "i32", shape: [] },
  classes: ["a", "b", "c"],
};

async function compile(freeze: string): Promise<Artifact> {
  const { artifact, diagnostics } = await compileSpec(spec(freeze), {
    target: "reference",
    verify: true,
    describeData: () => Promise.resolve(dataInfo),
  });
  if (!artifact) throw new Error(diagnostics.map((d) => d.message).join("\n"));
  return artifact;
}

async function weightsOf(artifact: Artifact, session: Session): Promise<Map<string, number[]>> {
  const read = await session.read(artifact.parameters.map((p) => `weight/${p.name}`));
  return new Map(artifact.parameters.map((p) => [p.name, Array.from(read.get(`weight/${p.name}`) ?? [])]));
}

async function trained(artifact: Artifact, steps: number): Promise<{ before: Map<string, number[]>; after: Map<string, number[]> }> {
  const session = await FoldingSession.load(openReferenceDevice(), soleStage(artifact));
  session.write("seed", Uint32Array.of(1));
  session.run("init");
  const random = createRandom(5);
  // Ten examples in batches of four: the last batch has two.
  session.write(
    "train/image",
    Uint8Array.from({ length: 10 * 72 }, () => Math.floor(random() * 256)),
  );
  session.write(
    "train/label",
    Int32Array.from({ length: 10 }, (_, i) => i % 3),
  );
  session.write(
    "train/order",
    Int32Array.from({ length: 10 }, (_, i) => 9 - i),
  );
  session.write("train/count", Int32Array.of(10));
  const before = await weightsOf(artifact, session);
  session.run("train", steps);
  const after = await weightsOf(artifact, session);
  session.dispose();
  return { before, after };
}

describe("freeze", () => {
  it("leaves frozen weights and statistics bit-identical, and trains the rest", async () => {
    const artifact = await compile("freeze conv1, bn1");
    const { before, after } = await trained(artifact, 3);
    const changed = artifact.parameters.filter((p) => before.get(p.name)?.join() !== after.get(p.name)?.join()).map((p) => p.name);
    expect(changed.sort()).toEqual([
      "bn2.bias",
      "bn2.running_mean",
      "bn2.running_var",
      "bn2.weight",
      "conv2.weight",
      "fc.bias",
      "fc.weight",
    ]);
    const state = soleStage(artifact).program.buffers.filter((b) => b.kind === "optimizer" && /conv1|bn1/.test(b.name));
    expect(state).toEqual([]);
    expect(soleStage(artifact).report.frontier).toEqual(["conv2.weight"]);
  });

  it("differentiates nothing below the frontier", async () => {
    const [all, head] = [await compile(""), await compile("freeze ** except fc")];
    const flops = (artifact: Artifact): number => soleStage(artifact).report.entries.train?.flops ?? 0;
    const forward = soleStage(head).report.entries.predict?.flops ?? 0;
    expect(flops(all)).toBeGreaterThan(2.5 * forward);
    // The head's own gradient is all that is left: one product of [classes, batch] and [batch, features].
    expect(flops(head) - forward).toBe(2 * 4 * 4 * 3);
    const bytes = (artifact: Artifact): number => {
      const { read = Infinity, written = Infinity } = soleStage(artifact).report.entries["train"]?.traffic ?? {};
      return read + written;
    };
    expect(bytes(head)).toBeLessThan(0.6 * bytes(all));
  });

  it("traces with gradients of trainable parameters only", async () => {
    const batch = new Map([
      ["image", tensorType("f32", [4, 2, 6, 6])],
      ["label", tensorType("i32", [4])],
    ]);
    const { artifact } = await compileTrace(spec("freeze ** except fc"), {
      target: "reference",
      batch,
      describeData: () => Promise.resolve(dataInfo),
    });
    const step = artifact && entryFor(soleStage(artifact), "trace");
    expect(step?.gradients.map(({ parameter }) => parameter).sort()).toEqual(["fc.bias", "fc.weight"]);
  });

  it("masks the filling of the last batch: two real examples give the loss of two", async () => {
    const artifact = await compile("freeze ** except fc");
    const session = await FoldingSession.load(openReferenceDevice(), soleStage(artifact));
    const random = createRandom(7);
    const images = Uint8Array.from({ length: 2 * 72 }, () => Math.floor(random() * 256));
    const lossOf = async (count: number, order: number[]): Promise<number> => {
      session.write("seed", Uint32Array.of(1));
      session.run("init");
      session.write("train/image", images);
      session.write("train/label", Int32Array.of(0, 2));
      session.write("train/order", Int32Array.from(order));
      session.write("train/count", Int32Array.of(count));
      session.run("train");
      return (await session.read(["train/losses"])).get("train/losses")?.[0] ?? NaN;
    };
    const two = await lossOf(2, [0, 1]);
    // The same two examples twice fill the batch: the same mean.
    expect(two).toBeCloseTo(await lossOf(4, [0, 1, 0, 1]), 6);
    session.dispose();
  });
});

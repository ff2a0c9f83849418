// A training that computes parts of its forward pass a second time is the one that keeps them, but for rounding, since what is fused in another way is summed in another order: losses,
// weights, statistics (which move once), dropout. On any device; what is kept is less.

import { describe, expect, it } from "vitest";
import type { Artifact } from "../../src/ir/artifact.ts";
import type { DataInfo } from "../../src/ir/plan.ts";
import type { Device } from "../../src/runtime/device.ts";
import { entryFor } from "../../src/runtime/network.ts";
import { createRandom } from "../support/random.ts";
import { compileText, start } from "../support/run-spec.ts";
import { soleStage } from "../support/stages.ts";
import { relativeError } from "../support/values.ts";

const BATCH = 8;
const STEPS = 3;

const recipe = (settings: string): string => `dataset d {
  train images("d")
}
recipe r {
  network net
  data d
  loss cross_entropy
  optimizer sgd(lr: 0.1, momentum: 0.9)
  batch ${BATCH}
  epochs 1
  ${settings}
}
`;

const PICTURES = `block unit(planes) {
  let before = x
  conv1: conv2d(planes, kernel: 3, padding: 1, bias: false) -> bn1: batch_norm -> relu
  dropout(0.3)
  conv2: conv2d(planes, kernel: 3, padding: 1, bias: false) -> bn2: batch_norm
  add(before) -> relu
}
network net {
  input image: f32[2, 12, 12]
  stem: conv2d(8, kernel: 3, padding: 1)
  blocks: for i in 0..4 { {i}: unit(8) }
  global_avg_pool
  fc: linear(3)
}
`;

const SEQUENCES = `network net {
  input words: i32[9]
  embedding: embedding(20, 6)
  rnn: lstm(7, layers: 2)
  head: { norm: layer_norm -> gelu -> dropout(0.2) }
  flatten
  fc: linear(3)
}
`;

const label = { name: "label", dtype: "i32", shape: [] } as const;
const CLASSES = ["a", "b", "c"];
const IMAGE: DataInfo = { inputs: [{ name: "image", dtype: "f32", shape: [2, 12, 12] }], label, classes: CLASSES };
const WORDS: DataInfo = { inputs: [{ name: "words", dtype: "i32", shape: [9], below: 20 }], label, classes: CLASSES };

const CASES = [
  { what: "each of several blocks", network: PICTURES, info: IMAGE, recompute: "blocks.*", falls: 0.75 },
  { what: "blocks as one", network: PICTURES, info: IMAGE, recompute: "blocks", falls: 1.05 },
  { what: "everything", network: PICTURES, info: IMAGE, recompute: "**", falls: 1.01 },
  { what: "single layers among others", network: PICTURES, info: IMAGE, recompute: "blocks.*.bn1, blocks.2.conv1", falls: 1.01 },
  { what: "what the compiler chooses", network: PICTURES, info: IMAGE, recompute: "auto", falls: 0.7 },
  { what: "what the compiler chooses beside a loop over time", network: SEQUENCES, info: WORDS, recompute: "auto", falls: 1.1 },
  { what: "a loop over time", network: SEQUENCES, info: WORDS, recompute: "rnn, head", falls: 1.2 },
] as const;

/** All states after some steps, by name. */
async function trained(artifact: Artifact, device: Device): Promise<ReadonlyMap<string, string>> {
  const stage = soleStage(artifact);
  const session = await start(artifact, 5, device);
  const random = createRandom(3);
  const count = BATCH * STEPS - 3;
  const [info] = artifact.dataInfo.inputs;
  const size = count * (info?.shape ?? []).reduce((product, extent) => product * extent, 1);
  const values =
    info?.dtype === "i32"
      ? Int32Array.from({ length: size }, () => Math.floor(20 * random()))
      : Float32Array.from({ length: size }, random);
  const entry = entryFor(stage, "train");
  for (const { column, buffer } of entry.columns)
    session.write(buffer, column === "label" ? Int32Array.from({ length: count }, (_, i) => i % 3) : values);
  session.write(
    entry.order,
    Int32Array.from({ length: count }, (_, i) => i),
  );
  session.write(entry.count, Int32Array.of(count));
  session.run(entry.name, STEPS);
  const names = stage.states.map(({ name }) => name);
  const states = await (session.exact ?? session).read(names);
  session.dispose();
  return new Map(names.map((name) => [name, [...(states.get(name) ?? [])].join()]));
}

/** @param tolerance what sums in another order, and rounding where kernels are fused in another way, may make of it */
export function recomputeSuite(open: () => Promise<Device>, tolerance: number): void {
  it.each(CASES)("is the training that keeps its values, of $what", async ({ network, info, recompute, falls }) => {
    const device = await open();
    const compile = (settings: string): Promise<Artifact> => compileText(network + recipe(settings), info, device.info.kind, device.limits);
    const [plain, anew] = [await compile(""), await compile(`recompute ${recompute}`)];
    const temporary = (artifact: Artifact): number => soleStage(artifact).report.entries["train"]?.temporary ?? NaN;
    const arena = (artifact: Artifact): number => soleStage(artifact).program.arenaBytes;
    const flops = (artifact: Artifact): number => soleStage(artifact).report.entries["train"]?.flops ?? NaN;
    expect(flops(anew)).toBeGreaterThanOrEqual(flops(plain));
    if (recompute === "auto") {
      expect(flops(anew)).toBeLessThanOrEqual((4 / 3) * flops(plain));
      // It chooses by all that a stage takes, which what a kernel binds together is part of.
      expect(arena(anew)).toBeLessThanOrEqual(arena(plain));
    }
    expect(temporary(anew)).toBeLessThan(falls * temporary(plain));
    const [expected, got] = [await trained(plain, device), await trained(anew, device)];
    expect([...got.keys()]).toEqual([...expected.keys()]);
    for (const [name, values] of expected) {
      const [was, is] = [values, got.get(name) ?? ""].map((text) => text.split(",").map(Number)) as [number[], number[]];
      expect([name, relativeError(is, was) < tolerance]).toEqual([name, true]);
    }
    device.dispose();
  });

  it("is not done before its gradient is there, of a deep network", async () => {
    const device = await open();
    const info: DataInfo = { inputs: [{ name: "image", dtype: "f32", shape: [3, 64, 64] }], label, classes: CLASSES };
    const temporary = async (settings: string): Promise<number> => {
      const text = `import { resnet50 } from "tlc:zoo/resnet"\n${recipe(settings).replace("network net", "network resnet50(classes: 3, size: 64, width: 4)")}`;
      return soleStage(await compileText(text, info, device.info.kind, device.limits)).report.entries["train"]?.temporary ?? NaN;
    };
    // All at once, what blocks compute again would lie beside each other: 0.63 of it.
    expect(await temporary("recompute layer*.*")).toBeLessThan(0.5 * (await temporary("")));
    device.dispose();
  });

  describe("of a frozen part", () => {
    it("nothing is computed a second time, since nothing is kept", async () => {
      const device = await open();
      const compile = (settings: string): Promise<Artifact> =>
        compileText(PICTURES + recipe(settings), IMAGE, device.info.kind, device.limits);
      const flops = async (settings: string): Promise<number | undefined> =>
        soleStage(await compile(settings)).report.entries["train"]?.flops;
      expect(await flops("freeze ** except fc\n  recompute blocks.*")).toBe(await flops("freeze ** except fc"));
      device.dispose();
    });
  });
}

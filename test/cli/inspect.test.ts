// The table of `tlc inspect`: what people expect of such tables elsewhere, of a spec whose data is nowhere, and of a compiled folder.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { toolchain } from "../../src/cli/default-toolchain.ts";
import type { InspectedStage, InspectEvent } from "../../src/cli/events.ts";
import { runCli } from "../../src/cli/program.ts";

const work = mkdtempSync(join(tmpdir(), "tlc-inspect-"));
const before = process.cwd();
process.chdir(work);
afterAll(() => {
  process.chdir(before);
  rmSync(work, { recursive: true, force: true });
});

async function cli(...args: readonly string[]): Promise<{ readonly code: number; readonly out: string; readonly err: string }> {
  let [out, err] = ["", ""];
  const stdout = { write: (text: string) => (out += text) };
  const code = await runCli(args, { stdout, stderr: { write: (text: string) => (err += text) }, env: {}, toolchain });
  return { code, out, err };
}

const spec = (network: string, stages: string): string => `network cnn(classes = 3) {
  input image: f32[1, 8, 8]
  for i in 0..2 { block{i}: { conv: conv2d(4, kernel: 3, padding: 1, bias: false) -> bn: batch_norm -> relu } }
  flatten
  fc: linear(classes)
}
dataset d {
  train images("nowhere")
  preprocess grayscale -> center_crop(8)
}
recipe r {
  network ${network}
  data d
  loss cross_entropy
  optimizer sgd(lr: 0.1)
  epochs 1
  batch 4
  ${stages}
}
`;

it("is a line for each layer, with what each stage trains, and needs no data where the spec says all", async () => {
  writeFileSync("r.tlspec", spec("cnn", "stage head {\n    freeze block0\n  }\n  stage tune {\n    freeze block0.conv\n  }"));
  const { code, out } = await cli("inspect", "r.tlspec", "-t", "reference");
  expect(code).toBe(0);
  expect(
    out
      .split("\n")
      .slice(0, 10)
      .map((line) => line.split(/ {2,}/)),
  ).toEqual([
    ["layer", "output", "parameters", "in head", "in tune"],
    ["block0.conv (conv2d)", "[4, 8, 8]", "36", "0", "0"],
    ["block0.bn (batch_norm)", "[4, 8, 8]", "8", "0", "8"],
    ["block0 (relu)", "[4, 8, 8]", "0", "0", "0"],
    ["block1.conv (conv2d)", "[4, 8, 8]", "144", "144", "144"],
    ["block1.bn (batch_norm)", "[4, 8, 8]", "8", "8", "8"],
    ["block1 (relu)", "[4, 8, 8]", "0", "0", "0"],
    ["flatten", "[256]", "0", "0", "0"],
    ["fc (linear)", "[3]", "771", "771", "771"],
    ["total", "967", "923", "931"],
  ]);
  const widths = new Set(
    out
      .split("\n")
      .slice(0, 10)
      .map(({ length }) => length),
  );
  expect(widths.size).toBe(1);
});

it("asks for the data where the spec asks it", async () => {
  writeFileSync("ask.tlspec", spec("cnn(d.classes)", ""));
  const { code, err } = await cli("inspect", "ask.tlspec", "-t", "reference");
  expect([code, err]).toEqual([2, expect.stringContaining("there is no `nowhere`")]);
});

it("says the same of a compiled folder, by the scopes of its weights", async () => {
  writeFileSync("t.csv", "q,y\n1 2,a\n3 4,b\n");
  writeFileSync(
    "t.tlspec",
    'network m {\n  input q: f32[2]\n  fc: linear(4) -> relu\n  out: linear(2)\n}\ndataset d {\n  train table("t.csv", q: q, label: y)\n}\nrecipe r {\n  network m\n  data d\n  loss cross_entropy\n  optimizer sgd(lr: 0.1)\n  batch 2\n  epochs 1\n}\n',
  );
  expect((await cli("compile", "t.tlspec", "-t", "reference", "-o", "built")).code).toBe(0);
  const { out } = await cli("inspect", "built", "--json");
  expect((JSON.parse(out) as { readonly network: unknown }).network).toEqual([
    { layer: "fc", kind: "fc", parameters: 12, trainable: { main: 12 } },
    { layer: "out", kind: "out", parameters: 10, trainable: { main: 10 } },
  ]);
  expect((await cli("inspect", "built")).out).toContain("layer  parameters  trainable\nfc             12         12\n");
});

it("says where memory goes, to the last byte, and what is kept of each example or why nothing is", async () => {
  writeFileSync("r.tlspec", spec("cnn", "stage head {\n    freeze ** except fc\n  }\n  stage all {\n  }"));
  const { out } = await cli("inspect", "r.tlspec", "-t", "wasm", "--json");
  const { stages } = JSON.parse(out) as InspectEvent;
  for (const { bytes, entries } of stages) {
    expect(bytes.weights + bytes.optimizer + bytes.folded + bytes.activations + bytes.workspace + bytes.other).toBe(bytes.peak);
    expect(Math.min(...[bytes.activations, bytes.workspace, bytes.other].map(Math.sign))).toBeGreaterThanOrEqual(0);
    expect(Math.max(...Object.values(entries).map(({ temporary }) => temporary))).toBe(bytes.temporary);
  }
  const [head, all] = stages as [InspectedStage, InspectedStage];
  expect(head.bytes.activations).toBeLessThan(all.bytes.activations);
  expect(head.cached).toMatchObject({ features: true, reason: "block1 gives the same in every epoch", bytes: 1024 });
  expect(all.cached).toEqual({ features: false, reason: "nothing is frozen" });
  const shares = all.layers.map(({ share }) => share);
  expect(Math.min(...shares)).toBeGreaterThanOrEqual(0);
  // The rest is for no layer: the batch, the counters.
  expect(shares.reduce((sum, share) => sum + share, 0)).toBeLessThanOrEqual(1 + 1e-9);
  const { out: text } = await cli("inspect", "r.tlspec", "-t", "wasm", "--layers");
  expect(text).toContain("  cache       block1 gives the same in every epoch; 1,024 bytes are kept of each example");
  expect(text).toContain("  cache       none: nothing is frozen");
  expect(head.folded).toEqual({ training: ["block0.bn", "block1.bn"], answers: ["block0.bn", "block1.bn"] });
  expect(all.folded).toEqual({ training: [], answers: ["block0.bn", "block1.bn"] });
  expect(text).toContain("  folded      block0.bn, block1.bn into the products before them, in training as well");
  expect(text).toContain("  folded      block0.bn, block1.bn into the products before them in evaluation and prediction; none in training");
  expect(text).toMatch(/^ {2}peak +\d+\.\d\d {2}all of it, beside the data$/m);
});

it("shows what `recompute auto` compared and took, and that nothing is computed anew where there is room", async () => {
  const deep = spec("cnn", "recompute auto").replace("0..2", "0..9").replace("batch 4", "batch 128");
  writeFileSync("auto.tlspec", deep);
  const { out } = await cli("inspect", "auto.tlspec", "-t", "reference", "--json");
  const [{ recomputed, bytes, entries }] = (JSON.parse(out) as InspectEvent).stages as [InspectedStage];
  const { tried, chosen } = recomputed!;
  expect(tried[0]).toMatchObject({ segments: 0 });
  expect(tried.length).toBeGreaterThan(3);
  expect(new Set(tried.map(({ segments }) => segments)).size).toBeGreaterThan(2);
  expect(tried[chosen]).toMatchObject({ peak: Math.min(...tried.map(({ peak }) => peak)), flops: entries["train"]!.flops });
  expect(bytes.peak).toBe(tried[chosen]!.peak);
  const { out: text } = await cli("inspect", "auto.tlspec", "-t", "reference");
  expect(text).toContain(`  recompute   auto: ${tried[chosen]!.segments} segments are computed a second time for gradients\n`);
  expect(text).toMatch(/^ {2}segments {2}MB at peak {2}MFLOP\n {2}0 .*\n(.*\n)* {2}\d+ .* taken$/m);

  // With room for one of those that were tried, the least work that fits; with room for all, none.
  const sorted = [...tried].sort((one, other) => one.peak - other.peak);
  const compile = async (mostMemory: number): Promise<number> => {
    const { artifact } = await toolchain.compileSpec("auto.tlspec", {
      ...{ set: [], target: "reference", mostMemory, withoutData: true },
      describeData: () => Promise.reject(new Error("there is none")),
    });
    const report = artifact!.stages[0]!.report;
    expect(report.bytes.arena).toBeLessThanOrEqual(mostMemory);
    return report.entries["train"]!.flops;
  };
  for (const { peak } of sorted) {
    const least = Math.min(...tried.filter((it) => it.peak <= peak).map(({ flops }) => flops));
    expect(await compile(peak)).toBe(least);
  }
  expect(await compile(tried[0]!.peak)).toBe(tried[0]!.flops);
});

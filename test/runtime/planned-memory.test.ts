// What the memory plan says that a stage takes is what a device takes for it: for examples of several kinds, in all their stages. CUDA by what is
// allocated of its driver; WebAssembly by where its memory ends, of which kernels' tables and the threads' scratch are no part of the plan.

import { describe, expect, it } from "vitest";
import { compileSpec } from "../../src/compile.ts";
import type { Artifact } from "../../src/ir/artifact.ts";
import type { DataInfo, DataPlan } from "../../src/ir/plan.ts";
import { pictureColumn } from "../../src/ir/recipe/steps/index.ts";
import { findKoffi } from "../../src/runtime/cuda/koffi.ts";
import { layOut } from "../../src/runtime/wasm/layout.ts";
import { PAGE } from "../../src/runtime/wasm/memory.ts";
import { hostDriver, NO_HOST_COMPILER, openHostDriver } from "../support/cuda-host.ts";
import { compileText } from "../support/run-spec.ts";

const CLASSES = Array.from({ length: 10 }, (_, i) => String(i));
const pictures = (plan: DataPlan): DataInfo => ({
  inputs: [pictureColumn("image", plan, [3, 32, 32])],
  label: { name: "label", dtype: "i32", shape: [] },
  classes: CLASSES,
});

/** Of the host, where the driver reads the arguments of launches. */
const ARGUMENTS = 1024;

const STAGES = `network net(classes = 10) {
  input image: f32[3, 8, 8]
  conv1: conv2d(8, kernel: 3, padding: 1) -> bn1: batch_norm -> relu
  conv2: conv2d(8, kernel: 3, padding: 1) -> bn2: batch_norm -> relu
  global_avg_pool
  fc: linear(classes)
}
dataset d {
  train images("d")
}
recipe r {
  network net
  data d
  loss cross_entropy
  optimizer adamw(lr: 1e-3)
  batch 16
  epochs 2
  stage head {
    freeze ** except fc
  }
  stage all {
    recompute conv1, bn1, conv2, bn2
  }
}
`;

async function example(spec: string, target: string): Promise<Artifact> {
  const { artifact, diagnostics } = await compileSpec(spec, { target, describeData: (plan) => Promise.resolve(pictures(plan)) });
  if (!artifact) throw new Error(diagnostics.map(({ message }) => message).join("\n"));
  return artifact;
}

const stages = (target: string): Promise<Artifact> =>
  compileText(
    STAGES,
    { ...pictures({ preprocess: [], augment: [] } as never), inputs: [{ name: "image", dtype: "u8", shape: [3, 8, 8] }] },
    target,
  );

const EXAMPLES: readonly { readonly name: string; readonly compile: (target: string) => Promise<Artifact> }[] = [
  { name: "two stages", compile: stages },
  { name: "specs/examples/cifar.tlspec", compile: (target) => example("specs/examples/cifar.tlspec", target) },
];

describe.each(EXAMPLES)("$name", ({ compile }) => {
  it("takes of WebAssembly's memory what is planned, and tables and scratch", { timeout: 60_000 }, async () => {
    for (const { name, program, report } of (await compile("wasm")).stages) {
      expect(report.bytes.arena).toBe(program.arenaBytes);
      const { end, margin, tables, scratchBytes, tablesAt } = layOut(program, 2);
      // The arena ends where the tables begin, but for a page and what kernels may read beside it.
      expect([name, Math.ceil(tablesAt / 256)]).toEqual([name, Math.ceil((PAGE + 2 * margin + program.arenaBytes) / 256)]);
      expect(end - tablesAt).toBeLessThanOrEqual(4 * tables.length + 2 * scratchBytes + margin + 4 * 256);
    }
  });

  const without = NO_HOST_COMPILER;
  it.skipIf(without !== undefined)("takes of CUDA's memory what is planned, to the byte", { timeout: 240_000 }, async (context) => {
    if (!(await findKoffi())) context.skip("the npm package koffi is not installed");
    const device = await openHostDriver();
    const used = device.driver.koffi.load(await hostDriver()).func("fake_used", "uint64", []) as unknown as () => bigint | number;
    for (const { name, program } of (await compile("cuda")).stages) {
      const before = Number(used());
      const session = await device.load(program);
      expect([name, Number(used()) - before]).toEqual([name, program.arenaBytes + ARGUMENTS]);
      session.dispose();
      expect(Number(used())).toBe(before);
    }
    device.dispose();
  });
});

// What a training step takes of a GPU: launches, and bytes moved. Both are counted, not measured, so they hold on any machine; they may
// only get smaller.

import { resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { compileSpec } from "../../src/compile.ts";
import type { EntryReport } from "../../src/ir/artifact.ts";
import type { DataInfo, DataPlan } from "../../src/ir/plan.ts";
import type { KnownProfile } from "../../src/ir/program.ts";
import { pictureColumn } from "../../src/ir/recipe/steps/index.ts";
import { describeData } from "../../src/runtime/data/index.ts";

async function trainingStep(
  spec: string,
  recipe: string,
  image: readonly number[],
  classes: number,
  maxBuffers: number,
): Promise<EntryReport> {
  const data = (plan: DataPlan): DataInfo => ({
    inputs: [pictureColumn("image", plan, image)],
    label: { name: "label", dtype: "i32", shape: [] },
    classes: Array.from({ length: classes }, (_, i) => String(i)),
  });
  const { artifact, diagnostics } = await compileSpec(spec, {
    target: "webgpu",
    recipe,
    limits: { maxBuffers },
    describeData: (plan) => Promise.resolve(data(plan)),
    verify: true,
  });
  const step = artifact?.stages[0]?.report.entries["train"];
  if (!step) throw new Error(diagnostics.map(({ message }) => message).join("\n"));
  return step;
}

it("a training step of an LSTM of two layers of 50 takes a launch for each of its loops, of 24 steps, on a GPU", async () => {
  const launches = async (target: string, limits: KnownProfile): Promise<number | undefined> => {
    const describeOwn: typeof describeData = (plan, labels) => describeData(plan, labels, { within: [resolve("specs/examples")] });
    const { artifact } = await compileSpec("specs/examples/lstm.tlspec", { target, limits, describeData: describeOwn, verify: true });
    return artifact?.stages[0]?.report.entries["train"]?.launches;
  };
  expect(await launches("cuda", {})).toBe(24);
  expect(await launches("webgpu", { maxBuffers: 16 })).toBeLessThan(40);
  // On a processor that plays GPU, a barrier costs more than a launch.
  expect(await launches("webgpu", { maxBuffers: 16, kind: "cpu" })).toBeGreaterThan(200);
});

/** The buffers that every adapter binds, and what many do. */
describe.each([8, 16])("a training step with %i buffers a kernel", (maxBuffers) => {
  it("of two convolutions and two dense layers", async () => {
    const { launches, traffic } = await trainingStep("specs/examples/cnn.tlspec", "cnn", [3, 20, 20], 36, maxBuffers);
    expect(launches).toBeLessThanOrEqual(18);
    expect(traffic.read + traffic.written).toBeLessThanOrEqual(9.16e6);
  });

  it("of ResNet-18 on 64 pictures of 224 x 224", async () => {
    const { launches, traffic } = await trainingStep("bench/resnet.tlspec", "resnet18", [3, 375, 500], 1000, maxBuffers);
    expect(launches).toBeLessThanOrEqual(maxBuffers === 8 ? 114 : 107);
    expect(traffic.read + traffic.written).toBeLessThanOrEqual(maxBuffers === 8 ? 7.06e9 : 6.77e9);
  });
});

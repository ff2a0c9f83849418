// `tlc trace --stage`: the training step of any stage.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { compileTrace } from "../../src/compile.ts";
import { tensorType } from "../../src/ir/types.ts";

const folder = mkdtempSync(join(tmpdir(), "tlc-trace-"));
afterAll(() => rmSync(folder, { recursive: true }));

const SPEC = `network net {
  input given: f32[3]
  low: linear(4) -> relu
  fc: linear(2)
}
recipe r {
  network net
  loss cross_entropy
  optimizer sgd(lr: 0.1)
  epochs 1
  stage head { freeze low }
  stage tail { freeze fc optimizer adam(lr: 0.02) }
}
`;

it("is of the stage that is named, with its own optimizer, and of the first unless one is", async () => {
  const file = join(folder, "r.tlspec");
  writeFileSync(file, SPEC);
  const batch = new Map([
    ["given", tensorType("f32", [2, 3])],
    ["label", tensorType("i32", [2])],
  ]);
  const traced = async (stage?: string) => {
    const { artifact, diagnostics } = await compileTrace(file, { target: "reference", batch, ...(stage && { stage }) });
    // Trained below what is frozen, on purpose.
    expect(diagnostics.map(({ code }) => code)).toEqual(stage === "tail" ? ["TL0713"] : []);
    return artifact;
  };
  const trained = async (stage?: string) => (await traced(stage))?.stages.map(({ name, trainable }) => [name, ...trainable]);
  expect(await trained()).toEqual([["head", "fc.weight", "fc.bias"]]);
  expect(await trained("tail")).toEqual([["tail", "low.weight", "low.bias"]]);
  expect((await traced("tail"))?.stages[0]?.states.map(({ name }) => name)).toContain("optimizer/first_moment/low.weight");
  await expect(traced("tial")).rejects.toThrow('the recipe has no stage "tial"');
});

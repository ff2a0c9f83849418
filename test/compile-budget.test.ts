// What compilation refuses before it takes minutes or all of the stack: each with a diagnostic at the recipe's network.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { compileSpec } from "../src/compile.ts";
import type { DataInfo } from "../src/ir/plan.ts";

const folder = mkdtempSync(join(tmpdir(), "tlspec-budget-"));
afterAll(() => rmSync(folder, { recursive: true }));

const info: DataInfo = {
  inputs: [{ name: "g", dtype: "f32", shape: [2] }],
  label: { name: "label", dtype: "i32", shape: [] },
  classes: ["a", "b"],
};

async function codes(body: string, target: string): Promise<readonly string[]> {
  const file = join(folder, "n.tlspec");
  const recipe = "recipe r { network n data d loss cross_entropy batch 2 optimizer sgd(lr: 1) epochs 1 }";
  const data = 'dataset d { train table("d.csv", g: a, label: y) }';
  writeFileSync(file, `network n() {\n  input g: f32[2]\n  ${body}\n  fc: linear(2)\n}\n${data}\n${recipe}\n`);
  const { artifact, diagnostics } = await compileSpec(file, { target, describeData: () => Promise.resolve(info) });
  return [artifact === undefined ? "none" : "compiled", ...diagnostics.map(({ code }) => code)];
}

describe.each(["webgpu", "wasm", "reference"])("compiling for %s", (target) => {
  it("takes thousands of steps in a row", async () => {
    expect(await codes("for i in 0..6500 { tanh }", target)).toEqual(["compiled"]);
    expect(await codes("for i in 0..1000 { reshape([1, 2]) -> relu -> reshape([2]) }", target)).toEqual(["compiled"]);
  });

  it("says what is too much", async () => {
    expect(await codes("for i in 0..3900 { {i}: linear(2) }", target)).toEqual(["none", "TL0908"]);
  });
});

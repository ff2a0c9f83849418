// Workgroups of a launch: what a target's devices run is what an artifact of it may ask for.

import { expect, it } from "vitest";
import { targetNamed } from "../../src/codegen/targets.ts";
import { add, float } from "../../src/ir/loop/expr.ts";
import { programFault } from "../../src/ir/program-checks.ts";
import type { Program } from "../../src/ir/program.ts";
import { elementwise, programOf } from "../codegen/kernels.ts";
import { compileText } from "../support/run-spec.ts";
import { soleStage } from "../support/stages.ts";

const withGrid = (program: Program, grid: readonly [number, number, number]): Program => ({
  ...program,
  kernels: program.kernels.map((kernel) => ({ ...kernel, grid })),
});

it("are two-dimensional where one dimension is too short", () => {
  const kernel = elementwise("many", 65536 * 64 + 100, 1, (x) => add(x, float(1)));
  const gridOf = (target: "webgpu" | "cuda"): unknown => programOf(kernel, targetNamed(target)).kernels[0]?.grid;
  expect([gridOf("webgpu"), gridOf("cuda")]).toEqual([
    [65535, 2, 1],
    [65538, 1, 1],
  ]);
});

// What is compiled here is read again as a folder would be.
it.each(["cuda", "webgpu"] as const)("of a large network for %s are as many as its artifact may ask for", async (target) => {
  const spec = `network n {
  input image: f32[3, 600, 600]
  flatten
  fc: linear(8)
}
dataset d {
  train images("d")
}
recipe r {
  network n
  data d
  loss cross_entropy
  optimizer sgd(lr: 0.1)
  batch 2
  epochs 1
}
`;
  const artifact = await compileText(
    spec,
    {
      inputs: [{ name: "image", dtype: "f32", shape: [3, 600, 600] }],
      label: { name: "label", dtype: "i32", shape: [] },
      classes: ["a", "b", "c", "d", "e", "f", "g", "h"],
    },
    target,
  );
  const { program } = soleStage(artifact);
  const most = Math.max(...program.kernels.map(({ grid = [0] }) => grid[0]));
  expect(most > 65535).toBe(target === "cuda");
  expect(programFault(program)).toBeUndefined();
  expect(programFault(withGrid(program, target === "cuda" ? [1, 65536, 1] : [65536, 1, 1]))).toMatch(
    / has more workgroups than a device runs$/,
  );
});

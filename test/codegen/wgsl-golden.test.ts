// The WGSL of a handful of kernels, as files to read in review: `npx vitest run test/codegen -u` writes them anew.

import { describe, expect, it } from "vitest";
import { webgpuTarget } from "../../src/codegen/wgsl/target.ts";
import { acc, add, axis, binary, cast, constant, float, int, load, mul, select, threefry, unary } from "../../src/ir/loop/expr.ts";
import { printKernel } from "../../src/ir/loop/print.ts";
import { verifyKernel } from "../../src/ir/loop/verify.ts";
import type { Expr } from "../../src/ir/loop/expr.ts";
import type { Kernel } from "../../src/ir/loop/kernel.ts";
import type { KnownProfile } from "../../src/ir/program.ts";
import { axesOf, elementwise, kernelOf, matmul, param, softmax } from "./kernels.ts";
import { SAMPLES, TOGETHER } from "./samples.ts";

describe("golden WGSL", () => {
  it.each(SAMPLES)("%s", async (name, kernel, options) => {
    const { source, grid } = webgpuTarget.compileKernel(kernel, options);
    await expect(`/*\n${printKernel(kernel)}grid ${grid?.join() ?? "undefined"}\n*/\n${source ?? ""}`).toMatchFileSnapshot(
      `./samples/${name}.wgsl`,
    );
  });
});

describe("golden WGSL of kernels in one launch", () => {
  it("together", async () => {
    const { source, grid } = webgpuTarget.together?.compile(TOGETHER) ?? {};
    const text = TOGETHER.map(({ kernel, slots }) => `${printKernel(kernel)}  with ${slots.join()}\n`).join("");
    await expect(`/*\n${text}grid ${grid?.join() ?? "undefined"}\n*/\n${source ?? ""}`).toMatchFileSnapshot("./samples/together.wgsl");
  });
});

describe("helpers", () => {
  const helpersOf = (f: (x: Expr) => Expr): string[] =>
    [...(webgpuTarget.compileKernel(elementwise("one", 10, 1, f)).source ?? "").matchAll(/^fn (\w+)/gm)].map((match) => match[1] ?? "");
  it.each<[string, (x: Expr) => Expr, string[]]>([
    ["erf", (x) => unary("erf", x), ["is_nan", "erf"]],
    ["tanh", (x) => unary("tanh", x), ["stable_tanh"]],
    ["pow", (x) => binary("pow", x, float(2.5)), ["real_pow"]],
    ["a comparison with itself", (x) => select(binary("ne", x, x), float(0), x), ["is_nan"]],
    ["infinities", (x) => binary("max", binary("min", x, float(Infinity)), float(-Infinity)), ["infinity", "is_nan", "larger", "smaller"]],
    [
      "random bits",
      (x) => cast(threefry(cast(x, "u32"), constant(1, "u32"), constant(2, "u32"), constant(3, "u32")), "f32"),
      ["threefry", "threefry_rounds"],
    ],
    ["two of them", (x) => unary("erf", unary("tanh", x)), ["is_nan", "stable_tanh", "erf"]],
    ["none", (x) => mul(x, x), []],
  ])("of %s are those that it calls", (_, f, names) => {
    expect(helpersOf(f)).toEqual([...names, "main"]);
  });
  it("come with an empty maximum", () => {
    const kernel = kernelOf("maxima", [param("x", 640), param("y", 10, "write")], axesOf({ n: 10 }), [
      {
        kind: "reduce",
        axes: axesOf({ r: 64 }),
        op: "max",
        dtype: "f32",
        value: load(0, add(mul(axis("n", 10), int(64)), axis("r", 64)), "f32"),
      },
      { kind: "store", axes: [], writes: [{ buffer: 1, index: axis("n", 10), value: acc(0, "f32") }] },
    ]);
    const { source } = webgpuTarget.compileKernel(kernel);
    expect(source).toMatch(/= -infinity\(\);/);
    expect(source).toMatch(/^fn infinity\(\)/m);
  });
});

describe("what an adapter is", () => {
  const scale = elementwise("scale", 100_000, 1, (x) => mul(x, float(2)));
  const kernels = [matmul(60, 30, 50, 2), softmax(64, 1000), scale];
  const compiled = (kernel: Kernel, limits: KnownProfile): { readonly source?: string; readonly subgroupSize?: number } =>
    webgpuTarget.compileKernel(kernel, limits);

  it("is not told from the size of its subgroups", () => {
    for (const kernel of kernels) {
      const gpu = compiled(kernel, { lanes: 32 });
      const narrow = compiled(kernel, { lanes: 8 });
      expect(/workgroup_size\((\d+)\)/.exec(narrow.source ?? "")?.[1]).toBe(/workgroup_size\((\d+)\)/.exec(gpu.source ?? "")?.[1]);
    }
    expect(compiled(matmul(60, 30, 50, 2), { lanes: 8 }).subgroupSize).toBeUndefined();
  });

  it("is a CPU with subgroups of any size, or of none that is known", () => {
    for (const lanes of [4, 16]) {
      const { source, subgroupSize: needed } = compiled(matmul(60, 30, 50, 2), { kind: "cpu", lanes });
      expect(needed).toBe(lanes);
      expect(source).toContain(`@workgroup_size(${String(lanes)})`);
      expect(source).toContain("subgroupBroadcast");
    }
    const run = "step_1 < 16 + i32(workgroup_id.z)";
    expect(compiled(scale, { kind: "cpu" }).source).toContain(run);
    expect(compiled(scale, { lanes: 8 }).source).not.toContain(run);
  });
});

describe("verifyKernel", () => {
  const good = elementwise("ok", 10, 1, (x) => x);
  const bad: readonly (readonly [string, Kernel, RegExp])[] = [
    ["an unbound axis", { ...good, axes: [] }, /kernel ok: axis i is used outside its loop/],
    ["a wrong extent", { ...good, axes: axesOf({ i: 11 }) }, /axis i has extent 11, not 10/],
    ["an axis bound twice", { ...good, axes: [...good.axes, ...good.axes] }, /axis i is bound twice/],
    [
      "a write to a read-only parameter",
      { ...good, params: good.params.map((p) => ({ ...p, access: "read" as const })) },
      /to be read only/,
    ],
    ["a missing parameter", { ...good, params: good.params.slice(1) }, /parameter 1 of 1/],
    [
      "a result used early",
      { ...good, stages: [{ kind: "store", axes: [], writes: [{ buffer: 1, index: axis("i", 10), value: acc(0, "f32") }] }] },
      /before it is there/,
    ],
    ["a contraction over other axes", { ...matmul(2, 3, 4), axes: axesOf({ b: 1, n: 3, m: 2 }) }, /must be b, m, n/],
    ["no store", { ...good, stages: [] }, /stores nothing/],
  ];
  it.each(bad)("refuses %s", (_, kernel, message) => {
    expect(() => {
      verifyKernel(kernel);
    }).toThrow(message);
  });
});

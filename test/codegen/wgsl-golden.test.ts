// The WGSL of a handful of kernels, as files to read in review: `npx vitest run test/codegen -u` writes them anew.

import { describe, expect, it } from "vitest";
import { webgpuTarget } from "../../src/codegen/wgsl/target.ts";
import { acc, add, axis, float, int, load, mul, threefry, cast, constant, binary, select, unary } from "../../src/ir/loop/expr.ts";
import { printKernel } from "../../src/ir/loop/print.ts";
import { verifyKernel } from "../../src/ir/loop/verify.ts";
import type { Expr } from "../../src/ir/loop/expr.ts";
import type { Kernel } from "../../src/ir/loop/kernel.ts";
import type { DeviceLimits } from "../../src/ir/program.ts";
import { aboveMean, axesOf, convForward, convWeightGradient, elementwise, kernelOf, matmul, param, segments, softmax } from "./kernels.ts";

const i = axis("i", 1000);
const bytes = kernelOf(
  "normalize_bytes",
  [param("image", 3000, "read", "u8"), param("seed", 1, "read", "u32"), param("y", 3000, "write")],
  axesOf({ i: 1000, c: 3 }),
  [
    {
      kind: "store",
      axes: [],
      writes: [
        {
          buffer: 2,
          index: add(mul(i, int(3)), axis("c", 3)),
          value: select(
            binary(
              "lt",
              threefry(load(1, int(0), "u32"), constant(1, "u32"), cast(i, "u32"), constant(0, "u32")),
              constant(1 << 30, "u32"),
            ),
            mul(load(0, add(mul(i, int(3)), axis("c", 3)), "f32"), float(1 / 255)),
            float(0),
          ),
        },
      ],
    },
  ],
);

const columnSum = kernelOf("column_sum", [param("x", 640), param("y", 10, "read_write")], axesOf({ n: 10 }), [
  {
    kind: "reduce",
    axes: axesOf({ b: 64 }),
    op: "sum",
    dtype: "f32",
    value: load(0, add(mul(axis("b", 64), int(10)), axis("n", 10)), "f32"),
  },
  { kind: "store", axes: [], writes: [{ buffer: 1, index: axis("n", 10), value: add(load(1, axis("n", 10), "f32"), acc(0, "f32")) }] },
]);

const SAMPLES: [string, Kernel, DeviceLimits?][] = [
  ["gelu", elementwise("gelu", 1000, 1, (x) => mul(mul(x, float(0.5)), add(float(1), unary("erf", mul(x, float(Math.SQRT1_2))))))],
  ["normalize-bytes", bytes],
  ["column-sum", columnSum],
  ["softmax", softmax(64, 1000)],
  ["segment-sum", segments("sum", 100, 8, 64)],
  ["bytes-of-rows", aboveMean(100, 8)],
  ["matmul-gpu", matmul(60, 70, 50, 2)],
  ["matmul-cpu", matmul(60, 30, 50, 2), { isCpu: true, subgroupSize: 8 }],
  ["conv-forward", convForward({ batch: 2, inputs: 3, outputs: 8, size: 6, kernel: 3, padding: 1 }), { isCpu: true, subgroupSize: 8 }],
  // Two slices of 200 of the 400 pixels: neither operand is linear in k, but neighbouring threads must read neighbouring pixels.
  ["conv-weight-gradient-gpu", convWeightGradient({ batch: 4, inputs: 3, outputs: 8, size: 10, kernel: 3, padding: 1 }, 2)],
];

describe("golden WGSL", () => {
  it.each(SAMPLES)("%s", async (name, kernel, options) => {
    const { source, grid } = webgpuTarget.compileKernel(kernel, options);
    await expect(`/*\n${printKernel(kernel)}grid ${grid?.join() ?? "undefined"}\n*/\n${source ?? ""}`).toMatchFileSnapshot(
      `./samples/${name}.wgsl`,
    );
  });
});

describe("golden WGSL of kernels in one launch", () => {
  // A row of 256 threads, a thread for each element, and a row again: they share the scratch of a workgroup.
  const parts = [
    { kernel: softmax(8, 2000), slots: [0, 1] },
    { kernel: elementwise("double", 300, 1, (x) => mul(x, float(2))), slots: [2, 3] },
    { kernel: columnSum, slots: [4, 5] },
  ];
  it("together", async () => {
    const { source, grid } = webgpuTarget.together?.compile(parts) ?? {};
    const text = parts.map(({ kernel, slots }) => `${printKernel(kernel)}  with ${slots.join()}\n`).join("");
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
  const compiled = (kernel: Kernel, limits: DeviceLimits): { readonly source?: string; readonly subgroupSize?: number } =>
    webgpuTarget.compileKernel(kernel, limits);

  it("is not told from the size of its subgroups", () => {
    for (const kernel of kernels) {
      const gpu = compiled(kernel, { subgroupSize: 32 });
      const narrow = compiled(kernel, { subgroupSize: 8 });
      expect(/workgroup_size\((\d+)\)/.exec(narrow.source ?? "")?.[1]).toBe(/workgroup_size\((\d+)\)/.exec(gpu.source ?? "")?.[1]);
    }
    expect(compiled(matmul(60, 30, 50, 2), { subgroupSize: 8 }).subgroupSize).toBeUndefined();
  });

  it("is a CPU with subgroups of any size, or of none that is known", () => {
    for (const subgroupSize of [4, 16]) {
      const { source, subgroupSize: needed } = compiled(matmul(60, 30, 50, 2), { isCpu: true, subgroupSize });
      expect(needed).toBe(subgroupSize);
      expect(source).toContain(`@workgroup_size(${String(subgroupSize)})`);
      expect(source).toContain("subgroupBroadcast");
    }
    const run = "step_1 < 16 + i32(workgroup_id.z)";
    expect(compiled(scale, { isCpu: true }).source).toContain(run);
    expect(compiled(scale, { subgroupSize: 8 }).source).not.toContain(run);
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

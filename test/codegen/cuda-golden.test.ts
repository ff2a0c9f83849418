// The CUDA of a handful of kernels, as files to read in review: `npx vitest run test/codegen -u` writes them anew.

import { describe, expect, it } from "vitest";
import { cudaTarget } from "../../src/codegen/cuda/target.ts";
import { binary, cast, float, mul, select, type Expr } from "../../src/ir/loop/expr.ts";
import { printKernel } from "../../src/ir/loop/print.ts";
import { elementwise } from "./kernels.ts";
import { inFormat } from "./operands.ts";
import { SAMPLES, TOGETHER } from "./samples.ts";

// What is for a CPU that plays GPU is not for CUDA.
const GPU_SAMPLES = SAMPLES.filter(([, , known]) => known?.kind !== "cpu");

describe("golden CUDA", () => {
  it.each(GPU_SAMPLES)("%s", async (name, kernel) => {
    const { source, grid, cuda } = cudaTarget.compileKernel(kernel);
    const head = `/*\n${printKernel(kernel)}grid ${grid?.join() ?? "undefined"}\n*/\n`;
    expect(source).toContain(`__launch_bounds__(${String(cuda?.threads)}, 1) ${cuda?.entry ?? ""}(`);
    await expect(`${head}${source ?? ""}`).toMatchFileSnapshot(`./samples/${name}.cu`);
  });

  it("of kernels in one launch", async () => {
    const { source, grid } = cudaTarget.together?.compile(TOGETHER) ?? {};
    await expect(`// grid ${grid?.join() ?? "undefined"}\n${source ?? ""}`).toMatchFileSnapshot("./samples/together.cu");
  });
});

describe("CUDA", () => {
  const text = (f: (x: Expr) => Expr): string => cudaTarget.compileKernel(elementwise("one", 64, 1, f)).source ?? "";

  it.each<[string, (x: Expr) => Expr, string]>([
    ["has infinities by their bits", (x) => binary("max", x, float(-Infinity)), "larger(x0[point], __int_as_float(0xff800000))"],
    ["converts to integers with saturation", (x) => cast(cast(x, "i32"), "f32"), "float(__float2int_rz(x0[point]))"],
    ["finds what is no number", (x) => select(binary("ne", x, x), float(0), x), "(x0_v != x0_v)"],
    ["writes floats as such", (x) => mul(x, float(0.1)), "x0[point] * 0.1f"],
    ["writes whole floats as such", (x) => mul(x, float(3)), "x0[point] * 3.0f"],
  ])("%s", (_, f, expected) => {
    expect(text(f)).toContain(expected);
  });

  it("loads what may be out of range behind a branch", () => {
    const conv = SAMPLES.find(([name]) => name === "conv-weight-gradient-gpu")?.[1];
    // In f32 the machine copies it, and is told where there is nothing.
    const { source = "" } = conv ? cudaTarget.compileKernel(inFormat(conv, "bf16")) : {};
    expect(source).toMatch(/if \(.*\) \{\n\s+v_\d+ = x\[/);
  });

  it("calls kernels of one name differently", () => {
    const [a, b] = [1, 2].map((factor) => cudaTarget.compileKernel(elementwise("one", 64, 1, (x) => mul(x, float(factor)))).cuda?.entry);
    expect(a).toMatch(/^one_[0-9a-f]{8}$/);
    expect(a).not.toBe(b);
  });
});

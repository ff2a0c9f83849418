// Contractions of f32 whose operands are copied to shared memory while threads multiply, as CUDA kernels on the host, where a copy lands when it is waited
// for and not before: against the interpreter, with edges, borders and remainders of k, and operands that are computed beside copied ones. Skipped, with
// the reason, where there is no C++ compiler.

import { describe, expect, it } from "vitest";
import { cudaTarget } from "../../src/codegen/cuda/target.ts";
import { guidanceOf, printerFor } from "../../src/codegen/for-device.ts";
import { referenceTarget } from "../../src/codegen/reference.ts";
import { targetNamed } from "../../src/codegen/targets.ts";
import type { HostArray } from "../../src/ir/arrays.ts";
import { createBuilder } from "../../src/ir/builder.ts";
import type { Graph } from "../../src/ir/graph.ts";
import { unary } from "../../src/ir/loop/expr.ts";
import type { Kernel } from "../../src/ir/loop/kernel.ts";
import type { Node } from "../../src/ir/node.ts";
import type { EntryName } from "../../src/ir/program.ts";
import { FORMATS, roundTo } from "../../src/ir/rounding.ts";
import { tensorType } from "../../src/ir/types.ts";
import { compileEntries } from "../../src/passes/pipeline.ts";
import { openReferenceDevice } from "../../src/runtime/reference/device.ts";
import { convForward, convWeightGradient, matmul, numbers, relativeError, runKernel } from "../codegen/kernels.ts";
import { NO_HOST_COMPILER, openHostCuda } from "../support/cuda-host.ts";

const CONV = { batch: 3, inputs: 5, outputs: 20, size: 9, kernel: 3, padding: 1 };

/** The left operand of the contraction, computed. */
function withExponentials(kernel: Kernel): Kernel {
  const [first, ...rest] = kernel.stages;
  if (first?.kind !== "contract") throw new Error(`${kernel.name} is no contraction`);
  return { ...kernel, stages: [{ ...first, lhs: unary("exp", first.lhs) }, ...rest] };
}

/** By how many bytes operands are copied. */
const CASES: readonly (readonly [string, Kernel, readonly number[]])[] = [
  ["tiles that fit", matmul(64, 128, 80), [4, 16]],
  ["many tiles", matmul(520, 640, 48), [4, 16]],
  ["edges on all sides", matmul(70, 50, 77), [4]],
  ["rows of no multiple of four", matmul(33, 70, 64), [4]],
  ["two rounds", matmul(32, 32, 20), [4, 16]],
  ["batches", matmul(33, 64, 21, 3), [4, 16]],
  ["one round", matmul(40, 40, 16), []],
  ["a convolution", convForward(CONV), [4]],
  ["a convolution of single pixels", convForward({ batch: 2, inputs: 40, outputs: 32, size: 8, kernel: 1, padding: 0 }), [4, 16]],
  ["a filter's gradient in parts", convWeightGradient(CONV, 3), [4]],
  ["an operand that is computed", withExponentials(matmul(64, 128, 80)), [16]],
];

describe("cuda copies operands aside", () => {
  it.each(CASES)("%s", async (_, kernel, bytes) => {
    const { source = "" } = cudaTarget.compileKernel(kernel);
    const copies = [...source.matchAll(/copy_aside<(\d+)>/g)].map(([, count]) => Number(count));
    expect([...new Set(copies)].sort((x, y) => x - y)).toEqual(bytes);
    if (NO_HOST_COMPILER !== undefined) return;
    const read = kernel.params.filter(({ access }) => access === "read");
    const inputs = Object.fromEntries(read.map(({ name: param, length }, i) => [param, numbers(length, i + 1)]));
    const expected = await runKernel(openReferenceDevice(), referenceTarget, kernel, inputs);
    for (const [output, values] of await runKernel(openHostCuda(), cudaTarget, kernel, inputs))
      expect(relativeError(values, expected.get(output) ?? new Float32Array()), output).toBeLessThan(2e-6);
  });
});

/** A product whose left operand is in memory as it is multiplied. */
function ofRounded(kernel: Kernel): Kernel {
  const [first, ...rest] = kernel.stages;
  if (first?.kind !== "contract") throw new Error(`${kernel.name} is no contraction`);
  return { ...kernel, stages: [{ ...first, rhs: unary("round_tf32", first.rhs), operands: "tf32" }, ...rest] };
}

const MATRICES: readonly (readonly [string, Kernel, boolean])[] = [
  ["tiles that fit", matmul(64, 64, 64), true],
  ["edges and what is left of k", matmul(70, 50, 76, 2), true],
  ["a round", matmul(64, 64, 16), true],
  ["rows that are not aligned", matmul(64, 64, 62), false],
  ["few rows", matmul(5, 300, 64), false],
];

describe("cuda copies rows of words aside", () => {
  it.each(MATRICES)("%s", async (_, given, isCopied) => {
    const kernel = ofRounded(given);
    const { source = "" } = cudaTarget.compileKernel(kernel);
    expect(source.includes("copy_aside<16>(left")).toBe(isCopied);
    if (NO_HOST_COMPILER !== undefined) return;
    const read = kernel.params.filter(({ access }) => access === "read");
    const inputs = Object.fromEntries(
      read.map(({ name: param, length }, i) => [param, numbers(length, i + 1).map((x) => (i === 0 ? roundTo(FORMATS.tf32, x) : x))]),
    );
    const expected = await runKernel(openReferenceDevice(), referenceTarget, kernel, inputs);
    for (const [output, values] of await runKernel(openHostCuda(), cudaTarget, kernel, inputs))
      expect(relativeError(values, expected.get(output) ?? new Float32Array()), output).toBeLessThan(2e-6);
  });

  it.each(["bf16", "f16"] as const)("in 16 bits, of a product before: %s", async (to) => {
    const target = targetNamed("cuda");
    const { stores = [], ...guidance } = guidanceOf(target);
    const results: HostArray[] = [];
    for (const formats of [[], stores]) {
      const b = createBuilder();
      const leaf = (name: string, ...shape: number[]): Node => b.input({ name, role: "batch", type: tensorType("f32", shape) });
      const inner = b.roundTo(b.matmul(leaf("x", 70, 24), leaf("w", 24, 72)), { to });
      // Read twice, so that it is in memory.
      const outputs = new Map([
        ["y", b.matmul(inner, leaf("v", 72, 40))],
        ["z", b.reduceSum(inner, { axes: [0] })],
      ]);
      const options = { verify: true, operands: to, ...guidance, stores: formats };
      const { program } = compileEntries(new Map<EntryName, Graph>([["predict", { builder: b, outputs }]]), printerFor(target), options);
      const isCopied = program.kernels.some(({ source = "" }) => source.includes("copy_aside<16>(left"));
      expect(isCopied).toBe(formats.length > 0);
      if (NO_HOST_COMPILER !== undefined) return;
      const session = await openHostCuda().load(program);
      for (const name of ["x", "w", "v"])
        session.write(name, numbers(name === "v" ? 2880 : name === "x" ? 1680 : 1728, name.charCodeAt(0)));
      session.run("predict");
      results.push(...(await session.read(["y"])).values());
      session.dispose();
    }
    expect(results[1]).toEqual(results[0]);
  });
});

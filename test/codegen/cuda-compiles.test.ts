// Every CUDA kernel through NVIDIA's own compilers, as a folder ships it, for the oldest GPUs that are meant and for Hopper: no warning, nothing spilled,
// no array in a thread's own memory, and no instruction that is newer than the version that the PTX names. Skipped, with the reason, where there is no nvcc.

import { beforeAll, describe, expect, it } from "vitest";
import { conformanceCases } from "../runtime/conformance.ts";
import { kernelsOfExamples, kernelsOfGraphs, type Kernels } from "../support/cuda-kernels.ts";
import { assemble, NO_NVCC, type Assembled, type Usage } from "../support/nvcc.ts";

if (NO_NVCC !== undefined) console.warn(`skipped: ${NO_NVCC}`);

const ARCHS = ["sm_80", "sm_90a"];

describe.skipIf(NO_NVCC !== undefined)("NVIDIA's compilers", () => {
  let kernels: Kernels = new Map();
  let assembled: ReadonlyMap<string, Assembled> = new Map();
  beforeAll(async () => {
    kernels = await kernelsOfExamples(kernelsOfGraphs(conformanceCases().map(({ graph }) => graph)));
    await kernelsOfExamples(kernels, true);
    assembled = await assemble(kernels, ARCHS);
  });

  it.each(ARCHS)("take all kernels for %s without a warning, a spill or a stack", (arch) => {
    const { usage, log } = assembled.get(arch) ?? { usage: new Map<string, Usage>(), log: "" };
    expect(usage.size).toBe(kernels.size);
    // A sine of a large number is looked up in an array.
    const hasSine = (name: string): boolean => /\b(?:sin|cos)f\(/.test(kernels.get(name)?.source ?? "");
    const isBad = ([name, { stack, spilled, registers }]: [string, Usage]): boolean =>
      spilled !== 0 || !(registers <= 255) || !(stack === 0 || hasSine(name));
    expect([...usage].filter(isBad)).toEqual([]);
    expect(log).not.toMatch(/warning/i);
  });
});

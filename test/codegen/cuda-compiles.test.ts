// Every CUDA kernel through NVIDIA's own compilers, as a folder ships it, for the oldest GPUs that are meant and for Hopper: no warning, nothing spilled,
// no array in a thread's own memory, and no instruction that is newer than the version that the PTX names. Skipped, with the reason, where there is no nvcc.

import { beforeAll, describe, expect, it } from "vitest";
import { conformanceCases } from "../runtime/conformance.ts";
import { cudaTarget } from "../../src/codegen/cuda/target.ts";
import { collect, kernelsOfExamples, kernelsOfGraphs, type Kernels } from "../support/cuda-kernels.ts";
import type { CompiledKernel } from "../../src/ir/program.ts";
import { matmul } from "./kernels.ts";
import { alongK, stored } from "./stored-products.ts";
import { assemble, NO_NVCC, type Assembled, type Usage } from "../support/nvcc.ts";

if (NO_NVCC !== undefined) console.warn(`skipped: ${NO_NVCC}`);

/** Kernels of one kind that are worth compiling. */
const SOME = 4;

const ARCHS = ["sm_80", "sm_90a"];

/** Of what memory holds as it is multiplied, examples have little. */
const STORED = [
  stored(alongK(2048, 1040, 328), "bf16"),
  stored(alongK(64, 26_000, 328), "f16"),
  stored(alongK(200, 400, 648, 3), "tf32"),
  stored(matmul(200, 400, 648), "f16"),
];

describe.skipIf(NO_NVCC !== undefined)("NVIDIA's compilers", () => {
  let kernels: Kernels = new Map();
  let assembled: ReadonlyMap<string, Assembled> = new Map();
  let hopper: Assembled | undefined;
  beforeAll(async () => {
    kernels = await kernelsOfExamples(kernelsOfGraphs(conformanceCases().map(({ graph }) => graph)));
    await kernelsOfExamples(kernels, true);
    collect(
      STORED.flatMap((kernel) => (cudaTarget.ways?.(kernel) ?? []).flat()),
      kernels,
    );
    const needing = [...kernels].filter(([, { cuda }]) => cuda?.needs !== undefined);
    for (const [entry] of needing) kernels.delete(entry);
    assembled = await assemble(kernels, ARCHS);
    hopper = (await assemble(aHandful(needing), ["sm_90a"], "sm_90a")).get("sm_90a");
  });

  /** Of each format and shape, some: they differ in how operands are computed. */
  const aHandful = (all: readonly (readonly [string, CompiledKernel])[]): Kernels => {
    const kinds = new Map<string, (readonly [string, CompiledKernel])[]>();
    for (const [entry, kernel] of all) {
      const { cuda, source = "" } = kernel;
      const kind = [cuda?.threads, /multiply_wide_\w+/.exec(source)?.[0], source.includes("copy_aside"), cuda?.maps?.length].join();
      kinds.set(kind, [...(kinds.get(kind) ?? []), [entry, kernel]]);
    }
    return new Map([...kinds.values()].flatMap((kind) => kind.filter((_, i) => i % Math.ceil(kind.length / SOME) === 0)));
  };

  it("take those of Hopper for it without a warning, a spill or a stack", () => {
    const { usage, log } = hopper ?? { usage: new Map<string, Usage>(), log: "" };
    expect(usage.size).toBeGreaterThan(SOME);
    expect([...usage].filter(([, { stack, spilled, registers }]) => stack !== 0 || spilled !== 0 || !(registers <= 255))).toEqual([]);
    // Products that wait for each other would be said in a remark.
    expect(log).not.toMatch(/warning|serializ/i);
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

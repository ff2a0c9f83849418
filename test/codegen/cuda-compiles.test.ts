// Every CUDA kernel through NVIDIA's own compiler, for the oldest GPUs that are meant and for Hopper: no warning, nothing spilled, no array in
// a thread's own memory. Skipped, with the reason, where there is no nvcc.

import { execFile, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { PRELUDE } from "../../src/codegen/cuda/prelude.ts";
import { conformanceCases } from "../runtime/conformance.ts";
import { kernelsOfExamples, kernelsOfGraphs, type Kernels } from "../support/cuda-kernels.ts";

const hasCompiler = spawnSync("nvcc", ["--version"]).status === 0;
if (!hasCompiler) console.warn("skipped: no nvcc (the CUDA toolkit)");

interface Usage {
  readonly stack: number;
  readonly spilled: number;
  readonly registers: number;
}

/** What ptxas says of each kernel. */
function usageOf(log: string): Map<string, Usage> {
  const found = new Map<string, Usage>();
  for (const part of log.split("Compiling entry function '").slice(1)) {
    const figure = (pattern: RegExp): number => Number(pattern.exec(part)?.[1] ?? NaN);
    found.set(part.slice(0, part.indexOf("'")), {
      stack: figure(/(\d+) bytes stack frame/),
      spilled: figure(/(\d+) bytes spill stores/),
      registers: figure(/Used (\d+) registers/),
    });
  }
  return found;
}

describe.skipIf(!hasCompiler)("nvcc", () => {
  const folder = mkdtempSync(join(tmpdir(), "tlc-nvcc-"));
  let kernels: Kernels = new Map();
  beforeAll(async () => {
    kernels = await kernelsOfExamples(kernelsOfGraphs(conformanceCases().map(({ graph }) => graph)));
    writeFileSync(join(folder, "all.cu"), [PRELUDE, ...[...kernels.values()].map(({ source }) => source)].join("\n"));
  }, 300_000);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it.each(["sm_80", "sm_90a"])("compiles all kernels for %s without a warning, a spill or a stack", { timeout: 600_000 }, async (arch) => {
    const flags = ["-cubin", `-arch=${arch}`, "-Werror", "all-warnings", "-Xptxas", "-v,-warn-spills"];
    const { stdout, stderr } = await promisify(execFile)("nvcc", [...flags, "-o", `${arch}.cubin`, "all.cu"], {
      cwd: folder,
      maxBuffer: 1 << 28,
    });
    const usage = usageOf(stdout + stderr);
    expect(usage.size).toBe(kernels.size);
    // A sine of a large number is looked up in an array.
    const hasSine = (name: string): boolean => /\b(?:sin|cos)f\(/.test(kernels.get(name)?.source ?? "");
    const isBad = ([name, { stack, spilled, registers }]: [string, Usage]): boolean =>
      spilled !== 0 || !(registers <= 255) || !(stack === 0 || hasSine(name));
    expect([...usage].filter(isBad)).toEqual([]);
    expect(stdout + stderr).not.toMatch(/warning/i);
  });
});

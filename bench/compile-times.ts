// Times of the compiler itself, and how close the memory plan comes to the least there could be.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { soleStage } from "../test/support/stages.ts";
import { compileSpec } from "../src/compile.ts";
import type { Artifact } from "../src/ir/artifact.ts";
import type { DataInfo } from "../src/ir/plan.ts";

const IMAGES: DataInfo = {
  inputs: [{ name: "image", dtype: "u8", shape: [3, 24, 24] }],
  label: { name: "label", dtype: "i32", shape: [] },
  classes: Array.from({ length: 10 }, (_, i) => String(i)),
};

const ROWS: DataInfo = {
  inputs: [{ name: "values", dtype: "f32", shape: [8] }],
  label: { name: "label", dtype: "i32", shape: [] },
  classes: ["a", "b"],
};

async function timed(file: string, info: DataInfo): Promise<{ readonly ms: number; readonly artifact: Artifact }> {
  const start = performance.now();
  const { artifact, diagnostics } = await compileSpec(file, { target: "webgpu", describeData: () => Promise.resolve(info) });
  const ms = performance.now() - start;
  if (!artifact) throw new Error(diagnostics.map((d) => d.message).join("\n"));
  return { ms, artifact };
}

export interface CompileTimes {
  /** Milliseconds: the first in a process, and the median of the next five. */
  readonly cnnFirst: number;
  readonly cnn: number;
  readonly longSpec: number;
  /** Peak of temporaries over the most bytes alive at one time. */
  readonly memoryRatio: number;
}

export async function measureCompile(longSpec: string): Promise<CompileTimes> {
  const folder = mkdtempSync(join(tmpdir(), "tlc-bench-"));
  try {
    const first = await timed("bench/cnn.tlspec", IMAGES);
    const next: number[] = [];
    for (let i = 0; i < 5; i++) next.push((await timed("bench/cnn.tlspec", IMAGES)).ms);
    const file = join(folder, "long.tlspec");
    writeFileSync(file, longSpec);
    const long = await timed(file, ROWS);
    const { temporary, temporaryLowerBound } = soleStage(first.artifact).report.bytes;
    return {
      cnnFirst: first.ms,
      cnn: next.sort((a, b) => a - b)[2] ?? NaN,
      longSpec: long.ms,
      memoryRatio: temporary / temporaryLowerBound,
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

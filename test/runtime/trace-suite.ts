// The training steps of test/fixtures/traces on a device, as `tlc trace` runs them, against what PyTorch wrote there. What made them is
// scripts/make-traces.py.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, it } from "vitest";
import { expectTensors, traced, tensorsOf, type TraceDevice } from "../support/trace.ts";

const FOLDER = fileURLToPath(new URL("../fixtures/traces", import.meta.url));

/** Traces, and how far three steps may be off: an adaptive optimizer divides by small numbers. */
const TRACES = [
  ["cnn-sgd", 1e-4],
  ["residual-sgd", 1e-4],
  ["reader-sgd", 1e-4],
  ["tagger-adam", 1e-3],
  ["features-adamw", 1e-3],
] as const;

export function traceSuite(device: TraceDevice): void {
  const work = mkdtempSync(join(tmpdir(), "tlc-traces-"));
  afterAll(() => rmSync(work, { recursive: true, force: true }));

  describe(`training steps on ${device} are PyTorch's`, () => {
    it.each(TRACES)("%s", async (name, afterwards) => {
      const file = (kind: string): string => join(FOLDER, `${name}.${kind}`);
      const actual = await traced(file("tlspec"), file("in.safetensors"), 3, device, join(work, `${name}.safetensors`));
      const isAfter = (tensor: string): boolean => tensor.startsWith("after/") || tensor === "loss";
      expectTensors(actual, tensorsOf(file("out.safetensors")), (tensor) => (isAfter(tensor) ? afterwards : 1e-4));
    });
  });
}

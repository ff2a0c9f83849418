// Training steps in every precision on a device, against what PyTorch wrote into test/fixtures/precision: products whose operands are rounded, to
// the error of f32; and torch.autocast, to what bf16 can tell apart. What made them is scripts/make-precision-traces.py.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, it } from "vitest";
import type { Device } from "../../src/runtime/device.ts";
import { expectTensors, traced, tensorsOf, type TraceDevice } from "../support/trace.ts";

const FOLDER = fileURLToPath(new URL("../fixtures/precision", import.meta.url));

/** How far off tensors may be, and how many steps there are. bf16 has 8 significant bits, of which sums keep more. */
const TRACES: readonly (readonly [name: string, tolerance: number, steps: number])[] = [
  ["tf32", 1e-4, 3],
  ["bf16", 1e-4, 3],
  ["f16", 1e-4, 8],
  ["autocast", 2e-2, 3],
];

export function precisionSuite(device: TraceDevice, openDevice?: () => Promise<Device>): void {
  const work = mkdtempSync(join(tmpdir(), "tlc-precision-"));
  afterAll(() => rmSync(work, { recursive: true, force: true }));

  describe(`precisions on ${device} are PyTorch's`, () => {
    it.each(TRACES)("%s", async (name, tolerance, steps) => {
      const file = (kind: string): string => join(FOLDER, `${name}.${kind}`);
      const actual = await traced(file("tlspec"), file("in.safetensors"), steps, device, join(work, `${name}.safetensors`), openDevice);
      expectTensors(actual, tensorsOf(file("out.safetensors")), () => tolerance);
    });
  });
}

// The training steps of test/fixtures/traces on a device, as `tlc trace` runs them, against what PyTorch wrote there. What made them is
// scripts/make-traces.py.

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, it } from "vitest";
import { toolchain } from "../../src/cli/default-toolchain.ts";
import { runCli } from "../../src/cli/program.ts";
import { readSafetensors, type Tensor } from "../../src/runtime/weights/safetensors.ts";
import { toFloat32 } from "../../src/runtime/weights/tensor-values.ts";
import { relativeError } from "../support/values.ts";

const FOLDER = fileURLToPath(new URL("../fixtures/traces", import.meta.url));

/** Traces, and how far three steps may be off: an adaptive optimizer divides by small numbers. */
const TRACES = [
  ["cnn-sgd", 1e-4],
  ["residual-sgd", 1e-4],
  ["reader-sgd", 1e-4],
  ["tagger-adam", 1e-3],
  ["features-adamw", 1e-3],
] as const;

const tensorsOf = (file: string): ReadonlyMap<string, Tensor> => readSafetensors(readFileSync(file)).tensors;

export function traceSuite(device: "reference" | "wasm" | "webgpu"): void {
  const work = mkdtempSync(join(tmpdir(), "tlc-traces-"));
  afterAll(() => rmSync(work, { recursive: true, force: true }));

  describe(`training steps on ${device} are PyTorch's`, () => {
    it.each(TRACES)("%s", async (name, afterwards) => {
      const out = join(work, `${name}.safetensors`);
      const given = ["--input", join(FOLDER, `${name}.in.safetensors`), "--steps", "3", "--device", device, "--out", out];
      let errors = "";
      const status = await runCli(["trace", join(FOLDER, `${name}.tlspec`), ...given], {
        stdout: { write: () => undefined },
        stderr: { write: (text: string) => (errors += text) },
        env: {},
        toolchain,
      });
      expect([status, status === 0 ? "" : errors]).toEqual([0, ""]);
      const [expected, actual] = [tensorsOf(join(FOLDER, `${name}.out.safetensors`)), tensorsOf(out)];
      // Nothing is missing, and no gradient is there that PyTorch has not.
      expect([...actual.keys()].sort()).toEqual([...expected.keys()].sort());
      for (const [tensor, values] of expected) {
        const own = actual.get(tensor);
        expect(own?.shape, tensor).toEqual(values.shape);
        const error = own && relativeError(toFloat32(tensor, own), toFloat32(tensor, values));
        expect(error, tensor).toBeLessThan(tensor.startsWith("after/") || tensor === "loss" ? afterwards : 1e-4);
      }
    });
  });
}

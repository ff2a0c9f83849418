// `tlc trace` as tests run it, and what comes of it beside what PyTorch wrote.

import { readFileSync } from "node:fs";
import { expect } from "vitest";
import { toolchain } from "../../src/cli/default-toolchain.ts";
import { runCli } from "../../src/cli/program.ts";
import type { Toolchain } from "../../src/cli/toolchain.ts";
import { readSafetensors, type Tensor } from "../../src/runtime/weights/safetensors.ts";
import { toFloat32 } from "../../src/runtime/weights/tensor-values.ts";
import { relativeError } from "./values.ts";

export type TraceDevice = "reference" | "wasm" | "webgpu" | "cuda";
export type Tensors = ReadonlyMap<string, Tensor>;

export const tensorsOf = (file: string): Tensors => readSafetensors(readFileSync(file)).tensors;

/**
 * What `steps` training steps of a spec leave on a device.
 * @param openDevice instead of the real one of that name
 */
export async function traced(
  spec: string,
  input: string,
  steps: number,
  device: TraceDevice,
  out: string,
  openDevice?: Toolchain["openDevice"],
): Promise<Tensors> {
  let errors = "";
  const status = await runCli(["trace", spec, "--input", input, "--steps", String(steps), "--device", device, "--out", out], {
    stdout: { write: () => undefined },
    stderr: { write: (text: string) => (errors += text) },
    env: {},
    toolchain: { ...toolchain, ...(openDevice && { openDevice }) },
  });
  expect([status, status === 0 ? "" : errors]).toEqual([0, ""]);
  return tensorsOf(out);
}

/** `tolerance`: of the relative error of each tensor. */
export function expectTensors(actual: Tensors, expected: Tensors, tolerance: (tensor: string) => number): void {
  // Nothing is missing, and no gradient is there that PyTorch has not.
  expect([...actual.keys()].sort()).toEqual([...expected.keys()].sort());
  for (const [tensor, values] of expected) {
    const own = actual.get(tensor);
    expect(own?.shape, tensor).toEqual(values.shape);
    const error = own && relativeError(toFloat32(tensor, own), toFloat32(tensor, values));
    expect(error, tensor).toBeLessThan(tolerance(tensor));
  }
}

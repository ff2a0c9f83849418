// A kernel alone on the wasm device with one to four threads, beside the reference interpreter: what every schedule of its own must pass.

import { afterAll, expect } from "vitest";
import { referenceTarget } from "../../src/codegen/reference.ts";
import { wasmTarget } from "../../src/codegen/wasm/target.ts";
import type { Kernel } from "../../src/ir/loop/kernel.ts";
import { openDevice } from "../../src/runtime/open-device.ts";
import { numbers, relativeError, runKernel } from "../codegen/kernels.ts";

/** Whether the kernel's code has that in it. */
export const codeHas = (kernel: Kernel, text: string): boolean => wasmTarget.compileKernel(kernel).source?.includes(text) ?? false;

/** Where there is infinity or no number at all, and which. */
const numberless = (values: Float32Array): string[] => [...values].flatMap((x, i) => (Number.isFinite(x) ? [] : [`${i}: ${x}`]));
const numberOrNothing = (x: number): number => (Number.isFinite(x) ? x : 0);

/**
 * Runs a kernel on random numbers, or on those that are given: the first output is the reference's to rounding, without a number where that
 * has none, and the same bits on any number of threads. Its devices are disposed of after the test file that calls this.
 */
export async function openThreads(): Promise<(kernel: Kernel, given?: Readonly<Record<string, Float32Array>>) => Promise<void>> {
  const reference = await openDevice("reference");
  const devices = await Promise.all([1, 2, 3, 4].map((threads) => openDevice("wasm", { threads })));
  afterAll(() => {
    for (const device of [reference, ...devices]) device.dispose();
  });
  const first = (results: ReadonlyMap<string, unknown>): Float32Array => [...results.values()][0] as Float32Array;
  return async (kernel, given) => {
    const drawn = Object.fromEntries(kernel.params.filter((p) => p.access !== "write").map((p, i) => [p.name, numbers(p.length, i + 1)]));
    const inputs = { ...drawn, ...given };
    const expected = first(await runKernel(reference, referenceTarget, kernel, inputs));
    const results: Float32Array[] = [];
    for (const device of devices) results.push(first(await runKernel(device, wasmTarget, kernel, inputs)));
    const [one = new Float32Array(), ...others] = results;
    expect(numberless(one)).toEqual(numberless(expected));
    expect(relativeError(one.map(numberOrNothing), expected.map(numberOrNothing))).toBeLessThan(4e-7);
    for (const other of others) expect(other).toEqual(one);
  };
}

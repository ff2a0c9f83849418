// The kernels of every device on WebGPU, and those that only a GPU's schedules make.

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { mergeAxes } from "../../src/codegen/axes.ts";
import { referenceTarget } from "../../src/codegen/reference.ts";
import type { Target } from "../../src/codegen/target.ts";
import { launchOf } from "../../src/codegen/gpu/launch.ts";
import { scheduleRows } from "../../src/codegen/gpu/rows.ts";
import { printShader } from "../../src/codegen/wgsl/print.ts";
import { webgpuProfile, webgpuTarget } from "../../src/codegen/wgsl/target.ts";
import { openDevice } from "../../src/runtime/open-device.ts";
import { openReferenceDevice } from "../../src/runtime/reference/device.ts";
import { findAdapter } from "../../src/runtime/webgpu/adapter.ts";
import { openWebgpuDevice, type WebgpuDevice } from "../../src/runtime/webgpu/device.ts";
import { matmul, numbers, relativeError, runKernel, softmax } from "../codegen/kernels.ts";
import { kernelSuite } from "./kernel-suite.ts";

const found = await findAdapter();
if (!found) console.warn("skipped: no WebGPU adapter (see scripts/setup.sh)");
else
  // An adapter gives one device only.
  kernelSuite("webgpu", webgpuTarget, () => openDevice("webgpu"));

describe.skipIf(!found)("schedules of GPUs", () => {
  let webgpu: WebgpuDevice;
  const reference = openReferenceDevice();
  beforeAll(async () => {
    if (found) webgpu = await openWebgpuDevice(found);
  });
  afterAll(() => webgpu.dispose());

  it("multiply matrices with the tiles of a GPU", async () => {
    for (const [m, n, k] of [
      [33, 70, 50],
      [520, 512, 20],
    ] as const) {
      const kernel = matmul(m, n, k);
      const inputs = { x: numbers(m * k, 1), w: numbers(k * n, 2), bias: numbers(n, 3) };
      const expected = await runKernel(reference, referenceTarget, kernel, inputs);
      const actual = await runKernel(webgpu, webgpuTarget, kernel, inputs, undefined, {});
      expect(relativeError(actual.get("y")!, expected.get("y")!)).toBeLessThan(1e-5);
    }
  });

  // A CPU's schedules never need more than one subgroup for a row; a GPU's do.
  it.for([16, 64])("reduces rows by %i threads of several subgroups", async (threads, { skip }) => {
    const { lanes } = webgpu.limits;
    if (lanes === undefined) return skip("the adapter has no subgroups of a fixed size");
    const profile = webgpuProfile({ lanes });
    const kernel = softmax(5, 700);
    const inputs = { x: numbers(5 * 700) };
    const severalSubgroups: Target = {
      ...webgpuTarget,
      compileKernel: (source) => printShader(launchOf(scheduleRows(mergeAxes(source), { threads, points: 1 }, profile), profile)),
    };
    const expected = await runKernel(reference, referenceTarget, kernel, inputs);
    const actual = await runKernel(webgpu, severalSubgroups, kernel, inputs);
    expect([...expected.keys()].length).toBeGreaterThan(0);
    for (const [name, values] of expected) expect(relativeError(actual.get(name) ?? new Float32Array(), values)).toBeLessThan(1e-5);
  });
});

// A folder compiled for CUDA as an application in Node uses it, in a process of its own: with nothing but koffi and a driver, which is one without a
// GPU. Skipped, with the reason, where there is no C++ compiler or no koffi.

import { execFile } from "node:child_process";
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Artifact } from "../../src/ir/artifact.ts";
import { findKoffi } from "../../src/runtime/cuda/koffi.ts";
import { mayHaveGpu } from "../../src/runtime/gpu-files.ts";
import { hostDriver, hostModule, NO_HOST_COMPILER } from "../support/cuda-host.ts";
import { compileFolder, type CompiledFolder } from "./module-folder.ts";
import { runInNode } from "./module-outcome.ts";

const reason = NO_HOST_COMPILER ?? ((await findKoffi()) ? undefined : "the npm package koffi is not installed");
if (reason !== undefined) console.warn(`skipped: ${reason}`);

/** Where there would be PTX is what the driver without a GPU takes for it. */
async function forHostDriver(artifact: Artifact): Promise<Artifact> {
  if (artifact.target !== "cuda") return artifact;
  const stages = artifact.stages.map(async (stage) => {
    const image = await hostModule(stage.program);
    return { ...stage, program: { ...stage.program, ptx: new TextDecoder().decode(image).replace("\0", "") } };
  });
  return { ...artifact, stages: await Promise.all(stages) };
}

describe.skipIf(reason !== undefined)("a folder compiled for cuda, webgpu and wasm", () => {
  let folder: CompiledFolder;
  const driver = mkdtempSync(join(tmpdir(), "tlc-driver-"));
  beforeAll(async () => {
    folder = await compileFolder(["cuda", "webgpu", "wasm"], { batch: 4, steps: 6, change: forHostDriver });
    copyFileSync(await hostDriver(), join(driver, "libcuda.so.1"));
  });
  afterAll(() => {
    folder.remove();
    rmSync(driver, { recursive: true });
  });

  it("has the kernels as PTX for the driver, and as text for people only", () => {
    const program = readFileSync(join(folder.path, "cuda/program.mjs"), "utf8");
    expect(program).toContain("ptx:");
    expect(program).not.toContain("__global__");
    expect(existsSync(join(folder.path, "cuda/device.mjs"))).toBe(true);
    expect(readFileSync(join(folder.path, "cnn.mjs"), "utf8")).toContain('cuda: { device: () => import("./cuda/device.mjs")');
  });

  it("takes CUDA by itself where there is a driver, and trains, predicts and goes on as any other", async () => {
    const outcome = await runInNode(folder, { LD_LIBRARY_PATH: driver, XDG_CACHE_HOME: join(driver, "cache") });
    expect(outcome.device).toMatchObject({
      kind: "cuda",
      description: "CUDA (Host, sm_90)",
      reason: "it is the best that the module was compiled for",
    });
    expect(outcome.losses).toHaveLength(6);
    expect(outcome.losses[0]).toBeCloseTo(Math.log(36), 0);
    expect(outcome.again).toEqual(outcome.probabilities.slice(0, 20));
    expect([outcome.refused, outcome.interrupted]).toEqual([true, true]);
  });

  const create = async (options: object): Promise<unknown> => {
    const script = `const { create } = await import("./${folder.path}/cnn.mjs");
      const { device } = await create(${JSON.stringify(options)}).catch(({ name, reason, message, hint }) => ({ device: { name, reason, message, hint } }));
      console.log(JSON.stringify(device)); process.exit();`;
    return JSON.parse((await promisify(execFile)(process.execPath, ["--input-type=module", "--eval", script])).stdout);
  };

  it("says what is missing without a driver, and takes another where it may", async (context) => {
    if (mayHaveGpu()) return context.skip("this machine may have a GPU");
    expect(await create({ device: "cuda" })).toMatchObject({
      ...{ name: "DeviceError", reason: "unavailable", hint: "Install the GPU's driver from NVIDIA, or use --device wasm." },
      message: expect.stringContaining("NVIDIA's driver cannot be loaded: libcuda.so.1") as string,
    });
    expect(await create({ threads: 1 })).toMatchObject({
      kind: "wasm",
      reason: expect.stringMatching(/NVIDIA's driver cannot be loaded.*; no WebGPU adapter was found/) as string,
    });
  });
});

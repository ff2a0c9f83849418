// `tlc doctor`, of made-up machines and of this one: whatever is missing, it says so and leaves with 0. Of a machine with an NVIDIA GPU by a driver
// without one.

import { execFile } from "node:child_process";
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, describe, expect, it } from "vitest";
import { toolchain } from "../../src/cli/default-toolchain.ts";
import { runCli } from "../../src/cli/program.ts";
import { findKoffi } from "../../src/runtime/cuda/koffi.ts";
import type { Survey } from "../../src/runtime/survey.ts";
import { hostCompiler, hostDriver, NO_HOST_COMPILER } from "../support/cuda-host.ts";

async function doctor(
  survey: (() => Promise<Survey>) | undefined,
  ...args: readonly string[]
): Promise<{ code: number; out: string; err: string }> {
  let [out, err] = ["", ""];
  const io = { stdout: { write: (text: string) => (out += text) }, stderr: { write: (text: string) => (err += text) }, env: {} };
  const code = await runCli(["doctor", ...args], { ...io, toolchain: { ...toolchain, ...(survey && { surveyMachine: survey }) } });
  return { code, out, err };
}

const BARE: Survey = {
  node: "v20.19.0",
  system: "linux x64",
  processor: { model: "Some Processor", threads: 4 },
  wasm: { simd: true, relaxedSimd: false, threads: true },
  cuda: { koffi: false, gpus: [], libraries: [], missing: [{ what: "the npm package koffi is not installed", hint: "npm install koffi" }] },
  webgpu: { package: true, adapters: [], missing: [{ what: "no WebGPU adapter was found", hint: "install a driver" }] },
  auto: { device: "wasm", description: "WebAssembly (4 threads, SIMD)", refused: [{ device: "cuda", reason: "there is no NVIDIA GPU" }] },
};

describe("tlc doctor", () => {
  it("says what there is, what is missing and how to get it, and what auto takes", async () => {
    const { code, out, err } = await doctor(() => Promise.resolve(BARE));
    expect([code, err]).toEqual([0, ""]);
    expect(out).toBe(`CUDA
  - the npm package koffi is not installed
    = npm install koffi
WebGPU
  - no WebGPU adapter was found
    = install a driver
WebAssembly
  SIMD, no relaxed SIMD, threads
Node
  v20.19.0 on linux x64, 4 x Some Processor
--device auto
  wasm: WebAssembly (4 threads, SIMD)
  not cuda: there is no NVIDIA GPU
`);
  });

  it("says what a GPU is, and which is too old", async () => {
    const gpus = [
      { name: "NVIDIA H200", capability: "9.0", bytes: 141 * 2 ** 30, isUsable: true },
      { name: "Tesla T4", capability: "7.5", bytes: 16 * 2 ** 30, isUsable: false },
    ];
    const compiler = { name: "NVRTC", version: "13.0", path: "/lib/libnvrtc.so.13" };
    const libraries = [{ name: "cudnn", path: "/lib/libcudnn_graph.so.9", version: "9.10.2" }];
    const adapters = [{ description: "WebGPU (llvmpipe)", isHardware: false, features: ["subgroups"] }];
    const { out } = await doctor(() =>
      Promise.resolve({
        ...BARE,
        cuda: { koffi: true, driver: "13.0", gpus, compiler, libraries, missing: [] },
        webgpu: { package: true, adapters, missing: [] },
      }),
    );
    expect(out).toContain(`CUDA
  driver for CUDA 13.0
  GPU 0: NVIDIA H200, compute capability 9.0, 141.0 GiB
  GPU 1: Tesla T4, compute capability 7.5, 16.0 GiB, too old: kernels need 8.0
  kernels compiled by NVRTC 13.0: /lib/libnvrtc.so.13
  cudnn 9.10.2: /lib/libcudnn_graph.so.9
WebGPU
  WebGPU (llvmpipe), subgroups (software)
`);
  });

  it("is one object for programs, and works here", async () => {
    const { code, out } = await doctor(undefined, "--json");
    const lines = out.trim().split("\n");
    expect([code, lines.length]).toEqual([0, 1]);
    const said = JSON.parse(lines[0] ?? "") as Survey & { readonly event: string };
    expect(said).toMatchObject({ event: "doctor", node: process.version, wasm: { simd: true, threads: true } });
    expect(["cuda", "webgpu", "wasm"]).toContain(said.auto.device);
    for (const { what, hint } of [...said.cuda.missing, ...said.webgpu.missing]) expect([what, hint]).not.toContain("");
  });
});

const reason = NO_HOST_COMPILER ?? ((await findKoffi()) ? undefined : "the npm package koffi is not installed");
if (reason !== undefined) console.warn(`skipped: ${reason}`);

describe.skipIf(reason !== undefined)("a survey of a machine with an NVIDIA GPU", () => {
  const folder = mkdtempSync(join(tmpdir(), "tlc-doctor-"));
  afterAll(() => rmSync(folder, { recursive: true }));

  it("has driver, GPU, compiler and libraries", async () => {
    // Found by their names, as on a machine that has them: a process of its own, since a library is loaded once.
    copyFileSync(await hostDriver(), join(folder, "libcuda.so.1"));
    for (const name of ["libnvrtc.so.13", "libcudnn_graph.so.9"]) copyFileSync(await hostCompiler(), join(folder, name));
    writeFileSync(join(folder, "libcublasLt.so.12"), "no library");
    const script = `import { importTypeScript } from "./bench/bundle.mjs";
      const { surveyCuda } = await importTypeScript("src/runtime/cuda/survey.ts");
      console.log(JSON.stringify(await surveyCuda(process.env)));`;
    const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "--eval", script], {
      env: { ...process.env, LD_LIBRARY_PATH: folder, CUDA_HOME: "", FAKE_CUDA_CAPABILITY: "75" },
    });
    expect(JSON.parse(stdout)).toMatchObject({
      ...{ koffi: true, driver: "13.0" },
      missing: [
        {
          what: expect.stringMatching(/^cuBLASLt cannot be loaded: .*libcublasLt.so.12: .*file too short$/) as string,
          hint: "`pip install nvidia-cublas`",
        },
      ],
      gpus: [{ name: "Host", capability: "7.5", bytes: 2 ** 32, isUsable: false }],
      compiler: { name: "NVRTC", version: "13.2", path: join(folder, "libnvrtc.so.13") },
      libraries: [
        { name: "nvrtc", path: join(folder, "libnvrtc.so.13"), version: "13.2" },
        { name: "cudnn", path: join(folder, "libcudnn_graph.so.9"), version: "9.10.2" },
      ],
    });
  });
});

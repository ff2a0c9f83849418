// What makes PTX of kernels: where NVIDIA's libraries are looked for, which compiler is taken, what is kept of its work, and what is said where
// there is none. Over a compiler that is none (`cuda-host/nvrtc.cpp`); with NVIDIA's own where it is found.

import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { cudaTarget } from "../../src/codegen/cuda/target.ts";
import { float, mul } from "../../src/ir/loop/expr.ts";
import { findCompiler } from "../../src/runtime/cuda/find-compiler.ts";
import { ARCH, forAllDrivers, moduleText, openPtxMaker } from "../../src/runtime/cuda/image.ts";
import { findKoffi } from "../../src/runtime/cuda/koffi.ts";
import { filesOf, toolkits } from "../../src/runtime/cuda/libraries.ts";
import { DeviceError } from "../../src/runtime/device.ts";
import { elementwise, programOf } from "../codegen/kernels.ts";
import { hostCompiler, NO_HOST_COMPILER } from "../support/cuda-host.ts";

const reason = NO_HOST_COMPILER ?? ((await findKoffi()) ? undefined : "the npm package koffi is not installed");
if (reason !== undefined) console.warn(`skipped: ${reason}`);

const root = mkdtempSync(join(tmpdir(), "tlc-cuda-machine-"));
afterAll(() => rmSync(root, { recursive: true }));
let machines = 0;
/** The root of a machine that has these files, all empty. */
function machine(...files: readonly string[]): string {
  const made = join(root, String(machines++));
  mkdirSync(made);
  for (const file of files) {
    mkdirSync(dirname(join(made, file)), { recursive: true });
    writeFileSync(join(made, file), "");
  }
  return made;
}

const double = programOf(
  elementwise("double", 100, 1, (x) => mul(x, float(2))),
  cudaTarget,
);

describe("NVIDIA's libraries", () => {
  it("are found in toolkits, in Python's packages, and in the system's folders", () => {
    const packages = "lib/python3.12/site-packages/nvidia";
    for (const [file, env] of [
      ["toolkit/lib64/libnvrtc.so.12", (at: string) => ({ CUDA_HOME: join(at, "toolkit") })],
      ["toolkit/targets/x86_64-linux/lib/libnvrtc.so.13", (at: string) => ({ CUDA_PATH: join(at, "toolkit") })],
      ["mine/libnvrtc.so.13", (at: string) => ({ LD_LIBRARY_PATH: `/nowhere${delimiter}${join(at, "mine")}` })],
      [`venv/${packages}/cu13/lib/libnvrtc.so.13`, (at: string) => ({ VIRTUAL_ENV: join(at, "venv") })],
      [`conda/${packages}/cuda_nvrtc/lib/libnvrtc.so.12`, (at: string) => ({ CONDA_PREFIX: join(at, "conda") })],
      ["home/.local/lib/python3.9/site-packages/nvidia/cu13/lib/libnvrtc.so.13", (at: string) => ({ HOME: join(at, "home") })],
      [`home/.pyenv/versions/3.12.1/${packages}/cu13/lib/libnvrtc.so.13`, (at: string) => ({ HOME: join(at, "home") })],
      ["usr/local/lib/python3.11/dist-packages/nvidia/cu13/lib/libnvrtc.so.13", () => ({})],
      ["usr/local/cuda-12.4/lib64/libnvrtc.so.12", () => ({})],
      ["usr/lib/x86_64-linux-gnu/libnvrtc.so.12", () => ({})],
    ] as const) {
      const at = machine(file);
      expect(filesOf("nvrtc", { env: env(at), root: at }), file).toEqual([join(at, file)]);
    }
    // What only looks for other files is none.
    const called = machine("py/bin/python3", ...["", "_graph"].map((part) => `py/${packages}/cudnn/lib/libcudnn${part}.so.9`));
    expect(filesOf("cudnn", { env: { PATH: join(called, "py/bin") }, root: called })).toEqual([
      join(called, `py/${packages}/cudnn/lib/libcudnn_graph.so.9`),
    ]);
  });

  it("are tried as the user says first, and newer ones before older", () => {
    const files = ["own/lib64/libnvrtc.so.12", "usr/local/cuda-12.9/lib64/libnvrtc.so.12", "usr/local/cuda-13.0/lib64/libnvrtc.so.13"];
    const at = machine(
      ...files,
      "usr/lib64/libnvrtc.so.12",
      "usr/lib64/libnvrtc.so.13",
      "usr/lib64/libnvrtc.so.11",
      "usr/lib64/libnvrtc.alt.so.13",
    );
    expect(filesOf("nvrtc", { env: { CUDA_HOME: join(at, "own") }, root: at }).map((file) => file.slice(at.length + 1))).toEqual([
      ...["own/lib64/libnvrtc.so.12", "usr/local/cuda-13.0/lib64/libnvrtc.so.13", "usr/local/cuda-12.9/lib64/libnvrtc.so.12"],
      ...["usr/lib64/libnvrtc.so.13", "usr/lib64/libnvrtc.so.12"],
    ]);
    expect(toolkits({ env: { CUDA_HOME: "/own" }, root: at })[0]).toBe("/own");
  });
});

describe("a compiler of kernels", () => {
  const refused = async (at: string, env: Readonly<Record<string, string>> = {}): Promise<DeviceError> => {
    const path = process.env["PATH"];
    // Nor is there an nvcc to call.
    process.env["PATH"] = at;
    try {
      const error: unknown = await findCompiler({ env, root: at }).catch((fault: unknown) => fault);
      expect(error).toBeInstanceOf(DeviceError);
      return error as DeviceError;
    } finally {
      process.env["PATH"] = path;
    }
  };

  it("that there is not is named with what installs it", async () => {
    const error = await refused(machine());
    expect([error.reason, error.message]).toEqual(["unavailable", "there is neither NVRTC nor nvcc to compile CUDA kernels with"]);
    expect(error.hint).toMatch(/`pip install nvidia-cuda-nvrtc` and `npm install koffi`.*CUDA_HOME/);
  });

  it.skipIf(reason !== undefined)("that cannot be loaded is said, and the next is taken", async () => {
    const broken = await refused(machine("usr/lib64/libnvrtc.so.13"));
    expect(broken.message).toMatch(/neither NVRTC nor nvcc .*\(.*libnvrtc\.so\.13.*\)/);
    const both = machine("usr/lib64/libnvrtc.so.13", "usr/lib/libnvrtc.so.12");
    copyFileSync(await hostCompiler(), join(both, "usr/lib/libnvrtc.so.12"));
    expect(await findCompiler({ env: {}, root: both })).toMatchObject({
      name: "NVRTC",
      version: "13.2",
      path: join(both, "usr/lib/libnvrtc.so.12"),
    });
  });

  it("is nvcc of a toolkit where there is no NVRTC", async () => {
    const at = machine("own/bin/nvcc");
    const script =
      "#!/bin/sh\ncase $1 in --version) echo 'Cuda compilation tools, release 12.8, V12.8.61' ;; *) echo \".version 8.7 $*\" >kernels.ptx ;; esac\n";
    writeFileSync(join(at, "own/bin/nvcc"), script);
    chmodSync(join(at, "own/bin/nvcc"), 0o755);
    const nvcc = await findCompiler({ env: { CUDA_HOME: join(at, "own") }, root: at });
    expect(nvcc).toMatchObject({ name: "nvcc", version: "12.8" });
    expect(await nvcc.compile("text", ARCH)).toContain("-ptx -arch=compute_80");
  });
});

describe.skipIf(reason !== undefined)("PTX", () => {
  let at: string;
  beforeAll(async () => {
    at = machine("usr/lib/libnvrtc.so.13");
    copyFileSync(await hostCompiler(), join(at, "usr/lib/libnvrtc.so.13"));
  });

  it("is of all kernels, for every driver since CUDA 12", async () => {
    const maker = await openPtxMaker({ env: {}, root: at });
    const ptx = await maker.ptxOf(double);
    expect(ptx.startsWith(".version 8.0\n.target compute_80\n")).toBe(true);
    expect(ptx).toContain(double.kernels[0]?.cuda?.entry);
    expect(await maker.ptxOf({ ...double, ptx: "brought along" })).toBe("brought along");
  });

  it("is kept by what it is made of, and made again where that is another or the file is damaged", async () => {
    const cache = join(at, "cache");
    const maker = await openPtxMaker({ env: {}, root: at, cache });
    const ptx = await maker.ptxOf(double);
    const [file = ""] = readdirSync(cache);
    expect(file).toMatch(/^[0-9a-f]{64}\.ptx$/);
    expect(await maker.ptxOf(double)).toBe(ptx);
    await maker.ptxOf({ ...double, prelude: "// another" });
    expect(readdirSync(cache)).toHaveLength(2);
    writeFileSync(join(cache, file), "damaged");
    expect(await maker.ptxOf(double)).toBe(ptx);
  });

  it("that a compiler refuses is a bug, with what the compiler said", async () => {
    const maker = await openPtxMaker({ env: {}, root: at });
    await expect(maker.ptxOf({ ...double, prelude: "#error" })).rejects.toThrow(
      /internal: NVRTC 13\.2 .* refuses the kernels: .*\nkernels\.cu\(1\): error: as the source says/,
    );
  });
});

const own = await findCompiler({ env: process.env }).catch(() => undefined);
if (!own) console.warn("skipped: neither NVRTC nor nvcc");
it.skipIf(!own)("NVIDIA's own compiler takes the kernels", async () => {
  const ptx = forAllDrivers((await own?.compile(moduleText(double), ARCH)) ?? "");
  expect(ptx).toMatch(/^\.version 8\.0\n\.target sm_80\n/);
  expect(ptx).toContain(`.entry ${double.kernels[0]?.cuda?.entry ?? ""}(`);
});

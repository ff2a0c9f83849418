// `tlc compile --target cuda`: PTX in the folder, made by a compiler that is none and kept under the user's cache folder; and what is said where there
// is nothing to compile with. The kernels that the driver would run are tested elsewhere.

import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { toolchain } from "../../src/cli/default-toolchain.ts";
import { runCli } from "../../src/cli/program.ts";
import { readExact } from "../../src/ir/exact-json.ts";
import type { Artifact } from "../../src/ir/artifact.ts";
import type { Program } from "../../src/ir/program.ts";
import { artifactProblem } from "../../src/ir/artifact-schema.ts";
import { findKoffi } from "../../src/runtime/cuda/koffi.ts";
import { DeviceError } from "../../src/runtime/device.ts";
import { hostCompiler, NO_HOST_COMPILER } from "../support/cuda-host.ts";

const SPEC = `network n(classes = 2) {
  input given: f32[2]
  fc: linear(classes)
}
dataset d { train table("d.csv", given: a, label: b) }
recipe r {
  network n data d loss cross_entropy batch 4 optimizer adam(lr: 1e-2)
  stage one { freeze fc.weight epochs 1 }
  stage two { epochs 1 }
}
`;

const reason = NO_HOST_COMPILER ?? ((await findKoffi()) ? undefined : "the npm package koffi is not installed");
if (reason !== undefined) console.warn(`skipped: ${reason}`);

const root = mkdtempSync(join(tmpdir(), "tlc-compile-cuda-"));
afterAll(() => rmSync(root, { recursive: true }));
afterEach(() => vi.unstubAllEnvs());
const spec = join(root, "r.tlspec");
writeFileSync(spec, SPEC);
writeFileSync(join(root, "d.csv"), `a,b\n${Array.from({ length: 12 }, (_, i) => `0.${i} 0.5,${i % 2}`).join("\n")}\n`);

async function compile(
  chain: typeof toolchain,
  ...given: readonly (string | { readonly file: string })[]
): Promise<{ code: number; err: string }> {
  const args = given.filter((arg) => typeof arg === "string");
  const { file } = given.find((arg) => typeof arg === "object") ?? { file: spec };
  let err = "";
  const stdout = { write: () => undefined };
  const env = { XDG_CACHE_HOME: join(root, "cache") };
  const code = await runCli(["compile", file, ...args], {
    stdout,
    stderr: { write: (text: string) => (err += text) },
    env,
    toolchain: chain,
  });
  return { code, err };
}

describe.skipIf(reason !== undefined)("tlc compile --target cuda", () => {
  beforeAll(async () => {
    mkdirSync(join(root, "toolkit/lib64"), { recursive: true });
    copyFileSync(await hostCompiler(), join(root, "toolkit/lib64/libnvrtc.so.13"));
  });

  it("puts the PTX of every stage into the folder, beside other targets", async () => {
    vi.stubEnv("CUDA_HOME", join(root, "toolkit"));
    const out = join(root, "several");
    expect(await compile(toolchain, "-t", "wasm,cuda,webgpu", "-o", out)).toMatchObject({ code: 0 });
    const artifact = readExact(readFileSync(join(out, "cuda/artifact.json"), "utf8")) as Artifact;
    expect(artifact.stages.map(({ program }) => program.ptx?.split("\n").slice(0, 2))).toEqual([
      [".version 8.0", ".target compute_80"],
      [".version 8.0", ".target compute_80"],
    ]);
    const program = readFileSync(join(out, "cuda/program.mjs"), "utf8");
    for (const { program: it } of artifact.stages) for (const { cuda } of it.kernels) expect(program).toContain(cuda?.entry);
    expect(readdirSync(join(out, "cuda/kernels/one")).some((file) => file.endsWith(".cu"))).toBe(true);
    expect(readFileSync(join(out, "r.mjs"), "utf8")).toMatch(/cuda: [^]*webgpu: [^]*wasm: /);
    expect(readFileSync(join(out, "r.d.mts"), "utf8")).toContain('"auto" | "cuda" | "webgpu" | "wasm"');
    // What stands for PTX here is the text of the kernels, whose entries are written otherwise.
    expect(artifactProblem(artifact)).toMatch(/is not in the program's PTX/);
  });

  it("carries kernels of one architecture beside those of every GPU", async () => {
    vi.stubEnv("CUDA_HOME", join(root, "toolkit"));
    const wide = join(root, "wide.tlspec");
    writeFileSync(wide, SPEC.replace("  fc:", "  one: linear(1024)\n  two: linear(1024)\n  fc:"));
    const out = join(root, "wide");
    expect(await compile(toolchain, "-t", "cuda", "-o", out, "--set", "precision=bf16"), "small").toMatchObject({ code: 0 });
    const programs = (): readonly Program[] =>
      (readExact(readFileSync(join(out, "cuda/artifact.json"), "utf8")) as Artifact).stages.map((stage) => stage.program);
    expect(programs().map(({ ptxFor }) => ptxFor)).toEqual([undefined, undefined]);
    expect(await compile(toolchain, "-t", "cuda", "-o", out, "--set", "precision=bf16", { file: wide })).toMatchObject({ code: 0 });
    for (const { ptx, ptxFor, kernels } of programs()) {
      expect(ptxFor?.sm_90a?.split("\n").slice(0, 2)).toEqual([".version 8.0", ".target compute_90a"]);
      const [needing, others] = [true, false].map((needs) =>
        kernels.flatMap(({ cuda }) => (cuda && (cuda.needs !== undefined) === needs ? [cuda.entry] : [])),
      );
      expect(needing?.length).toBeGreaterThan(0);
      // What stands for PTX here is the text of the kernels.
      for (const entry of needing ?? []) expect([ptx?.includes(entry), ptxFor?.sm_90a?.includes(entry)]).toEqual([false, true]);
      for (const entry of others ?? []) expect([ptx?.includes(entry), ptxFor?.sm_90a?.includes(entry)]).toEqual([true, false]);
    }
    expect(readFileSync(join(out, "cuda/program.mjs"), "utf8")).toContain("ptxFor");
  });

  it("keeps the PTX under the user's cache folder", async () => {
    vi.stubEnv("CUDA_HOME", join(root, "toolkit"));
    const kept = (): string[] => readdirSync(join(root, "cache/tlspec/kernels")).filter((file) => file.endsWith(".ptx"));
    expect((await compile(toolchain, "-t", "cuda", "-o", join(root, "first"))).code).toBe(0);
    const before = kept();
    expect(before.length).toBeGreaterThan(0);
    expect((await compile(toolchain, "-t", "cuda", "-o", join(root, "second"))).code).toBe(0);
    expect(kept()).toEqual(before);
    const texts = ["first", "second"].map((name) => readFileSync(join(root, name, "cuda/artifact.json"), "utf8"));
    expect(texts[0]).toBe(texts[1]);
  });
});

it("without a compiler it ends with 3, says how to get one, and writes nothing", async () => {
  const none = (): Promise<never> =>
    Promise.reject(new DeviceError("unavailable", "there is neither NVRTC nor nvcc", "pip install nvidia-cuda-nvrtc"));
  const { code, err } = await compile({ ...toolchain, emit: none }, "-t", "cuda", "-o", join(root, "none"));
  expect([code, err]).toEqual([3, expect.stringContaining("pip install nvidia-cuda-nvrtc")]);
  expect(existsSync(join(root, "none"))).toBe(false);
});

// Kernels that need a GPU of one architecture: which device is offered them, where their code comes from, what a launch asks for, and what an artifact may say
// of them. Over a driver without a GPU, whose capability a test sets. Skipped, with the reason, where there is no C++ compiler or no koffi.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { createBuilder } from "../../src/ir/builder.ts";
import { architecturesOf, type Architecture, type CompiledKernel, type Program } from "../../src/ir/program.ts";
import { programFault } from "../../src/ir/program-checks.ts";
import { tensorType } from "../../src/ir/types.ts";
import { carriedImage } from "../../src/runtime/cuda/carried.ts";
import { choosing } from "../../src/runtime/cuda/choosing.ts";
import { openCudaDevice, type ImageOf } from "../../src/runtime/cuda/device.ts";
import { moduleText } from "../../src/runtime/cuda/image.ts";
import { findKoffi } from "../../src/runtime/cuda/koffi.ts";
import { keptTimes } from "../../src/runtime/tuning/kept-times.ts";
import type { Choice } from "../../src/runtime/tuning/tuner.ts";
import { hostDriver, hostModule, NO_HOST_COMPILER } from "../support/cuda-host.ts";
import { createRandom } from "../support/random.ts";
import { compileGraph } from "../support/run-graph.ts";

const reason = NO_HOST_COMPILER ?? ((await findKoffi()) ? undefined : "the npm package koffi is not installed");
if (reason !== undefined) console.warn(`skipped: ${reason}`);

const [M, K, N] = [160, 200, 144];

/** y = x w, of operands that are rounded to bf16. */
function product(): Program {
  const b = createBuilder();
  const leaf = (name: string, shape: number[]) =>
    b.roundTo(b.input({ name, role: "batch", type: tensorType("f32", shape) }), { to: "bf16" });
  return compileGraph({ builder: b, outputs: new Map([["y", b.matmul(leaf("x", [M, K]), leaf("w", [K, N]))]]) }, "cuda").program;
}

const random = createRandom(7);
/** Small whole numbers are bf16, and so their sums are the same in any order. */
const values = (length: number): Float32Array => Float32Array.from({ length }, () => Math.floor(17 * random()) - 8);
const [X, W] = [values(M * K), values(K * N)];
const Y = Float32Array.from({ length: M * N }, (_, i) => {
  let sum = 0;
  for (let k = 0; k < K; k++) sum += (X[Math.floor(i / N) * K + k] ?? 0) * (W[k * N + (i % N)] ?? 0);
  return sum;
});

const program = product();
const own = program.kernels.findIndex(({ cuda }) => cuda?.needs !== undefined);
const wide = program.kernels[own]?.cuda?.entry ?? "";

describe("a kernel that needs an architecture", () => {
  it("stands beside one that every GPU runs, in a text of its own", () => {
    expect(architecturesOf(program)).toEqual(["sm_90a"]);
    expect(program.kernels[own]?.cuda).toMatchObject({ needs: "sm_90a", sharedBytes: 98304 });
    expect(program.entries["predict"]).toMatchObject([{ kernel: 0 }]);
    expect(program.kernels[0]).toMatchObject({ alternatives: expect.arrayContaining([own]) as never });
    expect(programFault(program)).toBeUndefined();
    expect([moduleText(program), moduleText(program, "sm_90a")].map((text) => text.includes(`${wide}(`))).toEqual([false, true]);
    for (const text of [moduleText(program), moduleText(program, "sm_90a")]) expect(text.startsWith(program.prelude ?? "-")).toBe(true);
  });

  it("is in its own PTX, launched by nobody, and shares no more than its GPUs have", () => {
    const changed = (change: (kernel: CompiledKernel) => CompiledKernel): readonly CompiledKernel[] =>
      program.kernels.map((kernel, i) => (i === own ? change(kernel) : kernel));
    const ptx = program.kernels.map(({ cuda }) => `.entry ${cuda?.entry ?? ""}(`).join("\n");
    expect(programFault({ ...program, ptx })).toMatch(/is not in the program's PTX/);
    expect(programFault({ ...program, ptx, ptxFor: { sm_90a: `.entry ${wide}(` } })).toBeUndefined();
    const sharing = (sharedBytes: number, needs?: Architecture): string | undefined =>
      programFault({
        ...program,
        kernels: changed((it) => ({ ...it, cuda: { entry: wide, threads: 128, sharedBytes, ...(needs && { needs }) } })),
      });
    expect(sharing(227 * 1024, "sm_90a")).toBeUndefined();
    expect(sharing(227 * 1024 + 1, "sm_90a")).toMatch(/shares more memory/);
    expect(sharing(1)).toMatch(/shares more memory/);
    const [launch] = program.entries["predict"] ?? [];
    const launched = { ...program, entries: { predict: [{ ...launch!, kernel: own }] } } as Program;
    expect(programFault(launched)).toMatch(/which not every GPU runs/);
    const followed = program.kernels.map((kernel, i) => (i === 0 ? { ...kernel, alternatives: [1], then: own } : kernel));
    expect(programFault({ ...program, kernels: followed })).toMatch(/goes on with/);
  });

  it("is carried by a folder beside the others", async () => {
    const text = async (needs?: Architecture): Promise<string> =>
      new TextDecoder().decode(await carriedImage({ ...program, ptx: "every", ptxFor: { sm_90a: "hopper" } }, needs));
    expect([await text(), await text("sm_90a")]).toEqual(["every\0", "hopper\0"]);
    await expect(carriedImage({ ...program, ptx: "every" }, "sm_90a")).rejects.toThrow("without PTX");
  });
});

describe.skipIf(reason !== undefined)("the CUDA device, of kernels that need an architecture", () => {
  const cache = mkdtempSync(join(tmpdir(), "tlc-architectures-"));
  let path: string;
  const fake = {
    log: (): string => "",
    slow: (_: string, __: number): number => 0,
    fail: (_: string, __: number, ___: number): number => 0,
  };
  beforeAll(async () => {
    path = await hostDriver();
    const library = (await findKoffi())?.load(path);
    fake.log = library?.func("fake_log", "str", []) as unknown as () => string;
    fake.slow = library?.func("fake_slow", "void", ["str", "double"]) as unknown as typeof fake.slow;
    fake.fail = library?.func("fake_fail", "void", ["str", "int32", "int32"]) as unknown as typeof fake.fail;
  });
  afterEach(() => {
    vi.unstubAllEnvs();
    fake.slow("", 0);
    fake.fail("", 0, 0);
    rmSync(cache, { recursive: true, force: true });
  });
  afterAll(() => rmSync(cache, { recursive: true, force: true }));

  async function load(isTuned = true) {
    const [choices, images]: [Choice[], (Architecture | undefined)[]] = [[], []];
    const tuning = { times: keptTimes(cache), tell: (told: readonly Choice[]) => choices.push(...told) };
    const imageOf: ImageOf = (given, needs) => {
      images.push(needs);
      return hostModule(given, needs);
    };
    const device = await openCudaDevice({ path, images: () => Promise.resolve(imageOf), ...(isTuned && { tuning: choosing(tuning) }) });
    try {
      fake.log();
      const session = await device.load(program);
      session.write("x", X);
      session.write("w", W);
      session.run("predict", 3);
      const results = (await session.read(["y"])).get("y") ?? [];
      session.dispose();
      const calls = fake.log().split("\n");
      expect([...results]).toEqual([...Y]);
      const count = (name: string): number => calls.filter((call) => call === name).length;
      return { choices, images, modules: count("cuModuleUnload"), loads: count("cuModuleLoadData"), asked: count("cuFuncSetAttribute") };
    } finally {
      device.dispose();
    }
  }

  const names = ({ choices }: { readonly choices: readonly Choice[] }): readonly string[] =>
    choices[0]?.candidates.map(({ name }) => name) ?? [];

  it("tries them on such a GPU, takes what is faster, and loads them no more where none was", async () => {
    fake.slow(wide, 50);
    const first = await load();
    expect(first.images).toEqual([undefined, "sm_90a"]);
    expect(first.choices).toMatchObject([{ taken: wide, why: "measured" }]);
    expect([first.modules, first.loads, first.asked]).toEqual([2, 2, 1]);
    expect(await load()).toMatchObject({ choices: [{ taken: wide, why: "remembered" }], modules: 2, asked: 1 });
    rmSync(cache, { recursive: true });
    fake.slow(wide, 500);
    expect((await load()).choices[0]?.taken).not.toBe(wide);
    expect(await load()).toMatchObject({ modules: 1, asked: 0 });
  });

  it.each(["80", "89", "100", "120"])("offers them to no GPU of capability %s", async (capability) => {
    vi.stubEnv("FAKE_CUDA_CAPABILITY", capability);
    fake.slow(wide, 50);
    const loaded = await load();
    expect(names(loaded)).not.toContain(wide);
    expect([loaded.images, loaded.modules]).toEqual([[undefined], 1]);
  });

  it("asks for none of them where nothing is measured", async () => {
    expect(await load(false)).toEqual({ choices: [], images: [undefined], modules: 1, loads: 1, asked: 0 });
  });

  it.each([
    ["cuModuleLoadData", 1],
    ["cuFuncSetAttribute", 0],
  ])("goes without them where %s fails", async (call, after) => {
    fake.slow(wide, 50);
    fake.fail(call, 1, after);
    const { choices } = await load();
    const given = choices[0]?.candidates.find(({ name }) => name === wide);
    expect(given).toEqual({ name: wide, microseconds: null });
    expect(choices[0]?.taken).not.toBe(wide);
  });
});

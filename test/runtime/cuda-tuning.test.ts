// Which kernels the CUDA device takes where the compiler leaves it open, over a driver without a GPU whose clock a test sets. Skipped, with the reason,
// where there is no C++ compiler or no koffi.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { createBuilder } from "../../src/ir/builder.ts";
import type { KernelLaunch, Program } from "../../src/ir/program.ts";
import { programFault } from "../../src/ir/program-checks.ts";
import { tensorType } from "../../src/ir/types.ts";
import { choosing } from "../../src/runtime/cuda/choosing.ts";
import { openCudaDevice } from "../../src/runtime/cuda/device.ts";
import { findKoffi } from "../../src/runtime/cuda/koffi.ts";
import { keptTimes } from "../../src/runtime/tuning/kept-times.ts";
import type { Choice } from "../../src/runtime/tuning/tuner.ts";
import { hostDriver, hostModule, NO_HOST_COMPILER } from "../support/cuda-host.ts";
import { createRandom } from "../support/random.ts";
import { compileGraph } from "../support/run-graph.ts";

const reason = NO_HOST_COMPILER ?? ((await findKoffi()) ? undefined : "the npm package koffi is not installed");
if (reason !== undefined) console.warn(`skipped: ${reason}`);

const [M, K, N] = [160, 200, 144];

/** y = relu(x w): of a size for which it is not known which tile is the better one. */
function product(): Program {
  const b = createBuilder();
  const x = b.input({ name: "x", role: "batch", type: tensorType("f32", [M, K]) });
  const w = b.input({ name: "w", role: "batch", type: tensorType("f32", [K, N]) });
  return compileGraph({ builder: b, outputs: new Map([["y", b.relu(b.matmul(x, w))]]) }, "cuda").program;
}

const random = createRandom(5);
const values = (length: number): Float32Array => Float32Array.from({ length }, () => random() - 0.5);
const [X, W] = [values(M * K), values(K * N)];
const Y = Float32Array.from({ length: M * N }, (_, i) => {
  let sum = 0;
  for (let k = 0; k < K; k++) sum += (X[Math.floor(i / N) * K + k] ?? 0) * (W[k * N + (i % N)] ?? 0);
  return Math.max(0, sum);
});

describe.skipIf(reason !== undefined)("the CUDA device, where there is a choice", () => {
  const program = product();
  const kernel = program.kernels.find(({ alternatives }) => alternatives);
  const guess = kernel?.cuda?.entry ?? "";
  const other = program.kernels[kernel?.alternatives?.[0] ?? -1]?.cuda?.entry ?? "";
  const cache = mkdtempSync(join(tmpdir(), "tlc-tuning-"));
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

  /** Loads the program in what would be a new process; what it chose, what it called while loading, and whether results are right. */
  async function load(given = program, isTuned = true) {
    const choices: Choice[] = [];
    const tuning = { times: keptTimes(cache), tell: (told: readonly Choice[]) => choices.push(...told) };
    const device = await openCudaDevice({
      path,
      images: () => Promise.resolve(hostModule),
      ...(isTuned && { tuning: choosing(tuning) }),
    });
    try {
      fake.log();
      const session = await device.load(given);
      const calls = fake.log().split("\n");
      const before = (await session.read(["y"])).get("y") ?? [];
      session.write("x", X);
      session.write("w", W);
      session.run("predict", 3);
      const results = (await session.read(["y"])).get("y") ?? [];
      session.dispose();
      return { choices, calls, before: [...before], results: [...results] };
    } finally {
      device.dispose();
    }
  }

  const expectRight = ({ results, before }: { readonly results: readonly number[]; readonly before: readonly number[] }): void => {
    expect(Math.max(...results.map((y, i) => Math.abs(y - (Y[i] ?? NaN))))).toBeLessThan(1e-4);
    expect(new Set(before)).toEqual(new Set([0]));
  };

  it("has kernels that compute the same, and no other may say that it does", () => {
    expect(kernel?.alternatives).toHaveLength(1);
    expect(other).not.toBe(guess);
    expect(programFault(program)).toBeUndefined();
    const faulty = (alternatives: readonly number[], target = "cuda"): string | undefined =>
      programFault({ ...program, target, kernels: program.kernels.map((it) => (it === kernel ? { ...it, alternatives } : it)) });
    const own = program.kernels.findIndex((it) => it === kernel);
    const [right = 0] = kernel?.alternatives ?? [];
    expect(faulty([own])).toMatch(/has an alternative \d+, which is none/);
    expect(faulty([99])).toMatch(/has an alternative 99, which is none/);
    expect(faulty([right, right])).toMatch(/an alternative twice/);
    const short = program.kernels.map((it, i) => (i === right ? { ...it, params: (it.params ?? []).slice(1) } : it));
    expect(programFault({ ...program, kernels: short })).toMatch(/which is none/);
  });

  it("takes the faster one by the driver's own clock, with the same results, and zeros before anything runs", async () => {
    fake.slow(other, 50);
    const faster = await load();
    expect(faster.choices).toMatchObject([
      { taken: other, why: "measured", candidates: [{ name: guess }, { name: other, microseconds: 50 }] },
    ]);
    expectRight(faster);
    rmSync(cache, { recursive: true });
    fake.slow(other, 500);
    const slower = await load();
    expect(slower.choices).toMatchObject([{ taken: guess, why: "measured" }]);
    expectRight(slower);
  });

  it("remembers, so that a later run measures nothing and has the same bits; another GPU or driver is measured", async () => {
    fake.slow(other, 50);
    const first = await load();
    fake.slow(other, 500);
    const second = await load();
    expect(second.choices).toMatchObject([{ taken: other, why: "remembered" }]);
    expect(second.calls.filter((call) => /Event(Record|Elapsed)|Launch/.test(call))).toEqual([]);
    expect(second.results).toEqual(first.results);
    vi.stubEnv("FAKE_CUDA_CAPABILITY", "80");
    expect((await load()).choices).toMatchObject([{ taken: guess, why: "measured" }]);
    vi.stubEnv("FAKE_CUDA_CAPABILITY", "90");
    vi.stubEnv("FAKE_CUDA_VERSION", "13010");
    expect((await load()).choices).toMatchObject([{ taken: guess, why: "measured" }]);
  });

  it("takes the guess where nobody asks for more, or the sizes are not known yet", async () => {
    fake.slow(other, 50);
    const plain = await load(program, false);
    expect(plain.choices).toEqual([]);
    expect(plain.calls.filter((call) => call.includes("Event"))).toEqual([]);
    expectRight(plain);
    const data = program.buffers.map((plan) => (plan.name === "x" ? { ...plan, role: "data" as const, offset: -1 } : plan));
    const resident = await load({ ...program, buffers: data });
    expect(resident.choices).toEqual([]);
    expectRight(resident);
  });

  it("leaves out a way that makes other numbers, however fast, and says of which layer", async () => {
    fake.slow(other, 50);
    const index = kernel?.alternatives?.[0] ?? -1;
    const withOther = (change: (source: string) => string): Program => ({
      ...program,
      entries: { predict: [{ ...(program.entries["predict"]?.[0] as KernelLaunch), layer: "fc1" }] },
      kernels: program.kernels.map((it, i) => (i === index ? { ...it, source: change(it.source ?? "") } : it)),
    });
    const wrong: Readonly<Record<string, (source: string) => string>> = {
      "another function": (source) => source.replace("larger(", "smaller("),
      nothing: (source) => source.replace(/\{\n/, "{\n  return;\n"),
      "half of k": (source) => source.replace(/< 13;/, "< 6;"),
    };
    for (const [what, change] of Object.entries(wrong)) {
      const given = withOther(change);
      expect(given.kernels[index]?.source, what).not.toBe(program.kernels[index]?.source);
      const { choices, results } = await load(given);
      expect(choices, what).toMatchObject([
        { taken: guess, layer: "fc1", candidates: [{}, { name: other, microseconds: null, differs: true }] },
      ]);
      expect(choices[0]?.candidates[0]?.differs).toBeUndefined();
      expect(Math.max(...results.map((y, i) => Math.abs(y - (Y[i] ?? NaN))))).toBeLessThan(1e-4);
      // What is remembered is no way, either.
      expect((await load(given)).choices, what).toMatchObject([{ taken: guess, why: "remembered" }]);
      rmSync(cache, { recursive: true });
    }
  });

  it("is lost where a kernel fails while it is measured, and gives back all memory", async () => {
    fake.fail("cuGraphLaunch", 719, 1);
    await expect(load()).rejects.toMatchObject({
      ...{
        reason: "lost",
        message: expect.stringContaining("cuGraphLaunch") as string,
        hint: expect.stringContaining("--no-tune") as string,
      },
    });
    fake.fail("", 0, 0);
    expect(fake.log()).toContain("cuMemFree_v2");
  });
});

// Contractions by warpgroups whose tiles the machine itself copies to shared memory, as CUDA kernels on the host, where a tile is there when its barrier was
// waited for and not before, and lies as the machine's own swizzle says: against the interpreter, in every shape, with edges, batches and what is left of k.
// Skipped, with the reason, where there is no C++ compiler.

import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { printKernel } from "../../src/codegen/cuda/print.ts";
import { CUDA_PROFILE, cudaTarget } from "../../src/codegen/cuda/target.ts";
import { tensorMapOf } from "../../src/codegen/gpu/mapped-tiles.ts";
import { launchOf } from "../../src/codegen/gpu/launch.ts";
import { WIDE, type MatrixTile } from "../../src/codegen/gpu/matrix-tiles.ts";
import { scheduleWideMatrices } from "../../src/codegen/gpu/wide-matrices.ts";
import { problemOf } from "../../src/codegen/problem.ts";
import { referenceTarget } from "../../src/codegen/reference.ts";
import type { Target } from "../../src/codegen/target.ts";
import { createBuilder } from "../../src/ir/builder.ts";
import { add, axis, int, load, mul, type Expr, type OperandType } from "../../src/ir/loop/expr.ts";
import type { Kernel } from "../../src/ir/loop/kernel.ts";
import type { Node } from "../../src/ir/node.ts";
import type { Architecture, CompiledKernel, Program, TensorMap } from "../../src/ir/program.ts";
import { programFault } from "../../src/ir/program-checks.ts";
import { tensorType } from "../../src/ir/types.ts";
import { openCudaDevice } from "../../src/runtime/cuda/device.ts";
import { findKoffi } from "../../src/runtime/cuda/koffi.ts";
import { openReferenceDevice } from "../../src/runtime/reference/device.ts";
import { choosing } from "../../src/runtime/cuda/choosing.ts";
import type { Choice } from "../../src/runtime/tuning/tuner.ts";
import { matmul, relativeError, runKernel } from "../codegen/kernels.ts";
import { inFormat } from "../codegen/operands.ts";
import { alongK, fused, ofLongerRows, stored, storedNumbers } from "../codegen/stored-products.ts";
import { hostDriver, hostModule, NO_HOST_COMPILER, openHostCuda, type HostCuda } from "../support/cuda-host.ts";
import { createRandom } from "../support/random.ts";
import { compileGraph } from "../support/run-graph.ts";

if (NO_HOST_COMPILER !== undefined) console.warn(`skipped: ${NO_HOST_COMPILER}`);

type Shape = keyof typeof WIDE;

/** A target that does each contraction by warpgroups, in one shape, and has the machine copy what it can. */
const mappedTarget = (shape: Shape): Target => ({
  ...cudaTarget,
  compileKernel: (kernel) => {
    const problem = problemOf(kernel);
    const { operands = "bf16" } = problem;
    const tile: MatrixTile = { ...WIDE[shape], operands, perWord: operands === "tf32" ? 1 : 2 };
    return printKernel(launchOf(scheduleWideMatrices(problem, tile, "sm_90a", CUDA_PROFILE, true), CUDA_PROFILE));
  },
});

/** Left, right, or both are copied by the machine. */
const KERNELS: readonly (readonly [OperandType, Shape, string, Kernel, readonly string[]])[] = [
  ["bf16", "single", "both of many rounds", alongK(130, 200, 648), ["left", "right"]],
  ["bf16", "tall", "both of more rounds", alongK(130, 129, 1096), ["left", "right"]],
  ["f16", "flat", "both, batches", alongK(64, 260, 328, 2), ["left", "right"]],
  ["bf16", "tall", "both, batches of few rows", alongK(70, 90, 136, 3), ["left", "right"]],
  ["tf32", "tall", "both, of numbers that are rounded", alongK(150, 140, 268), ["left", "right"]],
  ["bf16", "single", "both of one round", alongK(64, 128, 40), ["left", "right"]],
  ["f16", "single", "a part of longer rows", ofLongerRows(70, 130, 280), ["left", "right"]],
  ["bf16", "single", "the left one alone", matmul(100, 130, 456), ["left"]],
  ["f16", "tall", "the right one alone", fused(alongK(140, 129, 200)), ["right"]],
];

describe.skipIf(NO_HOST_COMPILER !== undefined)("cuda multiplies tiles that the machine copies", () => {
  let device: HostCuda;
  const reference = openReferenceDevice();
  beforeAll(async () => {
    device = openHostCuda();
    await device.prepare(KERNELS.map(([of, shape, , kernel]) => mappedTarget(shape).compileKernel(stored(kernel, of))));
  });
  afterAll(() => device.dispose());
  afterEach(() => vi.unstubAllEnvs());

  it.each(KERNELS)("%s, %s: %s", async (of, shape, _, given, mapped) => {
    const kernel = stored(given, of);
    const { cuda, source = "" } = mappedTarget(shape).compileKernel(kernel);
    expect(cuda?.maps?.map(({ param }) => (param === 0 ? "left" : "right"))).toEqual(mapped);
    expect(source).not.toContain("copy_aside");
    expect(source.match(/TensorMap \w+/g)).toHaveLength(mapped.length);
    const [inputs, written] = storedNumbers(given, of);
    const expected = await runKernel(reference, referenceTarget, given, inputs);
    for (const [output, values] of await runKernel(device, mappedTarget(shape), kernel, written))
      expect(relativeError(values, expected.get(output) ?? new Float32Array()), output).toBeLessThan(2e-6);
  });

  it("gives no numbers where a copy does not arrive, whatever else is there, and ends", async () => {
    vi.stubEnv("FAKE_LOST_COPIES", "1");
    // One of a single round: all that is multiplied is there, and yet nobody knows that it is.
    const [of, shape, given] = ["bf16", "single", alongK(64, 128, 40)] as const;
    const [, written] = storedNumbers(given, of);
    for (const [, values] of await runKernel(device, mappedTarget(shape), stored(given, of), written))
      expect(values.every(Number.isNaN)).toBe(true);
  });

  it("is one more way beside what threads copy, of matrices in memory and long sums", () => {
    const tma = (kernel: Kernel): readonly boolean[] =>
      (cudaTarget.ways?.(kernel) ?? []).flatMap(([first]) => (first?.cuda?.needs ? [first.cuda.maps !== undefined] : []));
    expect(tma(stored(alongK(512, 512, 512), "bf16"))).toEqual([false, true]);
    expect(tma(stored(alongK(512, 512, 512), "tf32"))).toEqual([false, true]);
    expect(tma(stored(matmul(512, 512, 512), "f16"))).toEqual([false, true]);
    // Few rounds; rows that are not aligned; and what is rounded as it is read.
    expect(tma(stored(alongK(1024, 512, 128), "bf16"))).toEqual([false]);
    expect(tma(stored(alongK(512, 512, 515), "bf16"))).toEqual([false]);
    expect(tma(inFormat(alongK(512, 512, 512), "bf16"))).toEqual([false]);
  });

  it("has no map of what is computed, of resident data, of rows that lie apart or over each other", () => {
    const mapOf = (kernel: Kernel, rows = 64): TensorMap | undefined => {
      const problem = problemOf(kernel);
      const tile = { ...WIDE.single, operands: "bf16", perWord: 2 } as const;
      return tensorMapOf({ problem, tile }, { expr: problem.stage.rhs, along: "n", extent: problem.n, rows });
    };
    const plain = stored(alongK(64, 100, 72, 3), "bf16");
    expect(mapOf(plain, 128)).toEqual({ param: 1, dtype: "bf16", first: 0, rows: 300, columns: 72, row: 72, box: 128 });
    expect(mapOf(stored(ofLongerRows(64, 100, 72), "bf16"))).toEqual({ ...mapOf(plain), first: 8, rows: 100, row: 88 });
    expect(mapOf(inFormat(alongK(64, 100, 72), "bf16"))).toBeUndefined();
    expect(mapOf({ ...plain, params: plain.params.map((it) => ({ ...it, length: 0 })) })).toBeUndefined();
    const moved = (index: Expr): Kernel => {
      const [first, ...rest] = plain.stages;
      return { ...plain, stages: [{ ...first, rhs: load(1, index, "f32") } as typeof first & object, ...rest] };
    };
    const [B, N, K] = [axis("b", 3), axis("n", 100), axis("k", 72)];
    expect(mapOf(moved(add(mul(add(mul(B, int(101)), N), int(72)), K)))).toMatchObject({ rows: 302 });
    expect(mapOf(moved(add(add(mul(B, int(7200 + 8)), mul(N, int(72))), K)))).toBeUndefined();
    expect(mapOf(moved(add(add(mul(B, int(800)), mul(N, int(8))), K)))).toBeUndefined();
  });
});

const reason = NO_HOST_COMPILER ?? ((await findKoffi()) ? undefined : "the npm package koffi is not installed");

describe.skipIf(reason !== undefined)("the CUDA device, of kernels that take maps of matrices", () => {
  const [M, K, N] = [160, 328, 144];
  const random = createRandom(5);
  /** Small whole numbers are bf16, and so their sums are the same in any order; the greater of two is held in memory. */
  const values = (length: number): Float32Array => Float32Array.from({ length: 2 * length }, () => Math.floor(17 * random()) - 8);
  const [X, W] = [values(M * K), values(N * K)];
  const greater = (pairs: Float32Array, i: number): number => Math.max(pairs[2 * i] ?? 0, pairs[2 * i + 1] ?? 0);
  const Y = Float32Array.from({ length: M * N }, (_, i) => {
    let sum = 0;
    for (let k = 0; k < K; k++) sum += greater(X, Math.floor(i / N) * K + k) * greater(W, (i % N) * K + k);
    return sum;
  });
  const product = (): Program => {
    const b = createBuilder();
    const held = (name: string, rows: number): Node => {
      const pairs = b.input({ name, role: "batch", type: tensorType("f32", [rows, K, 2]) });
      return b.roundTo(b.reduceMax(pairs, { axes: [2], keepDims: false }), { to: "bf16" });
    };
    return compileGraph({ builder: b, outputs: new Map([["y", b.matmul(held("x", M), held("w", N), { transposeB: true })]]) }, "cuda")
      .program;
  };
  const program = product();
  const own = program.kernels.findIndex(({ cuda }) => cuda?.maps !== undefined);
  const entry = program.kernels[own]?.cuda?.entry ?? "";
  const fake = {
    log: (): string => "",
    slow: (_: string, __: number): number => 0,
    fail: (_: string, __: number, ___: number): number => 0,
  };
  beforeAll(async () => {
    const library = (await findKoffi())?.load(await hostDriver());
    fake.log = library?.func("fake_log", "str", []) as unknown as () => string;
    fake.slow = library?.func("fake_slow", "void", ["str", "double"]) as unknown as typeof fake.slow;
    fake.fail = library?.func("fake_fail", "void", ["str", "int32", "int32"]) as unknown as typeof fake.fail;
  });
  afterEach(() => {
    vi.unstubAllEnvs();
    fake.slow("", 0);
    fake.fail("", 0, 0);
  });

  /** Results of three runs, the last ones of a graph; what was chosen for the product, and how many maps were made. */
  async function run(): Promise<{ readonly y: readonly number[]; readonly choice: Choice | undefined; readonly maps: number }> {
    const told: Choice[] = [];
    const tuning = {
      times: { find: () => Promise.resolve(undefined), keep: () => Promise.resolve() },
      tell: (all: readonly Choice[]) => told.push(...all),
    };
    const device = await openCudaDevice({
      path: await hostDriver(),
      images: () => Promise.resolve(hostModule),
      tuning: choosing(tuning),
    });
    try {
      const session = await device.load(program);
      fake.log();
      session.write("x", X);
      session.write("w", W);
      session.run("predict", 3);
      const y = [...((await session.read(["y"])).get("y") ?? [])];
      session.dispose();
      const maps = fake
        .log()
        .split("\n")
        .filter((call) => call === "cuTensorMapEncodeTiled").length;
      return { y, choice: told.find(({ candidates }) => candidates.some(({ name }) => name === entry)), maps };
    } finally {
      device.dispose();
    }
  }

  it("makes them for each launch, in graphs too", async () => {
    fake.slow(entry, 50);
    const { y, choice, maps } = await run();
    expect(choice).toMatchObject({ taken: entry, why: "measured" });
    expect(y).toEqual([...Y]);
    // One launch as it is, and one that a graph keeps; two operands each.
    expect(maps).toBe(4);
  });

  it.each([
    ["the driver makes none", (): void => void fake.fail("cuTensorMapEncodeTiled", 1, 0)],
    ["copies do not arrive", (): void => void vi.stubEnv("FAKE_LOST_COPIES", "1")],
  ])("does not take them where %s", async (_, spoil) => {
    fake.slow(entry, 50);
    spoil();
    const { y, choice, maps } = await run();
    expect(choice?.candidates.find(({ name }) => name === entry)?.microseconds).toBeNull();
    expect(choice?.taken).not.toBe(entry);
    expect([y, maps]).toEqual([[...Y], 0]);
  });

  it("refuses a program whose map is of what a buffer does not have", () => {
    const fault = (change: Partial<TensorMap>, needs: Architecture | null = "sm_90a"): string | undefined => {
      const changed = program.kernels.map((kernel, i): CompiledKernel => {
        const { maps: [first, ...more] = [], needs: _, sharedBytes: __, ...cuda } = kernel.cuda ?? { entry: "", threads: 1 };
        return i === own && first
          ? { ...kernel, cuda: { ...cuda, maps: [{ ...first, ...change }, ...more], ...(needs && { needs }) } }
          : kernel;
      });
      return programFault({ ...program, kernels: changed });
    };
    expect(program.kernels[own]?.cuda?.maps).toEqual([
      { param: 0, dtype: "bf16", first: 0, rows: M, columns: K, row: K, box: 64 },
      { param: 1, dtype: "bf16", first: 0, rows: N, columns: K, row: K, box: 128 },
    ]);
    expect(fault({})).toBeUndefined();
    const wrong: readonly Partial<TensorMap>[] = [
      ...([{ param: 7 }, { param: 2, dtype: "f32" }, { dtype: "f16" }, { first: 8 }, { rows: M + 1 }, { columns: K + 8 }] as const),
      ...[{ row: K + 8 }, { row: K - 4, columns: 8 }, { rows: 1, row: 2 ** 40 }, { box: 264 }],
    ];
    for (const change of wrong) expect(fault(change), JSON.stringify(change)).toMatch(/has a map of a matrix that it does not have/);
    expect(fault({}, null)).toMatch(/has a map of a matrix that it does not have/);
  });
});

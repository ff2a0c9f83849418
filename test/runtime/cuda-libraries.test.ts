// Products that a library does on the CUDA device: a cuBLASLt without NVIDIA's, over a driver without a GPU, computes them in the host's memory, so that
// numbers are compared. Skipped, with the reason, where there is no C++ compiler or no koffi.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import type { Builder } from "../../src/ir/builder.ts";
import type { Node } from "../../src/ir/node.ts";
import type { CompiledKernel, Program, ProductOfLibrary } from "../../src/ir/program.ts";
import { programFault } from "../../src/ir/program-checks.ts";
import { openCublasLt } from "../../src/runtime/cuda/cublaslt.ts";
import { choosing } from "../../src/runtime/cuda/choosing.ts";
import { openCudaDevice } from "../../src/runtime/cuda/device.ts";
import { findKoffi } from "../../src/runtime/cuda/koffi.ts";
import { keptTimes } from "../../src/runtime/tuning/kept-times.ts";
import type { Choice, Times } from "../../src/runtime/tuning/tuner.ts";
import { hostCublasLt, hostDriver, hostModule, NO_HOST_COMPILER } from "../support/cuda-host.ts";
import { compileGraph, interpret } from "../support/run-graph.ts";
import { relativeError } from "../support/values.ts";
import { everyWaySuite, graphOf, K, M, N, product, PRODUCTS, valuesOf, type ProductCase } from "./product-suite.ts";

const reason = NO_HOST_COMPILER ?? ((await findKoffi()) ? undefined : "the npm package koffi is not installed");
if (reason !== undefined) console.warn(`skipped: ${reason}`);

describe.skipIf(reason !== undefined)("a library of products", () => {
  const cache = mkdtempSync(join(tmpdir(), "tlc-libraries-"));
  const [first] = PRODUCTS as [ProductCase];
  let [driver, library] = ["", ""];
  /** Of the driver's memory, which other files of this process have had. */
  let used = 0;
  const fake = {
    log: (): string => "",
    fail: (_: string): number => 0,
    cost: (_: number): number => 0,
    live: (): number => 0,
    calls: (): number => 0,
    failDriver: (_: string, __: number, ___: number): number => 0,
    used: (): number => 0,
  };

  beforeAll(async () => {
    [driver, library] = [await hostDriver(), await hostCublasLt()];
    process.env["FAKE_CUDA_DRIVER"] = driver;
    const koffi = await findKoffi();
    const [ofDriver, ofLibrary] = [koffi?.load(driver), koffi?.load(library)];
    const take = (from: typeof ofDriver, name: string, result: string, ...types: readonly string[]) =>
      from?.func(name, result, types) as unknown as never;
    fake.log = take(ofDriver, "fake_log", "str");
    fake.failDriver = take(ofDriver, "fake_fail", "void", "str", "int32", "int32");
    fake.used = take(ofDriver, "fake_used", "uint64");
    fake.fail = take(ofLibrary, "fake_lt_fail", "void", "str");
    fake.cost = take(ofLibrary, "fake_lt_cost", "void", "double");
    fake.live = take(ofLibrary, "fake_lt_live", "int32");
    fake.calls = take(ofLibrary, "fake_lt_calls", "int32");
  });
  beforeEach(() => {
    used = fake.used();
  });
  afterEach(() => {
    fake.fail("");
    fake.cost(100);
    vi.unstubAllEnvs();
    rmSync(cache, { recursive: true, force: true });
  });
  afterAll(() => {
    delete process.env["FAKE_CUDA_DRIVER"];
  });

  /** As if the last of the ways, which are a library's, had been found to be the fastest: tensor cores on the host take seconds to be measured. */
  const lastIsFastest: Times = {
    find: (_, count) => Promise.resolve(Array.from({ length: count }, (__, i) => (i === count - 1 ? 1 : 1000))),
    keep: () => Promise.resolve(),
  };

  /** Runs a program three times, the last two as a graph; what was chosen, and the results. */
  async function run(
    program: Program,
    values: ReadonlyMap<string, Float64Array>,
    before: () => void = () => undefined,
    times: Times = keptTimes(cache),
  ) {
    const choices: Choice[] = [];
    const device = await openCudaDevice({
      ...{ path: driver, images: () => Promise.resolve(hostModule) },
      tuning: choosing({ times, tell: (told) => choices.push(...told) }),
      libraries: ({ koffi }) => [openCublasLt(koffi, library)],
    });
    try {
      const session = await device.load(program);
      try {
        for (const [name, data] of values) session.write(name, Float32Array.from(data));
        before();
        const calls = fake.calls();
        session.run("predict", 3);
        const results = (await session.read(["y"])).get("y") ?? [];
        return { choices, results, calls: fake.calls() - calls };
      } finally {
        session.dispose();
      }
    } finally {
      device.dispose();
    }
  }

  it.each(PRODUCTS)("does $name", async (given) => {
    const graph = graphOf(given);
    const { program } = compileGraph(graph, "cuda");
    const [kernel] = program.kernels.filter((it) => it.library);
    expect(programFault(program)).toBeUndefined();
    expect(kernel?.library?.product).toMatchObject(given.expected);
    expect(kernel?.library?.rest !== undefined).toBe(given.hasRest === true);
    expect(kernel?.library?.before?.length ?? 0).toBe(given.before ?? 0);
    const values = valuesOf(given);
    const isMeasured = kernel?.library?.product.precision === "f32" && !given.before;
    const { choices, results, calls } = await run(program, values, undefined, isMeasured ? undefined : lastIsFastest);
    const taken = expect.stringMatching(isMeasured ? /^cuBLASLt 13\.1\.1 #0 / : /^cuBLASLt 13\.1\.1 #\d+ /) as string;
    expect([choices, calls]).toMatchObject([[{ taken, why: isMeasured ? "measured" : "remembered" }], 3]);
    expect(relativeError(results, interpret(graph, values).get("y") ?? [])).toBeLessThan(2e-6);
    expect([fake.live(), fake.used()]).toEqual([0, used]);
  });

  everyWaySuite("a driver without a GPU", async (tuning) =>
    openCudaDevice({
      ...{ path: await hostDriver(), images: () => Promise.resolve(hostModule), tuning: choosing(tuning) },
      libraries: ({ koffi }) => [openCublasLt(koffi, library)],
    }),
  );

  it("is not asked for what is too small, or would take too much to write down", () => {
    const formOf = (given: Pick<ProductCase, "shapes" | "build">): CompiledKernel | undefined =>
      compileGraph(graphOf({ ...first, ...given }), "cuda").program.kernels.find((it) => it.library);
    const shapes = { x: [M, K], w: [K, N] };
    expect(formOf({ shapes: { x: [8, 8], w: [8, 8] }, build: (b, { x, w }) => product(b, x, w) })).toBeUndefined();
    // To write down what is read again for every row would take many times its memory.
    const row = (b: Builder, x: Node | undefined): Node => b.expand(b.tanh(x!), { shape: [M, K] });
    expect(formOf({ shapes: { x: [1, K], w: [K, N] }, build: (b, { x, w }) => product(b, row(b, x), w) })).toBeUndefined();
    // Rounded to a format that the library would not round to.
    const mixed = formOf({ shapes, build: (b, { x, w }) => product(b, b.roundTo(x!, { to: "bf16" }), w) });
    expect(mixed?.library).toMatchObject({ product: { precision: "f32", left: { dtype: "f32" } }, before: [expect.any(Number) as number] });
  });

  it("is left where the program's own kernels are faster, and where it cannot do a product", async () => {
    const { program } = compileGraph(graphOf(first), "cuda");
    const values = valuesOf(first);
    const own = program.kernels.find((it) => it.library)?.cuda?.entry;
    fake.cost(1000);
    expect(await run(program, values)).toMatchObject({ choices: [{ taken: own }], calls: 0 });
    for (const call of ["cublasLtMatmulAlgoGetHeuristic", "cublasLtMatmulDescCreate"]) {
      rmSync(cache, { recursive: true, force: true });
      fake.fail(call);
      const { choices } = await run(program, values);
      expect(choices.flatMap(({ candidates }) => candidates.map(({ name }) => name)).filter((name) => name.startsWith("cuBLASLt"))).toEqual(
        [],
      );
      fake.fail("");
      expect([fake.live(), fake.used()], call).toEqual([0, used]);
    }
    // Refused when it runs, alone or in a capture.
    rmSync(cache, { recursive: true, force: true });
    fake.fail("cublasLtMatmul");
    const { choices } = await run(program, values);
    expect(choices).toMatchObject([{ taken: own }]);
    expect(choices[0]?.candidates.filter(({ microseconds }) => microseconds === null)).toHaveLength(2);
  });

  it("names its call and the layer where it fails later, and gives everything back", async () => {
    const { program } = compileGraph(graphOf(first), "cuda");
    const entries = Object.entries(program.entries).map(
      ([name, all]) => [name, all.map((launch) => ({ ...launch, layer: "fc1" }))] as const,
    );
    const named: Program = { ...program, entries: Object.fromEntries(entries) };
    await expect(run(named, valuesOf(first), () => fake.fail("cublasLtMatmul"))).rejects.toMatchObject({
      ...{ reason: "lost" },
      message: expect.stringMatching(/the GPU was lost: kernel matmul\S* of fc1: cublasLtMatmul: CUBLAS_STATUS_EXECUTION_FAILED/) as string,
    });
    expect([fake.live(), fake.used()]).toEqual([0, used]);
  });

  it("says that its workspace is part of what does not fit", async () => {
    const { program } = compileGraph(graphOf(first), "cuda");
    fake.failDriver("cuMemAlloc_v2", 2, 0);
    const error: unknown = await run(program, valuesOf(first)).catch((fault: unknown) => fault);
    fake.failDriver("", 0, 0);
    expect(error).toMatchObject({
      reason: "out-of-memory",
      message: expect.stringMatching(/4.0 KiB of it for NVIDIA's libraries/) as string,
    });
  });

  it("is told of matrices that are there, and of none beside their buffers", () => {
    const { program } = compileGraph(graphOf(PRODUCTS[7]!), "cuda");
    const changed = (change: (product: ProductOfLibrary) => ProductOfLibrary, rest?: number): string | undefined =>
      programFault({
        ...program,
        kernels: program.kernels.map((it) =>
          it.library
            ? {
                ...it,
                library: { ...it.library, product: change(it.library.product as ProductOfLibrary), ...(rest !== undefined && { rest }) },
              }
            : it,
        ),
      });
    expect(changed((it) => it)).toBeUndefined();
    const wrong: readonly ((product: ProductOfLibrary) => ProductOfLibrary)[] = [
      (it) => ({ ...it, k: it.k + 1 }),
      (it) => ({ ...it, batch: 2 }),
      (it) => ({ ...it, left: { ...it.left, first: 1 } }),
      (it) => ({ ...it, left: { ...it.left, param: 9 } }),
      (it) => ({ ...it, left: { ...it.left, param: 3 } }),
      (it) => ({ ...it, right: { ...it.right, row: 7, column: 7 } }),
      (it) => ({ ...it, left: { ...it.left, dtype: "bf16" } }),
      (it) => ({ ...it, result: { ...it.result, dtype: "bf16" } }),
      (it) => ({ ...it, result: { ...it.result, param: 0 } }),
      (it) => ({ ...it, bias: { param: 2, dtype: "f32", first: 0, matrix: 0, row: 0, column: 1 } }),
    ];
    for (const change of wrong)
      expect(changed(change), String(change)).toMatch(/is a product of matrices that it does not have|leaves its rest to/);
    expect(changed((it) => it, 0)).toMatch(/leaves its rest to 0, which does not take it/);
    expect(programFault({ ...program, target: "webgpu" })).toMatch(/no device of webgpu has/);
  });
});

// Attention that a library does as one on the CUDA device: a cuDNN without NVIDIA's, over a driver without a GPU, computes the graph that it is given in the
// host's memory, so that numbers are compared. Skipped, with the reason, where there is no C++ compiler or no koffi.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { hostArrayFrom } from "../../src/ir/arrays.ts";
import { programFault } from "../../src/ir/program-checks.ts";
import type { AttentionOfLibrary, CompiledKernel, Launch, LoopLaunch, ParameterType, Program } from "../../src/ir/program.ts";
import { openCudnn } from "../../src/runtime/cuda/cudnn.ts";
import { choosing } from "../../src/runtime/cuda/choosing.ts";
import { openCudaDevice } from "../../src/runtime/cuda/device.ts";
import { findKoffi } from "../../src/runtime/cuda/koffi.ts";
import { keptTimes } from "../../src/runtime/tuning/kept-times.ts";
import type { Choice } from "../../src/runtime/tuning/tuner.ts";
import { hostCudnn, hostDriver, hostModule, NO_HOST_COMPILER } from "../support/cuda-host.ts";
import { interpret } from "../support/run-graph.ts";
import { relativeError } from "../support/values.ts";
import { ATTENTIONS, compiled, graphOf, MASKED, SIZES, valuesOf, type AttentionCase } from "./attention-cases.ts";

const reason = NO_HOST_COMPILER ?? ((await findKoffi()) ? undefined : "the npm package koffi is not installed");
if (reason !== undefined) console.warn(`skipped: ${reason}`);

const wholesOf = ({ kernels }: Program): readonly CompiledKernel[] =>
  kernels.filter(({ library }) => library?.product.kind === "attention");

describe("attention for a library", () => {
  it.each(ATTENTIONS)("is that $name", (given) => {
    const program = compiled(given);
    expect(programFault(program)).toBeUndefined();
    const [whole, ...more] = wholesOf(program);
    const { batch, queries, keys, heads, width, widthOfValue = width } = given.sizes;
    // Heads of one example are a batch as well.
    const outer = batch === 1 ? [heads, 1] : [batch, heads];
    const shape = (time: number, each: number): object => expect.objectContaining({ shape: [...outer, time, each] }) as object;
    expect([whole?.library?.product, more.length]).toMatchObject([
      {
        precision: given.precision,
        scale: 0.3,
        query: shape(queries, width),
        key: shape(keys, width),
        value: shape(keys, widthOfValue),
        result: shape(queries, widthOfValue),
      },
      0,
    ]);
    expect(whole?.library?.before?.length ?? 0).toBe(given.before ?? 0);
  });

  it("is none where gradients need what lies between", () => {
    expect(wholesOf(compiled({ name: "", precision: "bf16", sizes: SIZES }, true))).toEqual([]);
  });

  it("is none where a mask and an order say together what may be looked at: no query may find nothing", () => {
    expect(wholesOf(compiled({ name: "", precision: "bf16", sizes: SIZES, causal: true, hasMask: true }))).toEqual([]);
  });

  it("is of tensors that are there, in a loop of one step", () => {
    const program = compiled(MASKED);
    const changed = (
      change: (it: AttentionOfLibrary) => Partial<AttentionOfLibrary>,
      params: (given: readonly ParameterType[]) => readonly ParameterType[] = (given) => given,
    ): string | undefined =>
      programFault({
        ...program,
        kernels: program.kernels.map((it) => {
          const product = it.library?.product;
          if (product?.kind !== "attention") return it;
          return { ...it, params: params(it.params ?? []), library: { ...it.library, product: { ...product, ...change(product) } } };
        }),
      });
    expect(changed(() => ({}))).toBeUndefined();
    const wrong: readonly ((it: AttentionOfLibrary) => Partial<AttentionOfLibrary>)[] = [
      () => ({ precision: "f16" }),
      ({ query }) => ({ query: { ...query, first: 1 } }),
      ({ query }) => ({ query: { ...query, dtype: "f32" } }),
      ({ key }) => ({ key: { ...key, strides: [1536, 384, 1, 24] } }),
      ({ key }) => ({ key: { ...key, shape: [3, 4, 24, 15] } }),
      ({ value }) => ({ value: { ...value, shape: [3, 4, 23, 16] } }),
      ({ bias, query }) => ({ bias: { ...(bias ?? query), shape: [2, 1, 1, 24] } }),
      ({ bias, query }) => ({ bias: { ...(bias ?? query), strides: [25, 24, 24, 1] } }),
      ({ result, query }) => ({ result: { ...result, param: query.param } }),
      // Heads in one place.
      ({ result }) => ({ result: { ...result, strides: [1536, 0, 64, 1] } }),
      ({ result }) => ({ result: { ...result, strides: [1536, 384, 16, 2] } }),
    ];
    for (const change of wrong) expect(changed(change), String(change)).toMatch(/is an attention that it does not have/);
    // A library writes while it still reads.
    const over = changed(
      ({ result, query }) => ({ result: { ...result, param: query.param } }),
      (params) => params.map((it) => ({ ...it, access: "read_write" })),
    );
    expect(over).toMatch(/is an attention that it does not have/);
    const launches = program.entries["predict"] ?? [];
    const around = (change: (loop: LoopLaunch) => Launch): string | undefined =>
      programFault({ ...program, entries: { predict: launches.map((launch) => (launch.kind === "loop" ? change(launch) : launch)) } });
    expect(around((loop) => ({ ...loop, count: 2 }))).toMatch(/has a loop that no library does/);
    expect(around(({ whole, ...loop }) => ({ ...loop, ...(whole && { whole: { ...whole, kernel: 0 } }) }))).toMatch(
      /has a loop that no library does/,
    );
    expect(around(({ whole, ...loop }) => ({ ...loop, ...(whole && { whole: { ...whole, buffers: [] } }) }))).toMatch(/buffers, it takes/);
    expect(around(({ whole, ...loop }) => whole ?? loop)).toMatch(/launches \S+_whole, which only libraries do/);
  });
});

describe.skipIf(reason !== undefined)("a library of attention", () => {
  const cache = mkdtempSync(join(tmpdir(), "tlc-attention-"));
  let [driver, library] = ["", ""];
  let used = 0;
  const fake = {
    fail: (_: string): number => 0,
    cost: (_: number): number => 0,
    live: (): number => 0,
    calls: (): number => 0,
    used: (): number => 0,
  };

  beforeAll(async () => {
    [driver, library] = [await hostDriver(), await hostCudnn()];
    process.env["FAKE_CUDA_DRIVER"] = driver;
    const koffi = await findKoffi();
    const [ofDriver, ofLibrary] = [koffi?.load(driver), koffi?.load(library)];
    const take = (from: typeof ofDriver, name: string, result: string, ...types: readonly string[]) =>
      from?.func(name, result, types) as unknown as never;
    fake.used = take(ofDriver, "fake_used", "uint64");
    fake.fail = take(ofLibrary, "fake_dnn_fail", "void", "str");
    fake.cost = take(ofLibrary, "fake_dnn_cost", "void", "double");
    fake.live = take(ofLibrary, "fake_dnn_live", "int32");
    fake.calls = take(ofLibrary, "fake_dnn_calls", "int32");
    used = fake.used();
  });
  afterEach(() => {
    fake.fail("");
    fake.cost(100);
    rmSync(cache, { recursive: true, force: true });
  });
  afterAll(() => {
    delete process.env["FAKE_CUDA_DRIVER"];
  });

  /** Runs a program three times, the last two as a graph; what was chosen, and the results. */
  async function run(given: AttentionCase, program: Program, before: () => void = () => undefined) {
    const choices: Choice[] = [];
    const device = await openCudaDevice({
      ...{ path: driver, images: () => Promise.resolve(hostModule) },
      tuning: choosing({ times: keptTimes(cache), tell: (told) => choices.push(...told) }),
      libraries: ({ koffi }) => [openCudnn(koffi, library)],
    });
    try {
      const session = await device.load(program);
      try {
        for (const [name, data] of valuesOf(graphOf(given), given))
          if (program.buffers.some((buffer) => buffer.name === name))
            session.write(name, hostArrayFrom(data, name === "mask" ? "bool" : "f32"));
        before();
        const calls = fake.calls();
        session.run("predict", 3);
        return { choices, results: (await session.read(["y"])).get("y") ?? [], calls: fake.calls() - calls };
      } finally {
        session.dispose();
      }
    } finally {
      device.dispose();
    }
  }

  const wholeIn = (choices: readonly Choice[]): Choice | undefined => choices.find(({ kernel }) => kernel.endsWith("_whole"));

  it.each(ATTENTIONS)("does that $name", async (given) => {
    const { choices, results, calls } = await run(given, compiled(given));
    const graph = graphOf(given);
    const expected = interpret(graph, valuesOf(graph, given)).get("y") ?? [];
    expect([wholeIn(choices), calls]).toMatchObject([
      { taken: expect.stringMatching(/^cuDNN 9\.13\.1 A\d+ engine \d+ attention/) as string },
      3,
    ]);
    const close = { f32: 2e-6, tf32: 2e-3, bf16: 1e-2, f16: 2e-3 }[given.precision];
    expect(relativeError(results, expected)).toBeLessThan(close);
    expect([fake.live(), fake.used()]).toEqual([0, used]);
  });

  it("is left where the launches that it would do are faster, and where it refuses", async () => {
    const graph = graphOf(MASKED);
    const expected = interpret(graph, valuesOf(graph, MASKED)).get("y") ?? [];
    const program = compiled(MASKED);
    const isOwn = async (why: string): Promise<void> => {
      const { choices, results, calls } = await run(MASKED, program);
      expect([wholeIn(choices)?.taken.startsWith("cuDNN") ?? false, calls], why).toEqual([false, 0]);
      expect(relativeError(results, expected), why).toBeLessThan(1e-2);
      expect([fake.live(), fake.used()], why).toEqual([0, used]);
      rmSync(cache, { recursive: true, force: true });
    };
    fake.cost(1e5);
    await isOwn("slower");
    fake.cost(100);
    for (const call of ["cudnnBackendSetAttribute", "cudnnBackendFinalize", "plans", "cudnnBackendExecute"]) {
      fake.fail(call);
      await isOwn(call);
    }
  });

  it("names its call and the layer where it fails later, and gives everything back", async () => {
    const program = compiled(MASKED);
    const layered = (launch: Launch): Launch =>
      launch.kind === "loop" && launch.whole ? { ...launch, whole: { ...launch.whole, layer: "encoder.self" } } : launch;
    const entries = Object.fromEntries(Object.entries(program.entries).map(([name, all]) => [name, all.map(layered)] as const));
    await expect(run(MASKED, { ...program, entries }, () => fake.fail("cudnnBackendExecute"))).rejects.toMatchObject({
      ...{ reason: "lost" },
      message: expect.stringMatching(
        /the GPU was lost: kernel \S+_whole of encoder\.self: cudnnBackendExecute: CUDNN_STATUS_EXECUTION_FAILED/,
      ) as string,
    });
    expect([fake.live(), fake.used()]).toEqual([0, used]);
  });
});

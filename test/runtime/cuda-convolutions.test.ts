// Convolutions that a library does on the CUDA device: a cuDNN without NVIDIA's, over a driver without a GPU, computes them in the host's memory, so that
// numbers are compared. Skipped, with the reason, where there is no C++ compiler or no koffi.

import { mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { programFault } from "../../src/ir/program-checks.ts";
import type { CompiledKernel, ConvolutionOfLibrary, Program } from "../../src/ir/program.ts";
import { openCudnn } from "../../src/runtime/cuda/cudnn.ts";
import { choosing } from "../../src/runtime/cuda/choosing.ts";
import { openCudaDevice } from "../../src/runtime/cuda/device.ts";
import { findKoffi, loadKoffi } from "../../src/runtime/cuda/koffi.ts";
import { openLibraries } from "../../src/runtime/cuda/open-libraries.ts";
import { keptTimes } from "../../src/runtime/tuning/kept-times.ts";
import type { Choice } from "../../src/runtime/tuning/tuner.ts";
import { hostCublasLt, hostCudnn, hostDriver, hostModule, NO_HOST_COMPILER } from "../support/cuda-host.ts";
import { compileGraph, interpret } from "../support/run-graph.ts";
import { relativeError } from "../support/values.ts";
import { convolutionSuite, CONVOLUTIONS, graphOfAll, valuesOfAll, type ConvolutionCase } from "./convolution-suite.ts";

const reason = NO_HOST_COMPILER ?? ((await findKoffi()) ? undefined : "the npm package koffi is not installed");
if (reason !== undefined) console.warn(`skipped: ${reason}`);

const named = (name: string): ConvolutionCase => {
  const found = CONVOLUTIONS.find((given) => given.name === name);
  if (!found) throw new Error(`no convolution ${name}`);
  return found;
};

describe("convolutions for a library", () => {
  it.each(CONVOLUTIONS)("are $name", (given) => {
    const { program } = compileGraph(graphOfAll([given]), "cuda");
    expect(programFault(program)).toBeUndefined();
    const [kernel] = program.kernels.filter((it) => it.library);
    expect(kernel?.library?.product).toMatchObject({ kind: "convolution", ...given.expected });
    expect(kernel?.library?.before?.length ?? 0).toBe(given.before ?? 0);
    expect(kernel?.library?.rest !== undefined).toBe(given.hasRest === true);
  });

  it("are of tensors that are there, and of none beside their buffers", () => {
    const { program } = compileGraph(
      graphOfAll([named("operands of bf16, which kernels write down as that, and a sum that is rounded where it is taken")]),
      "cuda",
    );
    type Form = NonNullable<CompiledKernel["library"]>;
    const changed = (change: (it: ConvolutionOfLibrary) => Partial<ConvolutionOfLibrary>, form: Partial<Form> = {}): string | undefined =>
      programFault({
        ...program,
        kernels: program.kernels.map((it) => {
          const product = it.library?.product;
          return product?.kind === "convolution"
            ? { ...it, library: { ...it.library, product: { ...product, ...change(product) }, ...form } }
            : it;
        }),
      });
    expect(changed(() => ({}))).toBeUndefined();
    const wrong: readonly ((it: ConvolutionOfLibrary) => Partial<ConvolutionOfLibrary>)[] = [
      () => ({ stride: [2, 1] }),
      () => ({ padding: [1, 0] }),
      () => ({ dilation: [1, 2] }),
      () => ({ groups: 2 }),
      () => ({ precision: "f16" }),
      () => ({ direction: "data" }),
      ({ image }) => ({ image: { ...image, first: 1 } }),
      ({ image }) => ({ image: { ...image, dtype: "f32" } }),
      ({ image }) => ({ image: { ...image, strides: [7752, 1, 17, 323] } }),
      ({ filter }) => ({ filter: { ...filter, shape: [41, 24, 3, 3] } }),
      ({ response }) => ({ response: { ...response, param: 0 } }),
      ({ response }) => ({ response: { ...response, strides: [12921, 323, 17, 1] } }),
    ];
    for (const change of wrong) expect(changed(change), String(change)).toMatch(/is a convolution that it does not have/);
    const [kernel] = program.kernels.filter((it) => it.library);
    const [first = 0, second = 0] = kernel?.library?.before ?? [];
    for (const before of [[first], [second, first], [first, second, second], [first, 0]])
      expect(changed(() => ({}), { before })).toMatch(/has operands that are not made before/);
    expect(changed(() => ({}), { rest: first })).toMatch(/is a convolution that it does not have|leaves its rest/);
  });
});

describe.skipIf(reason !== undefined)("a library of convolutions", () => {
  const cache = mkdtempSync(join(tmpdir(), "tlc-convolutions-"));
  let [driver, library] = ["", ""];
  const fake = {
    fail: (_: string): number => 0,
    cost: (_: number): number => 0,
    knowing: (_: number): number => 0,
    toolkit: (_: number): number => 0,
    live: (): number => 0,
    calls: (): number => 0,
    used: (): number => 0,
  };
  let used = 0;

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
    fake.knowing = take(ofLibrary, "fake_dnn_knowing", "void", "int32");
    fake.toolkit = take(ofLibrary, "fake_dnn_toolkit", "void", "int32");
    fake.live = take(ofLibrary, "fake_dnn_live", "int32");
    fake.calls = take(ofLibrary, "fake_dnn_calls", "int32");
    used = fake.used();
  });
  afterEach(() => {
    fake.fail("");
    fake.cost(100);
    fake.knowing(3);
    fake.toolkit(13000);
    rmSync(cache, { recursive: true, force: true });
  });
  afterAll(() => {
    delete process.env["FAKE_CUDA_DRIVER"];
  });

  const given = [named("forward with a bias and an activation, which a kernel does"), named("operands of tf32")];
  const graph = graphOfAll(given);
  const values = valuesOfAll(given);
  const { program } = compileGraph(graph, "cuda");

  /** Runs a program three times, the last two as a graph; what was chosen, and the results. */
  async function run(before: () => void = () => undefined, of: Program = program) {
    const choices: Choice[] = [];
    const device = await openCudaDevice({
      ...{ path: driver, images: () => Promise.resolve(hostModule) },
      tuning: choosing({ times: keptTimes(cache), tell: (told) => choices.push(...told) }),
      libraries: ({ koffi }) => [openCudnn(koffi, library)],
    });
    try {
      const session = await device.load(of);
      try {
        for (const [name, data] of values) session.write(name, Float32Array.from(data));
        before();
        const calls = fake.calls();
        session.run("predict", 3);
        const results = await session.read([...graph.outputs.keys()]);
        return { choices, results, calls: fake.calls() - calls };
      } finally {
        session.dispose();
      }
    } finally {
      device.dispose();
    }
  }
  /** What there is to choose from, without measuring it. */
  async function waysFound(): Promise<readonly string[]> {
    const choices: Choice[] = [];
    const find = (_: string, count: number): Promise<number[]> => Promise.resolve(Array.from({ length: count }, () => 1));
    const device = await openCudaDevice({
      ...{ path: driver, images: () => Promise.resolve(hostModule) },
      tuning: choosing({ times: { find, keep: () => Promise.resolve() }, tell: (told) => choices.push(...told) }),
      libraries: ({ koffi }) => [openCudnn(koffi, library)],
    });
    (await device.load(program)).dispose();
    device.dispose();
    return waysIn(choices);
  }
  const waysIn = (choices: readonly Choice[]): readonly string[] =>
    choices.flatMap(({ candidates }) => candidates.flatMap(({ name }) => /^cuDNN \S+ (\S+ engine \d+ \w+ \w+)/.exec(name)?.[1] ?? []));

  convolutionSuite(
    "a driver without a GPU",
    async (tuning) =>
      openCudaDevice({
        ...{ path: driver, images: () => Promise.resolve(hostModule), tuning: choosing(tuning) },
        libraries: ({ koffi }) => [openCudnn(koffi, library)],
      }),
    "cuDNN 9.13.1 A",
  );

  it("does them by engines that are as exact as the precision, of those that are known first, and gives everything back", async () => {
    const { choices, results, calls } = await run();
    // Sums that change from run to run, that are not of f32, or that take too much memory, are none; and two ways of one engine are enough.
    const ways = ["A2 engine 2 forward f32", "A8 engine 8 forward f32", "A9 engine 2 forward f32", "A0 engine 0 forward tf32"];
    expect(waysIn(choices)).toEqual(ways);
    expect(choices.map(({ taken }) => taken.startsWith("cuDNN 9.13.1 A"))).toEqual([true, true]);
    expect(calls).toBe(6);
    for (const [name, data] of interpret(graph, values)) expect(relativeError(results.get(name) ?? [], data), name).toBeLessThan(2e-6);
    expect([fake.live(), fake.used()]).toEqual([0, used]);
    for (const [mode, name] of [
      [1, "B"],
      [2, "fallback"],
    ] as const) {
      fake.knowing(mode);
      expect(await waysFound()).toEqual(ways.map((way) => way.replace("A", name)));
      expect([fake.live(), fake.used()], name).toEqual([0, used]);
    }
  });

  it("is left where the program's own kernels are faster, and where it cannot do any", async () => {
    fake.cost(1000);
    const slower = await run();
    expect(slower.choices.filter(({ taken }) => taken.startsWith("cuDNN"))).toEqual([]);
    expect(slower.calls).toBe(0);
    const without = [
      "cudnnBackendCreateDescriptor",
      "cudnnBackendSetAttribute",
      "cudnnBackendFinalize",
      "cudnnBackendGetAttribute",
      "plans",
    ];
    for (const call of without) {
      fake.fail(call);
      expect(await waysFound(), call).toEqual([]);
      fake.fail("");
      expect([fake.live(), fake.used()], call).toEqual([0, used]);
    }
    // Refused when it runs, alone or in a capture.
    rmSync(cache, { recursive: true, force: true });
    fake.fail("cudnnBackendExecute");
    const { choices } = await run();
    expect(choices.filter(({ taken }) => taken.startsWith("cuDNN"))).toEqual([]);
    expect(choices.flatMap(({ candidates }) => candidates.filter(({ microseconds }) => microseconds === null))).toHaveLength(4);
    fake.fail("");
    expect([fake.live(), fake.used()]).toEqual([0, used]);
  });

  it("is only opened beside the cuBLASLt of its toolkit, without which it would end the process", async () => {
    const [root, koffi] = [mkdtempSync(join(tmpdir(), "tlc-libraries-")), await loadKoffi()];
    symlinkSync(library, join(root, "libcudnn_graph.so.9"));
    symlinkSync(await hostCublasLt(), join(root, "libcublasLt.so.13"));
    const names = (): readonly string[] =>
      openLibraries(koffi, { env: { LD_LIBRARY_PATH: root }, root }).map((it) => {
        it.dispose();
        return it.name;
      });
    expect(names()).toEqual(["cuBLASLt 13.1.1", "cuDNN 9.13.1"]);
    fake.toolkit(99000);
    expect(names()).toEqual(["cuBLASLt 13.1.1"]);
    rmSync(root, { recursive: true });
  });

  it("names its call and the layer where it fails later, and gives everything back", async () => {
    const entries = Object.entries(program.entries).map(
      ([name, all]) => [name, all.map((launch) => ({ ...launch, layer: "conv1" }))] as const,
    );
    const layered: Program = { ...program, entries: Object.fromEntries(entries) };
    await expect(run(() => fake.fail("cudnnBackendExecute"), layered)).rejects.toMatchObject({
      ...{ reason: "lost" },
      message: expect.stringMatching(
        /the GPU was lost: kernel conv2d\S* of conv1: cudnnBackendExecute: CUDNN_STATUS_EXECUTION_FAILED/,
      ) as string,
    });
    expect([fake.live(), fake.used()]).toEqual([0, used]);
  });
});

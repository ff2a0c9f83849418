// Which kernels the WebGPU device takes where the compiler leaves it open: over an adapter whose time a test sets, and by its own clock. Skipped, with the
// reason, where there is no adapter.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it, vi } from "vitest";
import { programFault } from "../../src/ir/program-checks.ts";
import type { KnownProfile, Program } from "../../src/ir/program.ts";
import { keptTimes } from "../../src/runtime/tuning/kept-times.ts";
import type { Choice, Tuning } from "../../src/runtime/tuning/tuner.ts";
import { findAdapter, type FoundAdapter } from "../../src/runtime/webgpu/adapter.ts";
import { choosing, measuring } from "../../src/runtime/webgpu/choosing.ts";
import { openWebgpuDevice } from "../../src/runtime/webgpu/device.ts";
import { add, float } from "../../src/ir/loop/expr.ts";
import { webgpuTarget } from "../../src/codegen/wgsl/target.ts";
import { elementwise, programOf } from "../codegen/kernels.ts";
import { compileGraph } from "../support/run-graph.ts";
import { everyWaySuite, graphOf, PRODUCTS } from "./product-suite.ts";
import { withLimits } from "./strip-suite.ts";

const isThere = (await findAdapter()) !== undefined;
if (!isThere) console.warn("skipped: no WebGPU adapter (see scripts/setup.sh)");

/** What an adapter is asked for, and how long its kernels take. */
interface Watched {
  /** Labels of the pipelines that were made, and how often each was dispatched. */
  readonly runs: Map<string, number>;
  /** Milliseconds that a dispatch of a pipeline takes; undefined, the clocks are not touched, and otherwise the adapter has none. */
  readonly takes?: (label: string) => number;
  /** Whether the adapter has a clock after all, which stands still. */
  readonly isStill?: boolean;
  readonly info?: Partial<GPUAdapterInfo>;
}

/** An adapter gives one device: each call finds another. */
async function watched({ runs, takes, isStill = false, info = {} }: Watched): Promise<FoundAdapter> {
  const { gpu, adapter } = (await findAdapter())!;
  let [now, encoded] = [0, 0];
  const look = (): number => {
    const [seen, next] = [now, now + encoded];
    [now, encoded] = [next, 0];
    return seen;
  };
  // Whoever looks at the clock submits what is encoded, and looks again when that is done.
  if (takes) vi.spyOn(performance, "now").mockImplementation(look);
  const requestDevice = async (wanted: GPUDeviceDescriptor): Promise<GPUDevice> => {
    const device = await adapter.requestDevice(wanted);
    const allocate = device.createBuffer.bind(device);
    if (isStill)
      device.createBuffer = (descriptor) => {
        const buffer = allocate(descriptor);
        const range = buffer.getMappedRange.bind(buffer);
        // Two times are read.
        buffer.getMappedRange = (...part) => (descriptor.size === 16 ? new ArrayBuffer(16) : range(...part));
        return buffer;
      };
    const make = device.createComputePipelineAsync.bind(device);
    const encode = device.createCommandEncoder.bind(device);
    device.createComputePipelineAsync = (descriptor) => {
      runs.set(descriptor.label ?? "", 0);
      return make(descriptor);
    };
    device.createCommandEncoder = () => {
      const encoder = encode();
      const begin = encoder.beginComputePass.bind(encoder);
      const copy = encoder.copyBufferToBuffer.bind(encoder);
      const before = encoded;
      // What is read back is no measurement.
      encoder.copyBufferToBuffer = ((...given: Parameters<typeof copy>) => {
        if (given[2].label === "samples") encoded = before;
        copy(...given);
      }) as typeof copy;
      encoder.beginComputePass = (descriptor) => {
        const pass = begin(descriptor);
        const set = pass.setPipeline.bind(pass);
        pass.setPipeline = (pipeline) => {
          runs.set(pipeline.label, (runs.get(pipeline.label) ?? 0) + 1);
          encoded += takes?.(pipeline.label) ?? 0;
          set(pipeline);
        };
        return pass;
      };
      return encoder;
    };
    return device;
  };
  const features = new Set([...adapter.features].filter((feature) => !takes || isStill || feature !== "timestamp-query"));
  const known = { vendor: "", architecture: "", device: "", description: "", ...info };
  return { gpu, adapter: { limits: adapter.limits, features, info: { ...known }, requestDevice } as unknown as GPUAdapter };
}

/** y = x + 1, in two ways; a software driver takes seconds to make the kernel of a product. */
function choice(): Program {
  const [guess, other] = ["guess", "other"].map((name, n) =>
    programOf(
      elementwise(name, 100, 1, (x) => (n === 0 ? add(x, float(1)) : add(float(1), x))),
      webgpuTarget,
    ),
  );
  const params = [{ dtype: "f32", length: 100, access: "read" } as const, { dtype: "f32", length: 100, access: "write" } as const];
  const kernels = [guess!, other!].map((program) => ({ ...program.kernels[0]!, params }));
  return { ...guess!, kernels: [{ ...kernels[0]!, alternatives: [1] }, kernels[1]!] };
}

const X = Float32Array.from({ length: 100 }, (_, i) => i);

describe.skipIf(!isThere)("the WebGPU device, where there is a choice", () => {
  const program = choice();
  const [guess, other] = ["guess", "other"] as const;
  const cache = mkdtempSync(join(tmpdir(), "tlc-tuning-"));
  afterEach(() => {
    vi.restoreAllMocks();
    rmSync(cache, { recursive: true, force: true });
  });

  /** Loads the program in what would be a new process: what it chose, what it ran while loading, and what comes out. */
  async function load(how: Omit<Watched, "runs"> = {}, loaded: Program = program, isTuned = true) {
    const choices: Choice[] = [];
    const tuning: Tuning = { times: keptTimes(cache), tell: (told) => choices.push(...told) };
    const runs = new Map<string, number>();
    const found = await watched({ ...how, runs });
    const device = await openWebgpuDevice(found, isTuned ? choosing(found.adapter, tuning) : undefined);
    try {
      const session = await device.load(loaded);
      const measured = new Map(runs);
      const before = [...((await session.read(["y"])).get("y") ?? [])];
      session.write("x0", X);
      session.run("predict", 3);
      const results = [...((await session.read(["y"])).get("y") ?? [])];
      session.dispose();
      expect(results).toEqual([...X].map((x) => x + 1));
      expect(new Set(before)).toEqual(new Set([0]));
      return { choices, measured, runs, results, limits: device.limits };
    } finally {
      device.dispose();
    }
  }

  const faster = { takes: (label: string): number => (label === other ? 50 : 100) };
  const slower = { takes: (label: string): number => (label === other ? 500 : 100) };

  it("has kernels that compute the same, which are printed where they can be measured", () => {
    const of = (limits?: KnownProfile): Program => compileGraph(graphOf(PRODUCTS[0]!), "webgpu", limits).program;
    expect(programFault(program)).toBeUndefined();
    expect(programFault(of())).toBeUndefined();
    expect(of().kernels.map(({ alternatives }) => alternatives)).toEqual([[1], undefined]);
    expect(of({ maxBuffers: 8, measures: true }).kernels).toEqual(of().kernels);
    // It is none of those that measure, or it has one way to do a product.
    for (const limits of [{ maxBuffers: 8 }, { kind: "cpu", lanes: 8, measures: true } as const])
      expect(of(limits).kernels.map(({ alternatives }) => alternatives)).toEqual([undefined]);
  });

  it("takes the faster one, with the same results, and zeros before anything runs", async () => {
    const first = await load(faster);
    expect(first.choices).toMatchObject([
      { kernel: guess, why: "measured", candidates: [{ microseconds: 100_000 }, { microseconds: 50_000 }] },
    ]);
    expect(first.choices[0]?.taken).toBe(first.choices[0]?.candidates[1]?.name);
    expect(first.limits.measures).toBe(true);
    expect((first.runs.get(other) ?? 0) - (first.measured.get(other) ?? 0)).toBe(3);
    expect(first.runs.get(guess)).toBe(first.measured.get(guess));
    rmSync(cache, { recursive: true });
    const second = await load(slower);
    expect(second.choices[0]?.taken).toBe(second.choices[0]?.candidates[0]?.name);
    expect((second.runs.get(guess) ?? 0) - (second.measured.get(guess) ?? 0)).toBe(3);
  });

  it("remembers, so that a later run makes and measures nothing else; another GPU or driver is measured", async () => {
    const first = await load(faster);
    const second = await load(slower);
    expect(second.choices).toMatchObject([{ taken: first.choices[0]?.taken, why: "remembered" }]);
    expect([...second.measured]).toEqual([[other, 0]]);
    expect(second.results).toEqual(first.results);
    for (const info of [{ vendor: "v" }, { architecture: "a" }, { device: "d" }, { description: "driver 2" }]) {
      expect((await load({ ...slower, info })).choices).toMatchObject([{ why: "measured" }]);
      expect((await load({ ...slower, info })).choices).toMatchObject([{ why: "remembered" }]);
    }
  });

  it("measures by the adapter's own clock where it has one", async () => {
    const { features } = (await findAdapter())!.adapter;
    if (!features.has("timestamp-query")) return;
    // The host's stands still.
    vi.spyOn(performance, "now").mockImplementation(() => 0);
    const { choices } = await load();
    expect(choices).toMatchObject([{ why: "measured" }]);
    for (const { microseconds } of choices[0]?.candidates ?? []) expect(microseconds).toBeGreaterThan(0);
  });

  it("measures by the host's where that stands still", async () => {
    const { choices } = await load({ ...faster, isStill: true });
    expect(choices).toMatchObject([{ candidates: [{ microseconds: 100_000 }, { microseconds: 50_000 }] }]);
  });

  it("takes the guess where nobody asks for more, and makes nothing else", async () => {
    const { choices, measured, limits } = await load(faster, program, false);
    expect(choices).toEqual([]);
    expect([...measured]).toEqual([[guess, 0]]);
    expect(limits.measures).toBe(false);
  });

  it("does without what the adapter does not compile", async () => {
    const kernels = program.kernels.map((it) => (it.name === other ? { ...it, source: (it.source ?? "").replace("fn main", "fn") } : it));
    const { choices } = await load(faster, { ...program, kernels });
    expect(choices[0]?.candidates).toMatchObject([{ microseconds: 100_000 }, { microseconds: null }]);
  });

  it("leaves out what makes other numbers, however fast", async () => {
    const kernels = program.kernels.map((it) => (it.name === other ? { ...it, source: (it.source ?? "").replace("1.0", "2.0") } : it));
    expect(kernels).not.toEqual(program.kernels);
    const { choices } = await load(faster, { ...program, kernels });
    expect(choices).toMatchObject([{ taken: choices[0]?.candidates[0]?.name, candidates: [{}, { microseconds: null, differs: true }] }]);
  });

  it("asks no processor that plays a GPU, and nobody where nothing is remembered", () => {
    const adapter = (info: Partial<GPUAdapterInfo>): GPUAdapter => ({ info }) as GPUAdapter;
    expect(measuring(adapter({ description: "a GPU" }), cache)).toBeDefined();
    expect(measuring(adapter({ description: "a GPU" }), undefined)).toBeUndefined();
    expect(measuring(adapter({ description: "llvmpipe" }), cache)).toBeUndefined();
    expect(measuring(adapter({ isFallbackAdapter: true }), cache)).toBeUndefined();
  });
});

/** A software driver takes seconds for each kernel. */
const WORTH_TRYING = PRODUCTS.filter(({ name, before }) => before === undefined && /both turned|batch|activation|pixel$/.test(name));

if (isThere)
  everyWaySuite(
    "webgpu",
    async (tuning) => {
      const found = (await findAdapter())!;
      // As a GPU of no particular kind, for which the compiler prints what is to be measured.
      return withLimits(await openWebgpuDevice(found, choosing(found.adapter, tuning)), { kind: "gpu", measures: true });
    },
    WORTH_TRYING,
  );

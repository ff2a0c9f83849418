// Windows of data that go to the GPU while it computes on those before, over a driver whose streams are as late as they may be, or all but the first as early:
// what is not waited for is found in the numbers. Skipped, with the reason, where there is no C++ compiler or no koffi.

import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { cudaTarget } from "../../src/codegen/cuda/target.ts";
import { add, axis, float, load, mul } from "../../src/ir/loop/expr.ts";
import type { Program } from "../../src/ir/program.ts";
import type { CudaDevice } from "../../src/runtime/cuda/device.ts";
import { findKoffi } from "../../src/runtime/cuda/koffi.ts";
import { axesOf, kernelOf, numbers, param, programOf } from "../codegen/kernels.ts";
import { hostDriver, NO_HOST_COMPILER, openHostDriver } from "../support/cuda-host.ts";

const reason = NO_HOST_COMPILER ?? ((await findKoffi()) ? undefined : "the npm package koffi is not installed");
if (reason !== undefined) console.warn(`skipped: ${reason}`);

const SIZE = 20_000;

/** sum = sum / 2 + x, so that it tells every window, and in which order they came. */
const at = axis("i", SIZE);
const fold = programOf(
  kernelOf("fold", [param("x", SIZE), param("sum", SIZE, "read_write")], axesOf({ i: SIZE }), [
    {
      kind: "store",
      axes: [],
      writes: [{ buffer: 1, index: at, value: add(mul(load(1, at, "f32"), float(0.5)), load(0, at, "f32")) }],
    },
  ]),
  cudaTarget,
);
const program: Program = {
  ...fold,
  buffers: fold.buffers.map((plan) => (plan.name === "x" ? { ...plan, role: "data", bytes: 0, offset: -1 } : plan)),
};

/** In the order of time. @param grown more than a window, from the third one on */
const windowsOf = (grown = 0): readonly Float32Array[] => Array.from({ length: 7 }, (_, i) => numbers(SIZE + (i < 3 ? 0 : grown), i + 1));

const folded = (windows: readonly Float32Array[]): Float32Array =>
  windows.reduce((sum, window) => sum.map((x, i) => Math.fround(Math.fround(x / 2) + (window[i] ?? NaN))), new Float32Array(SIZE));

describe.skipIf(reason !== undefined)("windows of data on the CUDA device", () => {
  let device: CudaDevice;
  const fake = {
    log: (): string => "",
    fail: (_: string, __: number, ___: number): number => 0,
    late: (_: number): number => 0,
    used: (): number => 0,
    undone: (): number => 0,
  };

  beforeAll(async () => {
    device = await openHostDriver();
    const library = device.driver.koffi.load(await hostDriver());
    fake.log = library.func("fake_log", "str", []) as unknown as () => string;
    fake.fail = library.func("fake_fail", "void", ["str", "int32", "int32"]);
    fake.late = library.func("fake_late", "void", ["int32"]);
    fake.undone = library.func("fake_undone", "int32", []);
    fake.used = library.func("fake_used", "uint64", []);
    return () => device.dispose();
  });
  afterEach(() => {
    fake.late(0);
    fake.fail("", 0, 0);
  });

  /** All windows in the device's queue before anything is waited for. */
  async function run(windows: readonly Float32Array[], before: () => void = () => undefined): Promise<readonly number[]> {
    const session = await device.load(program);
    try {
      session.write("sum", new Float32Array(SIZE));
      before();
      for (const window of windows) {
        // What the host does with its memory afterwards is nothing to the device.
        const own = window.slice();
        session.write("x", own);
        own.fill(NaN);
        session.run("predict");
      }
      return Array.from((await session.read(["sum"])).get("sum") ?? []);
    } finally {
      session.dispose();
    }
  }

  it.each([
    ["at once", 0],
    ["as late as it may", 1],
    ["late where it computes", 2],
  ])("are what kernels read, where it does %s what it is told", async (_, how) => {
    const used = fake.used();
    fake.late(how);
    expect(await run(windowsOf())).toEqual(Array.from(folded(windowsOf())));
    // Larger ones find new room.
    expect(await run(windowsOf(5000))).toEqual(Array.from(folded(windowsOf(5000))));
    expect(fake.used()).toBe(used);
  });

  it("take memory that the GPU reads by itself, in a stream beside, and the host waits only for the place that it writes to", async () => {
    await run(windowsOf(), () => fake.log());
    const calls = fake.log().split("\n");
    const count = (name: string): number => calls.filter((call) => call === name).length;
    // The first window has its place on the device made, the others come again.
    expect([count("cuMemcpyHtoDAsync_v2"), count("cuMemcpyDtoDAsync_v2"), count("cuStreamWaitEvent")]).toEqual([7, 6, 12]);
    expect([count("cuMemAllocHost_v2"), count("cuStreamCreate")]).toEqual([2 + 1, 1]);
  });

  it("wait for none but the one before the last", async () => {
    fake.late(1);
    const session = await device.load(program);
    session.write("sum", new Float32Array(SIZE));
    // Of each but the first: to wait, to copy, to say so.
    const undone = windowsOf().map((window) => {
      session.write("x", window);
      return fake.undone();
    });
    expect(undone).toEqual([0, 3, 6, 6, 6, 6, 6]);
    session.dispose();
  });

  it("are copied as everything else where there is no memory for that", async () => {
    const used = fake.used();
    for (const call of ["cuMemAllocHost_v2", "cuMemAlloc_v2"]) {
      const numbersOf = await run(windowsOf(), () => fake.fail(call, 2, call === "cuMemAlloc_v2" ? 1 : 0));
      expect(numbersOf, call).toEqual(Array.from(folded(windowsOf())));
      fake.fail("", 0, 0);
    }
    expect(fake.used()).toBe(used);
  });
});

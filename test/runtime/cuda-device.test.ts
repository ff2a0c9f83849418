// The CUDA device over a driver without a GPU: what it calls in which order, and what becomes of errors. Skipped, with the reason, where there is
// no C++ compiler or no koffi.

import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { cudaTarget } from "../../src/codegen/cuda/target.ts";
import { mul, float } from "../../src/ir/loop/expr.ts";
import { openCudaDevice, type CudaDevice } from "../../src/runtime/cuda/device.ts";
import { findKoffi } from "../../src/runtime/cuda/koffi.ts";
import type { Program } from "../../src/ir/program.ts";
import { DeviceError, type Session } from "../../src/runtime/device.ts";
import { elementwise, numbers, programOf, softmax } from "../codegen/kernels.ts";
import { hostDriver, NO_HOST_COMPILER, openHostDriver } from "../support/cuda-host.ts";
import { conformanceCases } from "./conformance.ts";
import { interpret, runSteps } from "../support/run-graph.ts";
import { relativeError } from "../support/values.ts";

const reason = NO_HOST_COMPILER ?? ((await findKoffi()) ? undefined : "the npm package koffi is not installed");
if (reason !== undefined) console.warn(`skipped: ${reason}`);

const double = programOf(
  elementwise("double", 100, 1, (x) => mul(x, float(2))),
  cudaTarget,
);
const soft = programOf(softmax(8, 300), cudaTarget);

describe.skipIf(reason !== undefined)("the CUDA device", () => {
  let path: string;
  let device: CudaDevice;
  const fake: { log: () => string; fail: (name: string, code: number, after: number) => number; room: (bytes: number) => number } = {
    log: () => "",
    fail: () => 0,
    room: () => 0,
  };
  let used: () => number;
  const open = openHostDriver;
  /** What was called since the last look, without looks of the stream. */
  const calls = (): string[] =>
    fake
      .log()
      .split("\n")
      .filter((call) => call !== "" && call !== "cuStreamQuery");

  beforeAll(async () => {
    path = await hostDriver();
    device = await open();
    const library = device.driver.koffi.load(path);
    fake.log = library.func("fake_log", "str", []) as unknown as () => string;
    fake.fail = library.func("fake_fail", "void", ["str", "int32", "int32"]);
    fake.room = library.func("fake_room", "void", ["uint64"]);
    used = library.func("fake_used", "uint64", []);
  });
  afterEach(() => {
    vi.unstubAllEnvs();
    fake.fail("", 0, 0);
    fake.room(2 ** 32);
  });
  afterAll(() => device.dispose());

  it("says what it is", () => {
    expect(device.info).toEqual({ kind: "cuda", description: "CUDA (Host, sm_90)", isHardware: true });
  });

  it("runs an entry as it is, and as one graph from the second time on", async () => {
    const session = await device.load(double);
    session.write("x0", numbers(100));
    calls();
    session.run("predict");
    expect(calls()).toEqual(["cuLaunchKernel"]);
    session.run("predict", 3);
    expect(calls()).toEqual([
      "cuStreamBeginCapture_v2",
      "cuLaunchKernel",
      "cuStreamEndCapture",
      "cuGraphInstantiateWithFlags",
      "cuGraphDestroy",
      "cuGraphLaunch",
      "cuGraphLaunch",
      "cuGraphLaunch",
    ]);
    expect([...((await session.read(["y"])).get("y") ?? [])]).toEqual([...numbers(100).map((x) => x * 2)]);
    session.dispose();
  });

  it("makes its graphs anew where resident data finds another place", async () => {
    const data = double.buffers.map((plan) => (plan.name === "x0" ? { ...plan, role: "data" as const, offset: -1 } : plan));
    const session = await device.load({ ...double, buffers: data });
    const halves = numbers(5000, 2);
    for (const values of [numbers(100), halves]) {
      session.write("x0", values);
      session.run("predict", 3);
      expect([...((await session.read(["y"])).get("y") ?? [])]).toEqual([...values.slice(0, 100).map((x) => x * 2)]);
    }
    session.write("x0", numbers(100));
    calls();
    session.run("predict");
    expect(calls()).toEqual(["cuGraphLaunch"]);
    session.dispose();
  });

  it("gives back all memory", async () => {
    const before = used();
    const session = await device.load(soft);
    session.write("x", numbers(2400));
    session.run("predict", 2);
    await session.read(["y"]);
    expect(used()).toBeGreaterThan(before);
    session.dispose();
    session.dispose();
    expect(used()).toBe(before);
  });

  it("agrees with the interpreter, through graphs and from session to session", async () => {
    for (const { name, graph, inputs } of conformanceCases().filter((_, i) => i % 12 === 0)) {
      // The first of these is launched as it is, the others are a graph.
      const results = await runSteps(device, { graph, values: inputs }, 3);
      for (const [output, data] of interpret(graph, inputs))
        for (const actual of results) expect(relativeError(actual.get(output) ?? [], data), `${name}: ${output}`).toBeLessThan(2e-6);
    }
    const [first, second] = [await device.load(double), await device.load(double)];
    first.write("x0", numbers(100));
    second.adopt(first, ["x0"]);
    first.dispose();
    second.run("predict");
    expect((await second.read(["y"])).get("y")?.[3]).toBe((numbers(100)[3] ?? 0) * 2);
    second.dispose();
  });

  it("says how much a program and a column of data may take of what is free", async () => {
    for (const [room, memory] of [
      [2 ** 30, 15 * 2 ** 26],
      [2 ** 40, 2 ** 40 - 2 ** 29],
    ] as const) {
      fake.room(room);
      const taken = room - Number(device.driver.handle("cuMemGetInfo_v2", new BigUint64Array(1)));
      fake.room(room + taken);
      const found = await open();
      expect(found).toMatchObject({ mostMemory: memory, mostData: room / 4 });
      found.dispose();
    }
  });

  const refused = async (act: () => Promise<unknown>): Promise<DeviceError> => {
    const error: unknown = await act().then(
      () => undefined,
      (fault: unknown) => fault,
    );
    expect(error).toBeInstanceOf(DeviceError);
    return error as DeviceError;
  };

  it("says what takes the memory that there is not", async () => {
    fake.room(1000);
    const error = await refused(() => device.load(soft));
    expect(error.reason).toBe("out-of-memory");
    expect(error.message).toMatch(/the program needs [\s\S]*largest buffers:[\s\S]* x /);
  });

  it("is not there without a GPU or a driver, and says what to do", async () => {
    fake.fail("cuInit", 100, 0);
    const without = await refused(open);
    expect([without.reason, without.message]).toEqual([
      "unavailable",
      expect.stringContaining("no NVIDIA GPU was found: cuInit: CUDA_ERROR_NO_DEVICE"),
    ]);
    fake.fail("cuModuleLoadData", 222, 0);
    const before = used();
    expect((await refused(() => device.load(double))).hint).toMatch(/Update NVIDIA's driver/);
    expect(used()).toBe(before);
    const none = await refused(() =>
      openCudaDevice({ path: "libnothing.so.1", images: () => Promise.reject(new Error("is not asked for")) }),
    );
    expect(none.message).toMatch(/driver cannot be loaded: libnothing.so.1/);
    expect(none.hint).toMatch(/Install the GPU's driver/);
  });

  it("is not there where the driver or the GPU is too old", async () => {
    vi.stubEnv("FAKE_CUDA_VERSION", "11040");
    const old = await refused(open);
    expect([old.reason, old.message]).toEqual(["unavailable", "NVIDIA's driver is for CUDA 11.4"]);
    expect(old.hint).toMatch(/Update NVIDIA's driver/);
    vi.unstubAllEnvs();
    vi.stubEnv("FAKE_CUDA_CAPABILITY", "75");
    expect((await refused(open)).message).toBe("Host has compute capability 7.5, kernels need 8.0 or more");
  });

  it("names the kernel that fails, and its layer", async () => {
    const entries = Object.entries(double.entries).map(([name, launches]) => [
      name,
      launches.map((launch) => ({ ...launch, layer: "conv1" })),
    ]);
    const named: Program = { ...double, entries: Object.fromEntries(entries) as Program["entries"] };
    const failing = async (call: string): Promise<DeviceError> => {
      const session = await device.load(named);
      session.run("predict");
      calls();
      fake.fail(call, 719, 0);
      const error = await refused(async () => {
        session.run("predict");
        return session.sync();
      });
      fake.fail("", 0, 0);
      session.dispose();
      return error;
    };
    // A graph is one call, and what fails in it is known when somebody waits.
    const later = await failing("cuStreamQuery");
    expect(later.message).toBe("the GPU was lost: cuStreamQuery: CUDA_ERROR_LAUNCH_FAILED (as the test wanted)");
    expect(later.hint).toMatch(/CUDA_LAUNCH_BLOCKING=1/);
    vi.stubEnv("CUDA_LAUNCH_BLOCKING", "1");
    const { message } = await failing("cuStreamSynchronize");
    expect(message).toBe("the GPU was lost: kernel double of conv1: cuStreamSynchronize: CUDA_ERROR_LAUNCH_FAILED (as the test wanted)");
    // A graph that is recorded may not be waited for.
    const session = await device.load(named);
    calls();
    session.run("predict", 2);
    expect(calls()).toEqual(["cuLaunchKernel", "cuStreamSynchronize", "cuLaunchKernel", "cuStreamSynchronize"]);
    session.dispose();
  });

  it("is lost where a launch or a wait fails, and what is left can be disposed of", async () => {
    const before = used();
    for (const call of ["cuLaunchKernel", "cuMemcpyDtoHAsync_v2", "cuStreamQuery"]) {
      const session: Session = await device.load(double);
      fake.fail(call, 719, 0);
      const error = await refused(async () => {
        session.run("predict");
        return session.read(["y"]);
      });
      expect([error.reason, error.message], call).toEqual([
        "lost",
        `the GPU was lost: ${call === "cuLaunchKernel" ? "kernel double: " : ""}${call}: CUDA_ERROR_LAUNCH_FAILED (as the test wanted)`,
      ]);
      fake.fail("", 0, 0);
      session.dispose();
      expect(used(), call).toBe(before);
    }
  });
});

// What the wasm device promises around kernels: order, memory that grows, values kept over a loop, failures that are told and never hang,
// and a process that may end.

import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { afterEach, describe, expect, it } from "vitest";
import { assemble } from "../../src/codegen/wasm/assemble.ts";
import { RUN_PARAMS } from "../../src/codegen/wasm/loops.ts";
import { wasmTarget } from "../../src/codegen/wasm/target.ts";
import { add, axis, float, int, load, mul, sub } from "../../src/ir/loop/expr.ts";
import type { Kernel } from "../../src/ir/loop/kernel.ts";
import { PROGRAM_VERSION, type BufferPlan, type CompiledKernel, type Launch, type Program } from "../../src/ir/program.ts";
import { DeviceError, type Device } from "../../src/runtime/device.ts";
import { openDevice } from "../../src/runtime/open-device.ts";
import { openWasmDevice } from "../../src/runtime/wasm/device.ts";
import { nodeWorkers } from "../../src/runtime/wasm/workers.ts";
import { readFile } from "node:fs/promises";
import { pathToFileURL } from "node:url";
import { elementwise, kernelOf, axesOf, numbers, param } from "../codegen/kernels.ts";

const opened: Device[] = [];
afterEach(() => {
  for (const device of opened.splice(0)) device.dispose();
});

async function open(threads = 2): Promise<Device> {
  const device = await openDevice("wasm", { threads });
  opened.push(device);
  return device;
}

const buffer = (name: string, length: number, offset: number, role: BufferPlan["role"] = "input"): BufferPlan => ({
  name,
  role,
  dtype: "f32",
  shape: role === "data" ? [0] : [length],
  bytes: role === "data" ? 0 : 4 * length,
  offset: role === "data" ? -1 : offset,
});

const programOf = (kernels: readonly CompiledKernel[], buffers: readonly BufferPlan[], launches: readonly Launch[]): Program => ({
  format: "tlc-program",
  version: PROGRAM_VERSION,
  target: "wasm",
  arenaBytes: Math.max(...buffers.map(({ offset, bytes }) => offset + bytes)),
  buffers,
  kernels,
  entries: { predict: launches },
});

const LENGTH = 300_000;
const increase = (): CompiledKernel => {
  const kernel = elementwise("increase", LENGTH, 0, () => float(0));
  const i = axis("i", LENGTH);
  const stage = { kind: "store", axes: [], writes: [{ buffer: 0, index: i, value: add(load(0, i, "f32"), float(1)) }] } as const;
  return wasmTarget.compileKernel({ ...kernel, params: [param("y", LENGTH, "read_write")], stages: [stage] } satisfies Kernel);
};

/** Does whatever the body says, in two units. */
const handMade = (body: string): CompiledKernel => {
  const params = RUN_PARAMS.map((name) => `(param $${name} i32)`).join(" ");
  const text = `(module (import "env" "memory" (memory 1 65536 shared)) (func $run (export "run") ${params} ${body}))`;
  const encoded = (relaxed: boolean): string => Buffer.from(assemble(text, { relaxed })).toString("base64");
  return {
    name: "hand_made",
    wasm: { relaxed: encoded(true), simd: encoded(false), units: 2, grain: 1, piece: 1, scratchBytes: 0, margin: 0, writes: [0] },
  };
};

const launch = (kernel: number, ...buffers: number[]): Launch => ({ kind: "kernel", kernel, buffers });

describe("a session", () => {
  it("does writes, runs and reads in their order", async () => {
    const session = await (await open()).load(programOf([increase()], [buffer("y", LENGTH, 0)], [launch(0, 0)]));
    const zeros = new Float32Array(LENGTH);
    session.write("y", zeros);
    // What was handed over does not change any more.
    zeros.fill(100);
    session.run("predict", 3);
    const three = session.read(["y"]);
    session.write("y", new Float32Array(LENGTH).fill(10));
    session.run("predict");
    const eleven = session.read(["y"]);
    expect((await three).get("y")?.every((y) => y === 3)).toBe(true);
    expect((await eleven).get("y")?.every((y) => y === 11)).toBe(true);
  });

  it("survives many thousand barriers with more threads than cores", async () => {
    const kernel = increase();
    const shared = { ...kernel, wasm: { ...kernel.wasm!, grain: 1 } };
    const small = handMade("(f32.store (i32.load (local.get $args)) (f32.add (f32.const 1) (f32.load (i32.load (local.get $args)))))");
    const alone = { ...small, wasm: { ...small.wasm!, units: 1 } };
    const program = programOf(
      [shared, alone],
      [buffer("y", LENGTH, 0)],
      [launch(1, 0), launch(0, 0), launch(0, 0), launch(1, 0), launch(1, 0)],
    );
    const session = await (await open(4)).load(program);
    session.write("y", new Float32Array(LENGTH));
    session.run("predict", 300);
    const y = (await session.read(["y"])).get("y");
    expect([y?.[0], y?.[1], y?.[LENGTH - 1]]).toEqual([1500, 600, 600]);
  });

  it("takes resident data of any length, and again longer", async () => {
    const i = axis("i", 4);
    const kernel = kernelOf("last", [param("x", 0), param("n", 1, "read", "i32"), param("y", 4, "write")], axesOf({ i: 4 }), [
      { kind: "store", axes: [], writes: [{ buffer: 2, index: i, value: load(0, sub(load(1, int(0), "i32"), add(i, int(1))), "f32") }] },
    ]);
    const buffers = [buffer("x", 0, 0, "data"), { ...buffer("n", 1, 0), dtype: "i32" as const }, buffer("y", 4, 256, "output")];
    const session = await (await open()).load(programOf([wasmTarget.compileKernel(kernel)], buffers, [launch(0, 0, 1, 2)]));
    for (const length of [10, 5, 5_000_000, 100]) {
      session.write("x", numbers(length, 3));
      session.write("n", Int32Array.of(length));
      session.run("predict");
      const expected = [...numbers(length, 3).slice(-4)].reverse();
      expect([...((await session.read(["y"])).get("y") ?? [])]).toEqual(expected);
    }
  });

  it("says which data is missing", async () => {
    const kernel = kernelOf(
      "first",
      [param("x", 0), param("y", 1, "write")],
      [],
      [{ kind: "store", axes: [], writes: [{ buffer: 1, index: int(0), value: load(0, int(0), "f32") }] }],
    );
    const buffers = [buffer("train/x", 0, 0, "data"), buffer("y", 1, 0, "output")];
    const session = await (await open()).load(programOf([wasmTarget.compileKernel(kernel)], buffers, [launch(0, 0, 1)]));
    session.run("predict");
    await expect(session.sync()).rejects.toThrow("train/x is used before it is written");
  });

  it("lets loops keep what no launch of theirs changes, and nothing else", async () => {
    // Counts how often it is told to begin anew.
    const count = handMade("(i32.store (i32.load (local.get $args)) (i32.add (i32.load (i32.load (local.get $args))) (local.get $fresh)))");
    const keeping = { ...count, wasm: { ...count.wasm!, units: 1, keeps: { params: [1], bytes: 64 } } };
    const spoil = handMade("(f32.store (i32.load (local.get $args)) (f32.const 1))");
    const buffers = [{ ...buffer("count", 1, 0), dtype: "i32" as const }, buffer("weights", 64, 256)];
    const counted = async (...body: Extract<Launch, { kind: "kernel" }>[]): Promise<number | undefined> => {
      const session = await (await open()).load(programOf([keeping, spoil], buffers, [{ kind: "loop", count: 10, reverse: true, body }]));
      session.write("count", Int32Array.of(0));
      session.run("predict", 2);
      return (await session.read(["count"])).get("count")?.[0];
    };
    const keep = { kind: "kernel", kernel: 0, buffers: [0, 1] } as const;
    expect(await counted(keep)).toBe(2);
    expect(await counted(keep, { kind: "kernel", kernel: 1, buffers: [1] })).toBe(20);
  });

  it("stands beside others of its device", async () => {
    const device = await open();
    const program = programOf([increase()], [buffer("y", LENGTH, 0)], [launch(0, 0)]);
    const sessions = await Promise.all([device.load(program), device.load(program), device.load(program)]);
    sessions.forEach((session, i) => session.write("y", new Float32Array(LENGTH).fill(i)));
    for (const session of sessions) session.run("predict", 5);
    sessions[1].dispose();
    const last = await device.load(program);
    last.write("y", new Float32Array(LENGTH).fill(7));
    last.run("predict");
    const values = await Promise.all([sessions[0], sessions[2], last].map(async (s) => (await s.read(["y"])).get("y")?.[LENGTH - 1]));
    expect(values).toEqual([5, 7, 8]);
  });
});

describe("a failure", () => {
  it.each([
    ["of the leading thread", "(if (i32.eqz (local.get $begin)) (then (unreachable)))"],
    ["of another thread", "(if (local.get $begin) (then (unreachable)))"],
    ["of all", "(unreachable)"],
  ])("%s is told, now and from then on", async (_, body) => {
    const session = await (await open(3)).load(programOf([handMade(body)], [buffer("y", 4, 0)], [launch(0, 0), launch(0, 0)]));
    session.run("predict", 3);
    await expect(session.read(["y"])).rejects.toMatchObject({ name: "DeviceError", reason: "lost" });
    await expect(session.sync()).rejects.toThrow(/WebAssembly thread failed/);
  });

  it("of memory says what is large", async () => {
    const huge = { ...buffer("weights", 1 << 30, 0), bytes: 4 * 2 ** 30 };
    const device = await open();
    const attempt = device.load(programOf([increase()], [huge], [launch(0, 0)]));
    await expect(attempt).rejects.toBeInstanceOf(DeviceError);
    await expect(attempt).rejects.toMatchObject({ reason: "out-of-memory", message: expect.stringContaining("weights") as string });
  });

  it("rejects what is awaited when the device is disposed", async () => {
    const device = await open();
    const session = await device.load(programOf([increase()], [buffer("y", LENGTH, 0)], [launch(0, 0)]));
    const pending = session.read(["y"]);
    device.dispose();
    await expect(pending).rejects.toThrow("disposed");
  });

  it("to start is told", async () => {
    const start = nodeWorkers(() => pathToFileURL("/no/such/worker.mjs"));
    const device = openWasmDevice({ start, threads: 2, cores: 2, isShared: true });
    await expect(device.load(programOf([increase()], [buffer("y", LENGTH, 0)], [launch(0, 0)]))).rejects.toBeInstanceOf(DeviceError);
  });
});

it("starts its threads from their text, where an application was bundled and their file is not beside it", async () => {
  const start = nodeWorkers(
    () => pathToFileURL("/no/such/worker.mjs"),
    () => readFile("dist/wasm-worker.mjs", "utf8"),
  );
  const device = openWasmDevice({ start, threads: 2, cores: 2, isShared: true });
  opened.push(device);
  const double = wasmTarget.compileKernel(elementwise("double", 1000, 1, (x) => mul(x, float(2))));
  const session = await device.load(programOf([double], [buffer("x0", 1000, 0), buffer("y", 1000, 4096)], [launch(0, 0, 1)]));
  session.write("x0", numbers(1000));
  session.run("predict");
  expect((await session.read(["y"])).get("y")?.[999]).toBe(numbers(1000)[999]! * 2);
});

it("runs on one thread with memory of its own, where none can be shared", async () => {
  const start = nodeWorkers(() => pathToFileURL("dist/wasm-worker.mjs"));
  const device = openWasmDevice({ start, threads: 8, cores: 8, isShared: false });
  opened.push(device);
  expect(device.info.description).toContain("1 thread,");
  const double = wasmTarget.compileKernel(elementwise("double", 1000, 1, (x) => mul(x, float(2))));
  const session = await device.load(programOf([double], [buffer("x0", 1000, 0), buffer("y", 1000, 4096)], [launch(0, 0, 1)]));
  session.write("x0", numbers(1000));
  session.run("predict");
  expect((await session.read(["y"])).get("y")?.[999]).toBe(numbers(1000)[999]! * 2);
});

it("does not keep a process alive that forgot to dispose", async () => {
  const script = `import { openDevice } from "./dist/index.js"; await openDevice("wasm", { threads: 3 }); console.log("done");`;
  // One that is kept alive would never end: it is killed, which is an error here.
  const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "--eval", script], { timeout: 120_000 });
  expect(stdout).toBe("done\n");
});

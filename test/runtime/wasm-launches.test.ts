// Every kind of launch on one to four threads, with kernels written by hand whose numbers show a missing barrier, a wrong range or a stale
// value; and what one thread's end does to the others. What a session promises besides is in wasm-device.test.ts.

import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { Worker, type Transferable } from "node:worker_threads";
import { describe, expect, it, vi } from "vitest";
import type { Program } from "../../src/ir/program.ts";
import type { Device } from "../../src/runtime/device.ts";
import { openDevice } from "../../src/runtime/open-device.ts";
import type { Ready, Reply } from "../../src/runtime/wasm/messages.ts";
import type { StartWorker } from "../../src/runtime/wasm/workers.ts";
import { calls, kernel, keeper, launch, logTime, openWasm, programOf, scratch, trap, turn, WORKER } from "./wasm-hand-made.ts";

const UNITS = 12;
const buffers = ["x", "y"].map((name) => ({ name, words: UNITS }));

/** x -> y -> x by all threads: a run adds 2 to every number and turns them by two places. */
const rounds = (grain = 1): Program =>
  programOf([turn(UNITS, grain)], buffers, { train: [launch(0, 0, 1), launch(0, 1, 0)], predict: [launch(0, 0, 1)] });

/** What a run of `rounds` makes of 0 .. UNITS-1, after so many runs. */
const turned = (runs: number): number[] => Array.from({ length: UNITS }, (_, i) => ((i + 2 * runs) % UNITS) + 2 * runs);
const first = (): Int32Array => Int32Array.from({ length: UNITS }, (_, i) => i);

async function using<T>(device: Promise<Device>, work: (device: Device) => Promise<T>): Promise<T> {
  const opened = await device;
  try {
    return await work(opened);
  } finally {
    opened.dispose();
  }
}

describe.each([1, 2, 3, 4])("%d threads", (threads) => {
  it("meet after every launch that they share", () =>
    using(openWasm(threads), async (device) => {
      const session = await device.load(rounds());
      session.write("x", first());
      session.run("train", 3000);
      expect(Array.from((await session.read(["x"])).get("x") ?? [])).toEqual(turned(3000));
    }));

  it("meet where a launch of all follows one of the leader, and the other way round", () =>
    using(openWasm(threads), async (device) => {
      const program = programOf([turn(UNITS), turn(UNITS, UNITS)], buffers, {
        train: [launch(0, 0, 1), launch(1, 1, 0), launch(1, 0, 1), launch(0, 1, 0)],
      });
      const session = await device.load(program);
      session.write("x", first());
      session.run("train", 1000);
      expect(Array.from((await session.read(["x"])).get("x") ?? [])).toEqual(turned(2000));
    }));

  it("do commands in the order they came in", () =>
    using(openWasm(threads), async (device) => {
      const session = await device.load(rounds());
      session.write("x", first());
      session.run("train", 10);
      const early = session.read(["x"]);
      session.write("x", new Int32Array(UNITS));
      session.run("train");
      session.run("predict");
      session.write("x", Int32Array.of(-7));
      const late = session.read(["x", "y"]);
      await session.sync();
      expect(Array.from((await early).get("x") ?? [])).toEqual(turned(10));
      const { x = [], y = [] } = Object.fromEntries(await late);
      expect([Array.from(x).slice(0, 3), y[0]]).toEqual([[-7, 2, 2], 3]);
    }));

  it("count time forward and back", () =>
    using(openWasm(threads), async (device) => {
      const loop = { kind: "loop", count: 4, body: [launch(0, 0)] } as const;
      const program = programOf([logTime()], [{ name: "log", words: 32 }], {
        train: [
          { ...loop, reverse: false },
          { ...loop, reverse: true },
        ],
      });
      const session = await device.load(program);
      session.run("train", 2);
      const log = Array.from((await session.read(["log"])).get("log") ?? []).slice(0, 17);
      expect(log).toEqual([16, 0, 1, 2, 3, 3, 2, 1, 0, 0, 1, 2, 3, 3, 2, 1, 0]);
    }));

  it("keep what a loop does not change, for one run of the loop", () =>
    using(openWasm(threads), async (device) => {
      const program = programOf([keeper(UNITS)], [...buffers, { name: "z", words: UNITS }], {
        train: [{ kind: "loop", count: 5, reverse: false, body: [launch(0, 0, 1, 2)] }],
        predict: [launch(0, 0, 1, 2)],
      });
      const session = await device.load(program);
      session.write("x", first());
      session.run("train");
      session.write(
        "x",
        first().map((i) => 10 * i),
      );
      session.run("train", 2);
      const { y = [], z = [] } = Object.fromEntries(await session.read(["y", "z"]));
      expect(Array.from(y)).toEqual(Array.from(first(), (i) => 5 * i + 100 * i));
      expect(new Set(z)).toEqual(new Set([3]));
      session.run("predict");
      expect((await session.read(["z"])).get("z")?.[0]).toBe(4);
    }));

  it("keep nothing that the loop writes, by that name or another", () =>
    using(openWasm(threads), async (device) => {
      // `other` is the second half of x.
      const specs = [
        ...buffers,
        { name: "z", words: UNITS },
        { name: "w", words: UNITS },
        { name: "other", words: UNITS / 2, offset: 2 * UNITS },
      ];
      const half = turn(UNITS / 2);
      for (const written of [0, 4]) {
        const program = programOf([keeper(UNITS), written === 0 ? turn(UNITS) : half], specs, {
          train: [{ kind: "loop", count: 3, reverse: true, body: [launch(0, 0, 1, 2), launch(1, 3, written)] }],
        });
        const session = await device.load(program);
        session.run("train");
        const { y = [], z = [] } = Object.fromEntries(await session.read(["y", "z"]));
        expect(new Set(z)).toEqual(new Set([3]));
        expect(y[UNITS - 1]).toBe(2);
      }
    }));

  it("have scratch of their own", () =>
    using(openWasm(threads), async (device) => {
      const units = 4000;
      const session = await device.load(programOf([scratch(units)], [{ name: "y", words: units }], { train: [launch(0, 0)] }));
      session.run("train", 20);
      const y = (await session.read(["y"])).get("y");
      const begins = Array.from({ length: threads }, (_, t) => Math.floor((t * units) / threads));
      expect(Array.from(y ?? [])).toEqual(Array.from({ length: units }, (_, i) => begins.findLast((begin) => begin <= i)));
    }));

  it("take over from each other, and do every unit once", () =>
    using(openWasm(threads), async (device) => {
      const units = 640;
      const names = ["y", "z", "w"];
      const program = programOf(
        [calls(units)],
        names.map((name) => ({ name, words: units })),
        { train: [{ kind: "loop", count: 5, reverse: false, body: [launch(0, 0, 1, 2)] }] },
      );
      const session = await device.load(program);
      session.run("train");
      const [y, z, w] = [...(await session.read(names)).values()].map((values) => Array.from(values));
      expect(new Set(w)).toEqual(new Set([5]));
      expect(new Set(y?.map((value) => Math.floor(value / 1000)))).toEqual(new Set([4]));
      // Each thread's calls are numbered from 1, so of no number are there more than of the one before.
      const numbers = new Map(y?.map((value, i) => [`${String(z?.[i])} ${String(value)}`, value % 1000]));
      const count = (n: number): number => [...numbers.values()].filter((value) => value === n).length;
      const most = Math.max(...numbers.values());
      for (let n = 1; n <= most; n++) expect(count(n), String(n)).toBeGreaterThanOrEqual(count(n + 1));
      expect(count(1)).toBeLessThanOrEqual(threads);
      expect(numbers.size).toBe(threads === 1 ? 1 : 8 * threads);
      // Those with the quick half are done long before the others; on a busy machine not every time.
      let slow = new Set(z?.slice(-units / threads));
      for (let i = 0; threads > 1 && slow.size === 1 && i < 20; i++) {
        session.run("train");
        slow = new Set(Array.from((await session.read(["z"])).get("z") ?? []).slice(-units / threads));
      }
      if (threads > 1) expect(slow.size).toBeGreaterThan(1);
    }));

  it("say that a kernel trapped, now and later", () =>
    using(openWasm(threads), async (device) => {
      const session = await device.load(
        programOf([trap(UNITS), turn(UNITS)], buffers, { train: [launch(0), launch(1, 0, 1), launch(1, 1, 0)] }),
      );
      session.run("train", 3);
      await expect(session.read(["x"])).rejects.toMatchObject({
        name: "DeviceError",
        reason: "lost",
        message: expect.stringContaining("unreachable") as string,
      });
      session.run("train");
      await expect(session.sync()).rejects.toMatchObject({ reason: "lost" });
      await expect(device.load(rounds())).rejects.toMatchObject({ reason: "lost" });
    }));

  it("load a second program beside the first", () =>
    using(openWasm(threads), async (device) => {
      const [one, two] = await Promise.all([device.load(rounds()), device.load(rounds())]);
      one.write("x", first());
      two.write("x", new Int32Array(UNITS));
      for (let i = 0; i < 20; i++) {
        one.run("train");
        two.run("train", 2);
      }
      const three = await device.load(rounds());
      one.run("train");
      three.write("x", first());
      three.run("train", 3);
      expect(Array.from((await one.read(["x"])).get("x") ?? [])).toEqual(turned(21));
      expect((await two.read(["x"])).get("x")?.[5]).toBe(80);
      expect(Array.from((await three.read(["x"])).get("x") ?? [])).toEqual(turned(3));
    }));
});

describe("resident data", () => {
  const program = (): Program =>
    programOf([turn(UNITS)], [{ name: "data", words: UNITS, role: "data" }, { name: "more", words: UNITS, role: "data" }, ...buffers], {
      train: [launch(0, 0, 2)],
      eval: [launch(0, 1, 3)],
    });

  it.each([true, false])("comes when it is written and grows (shared: %s)", (isShared) =>
    using(openWasm(2, { isShared }), async (device) => {
      const session = await device.load(program());
      for (const size of [UNITS, 1_000_000, 100, 3_000_000]) {
        session.write("data", new Int32Array(size).fill(size));
        session.write("more", new Int32Array(UNITS).fill(-size));
        session.run("train");
        session.run("eval");
        const { x = [], y = [] } = Object.fromEntries(await session.read(["x", "y"]));
        expect([x[3], y[3]]).toEqual([size + 1, -size + 1]);
      }
    }),
  );

  it("is missed by name", () =>
    using(openWasm(2), async (device) => {
      const session = await device.load(program());
      session.run("train");
      await expect(session.sync()).rejects.toThrow(/data is used before it is written/);
    }));
});

describe("memory", () => {
  it.each([true, false])("that a program needs is told with what is large (shared: %s)", (isShared) =>
    using(openWasm(2, { isShared }), async (device) => {
      const huge = { name: "layer1.weight", words: 2 ** 30 };
      await expect(device.load(programOf([turn(UNITS)], [...buffers, huge], {}))).rejects.toMatchObject({
        name: "DeviceError",
        reason: "out-of-memory",
        message: expect.stringMatching(/4\.0 GiB {2}layer1\.weight {2}i32\[\d+\] {2}\(input\)/) as string,
      });
      await expect(device.load(rounds())).resolves.toBeDefined();
    }),
  );

  // A small maximum stands for a system that gives no more.
  it.each([true, false])("that data needs is told with its size (shared: %s)", (isShared) =>
    using(openWasm(1, { isShared, mostPages: 64 }), async (device) => {
      const session = await device.load(programOf([turn(UNITS)], [{ name: "data", words: 1, role: "data" }, ...buffers], {}));
      session.write("data", new Int32Array(2 ** 19));
      await session.sync();
      session.write("data", new Int32Array(2 ** 21));
      await expect(session.sync()).rejects.toMatchObject({
        reason: "out-of-memory",
        message: expect.stringMatching(/data takes 8\.0 MiB.* beside \d\.\d MiB in use/) as string,
      });
    }),
  );
});

describe("without shared memory", () => {
  it("runs on one thread", () =>
    using(openWasm(4, { isShared: false }), async (device) => {
      expect(device.info.description).toMatch(/\(1 thread,/);
      const session = await device.load(rounds());
      session.write("x", first());
      session.run("train", 100);
      expect(Array.from((await session.read(["x"])).get("x") ?? [])).toEqual(turned(100));
    }));
});

describe("faults", () => {
  /** Keeps the workers, so that a test can end one. */
  const watched =
    (workers: Worker[]): StartWorker =>
    (listener) => {
      const worker = new Worker(WORKER);
      workers.push(worker);
      worker.on("message", (reply: Reply | Ready) => reply.kind !== "ready" && listener.onReply(reply));
      worker.on("error", (error: Error) => listener.onEnd(error.message));
      worker.on("exit", () => listener.onEnd("the worker thread ended"));
      return {
        post: (message, transfer = []) => worker.postMessage(message, transfer as readonly Transferable[]),
        terminate: () => void worker.terminate(),
        keepAlive: () => undefined,
      };
    };

  it.each([0, 1, 2])("of thread %d, in the middle of a run, end the wait for it", async (thread) => {
    const workers: Worker[] = [];
    await using(openWasm(3, { start: watched(workers) }), async (device) => {
      const session = await device.load(rounds());
      session.run("train", 50_000_000);
      const answer = session.read(["x"]);
      await new Promise((resolve) => setTimeout(resolve, 50));
      void workers[thread]?.terminate();
      await expect(answer).rejects.toMatchObject({ name: "DeviceError", reason: "lost" });
      await expect(session.sync()).rejects.toMatchObject({ reason: "lost" });
    });
  });

  it("in the file of the worker are told", () =>
    using(openWasm(2, { start: watched([]) }), async (device) => {
      const broken = rounds();
      const kernels = broken.kernels.map((compiled) => ({
        ...compiled,
        wasm: { ...compiled.wasm!, simd: "AGFzbQ==", relaxed: "AGFzbQ==" },
      }));
      await expect(device.load({ ...broken, kernels })).rejects.toThrow(/turn1/);
    }));

  it("of the caller are told at once", () =>
    using(openWasm(1), async (device) => {
      const session = await device.load(rounds());
      expect(() => session.run("eval")).toThrow(/no entry eval/);
      expect(() => session.write("nothing", first())).toThrow(/no buffer nothing/);
      expect(() => session.write("x", new Int32Array(UNITS + 1))).toThrow(/13 elements written to x, which has 12/);
      await expect(session.read(["nothing"])).rejects.toThrow(/no buffer nothing/);
    }));
});

describe("the end", () => {
  it("comes for answers that are waited for when the device is disposed", async () => {
    const device = await openWasm(2);
    const session = await device.load(rounds());
    session.run("train", 50_000_000);
    const answer = session.read(["x"]);
    device.dispose();
    await expect(answer).rejects.toMatchObject({ reason: "lost", message: expect.stringContaining("disposed") as string });
    device.dispose();
  });

  it.each([
    ["that forgot to dispose", "", "read 21"],
    ["that waits for an answer and nothing else", "session.run('train', 3000); await session.sync(); console.log('synced');", "synced"],
    ["that has something running", "session.run('train', 500000000);", "read 21"],
  ])("comes for a program %s", (_, more, said) => {
    const folder = mkdtempSync(join(tmpdir(), "tlc-wasm-"));
    try {
      const file = join(folder, "main.mjs");
      const device = pathToFileURL("dist/index.js").href;
      writeFileSync(
        file,
        `import { openDevice } from ${JSON.stringify(device)};
         const device = await openDevice("wasm", { threads: 2 });
         const session = await device.load(${JSON.stringify(rounds())});
         session.run("train", 10);
         const x = (await session.read(["x"])).get("x");
         console.log("read " + (x[0] + 1));
         ${more}`,
      );
      const { status, stdout, stderr } = spawnSync(process.execPath, [file], { encoding: "utf8", timeout: 120_000 });
      expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
      expect(stdout.trim().split("\n").at(-1)).toBe(said);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

it("uses kernels with fused multiply-adds where the engine has them, and only there", () =>
  using(openWasm(1), async (device) => {
    const plain = kernel("plain", "(i32.store (call $at (i32.const 0) (local.get $i)) (i32.const 7))", { units: 1, writes: [0] });
    const other = kernel("fused", "(i32.store (call $at (i32.const 0) (local.get $i)) (i32.const 8))", { units: 1, writes: [0] });
    const both = { ...plain, wasm: { ...plain.wasm!, relaxed: other.wasm!.relaxed } };
    const session = await device.load(programOf([both], [{ name: "y", words: 1 }], { train: [launch(0, 0)] }));
    session.run("train");
    const isRelaxed = device.info.description.includes("relaxed");
    expect((await session.read(["y"])).get("y")?.[0]).toBe(isRelaxed ? 8 : 7);
  }));

describe("the number of threads", () => {
  it.each([0, -1, 1.5, NaN])("is not %s", async (threads) => {
    await expect(openDevice("wasm", { threads })).rejects.toMatchObject({
      reason: "unavailable",
      hint: expect.stringContaining("whole number from 1") as string,
    });
  });

  it("is what the environment says, unless the caller does", async () => {
    vi.stubEnv("TLC_THREADS", "3");
    try {
      const devices = await Promise.all([openDevice("wasm"), openDevice("wasm", { threads: 1 })]);
      expect(devices.map(({ info }) => info.description.slice(0, 22))).toEqual(["WebAssembly (3 threads", "WebAssembly (1 thread,"]);
      for (const device of devices) device.dispose();
      vi.stubEnv("TLC_THREADS", "many");
      await expect(openDevice("wasm")).rejects.toThrow('TLC_THREADS is "many"');
    } finally {
      vi.unstubAllEnvs();
    }
  });
});

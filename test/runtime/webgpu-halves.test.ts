// Values of f16 in 16 bits of a WebGPU adapter's memory: the same values as in 32; skipped, with the reason, where the adapter has no such type.

import { describe, expect, it } from "vitest";
import { guidanceOf, printerFor } from "../../src/codegen/for-device.ts";
import { targetNamed } from "../../src/codegen/targets.ts";
import { createBuilder } from "../../src/ir/builder.ts";
import type { Graph } from "../../src/ir/graph.ts";
import type { EntryName, Program } from "../../src/ir/program.ts";
import { FORMATS, roundTo } from "../../src/ir/rounding.ts";
import { tensorType } from "../../src/ir/types.ts";
import { compileEntries } from "../../src/passes/pipeline.ts";
import type { Device } from "../../src/runtime/device.ts";
import { findAdapter } from "../../src/runtime/webgpu/adapter.ts";
import { openWebgpuDevice } from "../../src/runtime/webgpu/device.ts";
import { openDevice } from "../../src/runtime/open-device.ts";
import { createRandom } from "../support/random.ts";

const device: Device | Error = await openDevice("webgpu").catch((error: unknown) => error as Error);
const [ROWS, WIDTH] = [70, 72];

/** The identity of x, which is rounded and lies in memory behind a product, and of that again. */
function compiled(limits: Device["limits"]): Program {
  const target = targetNamed("webgpu");
  const b = createBuilder();
  const leaf = (name: string, rows: number) => b.input({ name, role: "batch", type: tensorType("f32", [rows, WIDTH]) });
  const inner = b.roundTo(b.matmul(leaf("x", ROWS), leaf("one", WIDTH)), { to: "f16" });
  // Read twice, so that it is in memory.
  const outputs = new Map([
    ["y", b.matmul(inner, leaf("one", WIDTH))],
    ["sums", b.reduceSum(inner, { axes: [0] })],
  ]);
  const graph: Graph = { builder: b, outputs };
  const options = { verify: true, operands: "f16", ...guidanceOf(target, limits) } as const;
  return compileEntries(new Map<EntryName, Graph>([["predict", graph]]), printerFor(target, limits), options).program;
}

const holds = ({ buffers }: Program): boolean => buffers.some(({ dtype }) => dtype === "f16");

if (device instanceof Error || device.limits?.stores?.includes("f16") !== true) {
  const reason = device instanceof Error ? device.message : `${device.info.description} has no f16`;
  describe("webgpu", () => {
    it.skip(`halves: ${reason}`, () => undefined);
  });
} else {
  const random = createRandom(4);
  const SPECIAL = [2 ** -24, 3 * 2 ** -24, -(2 ** -15), 2 ** -14, 1 + 2 ** -11, 1 + 3 * 2 ** -11, 65504, -65519, 1e-9];
  const numbers = Float32Array.from(
    { length: ROWS * WIDTH },
    (_, i) => SPECIAL[i] ?? (random() - 0.5) * 2 ** Math.floor(30 * random() - 15),
  );
  const one = Float32Array.from({ length: WIDTH * WIDTH }, (_, i) => Number(i % (WIDTH + 1) === 0));
  const run = async (program: Program, x: Float32Array, scale = 1) => {
    const session = await device.load(program);
    session.write("x", x);
    session.write(
      "one",
      one.map((value) => value * scale),
    );
    session.run("predict");
    const read = await session.read(["y", "sums"]);
    session.dispose();
    return read;
  };
  const { stores: _, ...others } = device.limits;
  const [halves, words] = [compiled(device.limits), compiled(others)];

  describe("halves in memory", () => {
    it("take half of it, where the adapter has them", () => {
      expect([holds(halves), holds(words)]).toEqual([true, false]);
      expect(halves.kernels.some(({ source = "" }) => source.includes("enable f16;"))).toBe(true);
      expect(words.arenaBytes - halves.arenaBytes).toBeGreaterThan(ROWS * WIDTH);
    });

    it("are the numbers that were rounded, to the last bit", async () => {
      const read = await run(halves, numbers);
      expect([...(read.get("y") ?? [])]).toEqual([...numbers].map((x) => roundTo(FORMATS.f16, x)));
      expect(read.get("sums")).toEqual((await run(words, numbers)).get("sums"));
    });

    it("are infinite beyond 65504, and none where there is none", async () => {
      const large = numbers.slice();
      large.set([65504, -40000], 20 * WIDTH);
      const wild = large.map((x, i) => (i === 21 * WIDTH ? Infinity : i === 22 * WIDTH ? NaN : x));
      expect([...((await run(halves, large, 2)).get("sums") ?? [])].slice(0, 2)).toEqual([Infinity, -Infinity]);
      for (const x of [large, wild]) expect(await run(halves, x, 2)).toEqual(await run(words, x, 2));
    });

    it("are refused by an adapter that has none", async () => {
      const { gpu, adapter } = (await findAdapter())!;
      const { limits, info } = adapter;
      const features = new Set([...adapter.features].filter((feature) => feature !== "shader-f16"));
      const requestDevice = (descriptor: GPUDeviceDescriptor): Promise<GPUDevice> => adapter.requestDevice(descriptor);
      const other = await openWebgpuDevice({ gpu, adapter: { limits, info, features, requestDevice } as unknown as GPUAdapter });
      expect(other.limits.stores).toBeUndefined();
      await expect(other.load(halves)).rejects.toMatchObject({
        reason: "unavailable",
        message: "the program was compiled for memory of f16, this adapter has none",
      });
      (await other.load(words)).dispose();
      other.dispose();
    });
  });
}

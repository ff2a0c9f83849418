// Bools and bytes in memory: one byte each where a target can store it, words where it cannot, and the same values either way.

import { describe, expect, it } from "vitest";
import { referenceTarget } from "../../src/codegen/reference.ts";
import type { Target } from "../../src/codegen/target.ts";
import { packBytes } from "../../src/codegen/gpu/pack-bytes.ts";
import { webgpuTarget } from "../../src/codegen/wgsl/target.ts";
import { createBuilder } from "../../src/ir/builder.ts";
import type { Graph } from "../../src/ir/graph.ts";
import { add, axis, binary, constant, int, load, mul } from "../../src/ir/loop/expr.ts";
import type { Expr } from "../../src/ir/loop/expr.ts";
import type { Axis, Kernel, Stage } from "../../src/ir/loop/kernel.ts";
import { verifyKernel } from "../../src/ir/loop/verify.ts";
import type { EntryName, Program } from "../../src/ir/program.ts";
import { tensorType } from "../../src/ir/types.ts";
import { compileEntries } from "../../src/passes/pipeline.ts";
import { openReferenceDevice } from "../../src/runtime/reference/device.ts";
import { axesOf, kernelOf, param, runKernel } from "../codegen/kernels.ts";

// A pool whose winners are kept for its gradient, and a mask that is an output.
function example(): Graph {
  const b = createBuilder();
  const x = b.input({ name: "x", role: "batch", type: tensorType("f32", [2, 3, 6, 6]) });
  const window = { kernel: [2, 2], stride: [2, 2], padding: [0, 0] } as const;
  const winners = b.maxPool2dIndex(x, window);
  const spread = b.maxPool2dGrad(winners, b.maxPool2d(x, window), { ...window, inputSize: [6, 6] });
  return {
    builder: b,
    outputs: new Map([
      ["winners", winners],
      ["spread", spread],
      ["mask", b.less(0, x)],
    ]),
  };
}

/** Each value by a kernel of its own: little ones would share one, which not every target lets store bytes. */
const compile = (target: Target): Program => {
  const options = { verify: true, skip: new Set(["fuse"]), operandCost: 12, maxBuffers: 8, splitK: (): number => 1 };
  return compileEntries(new Map<EntryName, Graph>([["predict", example()]]), target, options).program;
};

async function run(program: Program): Promise<Map<string, number[]>> {
  const session = await openReferenceDevice().load(program);
  session.write(
    "x",
    Float32Array.from({ length: 216 }, (_, i) => Math.sin(i * i)),
  );
  session.run("predict");
  const results = await session.read(["winners", "spread", "mask"]);
  return new Map([...results].map(([name, data]) => [name, Array.from(data)]));
}

const bytesOf = (program: Program, name: string): unknown => {
  const { dtype, bytes } = program.buffers.find((buffer) => buffer.name === name) ?? { dtype: "", bytes: 0 };
  return { dtype, bytes };
};

describe("values of one byte", () => {
  it("are bytes where the target stores bytes", () => {
    const program = compile(referenceTarget);
    expect(bytesOf(program, "winners")).toEqual({ dtype: "u8", bytes: 56 });
    expect(bytesOf(program, "mask")).toEqual({ dtype: "bool", bytes: 216 });
    const onGpu = compile({ ...referenceTarget, storesBytes: (kernel) => webgpuTarget.storesBytes(kernel) });
    expect(bytesOf(onGpu, "winners")).toEqual({ dtype: "u8", bytes: 56 });
  });

  it("are words where it does not, with the same values", async () => {
    const program = compile({ ...referenceTarget, storesBytes: () => false });
    expect(bytesOf(program, "winners")).toEqual({ dtype: "u32", bytes: 216 });
    expect(bytesOf(program, "mask")).toEqual({ dtype: "u32", bytes: 864 });
    expect(await run(program)).toEqual(await run(compile(referenceTarget)));
  });
});

describe("bytes packed into words", () => {
  const i = (points: number): Expr => axis("i", points);
  const isSmall = (x: Expr): Expr => binary("lt", x, constant(0.5, "f32"));
  const elementwise = (points: number, index: Expr, length = points): Kernel =>
    kernelOf(
      "mask",
      [param("x", points), param("mask", length, "read_write", "bool"), param("y", points, "write")],
      axesOf({ i: points }),
      [
        {
          kind: "store",
          axes: [],
          writes: [
            { buffer: 1, index, value: isSmall(load(0, i(points), "f32")) },
            { buffer: 2, index: i(points), value: mul(load(0, i(points), "f32"), constant(2, "f32")) },
          ],
        },
      ],
    );

  it.each([1, 2, 3, 4, 5, 7, 8, 1001])("are the bytes of %i points", async (points) => {
    const kernel = elementwise(points, i(points));
    const packed = packBytes(kernel);
    if (!packed) throw new Error("not packed");
    verifyKernel(packed);
    expect(packed.axes.reduce((size, { extent }) => size * extent, 1)).toBe(Math.ceil(points / 4));
    const x = Float32Array.from({ length: points }, (_, k) => Math.abs(Math.sin(k + 1)));
    const device = openReferenceDevice();
    const plain = await runKernel(device, referenceTarget, kernel, { x, mask: new Uint8Array(points) });
    const words = await runKernel(device, referenceTarget, packed, { x, mask: new Uint32Array(Math.ceil(points / 4)) });
    const bytes = new Uint8Array(Uint32Array.from(words.get("mask") ?? []).buffer).subarray(0, points);
    expect([...bytes]).toEqual([...(plain.get("mask") ?? [])]);
    expect(words.get("y")).toEqual(plain.get("y"));
  });

  it("need neighbours in memory, from a whole word on", () => {
    expect(packBytes(elementwise(8, add(i(8), int(4)), 12))).toBeDefined();
    expect(packBytes(elementwise(8, add(i(8), int(2)), 12))).toBeUndefined();
    expect(packBytes(elementwise(8, mul(i(8), int(4)), 32))).toBeUndefined();
    const bools = [param("mask", 24, "write", "bool")];
    const store = (axes: readonly Axis[], index: Expr): Stage => ({
      kind: "store",
      axes,
      writes: [{ buffer: 0, index, value: constant(1, "bool") }],
    });
    const [a, c] = [axis("a", 2), axis("c", 4)];
    const byRow = kernelOf("rows", bools, axesOf({ a: 2 }), [store(axesOf({ c: 4 }), add(mul(a, int(4)), c))]);
    expect(packBytes(byRow)?.stages[0]).toMatchObject({ axes: [] });
    expect(packBytes({ ...byRow, stages: [store(axesOf({ c: 4 }), add(mul(a, int(6)), c))] })).toBeUndefined();
    expect(packBytes({ ...byRow, stages: [store(axesOf({ c: 4 }), add(mul(c, int(2)), a))] })).toBeUndefined();
    const one = { ...byRow, stages: [store([], a)] };
    expect(packBytes(one)).toBeDefined();
    const sum: Stage = { kind: "reduce", axes: axesOf({ c: 4 }), op: "sum", dtype: "i32", value: c };
    expect(packBytes({ ...one, stages: [sum, store([], a)] })).toBeUndefined();
  });
});

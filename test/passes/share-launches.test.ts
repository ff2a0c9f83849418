// Which kernels share a launch, and which buffers a binding: by hand-made tasks whose order matters or does not.

import { describe, expect, it } from "vitest";
import { add, axis, load } from "../../src/ir/loop/expr.ts";
import { verifyKernel } from "../../src/ir/loop/verify.ts";
import { bindPacks, bindingsOf } from "../../src/passes/bind-packs.ts";
import { buffersOf, callsOf, launchesOf, type Buffer, type Task } from "../../src/passes/lowered.ts";
import { planMemory, verifyMemory } from "../../src/passes/plan-memory.ts";
import { shareLaunches } from "../../src/passes/share-launches.ts";
import { elementwise, matmul } from "../codegen/kernels.ts";

const N = 100;
const buffer = (name: string, length = N, pack?: string): Buffer => ({
  name,
  role: "temp",
  dtype: "f32",
  shape: [length],
  ...(pack !== undefined && { pack }),
});

/** `to` is the sum of the others, element by element. */
const sum = (from: readonly Buffer[], to: Buffer): Task => {
  const kernel = elementwise(to.name, to.shape[0] ?? 1, from.length, (...x) => x.reduce((all, one) => add(all, one)));
  return { kind: "kernel", call: { kernel, buffers: [...from, to], reads: new Set(from), writes: new Set([to]) } };
};

const names = (tasks: readonly Task[]): string[] => tasks.map((task) => callsOf(task).map(({ kernel }) => kernel.name).join("+")); // prettier-ignore

describe("launches", () => {
  const [a, b, c, d] = ["a", "b", "c", "d"].map((name) => buffer(name)) as [Buffer, Buffer, Buffer, Buffer];

  it("hold kernels that do not need each other, the later place for both", () => {
    expect(names(shareLaunches([sum([a], b), sum([a], c)], 8))).toEqual(["c+b"]);
    expect(names(shareLaunches([sum([a], b), sum([b], c), sum([a], d)], 8))).toEqual(["b", "d+c"]);
  });

  it("keep a kernel before those that read what it writes, write what it reads, or write the same", () => {
    expect(names(shareLaunches([sum([a], b), sum([b], c)], 8))).toEqual(["b", "c"]);
    expect(names(shareLaunches([sum([b], c), sum([a], b)], 8))).toEqual(["c", "b"]);
    expect(names(shareLaunches([sum([a], b), sum([c], b)], 8))).toEqual(["b", "b"]);
    // What it shares a launch with must wait for what lies between.
    expect(names(shareLaunches([sum([a], b), sum([b], c), sum([c], d)], 8))).toEqual(["b", "c", "d"]);
  });

  it("bind no more than they may, and hold neither products nor what moves much", () => {
    expect(names(shareLaunches([sum([a], b), sum([c], d)], 3))).toEqual(["b", "d"]);
    const large = (name: string): Buffer => buffer(name, 1 << 21);
    expect(names(shareLaunches([sum([large("x")], large("y")), sum([large("z")], large("w"))], 8))).toEqual(["y", "w"]);
    const product: Task = {
      kind: "kernel",
      call: { kernel: matmul(4, 4, 4), buffers: [a, b, c], reads: new Set([a]), writes: new Set([c]) },
    };
    expect(names(shareLaunches([product, sum([d], buffer("e"))], 8))).toEqual(["matmul", "e"]);
  });
});

describe("bindings", () => {
  const little = ["a", "b", "c"].map((name) => buffer(name, 10, "block"));
  const [result, far] = [buffer("y", 10), buffer("far", 10)];
  const task = sum([...little, far], result);

  it("are one for each buffer, where a kernel may bind them all", () => {
    const { entries, packs } = bindPacks(new Map([["train", [task]]]), 5);
    expect(packs).toEqual([]);
    expect(entries.get("train")).toEqual([task]);
  });

  it("are one for the buffers of a pack, where it may not; they lie side by side, and the kernel knows where", () => {
    const { entries, packs } = bindPacks(new Map([["train", [task]]]), 4);
    const [bound] = entries.get("train") ?? [];
    const [call] = bound ? callsOf(bound) : [];
    expect(bindingsOf(buffersOf(callsOf(task)))).toBe(3);
    expect(call?.buffers.map(({ name }) => name)).toEqual(["far", "y", "pack/block/f32"]);
    // Each begins where a device could bind it for itself: 256 bytes are 64 floats.
    const i = axis("i", 10);
    const at = (offset: number) => load(2, offset === 0 ? i : add({ kind: "const", dtype: "i32", value: offset }, i), "f32");
    expect(call?.kernel.stages).toEqual([
      { kind: "store", axes: [], writes: [{ buffer: 1, index: i, value: add(add(add(at(0), at(64)), at(128)), load(0, i, "f32")) }] },
    ]);
    const memory = planMemory([...entries.values()], packs);
    expect(little.map((it) => memory.offsets.get(it))).toEqual([0, 256, 512]);
    expect(() => verifyMemory([task], memory)).not.toThrow();
  });

  it("are one for each pack, where a kernel reads several, behind those that it binds for themselves", () => {
    const others = ["d", "e"].map((name) => buffer(name, 10, "other"));
    const { entries } = bindPacks(new Map([["train", [sum([...others, ...little, far], result)]]]), 4);
    const [call] = (entries.get("train") ?? []).flatMap(callsOf);
    expect(call?.buffers.map(({ name }) => name)).toEqual(["far", "y", "pack/other/f32", "pack/block/f32"]);
    expect(call?.kernel.params.map(({ name, length, access }) => `${name} ${length} ${access}`)).toEqual([
      "p0 10 read",
      "p1 10 write",
      "p2 128 read",
      "p3 192 read",
    ]);
    const i = axis("i", 10);
    const at = (pack: number, offset: number) => load(pack, add({ kind: "const", dtype: "i32", value: offset }, i), "f32");
    const inBlock = add(add(add(add(at(2, 0), at(2, 64)), at(3, 0)), at(3, 64)), at(3, 128));
    expect(call?.kernel.stages).toEqual([
      { kind: "store", axes: [], writes: [{ buffer: 1, index: i, value: add(inBlock, load(0, i, "f32")) }] },
    ]);
    expect(() => call && verifyKernel(call.kernel)).not.toThrow();
  });

  it("are the same for all kernels of a launch", () => {
    const together: Task = {
      kind: "together",
      calls: [...callsOf(sum(little.slice(0, 1), far)), ...callsOf(sum(little.slice(1), result))],
    };
    const { entries } = bindPacks(new Map([["train", [together]]]), 4);
    const [launch] = (entries.get("train") ?? []).flatMap(launchesOf);
    expect(buffersOf(launch ?? []).map(({ name }) => name)).toEqual(["far", "pack/block/f32", "y"]);
  });
});

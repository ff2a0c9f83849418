// A long sum with few results on CUDA: cut into parts by kernels that follow each other, with memory for the parts in the plan, whichever number of them a
// device takes.

import { describe, expect, it } from "vitest";
import { createBuilder } from "../../src/ir/builder.ts";
import type { Graph } from "../../src/ir/graph.ts";
import type { CompiledKernel, KernelLaunch, Program } from "../../src/ir/program.ts";
import { programFault } from "../../src/ir/program-checks.ts";
import { tensorType } from "../../src/ir/types.ts";
import { leaveRoom } from "../../src/passes/leave-room.ts";
import { callsOf, type Buffer, type Task } from "../../src/passes/lowered.ts";
import { elementwise } from "../codegen/kernels.ts";
import { compileGraph } from "../support/run-graph.ts";

const [M, N, K] = [512, 128, 8192];

/** The product of two products, each of which is a long sum: y = (a b) (c d). */
function graph(): Graph {
  const b = createBuilder();
  const input = (name: string, shape: readonly number[]) => b.input({ name, role: "batch", type: tensorType("f32", shape) });
  const long = (x: string, w: string) => b.matmul(input(x, [M, K]), input(w, [K, N]));
  return { builder: b, outputs: new Map([["y", b.matmul(long("a", "b"), long("c", "d"), { transposeA: true })]]) };
}

/** The kernels of a way, from its first. */
function chain({ kernels }: Program, first: number): readonly CompiledKernel[] {
  const { [first]: kernel } = kernels;
  if (!kernel) return [];
  return [kernel, ...(kernel.then === undefined ? [] : chain({ kernels } as Program, kernel.then))];
}

describe("room for sums of parts", () => {
  const { program } = compileGraph(graph(), "cuda");
  const launches = program.entries["predict"]?.filter((launch): launch is KernelLaunch => launch.kind === "kernel") ?? [];
  const cut = launches.filter(({ kernel }) => program.kernels[kernel]?.then !== undefined);

  it("is planned for the way with the most parts, and is memory of others between launches", () => {
    expect(programFault(program)).toBeUndefined();
    expect(cut).toHaveLength(2);
    const rooms = cut.map(({ buffers }) => program.buffers[buffers.at(-1) ?? -1]);
    // Tiles of 64 by 64 are sixteen workgroups: eight parts fill a GPU, two a quarter of it, and no part is shorter than 512.
    const most = 16;
    expect(rooms).toMatchObject([{ role: "temp", dtype: "f32", shape: [most * M * N] }, { shape: [most * M * N] }]);
    expect(new Set(rooms.map((room) => room?.offset)).size).toBe(1);
  });

  it("is used by each number of parts that a device may choose, and by the whole sum not at all", () => {
    const { kernel } = cut[0]!;
    const { alternatives = [], library } = program.kernels[kernel] ?? {};
    const ways = [kernel, ...alternatives].map((first) => chain(program, first).map(({ name }) => name.replace(/^.*?_\d+/, "")));
    expect(ways).toEqual([
      ["_in_8", "_sum_of_8"],
      ["_in_8_by_512", "_sum_of_8"],
      ["_in_16", "_sum_of_16"],
      ["_in_2", "_sum_of_2"],
    ]);
    // A library sums all of it.
    expect(library?.product).toMatchObject({ batch: 1, m: M, n: N, k: K });
  });

  it("is left out, and sums with it are whole", () => {
    const whole = compileGraph(graph(), "cuda", undefined, new Set(["leave-room"])).program;
    expect(whole.kernels.filter(({ then }) => then !== undefined)).toEqual([]);
    expect(whole.arenaBytes).toBeLessThan(program.arenaBytes);
  });

  it("is nothing that a stranger's program can use for what is beside it", () => {
    const { kernel } = cut[0]!;
    const changed = (change: Partial<CompiledKernel>, target = "cuda"): string | undefined =>
      programFault({ ...program, target, kernels: program.kernels.map((it, i) => (i === kernel ? { ...it, ...change } : it)) });
    expect(changed({})).toBeUndefined();
    expect(changed({ then: 99 })).toMatch(/goes on with 99, which does not take it/);
    expect(changed({ then: kernel })).toMatch(/goes on with \d+, which does not take it/);
    expect(changed({ then: program.kernels.findIndex(({ params = [] }) => params.length === 3) })).toMatch(/which does not take it/);
    expect(changed({}, "webgpu")).toMatch(/which no device of webgpu/);
    const last = program.kernels[kernel]?.then;
    const endless = program.kernels.map((it, i) => (i === last ? { ...it, then: i } : it));
    expect(programFault({ ...program, kernels: endless })).toMatch(/does not take it/);
  });

  it("is no buffer more than a kernel may bind", () => {
    const buffers = ["x", "y"].map((name): Buffer => ({ name, role: "temp", dtype: "f32", shape: [8] }));
    const copy = elementwise("y", 8, 1, (x) => x);
    const task: Task = {
      kind: "kernel",
      call: { kernel: copy, buffers, reads: new Set(buffers.slice(0, 1)), writes: new Set(buffers.slice(1)) },
    };
    const bound = (most: number): number[] =>
      leaveRoom([task], { roomFor: () => 10 }, most).flatMap((given) => callsOf(given).map((call) => call.buffers.length));
    expect([bound(3), bound(2)]).toEqual([[3], [2]]);
  });
});

// Which launches are made to follow each other for a library to do them as one, and what may then stand where.

import { describe, expect, it } from "vitest";
import type { HostArray } from "../../src/ir/arrays.ts";
import type { CompiledKernel, KernelLaunch, Program } from "../../src/ir/program.ts";
import { callsOf, type Buffer, type Task } from "../../src/passes/lowered.ts";
import { joinWholes } from "../../src/passes/whole-launches.ts";
import { choosingBy } from "../../src/runtime/tuning/choose-kernels.ts";
import { elementwise } from "../codegen/kernels.ts";

const all = new Map<string, Buffer>();
function buffer(name: string): Buffer {
  const known = all.get(name) ?? { name, role: name.startsWith("state") ? "state" : "temp", dtype: "f32", shape: [8] };
  all.set(name, known);
  return known;
}

/** A kernel of that name, from the buffers on the left to the one on the right. */
function task(name: string, from: readonly string[], to: string): Task {
  const [reads, written] = [from.map(buffer), buffer(to)];
  const kernel = elementwise(name, 8, from.length, (x) => x);
  return { kind: "kernel", call: { kernel, buffers: [...reads, written], reads: new Set(reads), writes: new Set([written]) } };
}

const namesOf = (tasks: readonly Task[]): readonly string[] =>
  tasks.map((each) => {
    const names = callsOf(each).map(({ kernel }) => kernel.name);
    return each.kind === "loop" ? `(${names.join(" ")})` : names.join(" ");
  });

/** What becomes of tasks, of which any three may be one. */
const joined = (...tasks: readonly Task[]): readonly string[] =>
  namesOf(joinWholes(tasks, { isWhole: (parts) => parts.map(({ kernel }) => kernel.name).join("") === "abc" }));

const [A, B, C] = [task("a", ["x"], "ab"), task("b", ["ab"], "bc"), task("c", ["bc", "v"], "y")];

describe("launches that a library may do as one", () => {
  it("follow each other, behind what stood between them", () => {
    expect(joined(A, B, C)).toEqual(["(a b c)"]);
    expect(joined(task("first", ["x"], "z"), A, task("value", ["z"], "v"), B, C, task("last", ["y"], "w"))).toEqual([
      ...["first", "value", "(a b c)", "last"],
    ]);
  });

  it("are those that alone read what they hand to each other", () => {
    expect(joined(A, B, C, task("other", ["ab"], "z"))).toEqual(["a", "b", "c", "other"]);
    expect(joined(A, B, task("other", ["bc"], "z"), C)).toEqual(["a", "b", "other", "c"]);
    expect(joined(A, task("again", ["z"], "ab"), B, C)).toEqual(["a", "again", "b", "c"]);
    expect(joined(A, task("b", ["state"], "bc"), C)).toEqual(["a", "b", "c"]);
  });

  it("are left where they are if what stands between them is needed there", () => {
    expect(joined(A, task("update", ["z"], "x"), B, C)).toEqual(["a", "update", "b", "c"]);
    expect(joined(A, B, task("clear", ["z"], "y"), C)).toEqual(["a", "b", "clear", "c"]);
    // What the last of them reads may be made there: it runs where it did.
    expect(joined(A, B, task("value", ["z"], "v"), C)).toEqual(["value", "(a b c)"]);
  });

  it("are tasks as they were where no library does any", () => {
    const tasks = [A, B, C];
    expect(joinWholes(tasks, {})).toBe(tasks);
  });
});

describe("choosing", () => {
  it("tells what is taken for launches before it measures what may be done in place of all of them", async () => {
    const kernel = (name: string): CompiledKernel => ({ name, params: [{ dtype: "f32", length: 8, access: "write" }] });
    const launch = (index: number): KernelLaunch => ({ kind: "kernel", kernel: index, buffers: [0] });
    const program: Program = {
      ...{ format: "tlc-program", version: 5, target: "cuda", arenaBytes: 256 },
      buffers: [{ name: "y", role: "output", dtype: "f32", shape: [8], bytes: 32, offset: 0 }],
      kernels: ["whole", "part"].map(kernel),
      entries: { predict: [{ kind: "loop", count: 1, reverse: false, body: [launch(1)], whole: launch(0) }] },
    };
    const log: string[] = [];
    const results = (): Promise<readonly HostArray[]> => Promise.resolve([Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8)]);
    const times = { find: () => Promise.resolve(undefined), keep: () => Promise.resolve() };
    await choosingBy({ times })("a machine")({
      ...{ program, results },
      candidates: (index) => {
        log.push(`what ${index} may be`);
        return [`own ${index}`, `other ${index}`];
      },
      measure: (_, candidate) => Promise.resolve(candidate === 1 ? 1 : 10),
      take: (index, candidate) => log.push(`${index} is ${candidate}`),
    });
    expect(log).toEqual(["what 1 may be", "1 is 1", "what 0 may be", "0 is 1"]);
  });
});

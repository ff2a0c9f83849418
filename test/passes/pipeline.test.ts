// The list of passes: each prints what it made, and memory that overlaps does not pass for a plan.

import { describe, expect, it } from "vitest";
import { createBuilder } from "../../src/ir/builder.ts";
import type { Graph } from "../../src/ir/graph.ts";
import type { EntryName } from "../../src/ir/program.ts";
import { tensorType } from "../../src/ir/types.ts";
import { targetNamed } from "../../src/codegen/targets.ts";
import { compileEntries, PASS_NAMES } from "../../src/passes/pipeline.ts";
import { planMemory, verifyMemory } from "../../src/passes/plan-memory.ts";

/** w' = w - d/dw of the mean of relu(x w) squared, and what is predicted. */
function entries(): ReadonlyMap<EntryName, Graph> {
  const b = createBuilder();
  const x = b.input({ name: "x", role: "batch", type: tensorType("f32", [8, 4]) });
  const w = b.input({ name: "w", role: "state", type: tensorType("f32", [4, 300]) });
  const y = b.relu(b.matmul(x, w, { transposeA: false, transposeB: false }));
  const loss = b.reduceMean(b.mul(y, y), { axes: [0, 1] });
  const outputs = new Map([
    ["w", b.sub(w, b.gradient(loss, w))],
    ["loss", loss],
  ]);
  return new Map<EntryName, Graph>([
    ["train", { builder: b, outputs }],
    ["predict", { builder: b, outputs: new Map([["y", y]]) }],
  ]);
}

const target = targetNamed("reference");
const options = { verify: true, operandCost: 12, maxBuffers: 8, splitK: (): number => 1 };
const compile = (after?: string): { readonly texts: string[]; readonly compiled: ReturnType<typeof compileEntries> } => {
  const texts: string[] = [];
  const dump = after === undefined ? {} : { dump: { after, write: (text: string) => texts.push(text) } };
  return { texts, compiled: compileEntries(entries(), target, { ...options, ...dump }) };
};

describe("--dump-after", () => {
  const shown: Readonly<Record<string, RegExp>> = {
    step: /%\d+ = gradient\(%\d+, %\d+\) : f32\[4, 300\]/,
    autodiff: /^(?![^]*gradient\()[^]*= relu\(/,
    decompose: /^(?![^]*= relu\()[^]*= maximum\(/,
    fuse: /core|matmul/,
    lower: /with p0 = /,
    "plan-memory": /\n256\+4800 {2}w : f32\[4, 300\]\n[^]* {2}tasks 0 to 2\n/,
  };
  it.each(PASS_NAMES)("%s prints every entry", (pass) => {
    const { texts } = compile(pass);
    expect(texts).toHaveLength(2);
    texts.forEach((text, i) => expect(text).toMatch(new RegExp(`^--- ${["train", "predict"][i]!} after ${pass}\n.`)));
    expect(texts[0]).toMatch(shown[pass] ?? /./);
  });
});

describe("a memory plan", () => {
  it("has a place for all that is alive at one time", () => {
    const tasks = [...compile().compiled.tasks.values()];
    const plan = planMemory(tasks);
    const temporary = tasks[0]!.flatMap((task) => (task.kind === "kernel" ? task.call.buffers : [])).find(({ role }) => role === "temp");
    const moved = (offset: number): void => verifyMemory(tasks[0]!, { ...plan, offsets: new Map(plan.offsets).set(temporary!, offset) });
    expect(() => moved(plan.offsets.get(temporary!)!)).not.toThrow();
    expect(() => moved(256)).toThrow(/share memory and are alive at one time/);
    expect(() => moved(plan.arenaBytes)).toThrow(/outside of the arena/);
  });
});

// Artifacts read from disk: what the compiler writes passes, what was damaged is named.

import { describe, expect, it } from "vitest";
import { artifactProblem } from "../../src/ir/artifact-schema.ts";
import type { Artifact } from "../../src/ir/artifact.ts";
import { compileTrace } from "../../src/compile.ts";
import { readExact, writeExact } from "../../src/ir/exact-json.ts";
import { tensorType } from "../../src/ir/types.ts";
import { compileText } from "../support/run-spec.ts";

const SPEC = `network n { 
  input given: f32[6]
  dropout(0.5)
  fc: linear(2)
}
dataset d { train table("d.csv", given: x, label: y) }
recipe r { network n data d loss cross_entropy batch 4 optimizer sgd(lr: 1e-2) epochs 1 }`;

const batch = new Map([
  ["tokens", tensorType("i32", [4, 12])],
  ["label", tensorType("i32", [4, 12])],
]);

async function artifact(target: string): Promise<Record<string, never>> {
  const { artifact: made } = await compileTrace("specs/examples/golden-lstm.tlspec", { target, batch });
  return readExact(writeExact(made)) as Record<string, never>;
}

describe("artifact schema", () => {
  it.each(["webgpu", "cuda", "reference"])("accepts what the compiler writes for %s", async (target) => {
    expect(artifactProblem(await artifact(target))).toBeUndefined();
  });

  it("finds kernels that are not in the PTX of their program", async () => {
    const made = (await artifact("cuda")) as never as {
      stages: { program: { ptx?: string; kernels: { name: string; cuda: { entry: string } }[] } }[];
    };
    const [{ program }] = made.stages as [(typeof made.stages)[number]];
    program.ptx = program.kernels.map(({ cuda }) => `.visible .entry ${cuda.entry}(`).join("\n");
    expect(artifactProblem(made)).toBeUndefined();
    program.ptx = program.ptx.replace(/.*\n/, "");
    expect(artifactProblem(made)).toBe(`stage main: kernel ${program.kernels[0]?.name ?? ""} is not in the program's PTX`);
  });

  it("names what is wrong", async () => {
    const good = await artifact("webgpu");
    interface Damageable {
      stages: {
        states: { name: string }[];
        entries: Record<string, unknown>;
        program: {
          buffers: { offset: number; dtype: string }[];
          arenaBytes: number;
          entries: { train: { kind: string; kernel: number }[] };
        };
      }[];
    }
    const damaged = (change: (stage: Damageable["stages"][number], copy: Damageable) => void): string | undefined => {
      const copy = structuredClone(good) as never as Damageable;
      change(copy.stages[0]!, copy);
      return artifactProblem(copy);
    };
    const { recipe } = good as unknown as Artifact;
    const planning = (change: object): string | undefined => artifactProblem({ ...good, recipe: { ...recipe, ...change } });
    const planningStage = (change: object): string | undefined =>
      planning({ stages: recipe.stages.map((stage) => ({ ...stage, ...change })) });
    expect(planning({ loss: { word: "likeness", args: {} } })).toBe("/recipe/loss cannot be of word `likeness`");
    expect(planningStage({ optimizer: { word: "adam", args: { lr: -1, betas: [], eps: 1, weight_decay: 0 } } })).toBe(
      "/recipe/stages/0/optimizer/args/lr must be > 0",
    );
    expect(planningStage({ schedule: { word: "step", args: { every: 1 } } })).toMatch(
      /^\/recipe\/stages\/0\/schedule\/args needs the property/,
    );
    const { dataInfo } = good as unknown as Artifact;
    const ofNothing = { ...dataInfo, inputs: dataInfo.inputs.map((input) => ({ ...input, below: 0 })) };
    expect(artifactProblem({ ...good, dataInfo: ofNothing })).toBe("/dataInfo/inputs/0/below must be >= 1");
    expect(artifactProblem(null)).toBe("the artifact must be object");
    expect(artifactProblem({ ...good, extra: 1 })).toBe("the artifact has no property `extra`");
    expect(damaged((a) => (a.program.arenaBytes = 10))).toMatch(/^stage main: buffer .* lies outside the arena$/);
    expect(damaged((a) => a.program.buffers.forEach((b) => (b.dtype = "f64")))).toBe(
      '/stages/0/program/buffers/0/dtype must be one of "f32", "f16", "bf16", "i32", "u32", "u8", "bool"',
    );
    expect(damaged((a) => a.program.entries.train.filter((l) => l.kind === "kernel").forEach((l) => (l.kernel = 1e6)))).toBe(
      "stage main: entry train launches what is not there",
    );
    expect(damaged((a) => (a.states[0]!.name = "elsewhere"))).toBe("stage main: there is no buffer elsewhere");
    expect(damaged((a) => (a.entries["more"] = { purpose: "initialize" }))).toBe("stage main: the program has no entry more");
    expect(damaged((_, copy) => copy.stages.push(copy.stages[0]!))).toBe("the artifact has other stages than its recipe");
    const kind = { buffer: ["a".repeat(100_000)] };
    expect(planning({ loss: { word: kind, args: {} } })).toBe(`/recipe/loss cannot be of word \`${JSON.stringify(kind).slice(0, 80)}…\``);
  });

  it("knows what the host is to fill", async () => {
    const made = await compileText(SPEC, {
      inputs: [{ name: "given", dtype: "f32", shape: [6] }],
      label: { name: "label", dtype: "i32", shape: [] },
      classes: ["a", "b"],
    });
    const text = writeExact(made);
    interface Damageable {
      dataInfo: { inputs: { shape: number[] }[] };
      stages: { entries: Record<string, { columns: object[] }> }[];
    }
    const damaged = (change: (copy: Damageable) => void): string | undefined => {
      const copy = readExact(text) as Damageable;
      change(copy);
      return artifactProblem(copy);
    };
    expect(damaged(() => undefined)).toBeUndefined();
    expect(damaged(({ dataInfo }) => (dataInfo.inputs[0]!.shape = [5]))).toBe(
      "stage main: entry predict: the buffer predict/given is f32[4, 6]",
    );
    expect(damaged(({ stages }) => (stages[0]!.entries["eval"]!.columns = []))).toBe(
      "stage main: entry eval: nothing fills the buffer eval/given",
    );
    expect(damaged(({ stages }) => (stages[0]!.entries["predict"]!.columns = []))).toBe(
      "stage main: entry predict: nothing fills the buffer predict/given",
    );
  });
});

// A network that learns from another one beside the labels: what a run needs for it, what it makes of it, and that the other stays as it is.

import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { toolchain } from "../../src/cli/default-toolchain.ts";
import { readArtifact } from "../../src/cli/open.ts";
import { runCli } from "../../src/cli/program.ts";
import { Model } from "../../src/runtime/embed/model.ts";
import type { TrainEvent } from "../../src/runtime/events.ts";
import { openReferenceDevice } from "../../src/runtime/reference/device.ts";
import { readSafetensors, writeSafetensors } from "../../src/runtime/weights/safetensors.ts";
import { fromHostArray } from "../../src/runtime/weights/tensor-values.ts";

const before = process.cwd();
const work = mkdtempSync(join(tmpdir(), "tlc-teacher-"));

const spec = (settings: string): string => `network big {
  input values: f32[2]
  fc: linear(2)
}
network small {
  input values: f32[2]
  fc: linear(2)
}
dataset d {
  train table("d.csv", values: [a, b], label: y)
  val table("d.csv", values: [a, b], label: y)
}
recipe r {
  network small
  data d
  loss cross_entropy
  batch 4
  optimizer sgd(lr: 1)
  ${settings}
}
`;

/** Its answer does not look at the labels: `yes` wherever a is above 0. */
const TEACHER = writeSafetensors(
  new Map([
    ["fc.weight", fromHostArray(Float32Array.of(-4, 0, 4, 0), "f32", [2, 2])],
    ["fc.bias", fromHostArray(Float32Array.of(0, 0), "f32", [2])],
  ]),
  new Map(),
);

beforeAll(() => {
  process.chdir(work);
  writeFileSync("big.safetensors", TEACHER);
  // Labels are by b.
  const rows = [-2, -1, 1, 2].flatMap((a) => [-2, -1, 1, 2].map((b) => `${a},${b},${b > 0 ? "yes" : "no"}`));
  writeFileSync("d.csv", `a,b,y\n${rows.join("\n")}\n`);
});
afterAll(() => {
  process.chdir(before);
  rmSync(work, { recursive: true });
});

async function cli(...args: readonly string[]): Promise<{ readonly code: number; readonly out: string; readonly err: string }> {
  const text = { out: "", err: "" };
  const stream = (key: "out" | "err") => ({ write: (more: string) => (text[key] += more) });
  const code = await runCli(args, { stdout: stream("out"), stderr: stream("err"), env: {}, toolchain });
  return { code, ...text };
}

const weightOf = (file: string): readonly number[] => {
  const tensor = readSafetensors(readFileSync(file)).tensors.get("fc.weight")!;
  return [...new Float32Array(tensor.data.buffer.slice(tensor.data.byteOffset, tensor.data.byteOffset + tensor.data.length))];
};

describe("a distilled network", () => {
  const DISTILL = (weight: number): string =>
    `distill from big weights "big.safetensors" with soft_targets(temperature: 2, weight: ${weight})\n  epochs 20`;

  it("learns what its teacher says, as far as it should, on every device that trains", async () => {
    writeFileSync("t.tlspec", spec(DISTILL(1)));
    for (const device of ["reference", "wasm"]) {
      expect((await cli("run", "t.tlspec", "-o", "t.safetensors", "--device", device)).err).not.toContain("error");
      const [, , a = 0, b = 0] = weightOf("t.safetensors");
      expect(a).toBeGreaterThan(1);
      expect(Math.abs(b)).toBeLessThan(0.7);
    }
    writeFileSync("n.tlspec", spec(DISTILL(0)));
    expect((await cli("run", "n.tlspec", "-o", "n.safetensors", "--device", "reference")).code).toBe(0);
    const [, , a = 0, b = 0] = weightOf("n.safetensors");
    expect(b).toBeGreaterThan(1);
    expect(Math.abs(a)).toBeLessThan(0.7);
    expect([...readSafetensors(readFileSync("t.safetensors")).tensors.keys()].sort()).toEqual(["fc.bias", "fc.weight"]);
  });

  it("keeps its teacher over stages, checkpoints and in a compiled folder", async () => {
    writeFileSync("s.tlspec", spec(`${DISTILL(1)}\n  stage a { epochs 3 keep best val.loss }\n  stage b { epochs 2 }`));
    expect((await cli("run", "s.tlspec", "-o", "s.safetensors", "--device", "reference")).code).toBe(0);
    expect((await cli("compile", "s.tlspec", "-t", "reference", "-o", "built")).code).toBe(0);
    expect(readdirSync("built")).toContain("teacher.safetensors");
    expect((await cli("run", "built", "-o", "built.safetensors", "--root", ".", "--device", "reference")).code).toBe(0);
    expect(weightOf("built.safetensors")).toEqual(weightOf("s.safetensors"));
    expect((await cli("inspect", "s.tlspec", "-t", "reference")).out).toContain("distill     soft_targets(temperature: 2, weight: 1)");
  });

  it("asks an application for its teacher's weights, and learns from them", async () => {
    const artifact = await readArtifact("built", "reference");
    const model = await Model.open(artifact, openReferenceDevice(), { kind: "wasm", reason: "a test" });
    const points = [-2, -1, 1, 2].flatMap((a) => [-2, -1, 1, 2].map((b) => [a, b] as const));
    const train = { inputs: points.map(([a, b]) => ({ a, b })), labels: points.map(([, b]) => (b > 0 ? "yes" : "no")) };
    const last = async (options: object): Promise<TrainEvent | undefined> => {
      let end: TrainEvent | undefined;
      for await (const event of model.train({ train, val: train }, options)) end = event;
      return end;
    };
    await expect(last({})).rejects.toThrow("big.safetensors, whose weights are not given");
    await expect(last({ teacher: writeSafetensors(new Map(), new Map()) })).rejects.toThrow("fc.weight of the teacher is missing");
    const end = await last({ teacher: readFileSync("built/teacher.safetensors") });
    expect(end).toMatchObject({ event: "done" });
    const answers = await model.predict([
      { a: 2, b: -2 },
      { a: -2, b: 2 },
    ]);
    expect(answers.map((it) => ("label" in it ? it.label : ""))).toEqual(["yes", "no"]);
    model.dispose();
  });

  it("says what is wrong with its teacher's weights where the spec names them", async () => {
    writeFileSync(
      "other.safetensors",
      writeSafetensors(new Map([["fc.weight", fromHostArray(new Float32Array(6), "f32", [3, 2])]]), new Map()),
    );
    writeFileSync("o.tlspec", spec(DISTILL(0.5).replace("big.safetensors", "other.safetensors")));
    for (const verb of ["check", "run"]) {
      const { code, err, out } = await cli(verb, "o.tlspec");
      expect([code, err + out]).toEqual([2, expect.stringContaining("TL0602")]);
    }
  });
});

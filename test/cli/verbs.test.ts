// Verbs in this process, over a compiler and a device that are not real: arguments, output, exit codes.

import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runCli } from "../../src/cli/program.ts";
import type { CompileOutcome, TraceRequest } from "../../src/cli/toolchain.ts";
import type { Artifact, EntryPorts } from "../../src/ir/artifact.ts";
import type { BufferPlan } from "../../src/ir/program.ts";
import type { DType, Shape } from "../../src/ir/types.ts";
import { DeviceError } from "../../src/runtime/device.ts";
import { readSafetensors, writeSafetensors, type Tensor } from "../../src/runtime/weights/safetensors.ts";
import { toFloat32 } from "../../src/runtime/weights/tensor-values.ts";
import { fakeArtifact } from "../runtime/trainer/fake-session.ts";
import { soleStage } from "../support/stages.ts";
import { stillClock } from "../support/still-clock.ts";
import { dataPlan, fakeCli, pixelFolder, type FakeCli, type FakeSetup } from "./fake-toolchain.ts";

let root = "";
beforeAll(async () => {
  root = await pixelFolder();
});
afterAll(() => rmSync(root, { recursive: true }));

async function cli(
  args: readonly string[],
  setup: FakeSetup = {},
  io: { tty?: boolean; env?: Record<string, string> } = {},
): Promise<FakeCli & { code: number }> {
  const fake = fakeCli(root, setup, io);
  return { ...fake, code: await runCli(args, fake.io) };
}

// Reading that takes long is an event of its own.
const moveOn = stillClock();

const good = (): string => join(root, "good.tlspec");
const weights = (): string => join(root, "w.safetensors");

describe("usage", () => {
  it.each<[string[], string]>([
    [["chekc"], "Did you mean check?"],
    [["run"], "missing required argument 'spec|folder'"],
    [["run", "x", "--devise", "auto"], "Did you mean --device?"],
    [["run", "x", "--cuda"], "the device is chosen by `--device cuda`"],
    [["devices"], "Did you mean doctor?"],
    [["run", "x", "--device", "tpu"], "Allowed choices are auto, cuda, webgpu, wasm, reference"],
    [["run", "x", "--set", "batch"], "write it as path=value"],
    [["compile", "x"], "required option '-o, --out <dir>'"],
    [["compile", "x", "-o", "y", "--target", "tpu"], "Allowed choices are cuda, webgpu, wasm, reference"],
    [["trace", "x", "--input", "a", "--out", "b", "--steps", "0"], "whole number from 1"],
    [["run", "x", "--threads", "none"], "whole number from 1"],
    [["check"], "missing required argument 'spec'"],
    [["predict", "x"], "missing required argument 'file'"],
    [["run", "/no/such.tlspec"], "there is no such file"],
    [["check", "/no/such.tlspec"], "there is no such file"],
    [["compile", "test", "-o", "x"], "test is a folder"],
    [["explain", "TL9999"], "there is no diagnostic, layer or word TL9999"],
    [["explain", "adamm"], "did you mean `adam`?"],
  ])("%j is refused with code 2", async (args, message) => {
    const { code, out, err } = await cli(args);
    expect(code).toBe(2);
    expect(err()).toContain(message);
    expect(err()).not.toMatch(/\n\s+at /);
    expect(out()).toBe("");
  });

  it("without a verb shows the help, as a mistake", async () => {
    const { code, err } = await cli([]);
    expect(code).toBe(2);
    expect(err()).toContain("Examples:");
  });

  it.each([["--help"], ["-h"], ["help"], ["help", "run"], ["run", "--help"]])("%j %j is answered on stdout", async (...args) => {
    const { code, out } = await cli(args);
    expect(code).toBe(0);
    expect(out()).toContain("Usage: tlc");
  });

  it("knows every verb and its version", async () => {
    const { out } = await cli(["--help"]);
    for (const verb of ["check", "compile", "run", "eval", "predict", "trace", "inspect", "explain"])
      expect(out()).toMatch(new RegExp(`^  ${verb} `, "m"));
    const version = (JSON.parse(readFileSync("package.json", "utf8")) as { version: string }).version;
    expect((await cli(["--version"])).out().trim()).toBe(version);
  });
});

describe("check", () => {
  it("says ok with 0, and diagnostics with a frame and 2", async () => {
    const fine = await cli(["check", good()]);
    expect([fine.code, fine.out().startsWith("ok ")]).toEqual([0, true]);
    const bad = await cli(["check", good(), join(root, "bad.tlspec")]);
    expect(bad.code).toBe(2);
    expect(bad.err()).toContain("error[TL0201]: no layer `oops`");
    expect(bad.err()).toContain("2 |   oops");
    expect(bad.out()).toContain("bad.tlspec: 1 error");
  });

  it("gives objects with --json, and nothing else on stdout", async () => {
    const { objects, code } = await cli(["check", join(root, "bad.tlspec"), "--json"]);
    expect(code).toBe(2);
    expect(objects()).toMatchObject([
      { event: "diagnostic", code: "TL0201", line: 2, column: 3 },
      { event: "check", errors: 1, warnings: 0 },
    ]);
  });

  it("passes overrides and the recipe on", async () => {
    const { requests } = await cli(["check", good(), "--set", "batch=32", "--set", "a.b=x=y", "--recipe", "r"]);
    expect(requests[0]).toMatchObject({ set: ["batch=32", "a.b=x=y"], recipe: "r" });
    expect(requests[0]).not.toHaveProperty("dumpAfter");
  });
});

describe("colour", () => {
  const bad = (): string => join(root, "bad.tlspec");
  it("is for terminals that want it", async () => {
    expect((await cli(["check", bad()], {}, { tty: true })).err()).toContain("\u001b[31m");
    expect((await cli(["check", bad()])).err()).not.toContain("\u001b[");
    expect((await cli(["check", bad()], {}, { tty: true, env: { NO_COLOR: "1" } })).err()).not.toContain("\u001b[");
    expect((await cli(["check", bad(), "--no-color"], {}, { tty: true })).err()).not.toContain("\u001b[");
    expect((await cli(["--no-color", "check", bad()], {}, { tty: true })).err()).not.toContain("\u001b[");
    expect((await cli(["check", bad()], {}, { env: { FORCE_COLOR: "1" } })).err()).toContain("\u001b[31m");
  });
});

describe("run", () => {
  it("trains, prints lines for people and saves the weights", async () => {
    const { code, out, disposed } = await cli(["run", good(), "--out", weights()]);
    expect(code).toBe(0);
    expect(out()).toContain("fake: 4 parameters, 2 frozen; 10 train, 10 test examples; batch 4; Fake (nothing inside)");
    expect(out()).toMatch(/^epoch 1\/2 {2}train loss \S+ accuracy 80\.00% {2}\(/m);
    expect(out()).toMatch(/^test {4}loss 0\.2500 accuracy 80\.00%$/m);
    expect(out()).toContain(`weights ${weights()}`);
    expect(readSafetensors(readFileSync(weights())).metadata.get("tlc.recipe")).toBe("fake");
    expect(disposed()).toBe(1);
  });

  it("gives §8's objects with --json", async () => {
    const { objects } = await cli(["run", good(), "--json", "--out", weights()]);
    const events = objects();
    expect(events.map((event) => event["event"])).toEqual([
      "start",
      "uncached",
      "step",
      "step",
      "step",
      "epoch",
      "step",
      "step",
      "step",
      "epoch",
      "done",
    ]);
    expect(Object.keys(events[2]!)).toEqual(expect.arrayContaining(["stage", "epoch", "step", "loss", "examples_per_s"]));
    expect(events.at(-1)).toMatchObject({ device: "fake", weights: weights(), test: { loss: 0.25, accuracy: 0.8 } });
  });

  it("rewrites one line in a terminal, never wider than it, and leaves it clean", async () => {
    const session = { onRun: (): void => moveOn(60) };
    const { err } = await cli(["run", good(), "--out", weights()], { session }, { tty: true, env: { NO_COLOR: "1" } });
    const live = err()
      .split("\r")
      .filter((text) => text.includes("step"));
    expect(live.length).toBeGreaterThan(0);
    expect(live[0]).toMatch(/epoch \d\/2 {2}step \d\/6 {2}loss /);
    for (const line of live) expect(line.replace("\u001b[K", "").length).toBeLessThan(60);
    expect(err().endsWith("\r\u001b[K")).toBe(true);
  });

  it("ends with 4 at a loss that is no number, with 2 at a faulty spec or data", async () => {
    const nan = await cli(["run", good(), "--json", "--out", join(root, "never.safetensors")], { session: { loss: () => NaN } });
    expect(nan.code).toBe(4);
    expect(nan.err()).toContain("lower the learning rate");
    expect(nan.objects().at(-1)).toMatchObject({ event: "error", code: 4 });
    expect(existsSync(join(root, "never.safetensors"))).toBe(false);
    expect(nan.disposed()).toBe(1);
    expect((await cli(["run", join(root, "bad.tlspec")])).code).toBe(2);
    const plan = dataPlan(root);
    const lost = { ...plan, sources: { train: { word: "images", args: { path: join(root, "nowhere") } } } };
    const missing = await cli(["run", good()], { artifact: { ...fakeArtifact(), data: lost } });
    expect([missing.code, missing.err()]).toEqual([2, expect.stringContaining("cannot read the folder")]);
    const none = await cli(["run", good()], { artifact: fakeArtifact() });
    expect([none.code, none.err()]).toEqual([2, expect.stringContaining("has no data to train on")]);
    expect((await cli(["run", good(), "--out", root])).code).toBe(2);
  });

  it("ends with 3 without the device, and 1 when it is lost", async () => {
    const failing = (reason: DeviceError["reason"]): FakeSetup => ({
      openDevice: () => Promise.reject(new DeviceError(reason, "no adapter", "install one")),
    });
    const none = await cli(["run", good(), "--device", "webgpu"], failing("unavailable"));
    expect([none.code, none.err()]).toEqual([3, expect.stringContaining("= help: install one")]);
    expect((await cli(["run", good()], failing("lost"))).code).toBe(1);
    const memory = await cli(["run", good()], failing("out-of-memory"));
    expect(memory.code).toBe(1);
  });

  it("saves and ends with 130 after SIGINT, 143 after SIGTERM", async () => {
    for (const [signal, expected] of [
      ["SIGINT", 130],
      ["SIGTERM", 143],
    ] as const) {
      const out = join(root, `${signal}.safetensors`);
      let runs = 0;
      const onRun = (entry: string): void => {
        if (entry === "train" && ++runs === 2) process.emit(signal, signal);
      };
      const result = await cli(["run", good(), "--out", out], { session: { onRun } });
      expect(result.code).toBe(expected);
      expect(result.err()).toContain("once more to leave at once");
      expect(result.out()).toContain("interrupted");
      expect(readSafetensors(readFileSync(out)).tensors.size).toBe(3);
      expect(process.listenerCount(signal)).toBe(0);
    }
  });

  it("says of its own faults that they are its own, with the stack only for who asks", async () => {
    const broken = { compile: (): Promise<CompileOutcome> => Promise.reject(new Error("internal: no such node")) };
    const plain = await cli(["run", good()], broken);
    expect(plain.code).toBe(1);
    expect(plain.err()).toContain("something broke inside tlc: internal: no such node");
    expect(plain.err()).not.toMatch(/\n\s+at /);
    expect((await cli(["run", good()], broken, { env: { TLC_DEBUG: "1" } })).err()).toMatch(/\n\s+at /);
  });
});

describe("compile", () => {
  it("writes the folder", async () => {
    const folder = join(root, "dist");
    const { code, out } = await cli(["compile", good(), "-o", folder]);
    expect(code).toBe(0);
    expect(out()).toContain("2 files");
    expect(JSON.parse(readFileSync(join(folder, "fake/artifact.json"), "utf8"))).toMatchObject({ name: "fake" });
    expect(existsSync(join(folder, "kernels/a.wgsl"))).toBe(true);
    const { requests } = await cli(["compile", good(), "-o", folder, "--target", "reference", "--dump-after", "fuse"]);
    expect(requests[0]).toMatchObject({ target: "reference", dumpAfter: "fuse" });
  });
});

describe("eval and predict", () => {
  beforeAll(async () => {
    await cli(["run", good(), "--out", weights()]);
  });

  it("give metrics of a split", async () => {
    const { code, out } = await cli(["eval", good(), "--weights", weights()]);
    expect([code, out()]).toEqual([0, "test (10 examples): loss 0.2500 accuracy 80.00%\n"]);
    expect((await cli(["eval", good(), "-w", weights(), "--split", "train", "--json"])).objects()[0]).toMatchObject({
      event: "eval",
      split: "train",
      loss: 0.25,
    });
    const missing = await cli(["eval", good(), "-w", weights(), "--split", "val"]);
    expect([missing.code, missing.err()]).toEqual([2, expect.stringContaining("it has train, test")]);
    const none = await cli(["eval", good(), "-w", join(root, "none.safetensors")]);
    expect([none.code, none.err()]).toEqual([2, expect.stringContaining("there is no such file")]);
  });

  it("name the class of each picture", async () => {
    const [even, odd] = [join(root, "data/even/0.png"), join(root, "data/odd/1.png")];
    const { code, out } = await cli(["predict", good(), odd, even, "-w", weights()]);
    expect(code).toBe(0);
    expect(out()).toBe(`${odd}  odd  95.3%\n${even}  even  95.3%\n`);
    const { objects } = await cli(["predict", good(), odd, "-w", weights(), "--json"]);
    expect(objects()[0]).toMatchObject({ event: "prediction", file: odd, label: "odd" });
    const broken = await cli(["predict", good(), good(), "-w", weights()]);
    expect([broken.code, broken.err()]).toEqual([2, expect.stringContaining("good.tlspec")]);
  });

  it("refuse weights of another network", async () => {
    const tensor: Tensor = { dtype: "F32", shape: [1], data: new Uint8Array(4) };
    writeFileSync(join(root, "other.safetensors"), writeSafetensors(new Map([["conv.weight", tensor]])));
    const { code, err } = await cli(["predict", good(), join(root, "data/even/0.png"), "-w", join(root, "other.safetensors")]);
    expect([code, err()]).toEqual([2, expect.stringContaining("conv.weight is not in the network")]);
  });
});

describe("trace", () => {
  const f32 = (shape: number[], ...values: number[]): Tensor => ({
    dtype: "F32",
    shape,
    data: new Uint8Array(Float32Array.from(values).buffer),
  });
  const int = (shape: number[], ...values: number[]): Tensor => ({
    dtype: "I32",
    shape,
    data: new Uint8Array(Int32Array.from(values).buffer),
  });

  const traced = (): Artifact => {
    const artifact = fakeArtifact();
    const stage = soleStage(artifact);
    const buffer = (name: string, dtype: DType, shape: Shape): BufferPlan => ({ name, role: "state", dtype, shape, bytes: 4, offset: 0 });
    const buffers = [
      buffer("batch/image", "f32", [1, 2]),
      buffer("batch/label", "i32", [1]),
      buffer("loss", "f32", []),
      buffer("output", "f32", [1, 2]),
      buffer("grad/fc.weight", "f32", [2, 1]),
      ...artifact.parameters.map(({ state, shape }) => buffer(state, "f32", shape)),
    ];
    const columns = ["image", "label"].map((column) => ({ column, buffer: `batch/${column}` }));
    const gradients = [{ parameter: "fc.weight", buffer: "grad/fc.weight" }];
    const train: EntryPorts = { purpose: "trace", columns, loss: "loss", output: "output", gradients };
    const init: EntryPorts = { purpose: "initialize" };
    return { ...artifact, stages: [{ ...stage, entries: { init, train }, program: { ...stage.program, buffers } }] };
  };

  it("runs steps on the given batch from the given weights, and writes what happened", async () => {
    const [input, out] = [join(root, "case.in.safetensors"), join(root, "case.out.safetensors")];
    const weights = { "weight/fc.weight": f32([2, 1], 5, 6), "weight/fc.bias": f32([2], 0, 0), "weight/bn.running_mean": f32([1], 3) };
    writeFileSync(
      input,
      writeSafetensors(new Map(Object.entries({ ...weights, "batch/image": f32([1, 2], 1, 2), "batch/label": int([1], 1) }))),
    );
    const args = ["trace", good(), "--input", input, "--out", out, "--steps", "3"];
    const { code, requests, objects } = await cli([...args, "--json"], { artifact: traced(), session: { trace: true } });
    expect(code).toBe(0);
    expect((requests[0] as TraceRequest).batch).toEqual(
      new Map([
        ["image", { dtype: "f32", shape: [1, 2] }],
        ["label", { dtype: "i32", shape: [1] }],
      ]),
    );
    expect(objects()[0]).toMatchObject({ event: "trace", steps: 3, loss: [1, 0.5, Math.fround(1 / 3)] });
    const { tensors } = readSafetensors(readFileSync(out));
    const values = Object.fromEntries([...tensors].map(([name, tensor]) => [name, [...toFloat32(name, tensor)]]));
    expect(values).toEqual({
      loss: [1, 0.5, Math.fround(1 / 3)],
      output: [1, 0],
      "grad/fc.weight": [-1, 1],
      "after/fc.weight": [8, 6],
      "after/fc.bias": [0, 0],
      "after/bn.running_mean": [3],
    });
    expect(tensors.get("after/fc.weight")!.shape).toEqual([2, 1]);
  });

  it("refuses a case without all weights", async () => {
    const input = join(root, "bare.safetensors");
    writeFileSync(input, writeSafetensors(new Map([["batch/image", f32([1, 2], 1, 2)]])));
    const { code, err } = await cli(["trace", good(), "--input", input, "--out", join(root, "x")], {
      artifact: traced(),
      session: { trace: true },
    });
    expect([code, err()]).toEqual([2, expect.stringContaining("all 3 tensors are missing")]);
  });
});

describe("inspect", () => {
  it("describe a stage", async () => {
    const { code, objects } = await cli(["inspect", good(), "--json"]);
    expect(code).toBe(0);
    expect(objects()[0]).toMatchObject({
      event: "inspect",
      stages: [
        {
          stage: "main",
          parameters: { total: 4, trainable: 2, frozen: 2 },
          frozen: ["fc.bias"],
          frontier: ["fc.weight"],
          bytes: { peak: 1024 },
        },
      ],
    });
    expect((await cli(["inspect", good()])).out()).toContain("4: 2 trained, 2 frozen");
    expect((await cli(["inspect", good()])).out()).not.toContain("fc  5 ops");
    expect((await cli(["inspect", good(), "--layers"])).out()).toMatch(/^ {2}fc +5 +2 +3 +2.00 +100.0 %$/m);
  });

  it("describe each of several stages", async () => {
    const { out } = await cli(["inspect", good()], { artifact: fakeArtifact({ stages: ["head", "tune"] }) });
    expect(out().match(/, stage \w+/g)).toEqual([", stage head", ", stage tune"]);
    expect(out()).toContain("4: 4 trained, 0 frozen");
  });
});

// A compiled folder as an application in Node uses it: in a process of its own, where nothing may become code but files.

import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { moduleSize } from "../../bench/size.mjs";
import { findAdapter } from "../../src/runtime/webgpu/adapter.ts";
import { mayHaveGpu } from "../../src/runtime/gpu-files.ts";
import { BATCH, compileGlyphs, STEPS, type CompiledFolder } from "./module-folder.ts";
import { runInNode, type Outcome } from "./module-outcome.ts";

const adapter = await findAdapter();

describe.each(["webgpu", "wasm"] as const)("a folder compiled for %s", (target) => {
  let folder: CompiledFolder;
  beforeAll(async () => {
    folder = await compileGlyphs(target);
  });
  afterAll(() => folder.remove());

  it("tells nobody where the data lay", () => {
    expect(readFileSync(join(folder.path, "cnn.mjs"), "utf8")).not.toContain("specs/examples");
  });

  it("does not open a device that it was not compiled for", async () => {
    const script = `import("./${folder.path}/cnn.mjs").then(({ create }) => create({ device: "cuda" })).catch((error) => console.log(error.name, error.reason, error.hint))`;
    const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "--eval", script]);
    expect(stdout.trim()).toBe(`DeviceError unavailable use "auto" or "${target}"`);
  });

  it("says an error that nobody caught in lines of text, without its source", async () => {
    const script = `const { create } = await import("./${folder.path}/cnn.mjs"); await create({ device: "cuda" })`;
    const failed = await promisify(execFile)(process.execPath, ["--input-type=module", "--eval", script]).catch((error: unknown) => error);
    const { stderr } = failed as { readonly stderr: string };
    expect(stderr).toContain(`use "auto" or "${target}"`);
    expect(Math.max(...stderr.split("\n").map((line) => line.length))).toBeLessThan(200);
  });

  if (target === "webgpu" && adapter === undefined)
    it.skip("runs in Node: no WebGPU adapter was found (sh scripts/setup.sh brings one)", () => undefined);
  else
    describe("in Node", () => {
      let outcome: Outcome;
      beforeAll(async () => {
        outcome = await runInNode(folder);
      });

      it("trains", () => {
        expect(outcome.losses).toHaveLength(STEPS);
        expect(outcome.losses[0]).toBeCloseTo(Math.log(36), 0);
        // Better than guessing; losses are of single batches and say less.
        expect(outcome.metrics["loss"]).toBeLessThan(Math.log(36));
        expect(outcome.metrics).toEqual({ loss: expect.any(Number) as number, accuracy: expect.any(Number) as number });
      });

      it("predicts more than a batch, and a picture like the pixels it is made of", () => {
        expect(outcome.labels).toHaveLength(21);
        expect(outcome.labels.length).toBeGreaterThan(BATCH);
        expect(outcome.labels.every((label) => folder.artifact.dataInfo.classes!.includes(label))).toBe(true);
        expect([outcome.labels[20], outcome.probabilities[20]]).toEqual([outcome.labels[0], outcome.probabilities[0]]);
      });

      it("saves weights that another model predicts the same with", () => {
        expect(outcome.elsewhere).toBe(outcome.probabilities[0]);
        expect(outcome.again).toEqual(outcome.probabilities.slice(0, 20));
        expect(outcome.further).not.toEqual(outcome.again);
        expect(outcome.refused).toBe(true);
      });

      it("stops when told to", () => {
        expect(outcome.interrupted).toBe(true);
      });
    });
});

describe("a folder compiled for webgpu and wasm", () => {
  let folder: CompiledFolder;
  beforeAll(async () => {
    folder = await compileGlyphs("webgpu", "wasm");
  });
  afterAll(() => folder.remove());

  const create = async (options: object): Promise<unknown> => {
    const script = `const { create, DeviceError } = await import("./${folder.path}/cnn.mjs");
      const { device, ...model } = await create(${JSON.stringify(options)}).catch((error) => ({ device: { error: error instanceof DeviceError && error.message + error.hint } }));
      console.log(JSON.stringify(device));`;
    return JSON.parse((await promisify(execFile)(process.execPath, ["--input-type=module", "--eval", script])).stdout);
  };

  it("takes the processor where there is no GPU, and says why", async (context) => {
    if (mayHaveGpu()) return context.skip("this machine may have a GPU");
    expect(await create({ threads: 1 })).toEqual({
      ...{ kind: "wasm", isHardware: true, reason: "no WebGPU adapter was found" },
      description: expect.stringContaining("1 thread") as string,
    });
  });

  it("takes the device that is named, or says that it is not there", async () => {
    expect(await create({ device: "wasm" })).toMatchObject({ kind: "wasm", reason: "it was asked for" });
    expect(await create({ device: "cuda" })).toEqual({ error: 'no device "cuda" in this moduleuse "auto", "webgpu" or "wasm"' });
    if (adapter) expect(await create({ device: "webgpu" })).toMatchObject({ kind: "webgpu", reason: "it was asked for" });
  });
});

// The goal is 40 KB for both.
it.each([
  ["cuda", 37_600],
  ["webgpu", 35_750],
  ["wasm", 38_200],
])("is small for %s: module and runtime under %i bytes gzip, without what was compiled", async (target, most) => {
  const { module, runtime, training } = await moduleSize(target);
  expect(training).toBeLessThan(10_500);
  expect(module).toBeLessThan(1000);
  expect(module + runtime).toBeLessThan(most);
});

// Runs whose pictures are streamed: a file that breaks while others are trained on is named and costs nothing that was learned, or is skipped
// and counted, as where all are held in memory.

import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { runCli } from "../../src/cli/program.ts";
import { streamAbove } from "../../src/cli/reading.ts";
import type { Artifact } from "../../src/ir/artifact.ts";
import type { DataPlan } from "../../src/ir/plan.ts";
import { fakeArtifact, fakeDevice } from "../runtime/trainer/fake-session.ts";
import { stillClock } from "../support/still-clock.ts";
import { dataPlan, fakeCli, pixelFolder, type FakeCli, type FakeSetup } from "./fake-toolchain.ts";

// Reading that takes long is an event of its own.
stillClock();

const before = process.cwd();
let root = "";
beforeEach(async () => {
  root = await pixelFolder();
  process.chdir(root);
});
afterEach(() => {
  process.chdir(before);
  rmSync(root, { recursive: true });
});

async function cli(args: readonly string[], setup: FakeSetup): Promise<FakeCli & { readonly code: number }> {
  const fake = fakeCli(root, setup);
  return { ...fake, code: await runCli(args, fake.io) };
}

/** Trained on alone, since a test split is read as well. */
function artifact(broken?: "skip"): Artifact {
  const whole = dataPlan(root);
  const source = { word: "images", args: { path: join(root, "data"), ...(broken && { broken }) } };
  const data: DataPlan = { ...whole, sources: { train: source } };
  return { ...fakeArtifact({ epochs: 3 }), data };
}

const victim = (): string => join(root, "data", "odd", "2.png");

/** Three steps are an epoch; the file breaks after the first, when the third one's pictures are not read yet and the second one's may be. */
const breaking = (broken?: "skip"): FakeSetup => {
  let steps = 0;
  const onRun = (entry: string, times: number): void => {
    if (entry === "train") steps += times;
    if (steps >= 3) writeFileSync(victim(), "no picture");
  };
  return { artifact: artifact(broken), session: { onRun } };
};

describe("a picture that breaks while it is streamed", () => {
  it("ends the run with its name and exit code 2; what was learned is kept, and how to go on is said", async () => {
    const { code, err, out } = await cli(["run", "good.tlspec", "--stream"], breaking());
    expect(code).toBe(2);
    expect(err()).toContain(victim());
    expect(err()).toMatch(/the weights after epoch [12] of stage/);
    expect(err()).toMatch(/go on with `tlc run good.tlspec .*--resume 1`/);
    expect(existsSync(join("runs", "fake", "1", "weights.safetensors")), out()).toBe(true);
  });

  it("is skipped where the data set says so: named once, and counted", async () => {
    const { code, err, objects } = await cli(["run", "good.tlspec", "--stream", "--json"], breaking("skip"));
    expect(code).toBe(0);
    expect(objects().filter(({ event }) => event === "skipped")).toEqual([
      expect.objectContaining({ split: "train", path: victim(), problem: expect.any(String) as string }),
    ]);
    expect(err()).toContain("1 picture of train skipped");
  });
});

describe("a picture that is broken from the beginning", () => {
  beforeEach(() => writeFileSync(victim(), "no picture"));

  it.each([[[]], [["--stream"]]])("is skipped with %j", async (options) => {
    const { code, objects, sessions } = await cli(["run", "good.tlspec", "--json", ...options], { artifact: artifact("skip") });
    expect(code).toBe(0);
    expect(objects().filter(({ event }) => event === "skipped")).toHaveLength(1);
    // 5.png, of the value 7, in the place of 2.png.
    expect([...(sessions[0]?.buffers.get("train/image") ?? [])].slice(0, 10).sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 6, 7, 7, 8, 9]);
  });

  it.each([[[]], [["--stream"]]])("has one of its class in its place where it is the last of it, with %j", async (options) => {
    writeFileSync(victim(), readFileSync(join(root, "data", "odd", "1.png")));
    writeFileSync(join(root, "data", "even", "4.png"), "no picture");
    const { sessions } = await cli(["run", "good.tlspec", ...options], { artifact: artifact("skip") });
    // even/0.png, of the value 0, and not odd/0.png, of 1.
    expect([...(sessions[0]?.buffers.get("train/image") ?? [])].slice(0, 10).sort((a, b) => a - b)).toEqual([0, 0, 1, 2, 3, 3, 4, 6, 7, 9]);
  });

  it.each([[[]], [["--stream"]]])("ends the run with %j", async (options) => {
    const { code, err } = await cli(["run", "good.tlspec", ...options], { artifact: artifact() });
    expect(code).toBe(2);
    expect(err()).toContain(victim());
    expect(err()).toContain("broken: skip");
  });

  it("of a class that has no other ends the run", async () => {
    for (let i = 0; i < 5; i++) writeFileSync(join(root, "data", "odd", `${i}.png`), "no picture");
    const { code, err } = await cli(["run", "good.tlspec", "--stream"], { artifact: artifact("skip") });
    expect(code).toBe(2);
    expect(err()).toContain(victim());
  });
});

describe("what is streamed", () => {
  it("is what a device or the machine has no room for, or what is asked for", () => {
    const { device } = fakeDevice(fakeArtifact());
    expect(streamAbove({ ...device, mostData: 1000 }, {})).toBe(1000);
    expect(streamAbove({ ...device, mostData: 1000 }, { stream: true })).toBe(0);
    expect(streamAbove(device, {})).toBeLessThanOrEqual(2 ** 31 - 1);
  });

  it("goes on in memory, and the other way around", async () => {
    let steps = 0;
    const onRun = (entry: string, times: number): void => {
      if (entry === "train" && (steps += times) === 2) process.emit("SIGINT", "SIGINT");
    };
    await cli(["run", "good.tlspec", "--stream", "--checkpoint-every", "1"], { artifact: artifact(), session: { onRun } });
    for (const options of [[], ["--stream"]]) {
      const { code, objects } = await cli(["run", "good.tlspec", "--resume", "1", "--json", ...options], { artifact: artifact() });
      expect([code, objects()[0]]).toEqual([0, expect.objectContaining({ resumed: expect.anything() as unknown })]);
    }
    writeFileSync(victim(), "another size");
    const { code, err } = await cli(["run", "good.tlspec", "--resume", "1", "--stream"], { artifact: artifact() });
    expect(code).toBe(2);
    expect(err()).toContain("`image` of `train` holds other values");
  });
});

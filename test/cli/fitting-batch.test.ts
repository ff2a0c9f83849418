// A run that a device has no room for says so before its first step, also where only a later stage is too large, and names the largest batch
// that fits: one more does not.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { toolchain } from "../../src/cli/default-toolchain.ts";
import type { InspectEvent } from "../../src/cli/events.ts";
import { largestBelow } from "../../src/cli/fitting-batch.ts";
import { runCli } from "../../src/cli/program.ts";

const work = mkdtempSync(join(tmpdir(), "tlc-fitting-"));
const before = process.cwd();
process.chdir(work);
afterAll(() => {
  process.chdir(before);
  rmSync(work, { recursive: true, force: true });
});

const ROWS = Array.from({ length: 8 }, (_, i) => `${i} 1,${"ab"[i % 2]}`);
writeFileSync("d.csv", `q,y\n${ROWS.join("\n")}\n`);
writeFileSync(
  "m.tlspec",
  `network m(classes) {
  input q: f32[2]
  dropout(0.1)
  fc1: linear(64) -> relu
  fc2: linear(64) -> relu
  fc3: linear(classes)
}
dataset d {
  train table("d.csv", q: q, label: y)
}
recipe r {
  network m(d.classes)
  data d
  loss cross_entropy
  optimizer sgd(lr: 0.1)
  batch 60
  stage head {
    freeze ** except fc3
    epochs 1
  }
  stage all { epochs 1 }
}
`,
);

/** @param args of which the first may be another spec */
async function run(
  mostMemory: number,
  ...args: readonly string[]
): Promise<{ readonly code: number; readonly out: string; readonly err: string }> {
  let [out, err] = ["", ""];
  const openDevice: typeof toolchain.openDevice = async (...given) => ({ ...(await toolchain.openDevice(...given)), mostMemory });
  const [spec, rest] = args[0]?.endsWith(".tlspec") ? [args[0], args.slice(1)] : ["m.tlspec", args];
  const code = await runCli(["run", spec, "--device", "reference", "--no-cache", ...rest], {
    stdout: { write: (text: string) => (out += text) },
    stderr: { write: (text: string) => (err += text) },
    env: {},
    toolchain: { ...toolchain, openDevice },
  });
  return { code, out, err };
}

describe("a run without room", () => {
  it("names the stage, its peak and the largest batch that fits, before its first step", async () => {
    const room = 60_000;
    const { code, out, err } = await run(room);
    expect(code).toBe(1);
    expect(out).not.toContain("epoch");
    expect(err).toMatch(/the stage all needs [\d.]+ KiB at its peak, the device allows 58\.6 KiB/);
    const [, largest = "", batch = "", accumulate = ""] =
      /The largest batch that fits is (\d+): .* `--set batch=(\d+) --set accumulate=(\d+)`/.exec(err) ?? [];
    expect(Number(largest)).toBeGreaterThan(1);
    expect(Number(batch) * Number(accumulate)).toBe(60);
    expect((await run(room, "--set", `batch=${largest}`)).code).toBe(0);
    expect((await run(room, "--set", `batch=${Number(largest) + 1}`)).code).toBe(1);
    expect((await run(room, "--set", `batch=${batch}`, "--set", `accumulate=${accumulate}`)).code).toBe(0);
  });

  it("says that the whole batch fits where values are computed twice", async () => {
    const blocks = "for i in 0..8 { block{i}: linear(96) -> relu }";
    writeFileSync("deep.tlspec", readFileSync("m.tlspec", "utf8").replace("fc1: linear(64) -> relu", blocks));
    let out = "";
    await runCli(["inspect", "deep.tlspec", "-t", "reference", "--set", "recompute=auto", "--json"], {
      ...{ stdout: { write: (text: string) => (out += text) }, stderr: { write: () => true }, env: {}, toolchain },
    });
    const room = Math.max(...(JSON.parse(out) as InspectEvent).stages.map(({ bytes }) => bytes.peak));
    const { code, err } = await run(room, "deep.tlspec");
    expect([code, err]).toEqual([
      1,
      expect.stringContaining("The whole batch, with values computed twice instead of kept: `--set recompute=auto`."),
    ]);
    expect((await run(room, "deep.tlspec", "--set", "recompute=auto")).code).toBe(0);
  });

  it("says that no batch fits", async () => {
    const { code, err } = await run(10_000);
    expect(code).toBe(1);
    expect(err).toContain("No batch fits");
  });
});

describe("the largest batch below a bound", () => {
  it.each([
    ["linear", (batch: number) => 1000 + 10 * batch],
    ["in steps", (batch: number) => 1000 + 256 * Math.ceil(batch / 20)],
    ["faster than linear", (batch: number) => batch ** 2],
  ])("is found where plans grow %s", async (_, peakWith) => {
    const expected = Array.from({ length: 512 }, (_, i) => i + 1).findLast((batch) => peakWith(batch) <= 3000);
    expect(await largestBelow(512, peakWith(512), 3000, (batch) => Promise.resolve(peakWith(batch)))).toBe(expected);
  });

  it("is the largest found in time", async () => {
    expect(await largestBelow(512, 512, 300, (batch) => Promise.resolve(batch), performance.now() - 1)).toBe(0);
  });
});

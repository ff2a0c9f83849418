// `tlc run --find-rate`: what is said of the rates, and that nothing is left behind.

import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { toolchain } from "../../src/cli/default-toolchain.ts";
import { plot } from "../../src/cli/plot.ts";
import { runCli } from "../../src/cli/program.ts";
import { RangeTest } from "../../src/runtime/range-test.ts";
import { createRandom } from "../support/random.ts";

describe("a range test", () => {
  /** Falls where the rate is near 1e-2, the fastest there, and diverges behind 1. */
  const lossAt = (rate: number): number => (rate > 1 ? 3 * (rate / 1) ** 4 : 2 - 1.5 / (1 + (1e-2 / rate) ** 2));
  const tested = (): RangeTest => {
    const test = new RangeTest();
    for (let i = 0; i < 100 && !test.hasDiverged; i++) {
      const rate = 1e-5 * 1e7 ** (i / 99);
      test.add(rate, lossAt(rate));
    }
    return test;
  };

  it("smooths losses as fast.ai does: of the first what it is, of all what they weigh", () => {
    const test = new RangeTest();
    expect(test.add(1, 3).smoothed).toBeCloseTo(3, 12);
    expect(test.add(2, 1).smoothed).toBeCloseTo((0.98 * 3 + 1) / (0.98 + 1), 12);
  });

  it("ends where the smoothed loss is four times the best, and suggests where it falls fastest", () => {
    const test = tested();
    expect(test.hasDiverged).toBe(true);
    expect(test.tested.length).toBeLessThan(100);
    const { smoothed } = test.tested.at(-1)!;
    expect(smoothed).toBeGreaterThan(4 * Math.min(...test.tested.map((it) => it.smoothed)));
    // The average is some steps behind.
    expect(test.suggestion!.rate).toBeGreaterThan(3e-3);
    expect(test.suggestion!.rate).toBeLessThan(0.3);
  });

  it("suggests nothing where the loss never falls, and ends with one that is no number", () => {
    const test = new RangeTest();
    for (let i = 0; i < 30; i++) test.add(1e-3 * 1.2 ** i, 1 + i / 100);
    expect([test.suggestion, test.hasDiverged]).toEqual([undefined, false]);
    test.add(1, NaN);
    expect([test.hasDiverged, test.tested.length]).toEqual([true, 30]);
  });

  it("is drawn from corner to corner, with a line at what is marked", () => {
    const lines = plot(
      [
        { x: 1, y: 0 },
        { x: 10, y: 5 },
        { x: 100, y: 10 },
      ],
      10,
      String,
    );
    expect(lines).toHaveLength(13);
    expect([lines[0]!.trimEnd().endsWith("*"), lines[11]!.startsWith(" 0 *")]).toEqual([true, true]);
    expect(lines[3]!.trim()).toBe("|");
    expect(new Set(lines.slice(0, 12).map((line) => line.length > 70)).has(true)).toBe(false);
  });
});

describe("tlc run --find-rate", () => {
  const before = process.cwd();
  const work = mkdtempSync(join(tmpdir(), "tlc-rate-"));
  beforeAll(() => {
    process.chdir(work);
    const random = createRandom(3);
    const rows = Array.from({ length: 64 }, () => {
      const [a, b] = [random() * 2 - 1, random() * 2 - 1];
      return `${a},${b},${a + b > 0 ? "yes" : "no"}`;
    });
    writeFileSync("d.csv", `a,b,y\n${rows.join("\n")}\n`);
    writeFileSync(
      "r.tlspec",
      `network net {
  input values: f32[2]
  fc1: linear(16) -> relu
  fc2: linear(2)
}
dataset d {
  train table("d.csv", values: [a, b], label: y)
  split train into train 75%, val 25%
}
recipe r {
  network net
  data d
  loss cross_entropy
  batch 8
  stage head {
    freeze fc1
    optimizer sgd(lr: 0.1)
    schedule cosine
    epochs 2
    stop when val.loss stalls for 1, keep best
  }
  stage all {
    optimizer adam
    epochs 1
  }
}
`,
    );
  });
  afterAll(() => {
    process.chdir(before);
    rmSync(work, { recursive: true });
  });

  async function cli(...args: readonly string[]): Promise<{ readonly code: number; readonly out: string; readonly err: string }> {
    const text = { out: "", err: "" };
    const stream = (key: "out" | "err") => ({ write: (more: string) => (text[key] += more) });
    const code = await runCli(["run", ...args], { stdout: stream("out"), stderr: stream("err"), env: {}, toolchain });
    return { code, ...text };
  }

  it("tests the rates of the first stage, from little to much, and leaves nothing", async () => {
    const { code, out, err } = await cli("r.tlspec", "--find-rate", "--device", "reference", "--json");
    expect([code, err]).toEqual([0, ""]);
    const events = out
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    const rates = events.filter((it) => it["event"] === "rate").map((it) => Number(it["rate"]));
    const last = events.at(-1)!;
    expect(last).toMatchObject({ event: "rates", stage: "head", steps: rates.length });
    expect(rates[0]).toBeCloseTo(1e-7, 12);
    for (const [i, rate] of rates.entries()) expect(rate / (rates[i - 1] ?? rate / 10 ** (8 / 99))).toBeCloseTo(10 ** (8 / 99), 4);
    expect(Number(last["suggestion"])).toBeGreaterThan(1e-4);
    expect(readdirSync(".").sort()).toEqual(["d.csv", "r.tlspec"]);
  });

  it("shows a table, a picture and what to write", async () => {
    const { code, out } = await cli("r.tlspec", "--find-rate", "--device", "reference");
    expect(code).toBe(0);
    expect(out).toContain("rate      loss      smoothed");
    expect(out.split("\n").filter((line) => line.includes("*")).length).toBeGreaterThan(3);
    expect(out).toMatch(/it falls fastest at \S+: `optimizer sgd\(lr: \S+\)` \(the recipe has 0\.1\)/);
    expect(existsSync("runs")).toBe(false);
  });

  it("refuses what it could not do", async () => {
    expect((await cli("r.tlspec", "--find-rate", "-o", "w.safetensors")).err).toContain("--find-rate saves nothing");
    expect((await cli(".", "--find-rate")).err).toContain("--find-rate compiles a recipe");
  });
});

// Choosing by measuring, without a device: which candidate is taken, what is remembered, and what becomes of files that are no times.

import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it, vi } from "vitest";
import { warnOfChoices } from "../../src/runtime/embed/warn-of-choices.ts";
import { countTimes, keptTimes } from "../../src/runtime/tuning/kept-times.ts";
import { Tuner, type Choice, type Time } from "../../src/runtime/tuning/tuner.ts";

const folder = mkdtempSync(join(tmpdir(), "tlc-times-"));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const tunerOf = (machine: string): Tuner => new Tuner(machine, { times: keptTimes(folder) });

const contest = (...candidates: string[]) => ({ kernel: "matmul", layer: "fc1", candidates });

/** Chooses among candidates that take these microseconds, one list for each call; how often each was measured beside. */
async function choose(tuner: Tuner, times: readonly (readonly Time[])[], names = times.map((_, i) => `way ${i}`)) {
  const calls = times.map(() => 0);
  const { taken, choice } = await tuner.choose(contest(...names), (candidate) => {
    const call = calls[candidate] ?? 0;
    calls[candidate] = call + 1;
    const list = times[candidate] ?? [];
    return Promise.resolve(list[Math.min(call, list.length - 1)] ?? null);
  });
  return { taken, choice, calls };
}

it("an application is warned of a way that makes other numbers, and of nothing else", () => {
  const warn = vi.spyOn(process, "emitWarning").mockImplementation(() => undefined);
  const candidates = [
    { name: "a", microseconds: 5 },
    { name: "b", microseconds: null },
    { name: "c", microseconds: null, differs: true },
  ] as const;
  warnOfChoices([{ kernel: "matmul_3", taken: "a", why: "measured", candidates }]);
  expect(warn.mock.calls).toEqual([["matmul_3: c gives other numbers on this GPU, and is not used", "TlspecWarning"]]);
  warn.mockRestore();
});

describe("a tuner", () => {
  it("takes the fastest by the least of several rounds, and does not go on with what is hopeless", async () => {
    const { taken, choice, calls } = await choose(tunerOf("gpu"), [[100], [120, 60, 300], [900, 1]]);
    expect([taken, calls]).toEqual([1, [4, 4, 1]]);
    expect(choice).toEqual<Choice>({
      ...{ kernel: "matmul", layer: "fc1", taken: "way 1", why: "measured" },
      candidates: [
        { name: "way 0", microseconds: 100 },
        { name: "way 1", microseconds: 60 },
        { name: "way 2", microseconds: 900 },
      ],
    });
  });

  it("stays with the guess where another is not clearly faster, and leaves out what cannot run", async () => {
    const tuner = tunerOf("gpu");
    expect((await choose(tuner, [[100], [98]], ["a", "b"])).taken).toBe(0);
    expect((await choose(tuner, [[100], [96]], ["a", "c"])).taken).toBe(1);
    expect((await choose(tuner, [[100], [null]], ["a", "d"])).taken).toBe(0);
    expect((await choose(tuner, [[100], [50, null]], ["a", "e"])).taken).toBe(0);
  });

  it("measures once for a machine and candidates, in any later process", async () => {
    expect((await choose(tunerOf("gpu"), [[9], [5]])).taken).toBe(1);
    expect(await countTimes(folder)).toBe(1);
    const again = await choose(tunerOf("gpu"), [[1], [5]]);
    expect([again.taken, again.calls, again.choice.why]).toEqual([1, [0, 0], "remembered"]);
    expect(again.choice.candidates.map(({ microseconds }) => microseconds)).toEqual([9, 5]);
    const other = await choose(tunerOf("another gpu"), [[1], [5]]);
    expect([other.taken, other.choice.why]).toEqual([0, "measured"]);
    const others = await choose(tunerOf("gpu"), [[1], [5]], ["way 0", "way 1 of a newer library"]);
    expect(others.choice.why).toBe("measured");
  });

  it("measures again where a file is damaged, or holds what are no times", async () => {
    const first = tunerOf("gpu");
    await choose(first, [[9], [5]]);
    const path = join(folder, readdirSync(folder)[0] ?? "");
    const bytes = readFileSync(path);
    const why = async (): Promise<string> => (await choose(tunerOf("gpu"), [[9], [5]])).choice.why;
    for (const damaged of [bytes.subarray(0, 12), Buffer.from(bytes.toString("latin1").replace("9", "8"), "latin1"), Buffer.alloc(9000)]) {
      writeFileSync(path, damaged);
      expect(await why()).toBe("measured");
      expect(await why()).toBe("remembered");
    }
    // Whole files of somebody else's making.
    for (const content of [[1], [1, -2], [1, "2"], "no list", [1, Infinity]]) {
      await keptTimes(folder).keep("gpu\nway 0\nway 1", content as Time[]);
      expect(await why()).toBe(content[1] === Infinity ? "remembered" : "measured");
    }
  });
});

// How long one run of repeated work takes, by clocks that tell time as coarsely as those of WebGPU, and who wins a contest by them.

import { describe, expect, it } from "vitest";
import { Tuner, type Time } from "../../src/runtime/tuning/tuner.ts";
import { ENOUGH, timeOfOne } from "../../src/runtime/webgpu/stopwatch.ts";

/** Work that takes so many microseconds, by a clock that tells multiples of `quantum` since it was started at `phase`; counts beside. */
function coarse(microseconds: number, quantum: number, phase = 0) {
  const counts: number[] = [];
  const at = (time: number): number => quantum * Math.floor(time / quantum);
  const all = (count: number): Promise<number> => {
    counts.push(count);
    return Promise.resolve(at(phase + count * microseconds) - at(phase));
  };
  return { all, counts };
}

describe("a stopwatch", () => {
  it.each([
    [9, 100],
    [9, 65.536],
    [63, 100],
    [700, 100],
    [20_000, 65.536],
  ])("tells %f microseconds to a hundredth and a half by a clock of %f", async (microseconds, quantum) => {
    for (const phase of [0, 0.3, 0.99]) {
      const { all } = coarse(microseconds, quantum, phase * quantum);
      expect(Math.abs((await timeOfOne(all)) / microseconds - 1)).toBeLessThan(0.015);
    }
  });

  it("runs work as often as it takes and not much longer, and long work once", async () => {
    const long = coarse(9000, 100);
    await timeOfOne(long.all);
    expect(long.counts).toEqual([1]);
    for (const microseconds of [10, 40, 150, 900, 7900]) {
      const { all, counts } = coarse(microseconds, 100);
      await timeOfOne(all);
      expect(counts.reduce((sum, count) => sum + count, 0) * microseconds).toBeLessThan(4 * ENOUGH);
      expect(counts.length).toBeLessThan(6);
    }
    const quick = coarse(0.001, 100);
    expect(await timeOfOne(quick.all)).toBe(0);
    expect(Math.max(...quick.counts)).toBe(1024);
  });

  it("has the tuner take what is a twentieth faster, and not what is as fast, whenever the clock ticks", async () => {
    const times = { find: () => Promise.resolve(undefined), keep: () => Promise.resolve() };
    const taken = async (guess: number, other: number): Promise<number[]> => {
      const found: number[] = [];
      for (let n = 0; n < 20; n++) {
        let calls = 0;
        const measure = (candidate: number): Promise<Time> =>
          timeOfOne(coarse(candidate === 0 ? guess : other, 100, ((n * 37 + calls++ * 61) % 100) + 0.5).all);
        found.push((await new Tuner("gpu", { times }).choose({ kernel: "k", candidates: ["a", `b ${n}`] }, measure)).taken);
      }
      return [...new Set(found)];
    };
    expect(await taken(20, 18.8)).toEqual([1]);
    expect(await taken(20, 20)).toEqual([0]);
    expect(await taken(18.8, 20)).toEqual([0]);
  });
});

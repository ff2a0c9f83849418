// Streamed pictures: no more memory than a few windows take, however many there are; and threads that end by themselves.

import { linkSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { DataPlan } from "../../../src/ir/plan.ts";
import { describeData, loadSplit } from "../../../src/runtime/data/index.ts";
import { Windows, windowBatches } from "../../../src/runtime/data/windows.ts";

const root = mkdtempSync(join(tmpdir(), "tlc-streaming-"));
afterAll(() => rmSync(root, { recursive: true }));

const [SIDE, COUNT, BATCH] = [512, 600, 10];
const plan: DataPlan = { name: "d", sources: { train: { word: "images", args: { path: root } } }, splits: [], preprocess: [], augment: [] };

beforeAll(async () => {
  mkdirSync(join(root, "a"));
  const first = join(root, "a", "first.png");
  await sharp({ create: { width: SIDE, height: SIDE, channels: 3, background: "#123456" } })
    .png()
    .toFile(first);
  for (let i = 1; i < COUNT; i++) linkSync(first, join(root, "a", `${i}.png`));
});

describe("a stream of pictures", () => {
  it("keeps memory flat", async () => {
    const info = await describeData(plan);
    const split = await loadSplit(plan, "train", info, { streamAbove: 2 ** 28 });
    expect(split.streamed?.bytes).toBe(3 * SIDE * SIDE);
    const size = windowBatches(split, BATCH) * BATCH;
    const windows = Windows.inOrder(split, size);
    const before = process.memoryUsage().rss;
    let [most, seen] = [0, 0];
    for (let first = 0; first < COUNT; first += size) {
      const window = await windows.at(first);
      seen += window.count;
      expect(window.columns.get("image")?.data.length).toBe(window.count * 3 * SIDE * SIDE);
      most = Math.max(most, process.memoryUsage().rss - before);
    }
    expect(seen).toBe(COUNT);
    // All of them are 450 MiB, which is what it took to hold them.
    expect(most / 2 ** 20).toBeLessThan(300);
  });

  it("is none where all pictures may be held", async () => {
    const few: DataPlan = {
      ...plan,
      splits: [
        {
          from: "train",
          seed: 1,
          parts: [
            { name: "few", fraction: 0.01 },
            { name: "rest", fraction: 0.99 },
          ],
        },
      ],
    };
    const split = await loadSplit(few, "few", await describeData(plan), { streamAbove: 2 ** 28 });
    expect(split.streamed).toBeUndefined();
    expect(split.columns.get("image")?.data).toHaveLength(6 * 3 * SIDE * SIDE);
  });
});

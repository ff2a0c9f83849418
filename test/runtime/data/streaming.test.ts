// Streamed pictures: no more memory than a few windows take, however many there are; and threads that end by themselves.

import { linkSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { DataPlan } from "../../../src/ir/plan.ts";
import { describeData, loadSplit } from "../../../src/runtime/data/index.ts";
import type { Column } from "../../../src/runtime/data/loaded-split.ts";
import { inOrder, Windows, windowBatches } from "../../../src/runtime/data/windows.ts";

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
    const windows = new Windows(split, size);
    windows.begin(inOrder(split));
    // What is garbage is none of what is held, and when it is collected is the engine's affair.
    setFlagsFromString("--expose-gc");
    const collect = runInNewContext("gc") as () => void;
    const held = (): number => (collect(), process.memoryUsage().arrayBuffers);
    const before = held();
    let [most, seen] = [0, 0];
    for (let first = 0; first < COUNT; first += size) {
      const window = await windows.at(first);
      seen += window.count;
      expect(window.columns.get("image")?.data.length).toBe(window.count * 3 * SIDE * SIDE);
      most = Math.max(most, held() - before);
    }
    expect(seen).toBe(COUNT);
    // The window that is used and the one that is read are 30 MiB; all of them are 450, which is what it took to hold them.
    expect(most / 2 ** 20).toBeLessThan(60);
  });

  it("reads what an order begins with while the last of the order before it is used", async () => {
    const asked: number[][] = [];
    const read = (examples: Int32Array): Promise<Column> => {
      asked.push([...examples]);
      return Promise.resolve({ dtype: "u8", shape: [1], data: Uint8Array.from(examples) });
    };
    const streamed = { name: "image", dtype: "u8", shape: [1], bytes: 1, read } as const;
    const windows = new Windows({ count: 3, columns: new Map(), classes: [], streamed }, 2);
    const taken = async (first: number): Promise<unknown> => [...((await windows.at(first)).columns.get("image")?.data ?? [])];
    windows.begin(Int32Array.of(2, 0, 1), 0, () => Int32Array.of(1, 2, 0));
    expect(await taken(0)).toEqual([2, 0]);
    expect(await taken(2)).toEqual([1]);
    expect(asked).toEqual([[2, 0], [1], [1, 2]]);
    windows.begin(Int32Array.of(1, 2, 0));
    expect(await taken(0)).toEqual([1, 2]);
    expect(await taken(2)).toEqual([0]);
    // As it was said, and no more: nothing twice, and nothing behind the last.
    expect(asked.slice(3)).toEqual([[0]]);
    // What comes may be another order than was said.
    windows.begin(Int32Array.of(0, 1, 2), 2, () => Int32Array.of(2, 1, 0));
    expect(await taken(2)).toEqual([2]);
    windows.begin(Int32Array.of(2, 0, 1));
    expect(await taken(0)).toEqual([2, 0]);
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

  it("of sizes of their own lie one behind the other, however many threads read them", async () => {
    const folder = join(root, "..", `${basename(root)}-sizes`);
    mkdirSync(join(folder, "a"), { recursive: true });
    try {
      for (let i = 0; i < 40; i++) {
        const [width, height] = [10 + (i % 7), 10 + ((3 * i) % 11)];
        const data = Uint8Array.from({ length: width * height }, (_, j) => (17 * i + 31 * j) & 255);
        await sharp(data, { raw: { width, height, channels: 1 } })
          .png()
          .toFile(join(folder, "a", `${String(i).padStart(2, "0")}.png`));
      }
      const sized: DataPlan = {
        ...plan,
        sources: { train: { word: "images", args: { path: folder } } },
        preprocess: [{ word: "resize", args: { size: 9, filter: "bilinear" } }],
        augment: [{ word: "random_resized_crop", args: { size: [8, 8], scale: [0.1, 1], ratio: [1, 1] } }],
      };
      const info = await describeData(sized);
      const [held, streamed] = [undefined, 0].map((streamAbove) => loadSplit(sized, "train", info, { streamAbove }));
      const whole = (await held)?.columns.get("image");
      expect(whole?.places).toBeDefined();
      // A thread takes eight or more.
      const all = Int32Array.from({ length: 40 }, (_, i) => i);
      expect(await (await streamed)?.streamed?.read(all)).toEqual(whole);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

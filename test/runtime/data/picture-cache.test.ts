// Decoded pictures that are kept: the same pixels, for as long as nothing that they depend on has changed, and whatever lies in the folder.

import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import type { DataPlan, WordPlan } from "../../../src/ir/plan.ts";
import { planOf } from "../../../src/ir/recipe/define.ts";
import { centerCrop } from "../../../src/ir/recipe/steps/center-crop.ts";
import { randomCrop } from "../../../src/ir/recipe/steps/random-crop.ts";
import { resize } from "../../../src/ir/recipe/steps/resize.ts";
import type { ReadProgress } from "../../../src/runtime/data/access.ts";
import { describeData, loadSplit } from "../../../src/runtime/data/index.ts";
import type { Column } from "../../../src/runtime/data/loaded-split.ts";

const COUNT = 120;
const root = mkdtempSync(join(tmpdir(), "tlc-cache-"));
const cache = join(root, "cache", "pictures");
const folder = join(root, "pictures");
const file = (i: number): string => join(folder, "a", `${String(i).padStart(3, "0")}.png`);
const crop = [planOf(centerCrop, { size: [4, 4] })];

const png = (width: number, height: number, level: number): Promise<Buffer> =>
  sharp(Buffer.from(Array.from({ length: width * height * 3 }, (_, i) => (i * level) % 251)), { raw: { width, height, channels: 3 } })
    .png({ compressionLevel: 0 })
    .toBuffer();

/** Sets the clock to so many milliseconds after the last file was written: it counts as settled after two seconds. */
function waitAfterWriting(ms: number): void {
  const written = Array.from({ length: COUNT }, (_, i) => statSync(file(i)).ctimeMs);
  vi.spyOn(Date, "now").mockReturnValue(Math.max(...written) + ms);
}

beforeAll(async () => {
  mkdirSync(join(folder, "a"), { recursive: true });
  for (let i = 0; i < COUNT; i++) writeFileSync(file(i), await png(6 + (i % 3), 7, i + 1));
  waitAfterWriting(2100);
});
afterAll(() => {
  vi.mocked(Date.now).mockRestore();
  rmSync(root, { recursive: true });
});
beforeEach(() => rmSync(cache, { recursive: true, force: true }));

const planFor = (preprocess: WordPlan[], augment: WordPlan[] = []): DataPlan => ({
  ...{ name: "d", splits: [], preprocess, augment },
  sources: { train: { word: "images", args: { path: folder } } },
});

async function load(plan: DataPlan, within?: string): Promise<{ readonly column: Column; readonly isKept: boolean }> {
  const seen: ReadProgress[] = [];
  const info = await describeData(plan);
  const split = await loadSplit(plan, "train", info, { cache: within ?? cache, onRead: (it) => seen.push(it) });
  expect(seen.at(-1)).toEqual({ done: COUNT, total: COUNT });
  // Whoever decodes says so on the way.
  return { column: split.columns.get("image")!, isKept: seen.length === 1 };
}

const entries = (): string[] => readdirSync(cache).map((name) => join(cache, name));

describe("decoded pictures", () => {
  it.each([
    ["of one size", planFor(crop)],
    ["of sizes of their own", planFor([planOf(resize, { size: 5 }), ...crop], [planOf(randomCrop, { size: [4, 4] })])],
  ])("%s are the same from the cache, and in nobody else's sight", async (_, plan) => {
    const first = await load(plan);
    const second = await load(plan);
    expect([first.isKept, second.isKept]).toEqual([false, true]);
    expect(second.column).toEqual(first.column);
    expect(statSync(cache).mode & 0o077).toBe(0);
    expect(entries()).toHaveLength(1);
  });

  it("are decoded again by other steps, and of another file", async () => {
    const { column } = await load(planFor(crop));
    expect((await load(planFor([planOf(centerCrop, { size: [4, 3] })]))).isKept).toBe(false);
    expect(entries()).toHaveLength(2);
    // The same steps and sizes in another order.
    const [taller, wider] = [planOf(centerCrop, { size: [5, 5] }), planOf(resize, { size: [4, 4] })];
    expect((await load(planFor([taller, wider]))).isKept).toBe(false);
    expect((await load(planFor([planOf(centerCrop, { size: [6, 6] }), wider]))).isKept).toBe(false);
    expect(entries()).toHaveLength(4);
    // The same size and time, as copying tools leave them.
    const { mtime, atime } = statSync(file(5));
    const before = readFileSync(file(5));
    writeFileSync(file(5), await png(8, 7, 200));
    utimesSync(file(5), atime, mtime);
    expect(statSync(file(5)).size).toBe(before.length);
    waitAfterWriting(1900);
    const unsettled = await load(planFor(crop));
    expect(unsettled.isKept).toBe(false);
    expect(unsettled.column.data).not.toEqual(column.data);
    expect(entries()).toHaveLength(4);
    waitAfterWriting(2100);
    expect((await load(planFor(crop))).column).toEqual(unsettled.column);
    expect(entries()).toHaveLength(5);
  });

  it.each<[string, (path: string) => void]>([
    ["cut off", (path) => truncateSync(path, statSync(path).size - 1)],
    ["empty", (path) => truncateSync(path, 0)],
    ["longer", (path) => writeFileSync(path, Buffer.concat([readFileSync(path), Buffer.from([0])]))],
    [
      "changed by a bit",
      (path) =>
        writeFileSync(
          path,
          readFileSync(path).map((byte, i) => (i === 100 ? byte ^ 1 : byte)),
        ),
    ],
    ["of no end", (path) => truncateSync(path, 2 ** 33)],
  ])("are decoded again where their file is %s", async (_, damage) => {
    const first = await load(planFor(crop));
    for (const path of entries()) damage(path);
    const again = await load(planFor(crop));
    expect(again).toEqual(first);
    expect((await load(planFor(crop))).isKept).toBe(true);
  });

  it("are the same for several readers at a time", async () => {
    const all = await Promise.all([1, 2, 3].map(() => load(planFor(crop))));
    for (const { column } of all) expect(column).toEqual(all[0]!.column);
    expect(entries()).toHaveLength(1);
  });

  it("do without a cache that cannot be written", async () => {
    const first = await load(planFor(crop));
    const inTheWay = file(0);
    expect((await load(planFor(crop), join(inTheWay, "cache"))).column).toEqual(first.column);
  });

  it("push out what was used longest ago", async () => {
    await load(planFor([planOf(centerCrop, { size: [4, 3] })]));
    const [used] = entries();
    const [old, older] = [join(cache, "old.pictures"), join(cache, "older.pictures")];
    for (const [path, seconds] of [
      [old, 1000],
      [older, 500],
    ] as const) {
      writeFileSync(path, "");
      truncateSync(path, 3 * 2 ** 30);
      utimesSync(path, seconds, seconds);
    }
    await load(planFor(crop));
    expect(entries()).toEqual(expect.arrayContaining([used, old]));
    expect(entries()).not.toContain(older);
  });
});

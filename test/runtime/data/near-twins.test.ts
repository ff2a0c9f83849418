// Examples that are nearly those of another split are found, and those that are alike by nature are not.

import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import sharp from "sharp";
import { describe, expect, it } from "vitest";
import { sizeOf } from "../../../src/ir/types.ts";
import { splitFromArrays, type LoadedSplit } from "../../../src/runtime/data/loaded-split.ts";
import { nearTwins } from "../../../src/runtime/data/near-twins.ts";
import { twinsOf } from "../../../src/runtime/data/twins.ts";
import { createRandom } from "../../support/random.ts";
import { stillClock } from "../../support/still-clock.ts";
import { temporaryFolder } from "../../support/temporary.ts";

// A warning may cost only so much time.
stillClock();

const SIDE = 64;
const folder = temporaryFolder("tlc-near-");

/** What has large and small parts, as photographs have: a sum of waves, and noise. */
function photograph(seed: number): Uint8Array {
  const random = createRandom(seed);
  const waves = Array.from({ length: 3 * 12 }, () => [random() * 0.2, random() * 0.2, random() * 6.3, 8 + random() * 24] as const);
  return Uint8Array.from({ length: SIDE * SIDE * 3 }, (_, i) => {
    const [c, x, y] = [i % 3, Math.floor(i / 3) % SIDE, Math.floor(i / 3 / SIDE)];
    const value = waves.slice(12 * c, 12 * c + 12).reduce((sum, [u, v, at, size]) => sum + size * Math.sin(u * x + v * y + at), 128);
    return Math.max(0, Math.min(255, value + 10 * (random() - 0.5)));
  });
}

const raw = { raw: { width: SIDE, height: SIDE, channels: 3 as const } };

/** Pictures by channel, as they are stored, and the files that they are of. */
async function splitOf(name: string, files: readonly Buffer[], side = SIDE): Promise<LoadedSplit> {
  mkdirSync(join(folder, name), { recursive: true });
  const data = new Uint8Array(files.length * 3 * side * side);
  const paths = files.map((content, i) => {
    const path = join(folder, name, `${i}.picture`);
    writeFileSync(path, content);
    return path;
  });
  for (const [i, content] of files.entries()) {
    const pixels = await sharp(content).removeAlpha().toColourspace("srgb").resize(side, side).raw().toBuffer();
    for (let k = 0; k < side * side; k++) for (let c = 0; c < 3; c++) data[(i * 3 + c) * side * side + k] = pixels[3 * k + c] ?? 0;
  }
  return {
    count: files.length,
    classes: ["a"],
    columns: new Map([["image", { dtype: "u8", shape: [3, side, side], data }]]),
    files: paths,
  };
}

describe("pictures", () => {
  it("that were compressed again, brightened a little or scaled are named, others are not", async () => {
    const seeds = Array.from({ length: 60 }, (_, i) => i + 1);
    const train = await splitOf("train", await Promise.all(seeds.map((seed) => sharp(photograph(seed), raw).png().toBuffer())));
    const changed = [
      sharp(photograph(5), raw).jpeg({ quality: 60 }),
      sharp(photograph(9), raw).webp({ quality: 75 }),
      sharp(await sharp(photograph(20), raw).resize(128, 128).png().toBuffer()),
      sharp(photograph(33), raw).linear(1, 1).png(),
    ];
    const fresh = Array.from({ length: 40 }, (_, i) => sharp(photograph(1000 + i), raw).png());
    const copy = sharp(photograph(40), raw).png();
    const test = await splitOf("test", await Promise.all([...changed, ...fresh, copy].map((it) => it.toBuffer())));
    const pairs = nearTwins(train, test, ["label"], Infinity);
    expect(pairs).toEqual([
      [4, 0],
      [8, 1],
      [19, 2],
      [32, 3],
      [39, 44],
    ]);
    // What is a file of both is that, and no likeness.
    const said = twinsOf({ train, val: undefined, test }, ["label"]);
    expect(said.map(({ count, isNear }) => [count, isNear])).toEqual([
      [1, false],
      [4, true],
    ]);
    expect(said[1]?.names[0]).toEqual([test.files?.[0], train.files?.[4]]);
  });

  it("that are drawings of the same letters are none", async () => {
    const root = "specs/examples/data/glyphs";
    const all = readdirSync(root, { recursive: true, withFileTypes: true }).filter((it) => it.isFile() && /\.(png|jpe?g)$/.test(it.name));
    const files = await Promise.all(all.slice(0, 800).map((it) => sharp(join(it.parentPath, it.name)).png().toBuffer()));
    expect(files.length).toBeGreaterThan(100);
    const [even, odd] = [0, 1].map((rest) => files.filter((_, i) => i % 2 === rest)) as [Buffer[], Buffer[]];
    const pairs = nearTwins(await splitOf("even", even, 24), await splitOf("odd", odd, 24), ["label"], Infinity);
    expect(pairs).toEqual([]);
  });

  it("that show nothing are none", async () => {
    const plain = (level: number): Promise<Buffer> =>
      sharp({ create: { width: SIDE, height: SIDE, channels: 3, background: { r: level, g: level, b: level } } })
        .png()
        .toBuffer();
    const [one, two] = [await splitOf("one", [await plain(30), await plain(31)]), await splitOf("two", [await plain(31), await plain(30)])];
    expect(nearTwins(one, two, ["label"], Infinity)).toEqual([]);
  });
});

describe("rows", () => {
  const info = (size: number) => ({
    inputs: [{ name: "x", dtype: "f32" as const, shape: [size] }],
    label: { name: "label", dtype: "i32" as const, shape: [] },
    classes: ["a", "b"],
  });
  const random = createRandom(4);
  const split = (values: Float32Array, size: number): LoadedSplit =>
    splitFromArrays(info(size), { x: values, label: new Int32Array(values.length / size) });

  it("whose numbers were rounded are named, where they are enough", () => {
    for (const [size, found] of [
      [20, [[7, 1]]],
      [10, []],
    ] as const) {
      const train = Float32Array.from({ length: 50 * size }, () => 100 * random());
      const test = Float32Array.from({ length: 3 * size }, () => 100 * random());
      test.set(
        train.subarray(7 * size, 8 * size).map((value) => value + 1e-5 * (random() - 0.5)),
        size,
      );
      expect(sizeOf([50, size])).toBe(train.length);
      expect(nearTwins(split(train, size), split(test, size), ["label"], Infinity)).toEqual(found);
    }
  });
});

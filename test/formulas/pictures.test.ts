// Every step of preprocessing and augmentation that runs on the device, against arithmetic on pixels. What is random must stay in its
// range, reach all of it, and come out as often as it should.

import { describe, expect, it } from "vitest";
import { AUGMENT, PREPROCESS } from "../../src/ir/recipe/steps/index.ts";
import { distinct, openCamera, type Camera, type Pictures } from "../support/pictures.ts";

const levelAt = ({ height, width, levels }: Pictures, c: number, y: number, x: number): number =>
  levels[(c * height + y) * width + x] ?? NaN;

/** The window of `size` at (top, left); black outside the picture. */
function crop(from: Pictures, top: number, left: number, size: readonly [number, number]): number[] {
  const out: number[] = [];
  for (let c = 0; c < from.channels; c++)
    for (let y = top; y < top + size[0]; y++)
      for (let x = left; x < left + size[1]; x++)
        out.push(y < 0 || x < 0 || y >= from.height || x >= from.width ? 0 : levelAt(from, c, y, x) / 255);
  return out;
}

const mirror = (picture: readonly number[], width: number): number[] =>
  picture.map((_, i) => picture[i - (i % width) + width - 1 - (i % width)] ?? NaN);

const isSame = (a: readonly number[], b: readonly number[]): boolean =>
  a.length === b.length && a.every((v, i) => Math.abs(v - (b[i] ?? NaN)) < 1e-5);

const expectPicture = (actual: readonly number[], expected: readonly number[]): void => {
  expect(actual.length).toBe(expected.length);
  actual.forEach((v, i) => expect(v).toBeCloseTo(expected[i] ?? NaN, 5));
};

async function draws(camera: Camera, steps: number): Promise<number[][]> {
  const all: number[][] = [];
  for (let step = 0; step < steps; step++) all.push(...(await camera.train()));
  return all;
}

/** How often each candidate came out; every draw must be one of them. */
function tally(pictures: readonly (readonly number[])[], candidates: ReadonlyMap<string, readonly number[]>): Map<string, number> {
  const counts = new Map([...candidates.keys()].map((name) => [name, 0]));
  for (const picture of pictures) {
    const name = [...candidates].find(([, candidate]) => isSame(picture, candidate))?.[0];
    if (name === undefined) expect.fail(`no candidate looks like ${picture.map((v) => Math.round(v * 255)).join(" ")}`);
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return counts;
}

/** All equally likely: within five standard deviations. */
function expectEven(counts: ReadonlyMap<string, number>): void {
  const total = [...counts.values()].reduce((sum, n) => sum + n, 0);
  const share = 1 / counts.size;
  const deviation = Math.sqrt(total * share * (1 - share));
  for (const [name, count] of counts)
    expect(Math.abs(count - total * share), `${name} came ${count} times of ${total}`).toBeLessThan(5 * deviation);
}

it("every step is held against pixels", () => {
  const here = ["center_crop", "normalize", "random_crop", "random_resized_crop", "horizontal_flip"];
  const onTheHost = ["resize", "grayscale"]; // test/ir/recipe/pil-resize.test.ts, test/runtime/data/images.test.ts
  expect([...PREPROCESS, ...AUGMENT].map(({ name }) => name).sort()).toEqual([...here, ...onTheHost].sort());
});

describe("preprocessing", () => {
  const rgb = distinct(3, 4, 4);
  it.each([
    ["", [0, 0, 0], [1, 1, 1]],
    ["preprocess normalize(imagenet)", [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]],
    ["preprocess normalize(cifar10)", [0.4914, 0.4822, 0.4465], [0.247, 0.2435, 0.2616]],
    ["preprocess normalize(mean: [0.5, 0.25, 0], std: [0.5, 2, 0.125])", [0.5, 0.25, 0], [0.5, 2, 0.125]],
    ["preprocess normalize(mean: [0.5], std: [0.25])", [0.5, 0.5, 0.5], [0.25, 0.25, 0.25]],
  ])("%s: levels over 255, less the mean, over the deviation, in training and after it", async (line, mean, std) => {
    const camera = await openCamera(line, [3, 4, 4], rgb);
    const expected = crop(rgb, 0, 0, [4, 4]).map((v, i) => {
      const c = Math.floor(i / 16);
      return (v - (mean[c] ?? NaN)) / (std[c] ?? NaN);
    });
    expectPicture(await camera.predict(), expected);
    for (const picture of await camera.train()) expectPicture(picture, expected);
  });

  // torchvision: int(round((height - size) / 2)), and Python rounds halves to even.
  it.each([
    [4, 5, 0, 0],
    [7, 10, 2, 3],
    [9, 6, 2, 1],
    [11, 13, 4, 4],
  ])("center_crop(4) of %i x %i begins at (%i, %i)", async (height, width, top, left) => {
    const from = distinct(1, height, width);
    const camera = await openCamera("preprocess center_crop(4)", [1, 4, 4], from);
    expectPicture(await camera.predict(), crop(from, top, left, [4, 4]));
    for (const picture of await camera.train()) expectPicture(picture, crop(from, top, left, [4, 4]));
  });
});

describe("augmentation", () => {
  const offsets = (from: Pictures, size: number, padding: number): Map<string, number[]> => {
    const candidates = new Map<string, number[]>();
    for (let top = -padding; top <= from.height + padding - size; top++)
      for (let left = -padding; left <= from.width + padding - size; left++)
        candidates.set(`${top}, ${left}`, crop(from, top, left, [size, size]));
    return candidates;
  };

  it.each([
    ["random_crop(3)", 3, 0, 6],
    ["random_crop(4, padding: 1)", 4, 1, 12],
    ["random_crop(4, padding: 2)", 4, 2, 30],
  ])("%s takes every offset equally often", async (step, size, padding, count) => {
    const from = distinct(2, 4, 5);
    const candidates = offsets(from, size, padding);
    expect(candidates.size).toBe(count);
    const camera = await openCamera(`preprocess center_crop(${size})\n  augment ${step}`, [2, size, size], from, { batch: 16 });
    expectEven(tally(await draws(camera, 75), candidates));
  });

  it.each([
    ["horizontal_flip", 0.5],
    ["horizontal_flip(0.2)", 0.2],
    ["horizontal_flip(1)", 1],
  ])("%s mirrors every picture exactly or not at all", async (step, probability) => {
    const from = distinct(2, 3, 4);
    const whole = crop(from, 0, 0, [3, 4]);
    const camera = await openCamera(`augment ${step}`, [2, 3, 4], from, { batch: 16 });
    const counts = tally(
      await draws(camera, 75),
      new Map([
        ["plain", whole],
        ["mirrored", mirror(whole, 4)],
      ]),
    );
    const share = (counts.get("mirrored") ?? NaN) / (16 * 75);
    expect(Math.abs(share - probability)).toBeLessThanOrEqual(5 * Math.sqrt((probability * (1 - probability)) / (16 * 75)));
    expectPicture(await camera.predict(), whole);
  });

  it("crops and mirrors independently", async () => {
    const from = distinct(1, 4, 5);
    const crops = offsets(from, 3, 0);
    const candidates = new Map(
      [...crops].flatMap(([name, it]): [string, number[]][] => [
        [name, it],
        [`${name} mirrored`, mirror(it, 3)],
      ]),
    );
    const camera = await openCamera("preprocess center_crop(3)\n  augment random_crop(3) -> horizontal_flip", [1, 3, 3], from, {
      batch: 16,
    });
    expectEven(tally(await draws(camera, 75), candidates));
  });

  it("crops what a center_crop would have in evaluation", async () => {
    const from = distinct(1, 6, 6);
    const camera = await openCamera("preprocess center_crop(4)\n  augment random_crop(4)", [1, 4, 4], from, { batch: 16 });
    expectPicture(await camera.predict(), crop(from, 1, 1, [4, 4]));
    expectEven(tally(await draws(camera, 75), offsets(from, 4, 0)));
  });

  it("draws anew for every step, the same for the same seed", async () => {
    const from = distinct(1, 6, 6);
    const two = async (seed: number): Promise<number[][]> =>
      draws(await openCamera("preprocess center_crop(3)\n  augment random_crop(3) -> horizontal_flip", [1, 3, 3], from, { seed }), 2);
    const first = await two(1);
    expect(first.slice(0, 8)).not.toEqual(first.slice(8));
    expect(await two(1)).toEqual(first);
    expect(await two(2)).not.toEqual(first);
  });
});

describe("random_resized_crop", () => {
  const SIZE = 4;
  const [height, width] = [9, 12];
  // Red is the column and green the row, twenty levels each, so that a pixel says where it was taken.
  const from: Pictures = {
    ...{ channels: 2, height, width },
    levels: Uint8Array.from(
      { length: 2 * height * width },
      (_, i) => 20 * (i < height * width ? i % width : Math.floor(i / width) - height),
    ),
  };
  /** Where a picture's columns or rows were taken, of the middle row or column. */
  const positions = (picture: readonly number[], axis: "x" | "y"): number[] =>
    Array.from({ length: SIZE }, (_, i) => ((axis === "x" ? picture[SIZE + i] : picture[SIZE * SIZE + i * SIZE + 1]) ?? NaN) * (255 / 20));
  /** The box along an axis. At its two ends positions are clamped to the picture, between them they are not. */
  const along = (p: readonly number[]): { readonly start: number; readonly extent: number } => {
    const step = (p[2] ?? NaN) - (p[1] ?? NaN);
    return { start: (p[1] ?? NaN) + 0.5 - 1.5 * step, extent: step * SIZE };
  };

  const open = (): Promise<Camera> =>
    openCamera(
      `preprocess center_crop(${SIZE})\n  augment random_resized_crop(${SIZE}, scale: 0.3..0.8, ratio: 0.5..2)`,
      [2, SIZE, SIZE],
      from,
      { batch: 16 },
    );

  it("takes boxes of the wanted areas and shapes, anywhere in the picture, and scales them bilinearly", async () => {
    const boxes = (await draws(await open(), 60)).map((picture) => {
      const [x, y] = [along(positions(picture, "x")), along(positions(picture, "y"))];
      // The whole picture is what sampling that box at the centres of its sixteen parts gives.
      const expected = [x, y].map(({ start, extent }, axis) =>
        Array.from({ length: SIZE }, (_, i) =>
          Math.min(Math.max(start + ((i + 0.5) * extent) / SIZE - 0.5, 0), (axis === 0 ? width : height) - 1),
        ),
      );
      picture.forEach((v, i) => {
        const position = i < SIZE * SIZE ? expected[0]?.[i % SIZE] : expected[1]?.[Math.floor((i % (SIZE * SIZE)) / SIZE)];
        expect(v * (255 / 20)).toBeCloseTo(position ?? NaN, 3);
      });
      for (const [{ start, extent }, limit] of [
        [x, width],
        [y, height],
      ] as const) {
        expect(start).toBeGreaterThan(-1e-3);
        expect(start + extent).toBeLessThan(limit + 1e-3);
      }
      return { x, y };
    });
    const free = boxes.filter(({ x, y }) => x.extent < width - 1e-3 && y.extent < height - 1e-3);
    expect(free.length).toBeGreaterThan(boxes.length / 2);
    expect(free.length).toBeLessThan(boxes.length);
    const areas = free.map(({ x, y }) => (x.extent * y.extent) / (width * height));
    const ratios = free.map(({ x, y }) => x.extent / y.extent);
    expectReaches(areas, 0.3, 0.8);
    expectReaches(ratios, 0.5, 2);
    // Wide and narrow boxes are equally likely: ratios are even on a logarithmic scale. Boxes of middling area all fit.
    const small = free.filter((_, i) => (areas[i] ?? 1) < 0.34);
    const narrow = small.filter(({ x, y }) => x.extent < y.extent).length / small.length;
    expect(Math.abs(narrow - 0.5)).toBeLessThan(0.2);
    for (const [limit, axis] of [
      [width, "x"],
      [height, "y"],
    ] as const) {
      const places = free.filter((it) => limit - it[axis].extent > 1).map((it) => it[axis].start / (limit - it[axis].extent));
      expectReaches(places, 0, 1);
      const mean = places.reduce((sum, v) => sum + v, 0) / places.length;
      expect(Math.abs(mean - 0.5)).toBeLessThan(5 / Math.sqrt(12 * places.length));
    }
  });

  it("leaves pictures whole in evaluation", async () => {
    const whole = { ...from, height: SIZE, width: SIZE, levels: from.levels.slice(0, 2 * SIZE * SIZE) };
    const plain = await openCamera(`augment random_resized_crop(${SIZE})`, [2, SIZE, SIZE], whole);
    expectPicture(await plain.predict(), crop(whole, 0, 0, [SIZE, SIZE]));
  });
});

/** All values in the range, and some within a twentieth of either end. */
function expectReaches(values: readonly number[], low: number, high: number): void {
  const [least, most] = [Math.min(...values), Math.max(...values)];
  expect(least).toBeGreaterThan(low - 1e-3);
  expect(most).toBeLessThan(high + 1e-3);
  expect(least).toBeLessThan(low + (high - low) / 20);
  expect(most).toBeGreaterThan(high - (high - low) / 20);
}

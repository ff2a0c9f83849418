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
    expect(Math.abs(count - total * share), `${name} came ${count} times of ${total}`).toBeLessThanOrEqual(5 * deviation);
}

it("every step is held against pixels", () => {
  const here = ["center_crop", "normalize", "random_crop", "random_resized_crop", "horizontal_flip"];
  const elsewhere = ["color_jitter", "random_rotation", "random_affine", "random_erasing", "mixup", "cutmix"]; // distortions.test.ts, mixing.test.ts
  const automatic = ["rand_augment", "trivial_augment"]; // auto-augment.test.ts
  const onTheHost = ["resize", "grayscale", "pad"]; // test/ir/recipe/resample.test.ts, test/runtime/data/picture-goldens.test.ts
  expect([...PREPROCESS, ...AUGMENT].map(({ name }) => name).sort()).toEqual([...here, ...elsewhere, ...automatic, ...onTheHost].sort());
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
  // Red is the column and green the row, so that a pixel says where it was taken.
  const ramps = (height: number, width: number): Pictures => {
    const place = (i: number): number => (i < height * width ? i % width : Math.floor(i / width) - height);
    return { channels: 2, height, width, levels: Uint8Array.from({ length: 2 * height * width }, (_, i) => 6 * place(i)) };
  };
  const from = ramps(9, 12);
  /** What one row or column of the ramps becomes when PIL cuts `extent` pixels out from `start` on, and scales them to SIZE. */
  const scaled = (start: number, extent: number): number[] =>
    Array.from({ length: SIZE }, (_, i) => {
      const center = ((i + 0.5) * extent) / SIZE;
      const support = Math.max(1, extent / SIZE);
      let [sum, total] = [0, 0];
      for (let k = Math.max(0, Math.trunc(center - support + 0.5)); k < Math.min(extent, Math.trunc(center + support + 0.5)); k++) {
        const weight = 1 - Math.abs((k + 0.5 - center) / support);
        sum += weight * (start + k);
        total += weight;
      }
      return sum / total;
    });
  interface Box {
    readonly top: number;
    readonly left: number;
    readonly height: number;
    readonly width: number;
  }
  /** The one box whose pixels these are. */
  const boxOf = (picture: readonly number[], { height, width }: Pick<Pictures, "height" | "width">): Box => {
    const levels = picture.map((v) => (v * 255) / 6);
    const columns = levels.slice(0, SIZE);
    const rows = Array.from({ length: SIZE }, (_, y) => levels[SIZE * SIZE + y * SIZE] ?? NaN);
    const find = (values: readonly number[], limit: number): [number, number] => {
      for (let extent = 1; extent <= limit; extent++)
        for (let start = 0; start + extent <= limit; start++)
          if (scaled(start, extent).every((v, i) => Math.abs(v - (values[i] ?? NaN)) < 1e-3)) return [start, extent];
      return expect.fail(`no box gives ${values.join(" ")}`);
    };
    const [[left, w], [top, h]] = [find(columns, width), find(rows, height)];
    levels.forEach((v, i) => {
      expect(v).toBeCloseTo((i < SIZE * SIZE ? columns[i % SIZE] : rows[Math.floor(i / SIZE) - SIZE]) ?? NaN, 3);
    });
    return { top, left, height: h, width: w };
  };

  type Range = readonly [number, number];
  /** torchvision.transforms.RandomResizedCrop.get_params, line by line. */
  const torchvision = (height: number, width: number, scale: Range, ratio: Range, random: () => number): Box => {
    const uniform = ([low, high]: Range): number => low + (high - low) * random();
    for (let attempt = 0; attempt < 10; attempt++) {
      const area = height * width * uniform(scale);
      const proportion = Math.exp(uniform([Math.log(ratio[0]), Math.log(ratio[1])]));
      const [w, h] = [Math.round(Math.sqrt(area * proportion)), Math.round(Math.sqrt(area / proportion))];
      if (w <= 0 || w > width || h <= 0 || h > height) continue;
      return { height: h, width: w, top: Math.floor(random() * (height - h + 1)), left: Math.floor(random() * (width - w + 1)) };
    }
    const given = width / height;
    const w = given > ratio[1] ? Math.round(height * ratio[1]) : width;
    const h = given < ratio[0] ? Math.round(width / ratio[0]) : height;
    return { height: h, width: w, top: Math.floor((height - h) / 2), left: Math.floor((width - w) / 2) };
  };
  let state = 1;
  const random = (): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  const shares = (boxes: readonly Box[], key: (box: Box) => string): Map<string, number> => {
    const counts = new Map<string, number>();
    for (const box of boxes) counts.set(key(box), (counts.get(key(box)) ?? 0) + 1 / boxes.length);
    return counts;
  };

  it.each<[string, Range, Range]>([
    ["usual", [0.08, 1], [3 / 4, 4 / 3]],
    ["large, and often too wide", [0.6, 1], [1.5, 3]],
    ["long, as often high as wide,", [0.1, 0.2], [1 / 4, 4]],
    ["of the whole picture", [1, 1], [4 / 3, 4 / 3]],
    ["of no box that fits", [1, 1], [0.5, 0.5]],
  ])("takes %s boxes as torchvision does, as often, and scales them as PIL does", async (_, scale, ratio) => {
    const text = `scale: ${scale.join("..")}, ratio: ${ratio.join("..")}`;
    const line = `preprocess center_crop(${SIZE})\n  augment random_resized_crop(${SIZE}, ${text})`;
    const camera = await openCamera(line, [2, SIZE, SIZE], from, { batch: 16 });
    const boxes = (await draws(camera, 80)).map((picture) => boxOf(picture, from));
    const expected = Array.from({ length: 50_000 }, () => torchvision(from.height, from.width, scale, ratio, random));
    const keys: readonly ((box: Box) => string)[] = [
      ({ height, width }) => `${height} x ${width}`,
      ({ top, height }) => `row ${top} of ${height}`,
      ({ left, width }) => `column ${left} of ${width}`,
    ];
    for (const key of keys) {
      const [found, wanted] = [shares(boxes, key), shares(expected, key)];
      for (const box of new Set([...found.keys(), ...wanted.keys()])) {
        const [share, probability] = [found.get(box) ?? 0, wanted.get(box) ?? 0];
        const deviation = Math.sqrt((probability * (1 - probability) + 1e-5) * (1 / boxes.length + 1 / expected.length));
        expect(Math.abs(share - probability), `${box}: ${share} of ${probability}`).toBeLessThan(5 * deviation);
      }
    }
  });

  it("leaves pictures whole in evaluation", async () => {
    const whole = { ...from, height: SIZE, width: SIZE, levels: from.levels.slice(0, 2 * SIZE * SIZE) };
    const plain = await openCamera(`augment random_resized_crop(${SIZE})`, [2, SIZE, SIZE], whole);
    expectPicture(await plain.predict(), crop(whole, 0, 0, [SIZE, SIZE]));
  });

  it("reaches all of each picture, where they have sizes of their own", async () => {
    const pictures = [ramps(8, 20), ramps(11, 8), ramps(8, 8)];
    const line = `preprocess resize(8) -> center_crop(${SIZE})\n  augment random_resized_crop(${SIZE}, scale: 0.1..0.4)`;
    const camera = await openCamera(line, [2, SIZE, SIZE], pictures[2]!, { batch: 12, others: pictures.slice(0, 2) });
    // Examples go round among the pictures.
    const seen = pictures.map((): Box[] => []);
    for (let step = 0; step < 90; step++)
      for (const [i, picture] of (await camera.train()).entries()) seen[i % 3]!.push(boxOf(picture, pictures[i % 3]!));
    for (const [i, boxes] of seen.entries()) {
      const { height, width } = pictures[i]!;
      expect(Math.min(...boxes.map(({ left }) => left))).toBe(0);
      expect(Math.max(...boxes.map((it) => it.left + it.width))).toBe(width);
      expect(Math.min(...boxes.map(({ top }) => top))).toBe(0);
      expect(Math.max(...boxes.map((it) => it.top + it.height))).toBe(height);
    }
  });
});

describe("pictures of sizes of their own", () => {
  const pictures = [distinct(1, 7, 5), distinct(1, 5, 9), distinct(1, 5, 5)];
  const [wide, tall, last] = [pictures[1]!, pictures[0]!, pictures[2]!];
  const others = [tall, wide];
  const all = (picture: Pictures, size: number): [string, number[]][] =>
    Array.from({ length: (picture.height - size + 1) * (picture.width - size + 1) }, (_, i) => {
      const [top, left] = [Math.floor(i / (picture.width - size + 1)), i % (picture.width - size + 1)];
      return [`${picture.height}x${picture.width} ${top}, ${left}`, crop(picture, top, left, [size, size])];
    });

  it("are cut and mirrored each by its own", async () => {
    const line = "preprocess resize(5) -> center_crop(4)\n  augment random_crop(4) -> horizontal_flip(1)";
    const camera = await openCamera(line, [1, 4, 4], last, { batch: 12, others });
    const seen = [...others, last].map((): number[][] => []);
    for (let step = 0; step < 120; step++) for (const [i, picture] of (await camera.train()).entries()) seen[i % 3]!.push(picture);
    for (const [i, picture] of [...others, last].entries())
      expectEven(tally(seen[i]!, new Map(all(picture, 4).map(([name, it]) => [name, mirror(it, 4)]))));
    expectPicture(await camera.predict(), crop(tall, 2, 0, [4, 4]));
  });

  it("are mirrored before they are cut, too", async () => {
    const camera = await openCamera(
      "preprocess resize(5) -> center_crop(5)\n  augment horizontal_flip(1) -> random_crop(5)",
      [1, 5, 5],
      last,
      {
        ...{ batch: 12, others },
      },
    );
    const seen = await draws(camera, 60);
    const mirrored = (picture: Pictures): Pictures => ({
      ...picture,
      levels: picture.levels.map((_, i) => picture.levels[i - (i % picture.width) + picture.width - 1 - (i % picture.width)] ?? 0),
    });
    const examples = [...others, last].map((picture) => new Map(all(mirrored(picture), 5)));
    for (const [i, candidates] of examples.entries())
      expectEven(
        tally(
          seen.filter((_, k) => k % 3 === i),
          candidates,
        ),
      );
  });
});

// Random changes of colour, angle and parts of pictures, as a training step makes them: whatever was drawn, the picture is what torchvision
// makes of it, and the draws are spread as they should be. What colours become is compared with torchvision in colours.json.

import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { createBuilder } from "../../src/ir/builder.ts";
import { evaluateNodes } from "../../src/ir/evaluate.ts";
import { brightness, contrast, hue, saturation } from "../../src/ir/recipe/steps/colour.ts";
import { decompose } from "../../src/passes/decompose.ts";
import { tensorType } from "../../src/ir/types.ts";
import { distinct, openCamera, type Pictures } from "../support/pictures.ts";

interface Colours {
  /** f32[3, h, w] from 0 to 1. */
  readonly picture: readonly number[];
  readonly shape: readonly [number, number, number];
  readonly changes: readonly { readonly change: keyof typeof CHANGES; readonly by: number; readonly becomes: readonly number[] }[];
}
const CHANGES = { brightness, contrast, saturation, hue };
const COLOURS = JSON.parse(readFileSync(new URL("../fixtures/colours.json", import.meta.url), "utf8")) as Colours;

describe("changes of colour are torchvision's", () => {
  it.each(COLOURS.changes)("$change by $by", ({ change, by, becomes }) => {
    const b = createBuilder();
    const picture = b.input({ name: "picture", role: "batch", type: tensorType("f32", [1, ...COLOURS.shape]) });
    const factor = b.input({ name: "by", role: "batch", type: tensorType("f32", [1, 1, 1, 1]) });
    const given = new Map([
      [picture, Float64Array.from(COLOURS.picture)],
      [factor, Float64Array.of(by)],
    ]);
    const [made] = [...decompose({ builder: b, outputs: new Map([["made", CHANGES[change](b, picture, factor)]]) }).outputs.values()];
    const [changed] = evaluateNodes([made!], given);
    becomes.forEach((value, i) => expect(changed![i], `number ${i}`).toBeCloseTo(value, 5));
  });
});

async function draws(lines: string, from: Pictures, steps = 40): Promise<number[][]> {
  const camera = await openCamera(lines, [from.channels, from.height, from.width], from, { batch: 16 });
  const all: number[][] = [];
  for (let step = 0; step < steps; step++) all.push(...(await camera.train()));
  expectSame(await camera.predict(), plain(from));
  return all;
}

const plain = ({ levels }: Pictures): number[] => Array.from(levels, (level) => level / 255);

const expectSame = (actual: readonly number[], expected: readonly number[]): void =>
  actual.forEach((value, i) => expect(value).toBeCloseTo(expected[i] ?? NaN, 4));

/** Spread evenly over a range: mean and deviation are, and nothing lies outside. */
function expectEven(values: readonly number[], [low, high]: readonly [number, number]): void {
  const mean = values.reduce((sum, v) => sum + v, 0) / values.length;
  const variance = values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / values.length;
  const deviation = (high - low) / Math.sqrt(12);
  expect(Math.min(...values)).toBeGreaterThanOrEqual(low - 1e-3);
  expect(Math.max(...values)).toBeLessThanOrEqual(high + 1e-3);
  expect(Math.abs(mean - (low + high) / 2)).toBeLessThan((5 * deviation) / Math.sqrt(values.length));
  expect(Math.abs(Math.sqrt(variance) / deviation - 1)).toBeLessThan(5 / Math.sqrt(values.length));
}

describe("color_jitter", () => {
  // Dark enough that no factor leaves what a level can be.
  const dark: Pictures = { channels: 3, height: 2, width: 3, levels: Uint8Array.from({ length: 18 }, (_, i) => 40 + ((i * 37) % 83)) };
  const from = plain(dark);

  it("takes every factor of brightness equally often, for each picture its own", async () => {
    const factors = (await draws("augment color_jitter(brightness: 0.5)", dark)).map((picture) => {
      const factor = picture[0]! / from[0]!;
      expectSame(
        picture,
        from.map((level) => level * factor),
      );
      return factor;
    });
    expect(new Set(factors.slice(0, 16)).size).toBe(16);
    expectEven(factors, [0.5, 1.5]);
  });

  it("takes one order for some pictures and the other for others", async () => {
    // The two go together as long as no level is cut off; where one is, only one order gives the picture, by whatever factors.
    const levels = [0.1, 0.4, 0.6, 0.9];
    const grey: Pictures = { channels: 1, height: 1, width: 4, levels: Uint8Array.from(levels, (level) => Math.round(level * 255)) };
    const clamp = (x: number): number => Math.min(1, Math.max(0, x));
    const bright = (p: readonly number[], by: number): number[] => p.map((v) => clamp(v * by));
    const spread = (p: readonly number[], by: number): number[] => {
      const mean = p.reduce((sum, v) => sum + v, 0) / p.length;
      return p.map((v) => clamp(v * by + mean * (1 - by)));
    };
    const factors = Array.from({ length: 101 }, (_, i) => i / 50);
    const all = (of: (one: number, other: number) => number[]): number[][] =>
      factors.flatMap((one) => factors.map((other) => of(one, other)));
    const orders = [all((one, other) => spread(bright(levels, one), other)), all((one, other) => bright(spread(levels, one), other))];
    const only = [0, 0];
    for (const picture of await draws("preprocess grayscale\n  augment color_jitter(brightness: 1, contrast: 1)", grey, 20)) {
      const nearest = orders.map((candidates) =>
        candidates.reduce((best, it) => Math.min(best, Math.max(...it.map((v, i) => Math.abs(v - picture[i]!)))), Infinity),
      );
      expect(Math.min(...nearest)).toBeLessThan(0.03);
      nearest.forEach((distance, i) => distance > 0.06 && only[1 - i]!++);
    }
    expect(Math.min(...only)).toBeGreaterThan(3);
  });
});

describe("random_rotation", () => {
  const from = distinct(1, 6, 7);
  const levels = plain(from);

  /** The nearest pixel of where each comes from, and whether that is beyond doubt. */
  function turned(angle: number): { readonly picture: number[]; readonly isSure: boolean[] } {
    const [cosine, sine] = [Math.cos(angle), Math.sin(angle)];
    const isSure: boolean[] = [];
    const picture = Array.from({ length: 42 }, (_, i) => {
      const [y, x] = [Math.floor(i / 7) - 2.5, (i % 7) - 3];
      const [row, column] = [x * sine + y * cosine + 2.5, x * cosine - y * sine + 3];
      isSure.push([row, column].every((v) => Math.abs(v - Math.floor(v) - 0.5) > 0.02));
      const [r, c] = [Math.floor(row + 0.5), Math.floor(column + 0.5)];
      return r < 0 || c < 0 || r > 5 || c > 6 ? 0 : levels[r * 7 + c]!;
    });
    return { picture, isSure };
  }

  it.each([30, 170])("by %i degrees gives pictures that some angle gives, spread evenly", async (degrees) => {
    const most = (degrees * Math.PI) / 180;
    const candidates = Array.from({ length: 1601 }, (_, i) => (i / 800 - 1) * most).map((angle) => ({ angle, ...turned(angle) }));
    const angles = (await draws(`preprocess grayscale\n  augment random_rotation(${degrees})`, from, 20)).map((picture) => {
      const found = candidates.filter((it) => it.picture.every((v, i) => !it.isSure[i] || Math.abs(v - picture[i]!) < 1e-3));
      expect(found.length, picture.map((v) => Math.round(v * 255)).join(" ")).toBeGreaterThan(0);
      return found[Math.floor(found.length / 2)]!.angle;
    });
    const mean = angles.reduce((sum, angle) => sum + angle, 0) / angles.length;
    expect(Math.abs(mean)).toBeLessThan((5 * most) / Math.sqrt(3 * angles.length));
    expect(Math.max(...angles)).toBeGreaterThan(0.9 * most);
    expect(Math.min(...angles)).toBeLessThan(-0.9 * most);
  });
});

describe("random_affine", () => {
  const [height, width] = [7, 9];
  const from = distinct(1, height, width);
  const levels = plain(from);

  interface Change {
    readonly degrees?: number;
    readonly shift?: readonly [number, number];
    readonly scale?: number;
    readonly shear?: number;
  }

  /** As torchvision has it: slanted, scaled, turned and shifted about the middle; whether a nearest pixel is beyond doubt. */
  function changed({ degrees = 0, shift: [right, down] = [0, 0], scale = 1, shear = 0 }: Change): { picture: number[]; isSure: boolean[] } {
    const radians = (angle: number): number => (angle * Math.PI) / 180;
    const [cosine, sine, slant] = [Math.cos(radians(degrees)), Math.sin(radians(degrees)), Math.tan(radians(shear))];
    // Where (x, y) goes, as a matrix; where a pixel comes from is its inverse.
    const matrix = [scale * cosine, scale * (-cosine * slant - sine), scale * sine, scale * (-sine * slant + cosine)] as const;
    const determinant = matrix[0] * matrix[3] - matrix[1] * matrix[2];
    const isSure: boolean[] = [];
    const picture = Array.from({ length: height * width }, (_, i) => {
      const [x, y] = [(i % width) - (width - 1) / 2 - right, Math.floor(i / width) - (height - 1) / 2 - down];
      const column = (matrix[3] * x - matrix[1] * y) / determinant + (width - 1) / 2;
      const row = (-matrix[2] * x + matrix[0] * y) / determinant + (height - 1) / 2;
      isSure.push([row, column].every((v) => Math.abs(v - Math.floor(v) - 0.5) > 0.02));
      const [r, c] = [Math.floor(row + 0.5), Math.floor(column + 0.5)];
      return r < 0 || c < 0 || r >= height || c >= width ? 0 : levels[r * width + c]!;
    });
    return { picture, isSure };
  }

  const between = (low: number, high: number, count: number): number[] =>
    Array.from({ length: count + 1 }, (_, i) => low + ((high - low) * i) / count);

  /** For each picture that was drawn, a change that gives it. */
  async function changesOf(args: string, candidates: readonly Change[], steps = 10): Promise<Change[]> {
    const all = candidates.map((change) => ({ change, ...changed(change) }));
    return (await draws(`preprocess grayscale\n  augment random_affine(${args})`, from, steps)).map((picture) => {
      const found = all.filter((it) => it.picture.every((v, i) => !it.isSure[i] || Math.abs(v - picture[i]!) < 1e-3));
      expect(found.length, picture.map((v) => Math.round(v * 255)).join(" ")).toBeGreaterThan(0);
      return found[Math.floor(found.length / 2)]!.change;
    });
  }

  const expectSpread = (values: readonly number[], [low, high]: readonly [number, number]): void => {
    const mean = values.reduce((sum, v) => sum + v, 0) / values.length;
    expect(Math.abs(mean - (low + high) / 2)).toBeLessThan((5 * (high - low)) / Math.sqrt(12 * values.length) + 0.02 * (high - low));
    expect(Math.max(...values)).toBeGreaterThan(high - 0.15 * (high - low));
    expect(Math.min(...values)).toBeLessThan(low + 0.15 * (high - low));
  };

  it("slants", async () => {
    const candidates = between(-40, 40, 1600).map((shear) => ({ shear }));
    expectSpread(
      (await changesOf("0, shear: 40", candidates)).map(({ shear }) => shear!),
      [-40, 40],
    );
  });

  it("scales", async () => {
    const candidates = between(0.5, 1.5, 2000).map((scale) => ({ scale }));
    expectSpread(
      (await changesOf("0, scale: 0.5..1.5", candidates)).map(({ scale }) => scale!),
      [0.5, 1.5],
    );
  });

  it("shifts by whole pixels, across and down on their own", async () => {
    // 0.35 of 9 is 3.15 pixels, and of 7 is 2.45.
    const candidates = between(-4, 4, 8).flatMap((right) => between(-4, 4, 8).map((down) => ({ shift: [right, down] as const })));
    const shifts = (await changesOf("0, translate: 0.35", candidates)).map(({ shift }) => shift!);
    expect([...new Set(shifts.map(([right]) => right))].sort((a, b) => a - b)).toEqual([-3, -2, -1, 0, 1, 2, 3]);
    expect([...new Set(shifts.map(([, down]) => down))].sort((a, b) => a - b)).toEqual([-2, -1, 0, 1, 2]);
    expect(new Set(shifts.map(String)).size).toBeGreaterThan(25);
  });

  it("does all of it in torchvision's order", async () => {
    const candidates = between(-3, 3, 6).flatMap((right) =>
      between(-2, 2, 4).flatMap((down) => between(-30, 30, 240).map((degrees) => ({ degrees, scale: 0.8, shift: [right, down] as const }))),
    );
    const found = await changesOf("30, translate: 0.35, scale: 0.8..0.8", candidates, 3);
    expect(new Set(found.map(({ degrees }) => degrees)).size).toBeGreaterThan(20);
    const slanted = between(-30, 30, 300).flatMap((degrees) => between(-30, 30, 300).map((shear) => ({ degrees, shear })));
    await changesOf("30, shear: 30", slanted, 2);
  });
});

describe("random_erasing", () => {
  const from = distinct(3, 10, 12);
  /** The rectangle of an erased picture; undefined where nothing is. */
  function erased(
    picture: readonly number[],
    value: number,
    whole: readonly number[],
  ): { h: number; w: number; top: number; left: number } | undefined {
    const gone = picture.flatMap((v, i) => (Math.abs(v - value) < 1e-4 ? [i % 120] : []));
    if (gone.length === 0) return undefined;
    const [rows, columns] = [gone.map((i) => Math.floor(i / 12)), gone.map((i) => i % 12)];
    const [top, left] = [Math.min(...rows), Math.min(...columns)];
    const [h, w] = [Math.max(...rows) - top + 1, Math.max(...columns) - left + 1];
    // In all channels, and all of the rectangle.
    expect(gone.length).toBe(3 * h * w);
    picture.forEach((v, i) => {
      if (Math.abs(v - value) >= 1e-4) expect(v).toBeCloseTo(whole[i]!, 4);
    });
    return { h, w, top, left };
  }

  it("erases a rectangle of the share and proportions that it was told, anywhere, behind normalization", async () => {
    const lines =
      "preprocess normalize(mean: [0.5], std: [0.25])\n  augment random_erasing(0.7, scale: 0.1..0.3, ratio: 0.5..2, value: -9) -> horizontal_flip(0)";
    const camera = await openCamera(lines, [3, 10, 12], from, { batch: 16 });
    const whole = plain(from).map((v) => (v - 0.5) / 0.25);
    const found: ReturnType<typeof erased>[] = [];
    for (let step = 0; step < 30; step++) found.push(...(await camera.train()).map((picture) => erased(picture, -9, whole)));
    const boxes = found.flatMap((box) => box ?? []);
    expect(Math.abs(boxes.length / found.length - 0.7)).toBeLessThan(5 * Math.sqrt((0.7 * 0.3) / found.length));
    for (const { h, w } of boxes) {
      // Sides are rounded to pixels.
      expect((h + 0.5) * (w + 0.5)).toBeGreaterThanOrEqual(12);
      expect((h - 0.5) * (w - 0.5)).toBeLessThanOrEqual(36);
      expect((h + 0.5) / (w - 0.5)).toBeGreaterThanOrEqual(0.5);
      expect((h - 0.5) / (w + 0.5)).toBeLessThanOrEqual(2);
    }
    const small = boxes.filter(({ h, w }) => h === 4 && w === 4);
    expect(new Set(small.map(({ top }) => top)).size).toBeGreaterThan(3);
    expect(boxes.some(({ h, w }) => h > w) && boxes.some(({ h, w }) => h < w)).toBe(true);
    expect(boxes.some(({ h, top }) => top + h === 10) && boxes.some(({ w, left }) => left + w === 12)).toBe(true);
  });

  it("erases nothing where no draw fits", async () => {
    for (const picture of await draws("augment random_erasing(1, scale: 1..1, ratio: 1..1)", from, 1)) expectSame(picture, plain(from));
  });
});

// TrivialAugmentWide and RandAugment against torchvision's definitions of them (transforms/autoaugment.py and _functional_tensor.py), written
// again pixel by pixel for uint8: whatever was drawn, the picture is what one of the fourteen operations makes of it, and all are drawn.

import { describe, expect, it } from "vitest";
import { createBuilder } from "../../src/ir/builder.ts";
import { evaluateNodes } from "../../src/ir/evaluate.ts";
import * as levels from "../../src/ir/recipe/steps/levels.ts";
import { tensorType } from "../../src/ir/types.ts";
import { decompose } from "../../src/passes/decompose.ts";
import { openCamera, type Pictures } from "../support/pictures.ts";
import { createRandom } from "../support/random.ts";

type Picture = readonly number[];
interface Size {
  readonly channels: number;
  readonly height: number;
  readonly width: number;
}
type Change = (picture: Picture, size: Size, by: number) => number[];

/** `.clamp(0, 255).to(torch.uint8)`; what float32 leaves below a whole number by rounding is that number. */
const toLevel = (x: number): number => Math.floor(Math.min(255, Math.max(0, x)) + 2e-4);
const blended = (picture: Picture, other: (i: number) => number, by: number): number[] =>
  picture.map((v, i) => toLevel(by * v + (1 - by) * other(i)));

function greys(picture: Picture, { channels, height, width }: Size): number[] {
  const area = height * width;
  if (channels === 1) return [...picture];
  return Array.from({ length: area }, (_, i) =>
    toLevel(0.2989 * picture[i]! + 0.587 * picture[area + i]! + 0.114 * picture[2 * area + i]!),
  );
}

/** What lies at a position of the picture before, for each one after. */
const moved =
  (from: (y: number, x: number, size: Size, by: number) => readonly [number, number]): Change =>
  (picture, size, by) =>
    picture.map((_, i) => {
      const [area, { height, width }] = [size.height * size.width, size];
      const [c, y, x] = [Math.floor(i / area), Math.floor((i % area) / width), i % width];
      const [row, column] = from(y, x, size, by).map((position) => Math.floor(position + 0.5)) as [number, number];
      return row < 0 || column < 0 || row >= height || column >= width ? 0 : picture[c * area + row * width + column]!;
    });

const ofChannels = (picture: Picture, { channels }: Size, change: (levels: Picture) => number[]): number[] => {
  const area = picture.length / channels;
  return Array.from({ length: channels }, (_, c) => change(picture.slice(c * area, (c + 1) * area))).flat();
};

const CHANGES = {
  identity: (picture) => [...picture],
  shear_x: moved((y, x, _, by) => [y, x + by * (y + 0.5)]),
  shear_y: moved((y, x, _, by) => [y + by * (x + 0.5), x]),
  translate_x: moved((y, x, _, by) => [y, x - Math.trunc(by)]),
  translate_y: moved((y, x, _, by) => [y - Math.trunc(by), x]),
  rotate: moved((y, x, { height, width }, degrees) => {
    const [cosine, sine] = [Math.cos((degrees * Math.PI) / 180), Math.sin((degrees * Math.PI) / 180)];
    const [v, u] = [y - (height - 1) / 2, x - (width - 1) / 2];
    return [u * sine + v * cosine + (height - 1) / 2, u * cosine - v * sine + (width - 1) / 2];
  }),
  brightness: (picture, _, by) => blended(picture, () => 0, 1 + by),
  color: (picture, size, by) => {
    const grey = greys(picture, size);
    return size.channels === 1 ? [...picture] : blended(picture, (i) => grey[i % grey.length]!, 1 + by);
  },
  contrast: (picture, size, by) => {
    const grey = greys(picture, size);
    const mean = grey.reduce((sum, v) => sum + v, 0) / grey.length;
    return blended(picture, () => mean, 1 + by);
  },
  sharpness: (picture, { height, width }, by) => {
    if (height <= 2 || width <= 2) return [...picture];
    const smooth = picture.map((v, i) => {
      const [y, x] = [Math.floor(i / width) % height, i % width];
      if (y === 0 || x === 0 || y === height - 1 || x === width - 1) return v;
      let sum = 4 * v;
      for (const dy of [-1, 0, 1]) for (const dx of [-1, 0, 1]) sum += picture[i + dy * width + dx]!;
      return Math.round(sum / 13);
    });
    return blended(picture, (i) => smooth[i]!, 1 + by);
  },
  posterize: (picture, _, bits) => picture.map((v) => v & -(2 ** (8 - bits))),
  solarize: (picture, _, from) => picture.map((v) => (v >= from ? 255 - v : v)),
  auto_contrast: (picture, size) =>
    ofChannels(picture, size, (channel) => {
      const [low, high] = [Math.min(...channel), Math.max(...channel)];
      return low === high ? [...channel] : channel.map((v) => toLevel((v - low) * (255 / (high - low))));
    }),
  equalize: (picture, size) =>
    ofChannels(picture, size, (channel) => {
      const histogram = Array.from({ length: 256 }, (_, level) => channel.filter((v) => v === level).length);
      const step = Math.floor((channel.length - (histogram.findLast((count) => count > 0) ?? 0)) / 255);
      if (step === 0) return [...channel];
      let sum = 0;
      const sums = histogram.map((count) => (sum += count));
      const table = [0, ...sums.map((it) => Math.floor((it + Math.floor(step / 2)) / step))].map((v) => Math.min(255, v));
      return channel.map((v) => table[v]!);
    }),
} as const satisfies Record<string, Change>;
type Operation = keyof typeof CHANGES;

/** The first number is of the strongest, or for `posterize` and `solarize` what stands for it. */
type Strengths = Readonly<Record<"shear" | "translate" | "rotate" | "blend" | "posterize" | "solarize", number>>;
const isSigned = (operation: Operation): boolean => !["identity", "posterize", "solarize", "auto_contrast", "equalize"].includes(operation);
const strengthOf = (operation: Operation, of: Strengths): number => {
  if (operation === "rotate" || operation === "posterize" || operation === "solarize") return of[operation];
  if (operation.startsWith("shear")) return of.shear;
  return operation.startsWith("translate") ? of.translate : of.blend;
};

/** TrivialAugmentWide with 31 bins. */
const wide = (bin: number): Strengths => ({
  ...{ shear: (0.99 * bin) / 30, translate: (32 * bin) / 30, rotate: (135 * bin) / 30, blend: (0.99 * bin) / 30 },
  ...{ posterize: 8 - Math.round(bin / 5), solarize: 255 - 8.5 * bin },
});

const OPERATIONS = Object.keys(CHANGES) as Operation[];
interface Candidate {
  readonly operation: Operation;
  readonly sign: number;
  readonly picture: Picture;
}
const candidates = (picture: Picture, size: Size, strengths: readonly Strengths[]): Candidate[] =>
  OPERATIONS.flatMap((operation) =>
    strengths.flatMap((of) =>
      (isSigned(operation) ? [-1, 1] : [1]).map((sign) => ({
        operation,
        sign,
        picture: CHANGES[operation](picture, size, sign * strengthOf(operation, of)),
      })),
    ),
  );

/** Turns leave positions between two pixels, where rounding decides: a few pixels may be a neighbour's. */
const isSame = (one: Picture, other: Picture, operation: Operation): boolean => {
  let wrong = 0;
  for (const [i, v] of one.entries()) if (Math.abs(v - other[i]!) > 0.02) wrong++;
  return wrong <= (operation === "rotate" || operation.startsWith("shear") ? 0.1 * one.length : 0);
};

const random = createRandom(5);
const pictureOf = ({ channels, height, width }: Size, low = 0, high = 255): Pictures => ({
  ...{ channels, height, width },
  levels: Uint8Array.from({ length: channels * height * width }, () => low + Math.floor(random() * (high - low + 1))),
});

describe("changes of levels are torchvision's", () => {
  // Enough pixels that an equalization has a step; greys for whom a channel is flat.
  const size = { channels: 3, height: 20, width: 19 };
  const picture = Array.from(pictureOf(size, 30, 190).levels, (v, i) => (i < 380 && i % 3 === 0 ? 77 : v));
  const flat = [...picture.slice(0, 760), ...Array.from({ length: 380 }, () => 91)];
  const node = (change: (b: ReturnType<typeof createBuilder>, x: Node, by: Node) => Node, given: Picture, by: number): number[] => {
    const b = createBuilder();
    const x = b.input({ name: "picture", role: "batch", type: tensorType("f32", [1, size.channels, size.height, size.width]) });
    const factor = b.input({ name: "by", role: "batch", type: tensorType("f32", [1, 1, 1, 1]) });
    const [made] = [...decompose({ builder: b, outputs: new Map([["made", change(b, x, factor)]]) }).outputs.values()];
    const [values] = evaluateNodes(
      [made!],
      new Map([
        [x, Float64Array.from(given)],
        [factor, Float64Array.of(by)],
      ]),
    );
    return [...values!];
  };
  type Node = ReturnType<typeof levels.smoothed>;
  const whole = (b: ReturnType<typeof createBuilder>, other: Node, x: Node): Node => b.expand(other, { shape: x.type.shape });
  const cases: readonly (readonly [Operation, (b: ReturnType<typeof createBuilder>, x: Node, by: Node) => Node, readonly number[]])[] = [
    ["brightness", (b, x, by) => levels.blend(b, x, b.mul(x, 0), b.add(by, 1)), [-0.99, -0.33, 0, 0.165, 0.99]],
    ["color", (b, x, by) => levels.blend(b, x, whole(b, levels.grey(b, x), x), b.add(by, 1)), [-0.99, -0.33, 0, 0.165, 0.99]],
    ["contrast", (b, x, by) => levels.blend(b, x, whole(b, levels.meanGrey(b, x), x), b.add(by, 1)), [-0.99, -0.33, 0, 0.165, 0.99]],
    ["sharpness", (b, x, by) => levels.blend(b, x, levels.smoothed(b, x), b.add(by, 1)), [-0.99, -0.33, 0, 0.165, 0.99]],
    ["posterize", levels.posterized, [2, 3, 5, 8]],
    ["solarize", levels.solarized, [0, 76.5, 77, 255]],
    ["auto_contrast", levels.stretched, [0]],
    ["equalize", levels.equalized, [0]],
  ];
  it.each(cases)("%s", (operation, change, amounts) => {
    for (const given of [picture, flat])
      for (const by of amounts) expect(node(change, given, by)).toEqual(CHANGES[operation](given, size, by));
  });
});

async function shots(lines: string, from: Pictures, steps: number): Promise<number[][]> {
  const camera = await openCamera(lines, [from.channels, from.height, from.width], from, { batch: 16 });
  const all: number[][] = [];
  for (let step = 0; step < steps; step++) all.push(...(await camera.train()).map((picture) => picture.map((v) => v * 255)));
  expect((await camera.predict()).map((v) => Math.round(v * 255))).toEqual([...from.levels]);
  return all;
}

describe("trivial_augment", () => {
  it("does one of fourteen things to each picture, each as often", async () => {
    const size = { channels: 3, height: 6, width: 7 };
    const from = pictureOf(size, 20, 200);
    const known = candidates(
      [...from.levels],
      size,
      Array.from({ length: 31 }, (_, bin) => wide(bin)),
    );
    const counts = new Map<Operation, number>();
    const all = await shots("augment trivial_augment", from, 30);
    for (const picture of all) {
      const found = known.filter((it) => isSame(picture, it.picture, it.operation));
      expect(found.length, picture.map((v) => v.toFixed(1)).join(" ")).toBeGreaterThan(0);
      const operations = new Set(found.map(({ operation }) => operation));
      for (const operation of operations) counts.set(operation, (counts.get(operation) ?? 0) + 1 / operations.size);
    }
    // What leaves such a small picture as it is, is nobody's: the others are each a fourteenth, within five deviations.
    for (const operation of [
      "shear_x",
      "shear_y",
      "rotate",
      "brightness",
      "color",
      "contrast",
      "sharpness",
      "solarize",
      "auto_contrast",
    ] as const) {
      const share = (counts.get(operation) ?? 0) / all.length;
      expect(Math.abs(share - 1 / 14), operation).toBeLessThan(5 * Math.sqrt(((1 / 14) * (13 / 14)) / all.length));
    }
  });
});

describe("rand_augment", () => {
  const size = { channels: 1, height: 5, width: 6 };
  const from = pictureOf(size, 20, 200);
  const strengths = (share: number, extent: number): Strengths => ({
    ...{ shear: 0.3 * share, translate: (150 / 331) * extent * share, rotate: 30 * share, blend: 0.9 * share },
    ...{ posterize: 8 - Math.round(4 * share), solarize: 255 * (1 - share) },
  });
  const all = (picture: Picture, share: number): ReturnType<typeof candidates> => [
    ...candidates(picture, size, [strengths(share, size.width)]).filter(({ operation }) => operation !== "translate_y"),
    ...candidates(picture, size, [strengths(share, size.height)]).filter(({ operation }) => operation === "translate_y"),
  ];

  it("does one thing as strongly as it is told, either way, and grey pictures have no colour to change", async () => {
    const known = all([...from.levels], 3 / 4);
    const lines = "preprocess grayscale\n  augment rand_augment(num_ops: 1, magnitude: 3, num_magnitude_bins: 5)";
    const found = new Set<string>();
    for (const picture of await shots(lines, from, 15)) {
      const matches = known.filter((it) => isSame(picture, it.picture, it.operation));
      expect(matches.length, picture.map((v) => v.toFixed(1)).join(" ")).toBeGreaterThan(0);
      for (const { operation, sign } of matches) found.add(`${operation} ${sign}`);
    }
    for (const operation of OPERATIONS)
      for (const sign of isSigned(operation) ? [-1, 1] : [1]) expect(found).toContain(`${operation} ${sign}`);
  });

  it("does two things one after the other", async () => {
    const known = all([...from.levels], 9 / 30).flatMap((first) => all(first.picture, 9 / 30));
    for (const picture of await shots("preprocess grayscale\n  augment rand_augment", from, 4))
      expect(
        known.some((it) => isSame(picture, it.picture, "rotate")),
        picture.map((v) => v.toFixed(1)).join(" "),
      ).toBe(true);
  });
});

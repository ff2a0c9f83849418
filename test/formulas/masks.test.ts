// What a step does to a picture and to its mask, against each other: a mask that holds what its picture shows must still do so afterwards,
// pixel by pixel, whatever was drawn.

import { describe, expect, it } from "vitest";
import { createBuilder } from "../../src/ir/builder.ts";
import { evaluateNodes } from "../../src/ir/evaluate.ts";
import { topologicalOrder } from "../../src/ir/graph.ts";
import type { Data } from "../../src/ir/ops/define.ts";
import type { ColumnInfo, WordPlan } from "../../src/ir/plan.ts";
import { planOf } from "../../src/ir/recipe/define.ts";
import { augmentStep, AUGMENT, isRandomCrop, maskColumn, pictureColumn } from "../../src/ir/recipe/steps/index.ts";
import { colorJitter } from "../../src/ir/recipe/steps/color-jitter.ts";
import { horizontalFlip } from "../../src/ir/recipe/steps/horizontal-flip.ts";
import { mixup } from "../../src/ir/recipe/steps/mixup.ts";
import { normalize } from "../../src/ir/recipe/steps/normalize.ts";
import { randomAffine } from "../../src/ir/recipe/steps/random-affine.ts";
import { randomCrop } from "../../src/ir/recipe/steps/random-crop.ts";
import { randomErasing } from "../../src/ir/recipe/steps/random-erasing.ts";
import { randomResizedCrop } from "../../src/ir/recipe/steps/random-resized-crop.ts";
import { randomRotation } from "../../src/ir/recipe/steps/random-rotation.ts";
import { tensorType } from "../../src/ir/types.ts";
import { decompose } from "../../src/passes/decompose.ts";
import { buildColumn, buildLabel } from "../../src/passes/input-pipeline.ts";

const [BATCH, HEIGHT, WIDTH] = [16, 9, 12];

interface Made {
  /** [batch, 3, h, w], and i32[batch, h, w]. */
  readonly pictures: ArrayLike<number>;
  readonly masks: ArrayLike<number>;
  readonly height: number;
  readonly width: number;
}

/**
 * A batch of one picture: its red is its mask, green the row and blue the column.
 * @param ignored what lies beyond masks
 */
function batch(augment: readonly WordPlan[], mask: (row: number, column: number) => number, ignored?: number): Made {
  const b = createBuilder();
  const steps = { preprocess: [] as readonly WordPlan[], augment };
  const input = pictureColumn("image", steps, [3, HEIGHT, WIDTH]);
  const label: ColumnInfo = { ...maskColumn("label", input), ...(ignored !== undefined && { ignored }) };
  const rows = b.constant({ value: 0, type: tensorType("i32", [BATCH]) });
  const [seed, step] = ["seed", "step"].map((name) => b.input({ name, role: "batch", type: tensorType("u32", []) }));
  let stream = 0;
  const context = {
    ...{ b, source: { kind: "resident", prefix: "train", rows } as const, steps, mode: "train" as const, drawn: new Map() },
    random: () => b.randomUniform(seed!, step!, { shape: [BATCH], stream: stream++ }),
  };
  const pictures = buildColumn(context, input);
  const draws = stream;
  const masks = buildLabel(context, label);
  // What is drawn for pictures is drawn for them alone, so that those of a data set without masks are the same.
  expect(stream).toBe(draws);
  const of = (value: (row: number, column: number) => number): number[] =>
    Array.from({ length: HEIGHT * WIDTH }, (_, i) => value(Math.floor(i / WIDTH), i % WIDTH));
  const given: Readonly<Record<string, Data>> = {
    // Behind them room for what a kernel would not read: a padded crop asks for rows that are not there, and takes none of them.
    "train/image": Float64Array.from([...of(mask), ...of((row) => row), ...of((_, column) => column), ...of(() => 0)]),
    "train/label": Float64Array.from([...of(mask), ...of(() => 0)]),
    ...{ seed: Float64Array.of(7), step: Float64Array.of(3) },
  };
  const { outputs } = decompose({
    builder: b,
    outputs: new Map([
      ["pictures", pictures],
      ["masks", masks],
    ]),
  });
  const bindings = topologicalOrder([...outputs.values()]).flatMap((node) => {
    const value = given[(node.attrs as { readonly name?: string }).name ?? ""];
    return value ? [[node, value] as const] : [];
  });
  const [shown = [], labels = []] = evaluateNodes([...outputs.values()], new Map(bindings));
  const [, , height = 0, width = 0] = pictures.type.shape;
  return { pictures: shown, masks: labels, height, width };
}

/** The mask's class and the level of each pixel. */
function pixels({ pictures, masks, height, width }: Made): { readonly level: (channel: number) => number; readonly label: number }[] {
  const size = height * width;
  return Array.from({ length: BATCH * size }, (_, i) => ({
    level: (channel) => Math.round((pictures[(Math.floor(i / size) * 3 + channel) * size + (i % size)] ?? NaN) * 255 * 100) / 100,
    label: masks[i] ?? NaN,
  }));
}

const MOVING: readonly (readonly [string, WordPlan])[] = [
  ["random_crop", planOf(randomCrop, { size: [6, 7] })],
  ["random_crop with a border", planOf(randomCrop, { size: [9, 12], padding: 3 })],
  ["horizontal_flip", planOf(horizontalFlip)],
  ["random_rotation", planOf(randomRotation, { degrees: 60 })],
  ["random_affine", planOf(randomAffine, { degrees: 20, translate: 0.2, scale: [0.7, 1.4], shear: 15 })],
];

const STAYING: readonly (readonly [string, WordPlan])[] = [
  ["color_jitter", planOf(colorJitter, { brightness: 0.5, contrast: 0.5, saturation: 0.5, hue: 0.2 })],
  ["random_erasing", planOf(randomErasing, { probability: 1 })],
  ["mixup", planOf(mixup)],
];

const distinct = (row: number, column: number): number => row * WIDTH + column + 1;

it("every random step says what it does to masks, and is held against them here", () => {
  const moving = [...new Set(MOVING.map(([, { word }]) => word)), randomResizedCrop.name];
  const of = (mask: string): string[] => AUGMENT.filter((step) => step.mask === mask).map(({ name }) => name);
  expect(of("moves").sort()).toEqual(moving.sort());
  expect(of("stays").sort()).toEqual(STAYING.map(([, { word }]) => word).sort());
  expect(of("cannot").sort()).toEqual(["cutmix", "rand_augment", "trivial_augment"]);
});

describe("masks go the way of their pictures", () => {
  it.each(MOVING)("%s: to the pixel", (_, step) => {
    const made = batch([step], distinct);
    const all = pixels(made);
    for (const { level, label } of all) expect(label).toBe(level(0));
    // Else the test would hold of a step that does nothing.
    const first = all.slice(0, made.height * made.width).map(({ label }) => label);
    const isOther = Array.from({ length: BATCH }, (__, n) => all.slice(n * first.length, (n + 1) * first.length)).some((one) =>
      one.some(({ label }, i) => label !== first[i]),
    );
    expect(isOther).toBe(true);
  });

  it("one step behind the other, with others between that leave masks alone", () => {
    const jitter = planOf(randomErasing, { probability: 1, value: -1 });
    const steps = [planOf(randomRotation, { degrees: 30 }), planOf(colorJitter, { brightness: 0 }), jitter, planOf(horizontalFlip)];
    const all = pixels(batch([...steps, planOf(randomCrop, { size: [5, 5] })], distinct));
    const whole = all.filter(({ level }) => level(0) >= 0);
    expect(whole.length).toBeLessThan(all.length);
    for (const { level, label } of whole) expect(label).toBe(level(0));
  });

  it.each(MOVING.filter(([name]) => name !== "horizontal_flip" && name !== "random_crop"))(
    "%s: beyond them is the class that stands for none",
    (_, step) => {
      const all = pixels(batch([step], distinct, 255));
      const outside = all.filter(({ level }) => level(0) === 0);
      expect(outside.length).toBeGreaterThan(0);
      for (const { label } of outside) expect(label).toBe(255);
      for (const { level, label } of all) if (level(0) !== 0) expect(label).toBe(level(0));
    },
  );

  it("random_resized_crop: the class of the pixel in the middle of each new one, and never one between two", () => {
    const step = planOf(randomResizedCrop, { size: [7, 8], scale: [0.2, 0.9] });
    const all = pixels(batch([step], distinct));
    for (const { level, label } of all) {
      const [row, column] = [Math.floor((label - 1) / WIDTH), (label - 1) % WIDTH];
      // Green and blue are where the middle lies, as far as the filter does not reach over the box's edge.
      expect(Math.abs(level(1) - row)).toBeLessThanOrEqual(0.75);
      expect(Math.abs(level(2) - column)).toBeLessThanOrEqual(0.75);
    }
    expect(isRandomCrop(step)).toBe(true);
  });
});

describe("masks stay where only colours change", () => {
  it.each(STAYING.filter(([name]) => name !== "mixup"))("%s", (_, step) => {
    const { masks } = batch([step], distinct);
    expect(augmentStep(step).mask).toBe("stays");
    expect([...Array.from(masks)]).toEqual(Array.from({ length: BATCH * HEIGHT * WIDTH }, (__, i) => (i % (HEIGHT * WIDTH)) + 1));
  });

  it("normalize, in evaluation as in training", () => {
    expect(normalize.mask).toBe("stays");
  });
});

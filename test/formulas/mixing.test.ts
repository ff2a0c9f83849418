// Batches whose pictures are mixed, seen through a training step: the camera's row of an example holds what its label was learned from,
// which is its own picture and its partner's in the shares of their losses.

import { describe, expect, it } from "vitest";
import { createBuilder } from "../../src/ir/builder.ts";
import { evaluateNodes } from "../../src/ir/evaluate.ts";
import type { Node } from "../../src/ir/node.ts";
import { planOf } from "../../src/ir/recipe/define.ts";
import { mixup } from "../../src/ir/recipe/steps/mixup.ts";
import { tensorType } from "../../src/ir/types.ts";
import { decompose } from "../../src/passes/decompose.ts";
import { mixBatch } from "../../src/passes/mix-batch.ts";
import { openCamera, type Pictures } from "../support/pictures.ts";

const [HEIGHT, WIDTH, BATCH] = [5, 6, 8];
const SIZE = HEIGHT * WIDTH;
const picture = (level: number): Pictures => ({
  ...{ channels: 1, height: HEIGHT, width: WIDTH },
  levels: Uint8Array.from({ length: SIZE }, (_, i) => level + (i % 7)),
});
/** Every other example; partners are the first and the last, and so on: always one of each. */
const [even, odd] = [picture(200), picture(20)];

/** Of each pixel of every example of a batch how much is the example's own. */
async function shares(steps: string, batches: number): Promise<number[][][]> {
  const camera = await openCamera(`preprocess grayscale\n  augment ${steps}`, [1, HEIGHT, WIDTH], odd, { batch: BATCH, others: [even] });
  const seen: number[][][] = [];
  for (let step = 0; step < batches; step++)
    seen.push(
      (await camera.train()).map((row, example) => {
        const [own, other] = example % 2 === 0 ? [even, odd] : [odd, even];
        return row.map((v, i) => (v * 255 - other.levels[i]!) / (own.levels[i]! - other.levels[i]!));
      }),
    );
  return seen;
}

describe("mixup", () => {
  it.each([0.2, 1])("with alpha %d adds pictures and losses in the same shares, a batch at a time", async (alpha) => {
    const seen: number[] = [];
    for (const batch of await shares(`mixup(${alpha})`, 250)) {
      const mixed = 1 - batch[0]![0]!;
      // The picture is so much its own, and so much its label counts: both squared, and the partner's the other way round.
      expect(mixed).toBeLessThanOrEqual(0.5 + 1e-3);
      for (const example of batch) for (const share of example) expect(1 - share).toBeCloseTo(mixed, 3);
      seen.push(mixed);
    }
    // 2 s (1 - s) of the Beta distribution has the mean alpha / (2 alpha + 1).
    const mean = seen.reduce((sum, v) => sum + v, 0) / seen.length;
    const deviation = Math.sqrt(seen.reduce((sum, v) => sum + (v - mean) ** 2, 0) / seen.length);
    expect(Math.abs(mean - alpha / (2 * alpha + 1))).toBeLessThan((5 * deviation) / Math.sqrt(seen.length));
  });

  it("pairs real examples only", () => {
    const b = createBuilder();
    const input = (name: string, dtype: "f32" | "i32" | "bool", shape: readonly number[]): Node =>
      b.input({ name, role: "batch", type: tensorType(dtype, shape) });
    const [pictures, label, isReal] = [input("pictures", "f32", [4, 1, 1, 1]), input("label", "i32", [4]), input("real", "bool", [4])];
    const steps = { preprocess: [], augment: [planOf(mixup, { alpha: 1 })] };
    const random = (): Node => b.constant({ value: 0.75, type: tensorType("f32", []) });
    const { inputs, mixed } = mixBatch(
      b,
      steps,
      { inputs: new Map([["image", pictures]]), labels: new Map([["", label]]) },
      isReal,
      random,
    );
    const outputs = new Map([
      ["pictures", inputs.get("image")!],
      ["partners", mixed!.partners.get("")!],
      ["own", mixed!.own],
    ]);
    const nodes = [...decompose({ builder: b, outputs }).outputs.values()];
    const given = new Map([
      [pictures, Float64Array.of(1, 2, 4, 8)],
      [label, Float64Array.of(5, 6, 7, 9)],
      [isReal, Float64Array.of(1, 1, 1, 0)],
    ]);
    const [made, partners, own] = evaluateNodes(nodes, given).map((values) => [...values]);
    expect(own![0]).toBeCloseTo(0.5, 6);
    expect(partners!.slice(0, 3)).toEqual([7, 6, 5]);
    expect(made!.slice(0, 3).map((v) => Math.round(v * 100) / 100)).toEqual([2.5, 2, 2.5]);
  });
});

/** How many pixels have not the share `own`, where those are a rectangle. */
function rectangle(example: readonly number[], own: number): number | undefined {
  const inside = example.flatMap((share, i) => (Math.abs(share - own) > 0.01 ? [i] : []));
  const [rows, columns] = [inside.map((i) => Math.floor(i / WIDTH)), inside.map((i) => i % WIDTH)];
  const span = (of: readonly number[]): number => (of.length === 0 ? 0 : Math.max(...of) - Math.min(...of) + 1);
  return inside.length === span(rows) * span(columns) ? inside.length : undefined;
}

describe("cutmix", () => {
  it("puts a rectangle of the partner into each, whose area is the share of the partner's loss", async () => {
    const areas: number[] = [];
    for (const batch of await shares("cutmix", 120)) {
      const whole = batch.map((example) => example.map((share) => Math.round(share * SIZE)));
      const levels = [...new Set(whole.flat())];
      expect(levels.length).toBeLessThanOrEqual(2);
      // A pixel outside of the rectangle is so much its own as the label counts, and one inside so much less.
      const areasOf = levels.map((own) => new Set(whole.map((example) => rectangle(example, own))));
      const fitting = levels.filter((own, i) => areasOf[i]!.size === 1 && areasOf[i]!.has(SIZE - own));
      expect(fitting.length, levels.join()).toBeGreaterThan(0);
      areas.push(SIZE - Math.max(...fitting));
    }
    expect(areas.some((area) => area === 0) && areas.some((area) => area > SIZE / 4)).toBe(true);
  });

  it("takes turns with mixup", async () => {
    const batches = await shares("mixup(1) -> cutmix", 60);
    // mixup leaves all pixels of a batch alike, and cutmix two kinds.
    const alike = batches.filter((batch) => Math.max(...batch.flat()) - Math.min(...batch.flat()) < 0.01).length;
    expect(alike).toBeGreaterThan(12);
    expect(alike).toBeLessThan(52);
  });
});

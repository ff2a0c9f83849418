// Losses of views against their formulas in float64: on a given batch, whose neighbouring rows are views of one example, and through an
// epoch, where each example is in its batch twice and the filling of the last batch is nobody's negative.

import { describe, expect, it } from "vitest";
import type { DataInfo } from "../../src/ir/plan.ts";
import { tensorType } from "../../src/ir/types.ts";
import { createRandom } from "../support/random.ts";
import { compileText, read, start, traceText } from "../support/run-spec.ts";
import { relativeError } from "../support/values.ts";

type Rows = readonly (readonly number[])[];
/** The mean loss of rows, 2 i and 2 i + 1 of which are views of one example. */
type Formula = (rows: Rows) => number;

const sum = (list: readonly number[]): number => list.reduce((total, it) => total + it, 0);
const mean = (list: readonly number[]): number => sum(list) / list.length;
const dot = (x: readonly number[], y: readonly number[]): number => sum(x.map((v, i) => v * (y[i] ?? NaN)));
const partner = (i: number): number => i ^ 1;

/** Equation 1 of SimCLR. */
const ntXent =
  (temperature: number): Formula =>
  (rows) => {
    const near = (i: number, j: number): number =>
      dot(rows[i]!, rows[j]!) / Math.sqrt(dot(rows[i]!, rows[i]!) * dot(rows[j]!, rows[j]!)) / temperature;
    return mean(rows.map((_, i) => Math.log(sum(rows.flatMap((__, j) => (j === i ? [] : [Math.exp(near(i, j))])))) - near(i, partner(i))));
  };

/** torch.nn.functional.triplet_margin_loss of each row, its partner, and each or the nearest of the others. */
const tripletLoss =
  (margin: number, of: (losses: readonly number[]) => number): Formula =>
  (rows) => {
    const apart = (i: number, j: number): number => Math.sqrt(sum(rows[i]!.map((v, k) => (v - (rows[j]![k] ?? NaN) + 1e-6) ** 2)));
    const others = (i: number): number[] => rows.map((_, j) => j).filter((j) => j >> 1 !== i >> 1);
    return mean(rows.map((_, i) => of(others(i).map((j) => Math.max(0, apart(i, partner(i)) - apart(i, j) + margin)))));
  };

const CASES: readonly (readonly [string, Formula])[] = [
  ["contrastive", ntXent(0.5)],
  ["contrastive(temperature: 0.1)", ntXent(0.1)],
  ["triplet", tripletLoss(1, mean)],
  ["triplet(margin: 0.3)", tripletLoss(0.3, mean)],
  ["triplet(margin: 2.5, negatives: hardest)", tripletLoss(2.5, (losses) => Math.max(...losses))],
];

const WIDTH = 3;
const spec = (loss: string, batch: number): string => `network identity {
  input values: f32[${WIDTH}]
  fc: linear(${WIDTH}, bias: false)
}
dataset d { train table("d.csv", values: v, label: l) }
recipe r {
  network identity
  data d
  loss ${loss}
  optimizer sgd(lr: 1)
  batch ${batch}
  epochs 1
}
`;
const identity = Float32Array.from({ length: WIDTH * WIDTH }, (_, i) => Number(i % (WIDTH + 1) === 0));

/** The gradient by the weights of a linear layer, by central differences. */
const slopes = (formula: Formula, rows: Rows): number[] =>
  Array.from(identity, (_, at) => {
    const step = 1e-6;
    const moved = (by: number): number =>
      formula(rows.map((row) => row.map((v, k) => v + (k === Math.floor(at / WIDTH) ? by * (row[at % WIDTH] ?? NaN) : 0))));
    return (moved(step) - moved(-step)) / (2 * step);
  });

describe.each(CASES)("%s", (words, formula) => {
  it("is its formula, and so is its gradient", async () => {
    const random = createRandom(5);
    const rows = Array.from({ length: 8 }, () => Array.from({ length: WIDTH }, () => Math.fround(random() * 2 - 1)));
    const artifact = await traceText(spec(words, 8), new Map([["values", tensorType("f32", [8, WIDTH])]]));
    const session = await start(artifact);
    session.write("weight/fc.weight", identity);
    session.write("batch/values", Float32Array.from(rows.flat()));
    session.run("train");
    expect((await read(session, "loss"))[0]).toBeCloseTo(formula(rows), 6);
    expect(relativeError(await read(session, "grad/fc.weight"), slopes(formula, rows))).toBeLessThan(1e-5);
  });

  it("has each example of an epoch twice, and no filling among the negatives", async () => {
    const random = createRandom(9);
    const examples = Array.from({ length: 5 }, () => Array.from({ length: WIDTH }, () => Math.fround(random() * 2 - 1)));
    const info: DataInfo = {
      inputs: [{ name: "values", dtype: "f32", shape: [WIDTH] }],
      label: { name: "label", dtype: "f32", shape: [] },
      classes: [],
    };
    const artifact = await compileText(spec(words, 6), info);
    expect(artifact.recipe.views).toBe(2);
    const session = await start(artifact);
    const order = [4, 0, 3, 2, 1];
    session.write("train/values", Float32Array.from(examples.flat()));
    session.write("train/order", Int32Array.from(order));
    session.write("train/count", Int32Array.of(5));
    session.write("train/cursor", Int32Array.of(0));
    const batches = [order.slice(0, 3), order.slice(3)].map((batch) => batch.flatMap((i) => [examples[i]!, examples[i]!]));
    for (const [step, rows] of batches.entries()) {
      session.write("weight/fc.weight", identity);
      session.run("train");
      expect((await read(session, "train/losses"))[step], `step ${step}`).toBeCloseTo(formula(rows), 5);
    }
    const [total, weight] = await read(session, "train/metrics");
    expect(weight).toBe(10);
    expect(total).toBeCloseTo(sum(batches.map((rows) => formula(rows) * rows.length)), 4);
  });
});

// Every loss against its formula in float64: its value, its gradient, and that examples which only fill up the last batch weigh
// nothing. The network is one linear layer that starts as the identity, so its input is the loss's.

import { describe, expect, it } from "vitest";
import type { Loss } from "../../src/ir/recipe/losses/define.ts";
import { LOSSES } from "../../src/ir/recipe/losses/index.ts";
import type { DataInfo } from "../../src/ir/plan.ts";
import type { HostArray } from "../../src/runtime/device.ts";
import { createRandom } from "../support/random.ts";
import { compileText, read, start } from "../support/run-spec.ts";
import { relativeError } from "../support/values.ts";

const [BATCH, EXAMPLES, WIDTH] = [4, 6, 3];

/** Loss of one row of outputs, and its gradient by them. */
type Formula = (outputs: readonly number[], label: readonly number[]) => { readonly loss: number; readonly gradient: readonly number[] };

const sum = (list: readonly number[]): number => list.reduce((total, v) => total + v, 0);

const crossEntropy =
  (smoothing: number): Formula =>
  (logits, [label]) => {
    const normalizer = Math.log(sum(logits.map(Math.exp)));
    const target = logits.map((_, c) => (c === label ? 1 - smoothing : 0) + smoothing / logits.length);
    return {
      loss: sum(logits.map((v, c) => (target[c] ?? NaN) * (normalizer - v))),
      gradient: logits.map((v, c) => Math.exp(v - normalizer) - (target[c] ?? NaN)),
    };
  };

const squares: Formula = (outputs, label) => ({
  loss: sum(outputs.map((v, i) => (v - (label[i] ?? NaN)) ** 2)) / outputs.length,
  gradient: outputs.map((v, i) => (2 * (v - (label[i] ?? NaN))) / outputs.length),
});

const distances: Formula = (outputs, label) => ({
  loss: sum(outputs.map((v, i) => Math.abs(v - (label[i] ?? NaN)))) / outputs.length,
  gradient: outputs.map((v, i) => Math.sign(v - (label[i] ?? NaN)) / outputs.length),
});

/** Error by error, with its slope. */
const errors =
  (of: (size: number) => readonly [loss: number, slope: number]): Formula =>
  (outputs, label) => {
    const signed = outputs.map((v, i) => v - (label[i] ?? NaN));
    return {
      loss: sum(signed.map((e) => of(Math.abs(e))[0])) / outputs.length,
      gradient: signed.map((e) => (of(Math.abs(e))[1] * Math.sign(e)) / outputs.length),
    };
  };
const huber = (delta: number): Formula => errors((e) => (e <= delta ? [(e * e) / 2, e] : [delta * (e - delta / 2), delta]));
const smoothL1 = (beta: number): Formula => errors((e) => (e < beta ? [(e * e) / (2 * beta), e / beta] : [e - beta / 2, 1]));

const focal =
  (gamma: number): Formula =>
  (logits, label) => {
    const { loss, gradient } = crossEntropy(0)(logits, label);
    const p = Math.exp(-loss);
    const slope = (1 - p) ** gamma + gamma * (1 - p) ** (gamma - 1) * p * loss;
    return { loss: (1 - p) ** gamma * loss, gradient: gradient.map((g) => slope * g) };
  };

const hinge =
  (margin: number, p: number): Formula =>
  (scores, [label = NaN]) => {
    const lacks = scores.map((v, c) => (c === label ? 0 : Math.max(0, margin - (scores[label] ?? NaN) + v)));
    const slopes = lacks.map((lack) => (lack > 0 ? (p === 1 ? 1 : 2 * lack) : 0) / scores.length);
    return { loss: sum(lacks.map((lack) => lack ** p)) / scores.length, gradient: slopes.map((s, c) => (c === label ? -sum(slopes) : s)) };
  };

const binary =
  (odds: readonly number[] = []): Formula =>
  (scores, label) => {
    const p = scores.map((v) => 1 / (1 + Math.exp(-v)));
    const weight = (i: number): number => (label[i] ?? NaN) * (odds[i] ?? 1);
    return {
      loss: sum(p.map((v, i) => -weight(i) * Math.log(v) - (1 - (label[i] ?? NaN)) * Math.log(1 - v))) / p.length,
      gradient: p.map((v, i) => (-weight(i) * (1 - v) + (1 - (label[i] ?? NaN)) * v) / p.length),
    };
  };

/** Of labels that are no shares: what is not above 0 counts for nothing. */
const divergence: Formula = (scores, label) => {
  const normalizer = Math.log(sum(scores.map(Math.exp)));
  const shares = label.map((share) => Math.max(share, 0));
  return {
    loss: sum(shares.map((share, i) => (share > 0 ? share * (Math.log(share) - (scores[i] ?? NaN) + normalizer) : 0))),
    gradient: scores.map((v, i) => Math.exp(v - normalizer) * sum(shares) - (shares[i] ?? NaN)),
  };
};

const angle: Formula = (outputs, label) => {
  const dot = (x: readonly number[], y: readonly number[]): number => sum(x.map((v, i) => v * (y[i] ?? NaN)));
  const [own, other] = [Math.sqrt(dot(outputs, outputs)), Math.sqrt(dot(label, label))];
  const near = dot(outputs, label) / (own * other);
  return { loss: 1 - near, gradient: outputs.map((v, i) => (near * v) / (own * own) - (label[i] ?? NaN) / (own * other)) };
};

interface Case {
  readonly words: string;
  readonly formula: Formula;
  /** Rows of outputs with a label each, of one example: time steps. */
  readonly rows: number;
  readonly classes: boolean;
}
const CASES: readonly Case[] = [
  ...[0, 0.1, 0.6].flatMap((smoothing) =>
    [1, 5].map((rows) => ({
      words: smoothing === 0 ? "cross_entropy" : `cross_entropy(label_smoothing: ${smoothing})`,
      ...{ formula: crossEntropy(smoothing), rows, classes: true },
    })),
  ),
  { words: "focal", formula: focal(2), rows: 1, classes: true },
  { words: "focal(gamma: 1)", formula: focal(1), rows: 1, classes: true },
  { words: "focal(gamma: 0)", formula: crossEntropy(0), rows: 1, classes: true },
  { words: "focal(gamma: 3.5)", formula: focal(3.5), rows: 5, classes: true },
  { words: "hinge", formula: hinge(1, 1), rows: 1, classes: true },
  { words: "hinge(margin: 0.4, p: 2)", formula: hinge(0.4, 2), rows: 5, classes: true },
  { words: "huber", formula: huber(1), rows: 1, classes: false },
  { words: "huber(delta: 0.3)", formula: huber(0.3), rows: 1, classes: false },
  { words: "smooth_l1", formula: smoothL1(1), rows: 1, classes: false },
  { words: "smooth_l1(beta: 0.3)", formula: smoothL1(0.3), rows: 1, classes: false },
  { words: "smooth_l1(beta: 0)", formula: distances, rows: 1, classes: false },
  { words: "binary_cross_entropy", formula: binary(), rows: 1, classes: false },
  { words: "binary_cross_entropy(pos_weight: [3, 1, 0.5])", formula: binary([3, 1, 0.5]), rows: 1, classes: false },
  { words: "kl_divergence", formula: divergence, rows: 1, classes: false },
  { words: "cosine", formula: angle, rows: 1, classes: false },
  { words: "mse", formula: squares, rows: 1, classes: false },
  { words: "mae", formula: distances, rows: 1, classes: false },
];

const spec = ({ words, rows }: Case): string => `network identity {
  input values: f32[${rows === 1 ? "" : `${rows}, `}${WIDTH}]
  fc: linear(${WIDTH}, bias: false)
}
dataset d {
  train table("d.csv", values: v, label: l)
}
recipe r {
  network identity
  data d
  loss ${words}
  optimizer sgd(lr: 1)
  batch ${BATCH}
  epochs 1
}
`;

describe("losses follow their formulas", () => {
  it("all of them", () => {
    // Those of views are in views.test.ts; what a label of a picture says of all of it is in PyTorch's traces, on every device.
    const names = LOSSES.filter((loss: Loss) => loss.views === undefined && !loss.seesIgnored).map(({ name }) => name);
    expect(new Set(CASES.map(({ words }) => words.replace(/\(.*/, "")))).toEqual(new Set(names));
  });

  it.each(CASES.map((it) => [`${it.words}, ${it.rows} a row`, it] as const))("%s", async (_, it) => {
    const { rows, classes, formula } = it;
    const random = createRandom(rows + 3);
    const size = EXAMPLES * rows * WIDTH;
    const values = Float32Array.from({ length: size }, () => random() * 4 - 2);
    const width = classes ? 1 : WIDTH;
    const labels: HostArray = classes
      ? Int32Array.from({ length: EXAMPLES * rows }, () => Math.floor(random() * WIDTH))
      : Float32Array.from({ length: size }, () => random() * 4 - 2);
    const shape = rows === 1 ? [] : [rows];
    const info: DataInfo = {
      inputs: [{ name: "values", dtype: "f32", shape: [...shape, WIDTH] }],
      label: { name: "label", dtype: classes ? "i32" : "f32", shape: classes ? shape : [WIDTH] },
      classes: classes ? ["a", "b", "c"] : [],
    };
    const session = await start(await compileText(spec(it), info));
    const identity = Array.from({ length: WIDTH * WIDTH }, (_unused, i) => Number(i % (WIDTH + 1) === 0));
    session.write("train/values", values);
    session.write("train/label", labels);
    const order = [4, 0, 5, 2, 3, 1];
    session.write("train/order", Int32Array.from(order));
    session.write("train/count", Int32Array.of(EXAMPLES));
    session.write("train/cursor", Int32Array.of(0));
    let [total, weight] = [0, 0];
    for (const batch of [order.slice(0, BATCH), order.slice(BATCH)]) {
      const results = batch.flatMap((example) =>
        Array.from({ length: rows }, (_unused, row) => {
          const at = example * rows + row;
          const outputs = [...values.subarray(at * WIDTH, (at + 1) * WIDTH)];
          return { outputs, ...formula(outputs, Array.from(labels.subarray(at * width, (at + 1) * width))) };
        }),
      );
      const losses = results.map(({ loss }) => loss);
      const gradient = identity.map(
        (_unused, i) =>
          sum(results.map((r) => (r.gradient[Math.floor(i / WIDTH)] ?? NaN) * (r.outputs[i % WIDTH] ?? NaN))) / results.length,
      );
      session.write("weight/fc.weight", Float32Array.from(identity));
      session.run("train");
      const step = total === 0 ? 0 : 1;
      expect((await read(session, "train/losses"))[step]).toBeCloseTo(sum(losses) / losses.length, 5);
      const learned = (await read(session, "weight/fc.weight")).map((w, i) => (identity[i] ?? NaN) - w);
      expect(relativeError(learned, gradient), `gradient of batch ${step}`).toBeLessThan(1e-5);
      total += sum(losses);
      weight += losses.length;
    }
    const [allLoss, allWeight] = await read(session, "train/metrics");
    expect(allLoss).toBeCloseTo(total, 4);
    expect(allWeight).toBe(weight);
    expect((await read(session, "train/rates")).slice(0, 3)).toEqual([1, 1, 0]);
  });
});

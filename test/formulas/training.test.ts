// What a run reports, against a softmax regression by hand in float64: the loss of every step, the rate, the metrics of every epoch and
// of the validation and test splits, counted from labels and answers, and the weights at the end. Labels are uneven and errors are
// one-sided, so that a matrix the wrong way round has other sums.

import { describe, expect, it } from "vitest";
import { METRICS } from "../../src/ir/recipe/metrics/index.ts";
import type { DataInfo } from "../../src/ir/plan.ts";
import { splitFromArrays, type LoadedSplit } from "../../src/runtime/data/loaded-split.ts";
import { initialize, Network } from "../../src/runtime/network.ts";
import { permutation, STREAM } from "../../src/runtime/random.ts";
import { createEvaluator } from "../../src/runtime/evaluate.ts";
import { FoldingSession } from "../../src/runtime/folding-session.ts";
import { openReferenceDevice } from "../../src/runtime/reference/device.ts";
import type { TrainEvent } from "../../src/runtime/events.ts";
import { train } from "../../src/runtime/trainer.ts";
import { readSafetensors, type Tensor } from "../../src/runtime/weights/safetensors.ts";
import { fromHostArray, toFloat32 } from "../../src/runtime/weights/tensor-values.ts";
import { createRandom } from "../support/random.ts";
import { compileText, read } from "../support/run-spec.ts";
import { soleStage } from "../support/stages.ts";
import { relativeError } from "../support/values.ts";

const [INPUTS, CLASSES, BATCH, EPOCHS, RATE, SEED] = [2, 3, 4, 3, 0.5, 9];

interface Example {
  readonly x: readonly number[];
  readonly label: number;
}
const random = createRandom(2);
/** Mostly of class 0, hardly of class 2. */
const examples = (count: number): Example[] =>
  Array.from({ length: count }, () => ({
    x: Array.from({ length: INPUTS }, () => Math.fround(random() * 4 - 2)),
    label: [0, 0, 0, 0, 1, 1, 2][Math.floor(random() * 7)] ?? 0,
  }));
const SPLITS = { train: examples(10), val: examples(7), test: examples(9) };
const WEIGHTS = Array.from({ length: CLASSES * INPUTS }, () => Math.fround(random() - 0.5));

const sum = (list: readonly number[]): number => list.reduce((total, v) => total + v, 0);
const at = (list: readonly number[], i: number): number => list[i] ?? NaN;

interface Answer {
  readonly label: number;
  readonly answer: number;
  readonly loss: number;
}

class Regression {
  readonly weights = [...WEIGHTS];

  /** Loss, answer and gradient of one example. */
  look({ x, label }: Example): Answer & { readonly gradient: number[] } {
    const logits = Array.from({ length: CLASSES }, (_, c) => sum(x.map((v, i) => v * at(this.weights, c * INPUTS + i))));
    const normalizer = Math.log(sum(logits.map(Math.exp)));
    return {
      label,
      answer: logits.indexOf(Math.max(...logits)),
      loss: normalizer - at(logits, label),
      gradient: this.weights.map((_, k) => {
        const c = Math.floor(k / INPUTS);
        return (Math.exp(at(logits, c) - normalizer) - Number(c === label)) * at(x, k % INPUTS);
      }),
    };
  }

  step(batch: readonly Example[]): Answer[] {
    const seen = batch.map((example) => this.look(example));
    this.weights.forEach((w, k) => (this.weights[k] = w - (RATE * sum(seen.map(({ gradient }) => at(gradient, k)))) / batch.length));
    return seen;
  }
}

/** Macro averages over the classes that occur as a label or as an answer; a quotient without cases is 0. */
function count(seen: readonly Answer[]): Record<string, number> {
  const occurring = [...new Set(seen.flatMap(({ label, answer }) => [label, answer]))];
  const macro = (of: (right: number, answered: number, labelled: number) => number): number =>
    sum(
      occurring.map((c) =>
        of(
          seen.filter(({ label, answer }) => label === c && answer === c).length,
          seen.filter(({ answer }) => answer === c).length,
          seen.filter(({ label }) => label === c).length,
        ),
      ),
    ) / occurring.length;
  return {
    loss: sum(seen.map(({ loss }) => loss)) / seen.length,
    accuracy: seen.filter(({ label, answer }) => label === answer).length / seen.length,
    precision: macro((right, answered) => (answered === 0 ? 0 : right / answered)),
    recall: macro((right, _, labelled) => (labelled === 0 ? 0 : right / labelled)),
    f1: macro((right, answered, labelled) => (2 * right) / (answered + labelled)),
  };
}

const INFO: DataInfo = {
  inputs: [{ name: "values", dtype: "f32", shape: [INPUTS] }],
  label: { name: "label", dtype: "i32", shape: [] },
  classes: ["often", "sometimes", "rarely"],
};
const SPEC = `network net {
  input values: f32[${INPUTS}]
  fc: linear(${CLASSES}, bias: false)
}
dataset d {
  train table("d.csv", values: v, label: l)
}
recipe r {
  network net
  data d
  loss cross_entropy
  metrics recall, accuracy, f1, precision
  optimizer sgd(lr: ${RATE})
  batch ${BATCH}
  epochs ${EPOCHS}
  seed ${SEED}
}
`;
const split = (list: readonly Example[]): LoadedSplit =>
  splitFromArrays(INFO, { values: Float32Array.from(list.flatMap(({ x }) => x)), label: Int32Array.from(list, ({ label }) => label) });

const expectMetrics = (actual: Readonly<Record<string, unknown>> | undefined, seen: readonly Answer[]): void => {
  const expected = count(seen);
  expect(Object.keys(actual ?? {}).sort()).toEqual(Object.keys(expected).sort());
  for (const [name, value] of Object.entries(expected)) expect(actual?.[name], name).toBeCloseTo(value, 5);
};

describe("a run", () => {
  it("reports what it did: losses, rates, metrics, examples, weights", async () => {
    const artifact = await compileText(SPEC, INFO);
    const device = openReferenceDevice();
    const network = await Network.open(artifact, device);
    const data = { train: split(SPLITS.train), val: split(SPLITS.val), test: split(SPLITS.test) };
    const weights = new Map<string, Tensor>([["fc.weight", fromHostArray(Float32Array.from(WEIGHTS), "f32", [CLASSES, INPUTS])]]);
    const events: TrainEvent[] = [];
    for await (const event of train(network, data, { weights: { tensors: weights, metadata: new Map() } })) events.push(event);

    const [started] = events;
    expect(started).toMatchObject({
      event: "start",
      ...{ recipe: "r", device: "reference", seed: SEED, batch: BATCH, epochs: EPOCHS, steps: 9, parameters: 6, trainable: 6 },
      examples: { train: 10, val: 7, test: 9 },
    });
    const model = new Regression();
    const steps = events.filter((event) => event.event === "step");
    const epochs = events.filter((event) => event.event === "epoch");
    expect([steps.length, epochs.length]).toEqual([9, EPOCHS]);
    for (let epoch = 1; epoch <= EPOCHS; epoch++) {
      const order = permutation(SPLITS.train.length, SEED, STREAM.shuffle, epoch - 1);
      expect([...order].sort()).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
      const seen: Answer[] = [];
      for (let first = 0; first < order.length; first += BATCH) {
        const batch = [...order.slice(first, first + BATCH)].flatMap((i) => SPLITS.train[i] ?? []);
        const answers = model.step(batch);
        const step = steps.shift();
        expect(step).toMatchObject({ epoch, step: (epoch - 1) * 3 + first / BATCH + 1, lr: RATE });
        expect(step?.loss).toBeCloseTo(sum(answers.map(({ loss }) => loss)) / batch.length, 5);
        seen.push(...answers);
      }
      expectMetrics(epochs[epoch - 1]?.train, seen);
      expectMetrics(
        epochs[epoch - 1]?.val,
        SPLITS.val.map((example) => model.look(example)),
      );
    }
    const done = events.at(-1);
    if (done?.event !== "done") return expect.fail("the run ends with `done`");
    expectMetrics(
      done.test,
      SPLITS.test.map((example) => model.look(example)),
    );
    const saved = readSafetensors(done.weights).tensors.get("fc.weight");
    expect(saved && relativeError(toFloat32("fc.weight", saved), model.weights)).toBeLessThan(1e-5);
  });

  it("counts true classes in rows and answers in columns", async () => {
    const artifact = await compileText(SPEC, INFO);
    const session = await FoldingSession.load(openReferenceDevice(), soleStage(artifact));
    session.run("init");
    session.write("weight/fc.weight", Float32Array.from(WEIGHTS));
    const { columns, count: size } = split(SPLITS.test);
    for (const [name, { data }] of columns) session.write(`eval/${name}`, data);
    session.write("eval/count", Int32Array.of(size));
    session.run("eval", 3);
    const model = new Regression();
    const expected = new Array<number>(CLASSES * CLASSES).fill(0);
    for (const example of SPLITS.test) {
      const { label, answer } = model.look(example);
      expected[label * CLASSES + answer] = at(expected, label * CLASSES + answer) + 1;
    }
    const transposed = expected.map((_, i) => at(expected, (i % CLASSES) * CLASSES + Math.floor(i / CLASSES)));
    expect(expected).not.toEqual(transposed);
    expect(await read(session, "eval/confusion")).toEqual(expected);
  });

  it("reports errors of numbers, over real examples and all their outputs", async () => {
    const info: DataInfo = {
      inputs: [{ name: "values", dtype: "f32", shape: [INPUTS] }],
      label: { name: "label", dtype: "f32", shape: [CLASSES] },
      classes: [],
    };
    const artifact = await compileText(SPEC.replace("cross_entropy", "mse").replace(/metrics .*/, "metrics mae"), info);
    const { loaded } = await Network.open(artifact, openReferenceDevice());
    const { session } = loaded;
    initialize(loaded);
    session.write("weight/fc.weight", Float32Array.from(WEIGHTS));
    const targets = Array.from({ length: SPLITS.test.length * CLASSES }, () => Math.fround(random() * 4 - 2));
    const values = Float32Array.from(SPLITS.test.flatMap(({ x }) => x));
    const metrics = await createEvaluator(loaded)(splitFromArrays(info, { values, label: Float32Array.from(targets) }));
    const errors = targets.map((target, i) => {
      const { x } = SPLITS.test[Math.floor(i / CLASSES)] ?? { x: [] };
      return sum(x.map((v, k) => v * at(WEIGHTS, (i % CLASSES) * INPUTS + k))) - target;
    });
    expect(metrics).toEqual({
      loss: expect.closeTo(sum(errors.map((v) => v * v)) / errors.length, 5) as number,
      mae: expect.closeTo(sum(errors.map(Math.abs)) / errors.length, 5) as number,
    });
  });

  it("has a count by hand for every metric", () => {
    // Others are compared with scikit-learn's, in metrics.test.ts.
    const byHand = [...Object.keys(count([])), "mae"].filter((name) => name !== "loss");
    expect(METRICS.map(({ name }): string => name)).toEqual(expect.arrayContaining(byHand));
  });
});

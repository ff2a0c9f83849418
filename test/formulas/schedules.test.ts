// Every schedule against its formula: the rates that a run reports, step by step, and that weights move by them. The formulas are those
// of transformers' get_..._schedule_with_warmup and torch.optim.lr_scheduler.

import { expect, it } from "vitest";
import { SCHEDULES } from "../../src/ir/recipe/schedules/index.ts";
import type { DataInfo } from "../../src/ir/plan.ts";
import { splitFromArrays } from "../../src/runtime/data/loaded-split.ts";
import { Network } from "../../src/runtime/network.ts";
import { openReferenceDevice } from "../../src/runtime/reference/device.ts";
import { train } from "../../src/runtime/trainer.ts";
import { readSafetensors } from "../../src/runtime/weights/safetensors.ts";
import { fromHostArray, toFloat32 } from "../../src/runtime/weights/tensor-values.ts";
import { compileText } from "../support/run-spec.ts";

const [EXAMPLES, BATCH, EPOCHS, RATE] = [7, 2, 5, 0.25];
const PER_EPOCH = Math.ceil(EXAMPLES / BATCH);
const TOTAL = PER_EPOCH * EPOCHS;

/** The rate over the optimizer's, of the step after `done` others. */
type Formula = (done: number) => number;

/** Up from 0 over the warmup, then a formula of the share of the rest that is done. */
const warm =
  (warmup: number, then: (progress: number) => number): Formula =>
  (done) => {
    const length = Math.ceil(TOTAL * warmup);
    return done < length ? done / length : then((done - length) / (TOTAL - length));
  };

/** A warmup of so many steps, and what comes then from its own beginning. */
const behind =
  (length: number, then: Formula): Formula =>
  (done) =>
    done < length ? done / length : then(done - length);

/** torch.optim.lr_scheduler.OneCycleLR over the largest rate: phases as [last step, from, to]. */
const cycle =
  (curve: (share: number) => number, ...phases: readonly (readonly [last: number, from: number, to: number])[]): Formula =>
  (done) => {
    const i = Math.max(
      0,
      phases.findIndex(([last]) => done <= last),
    );
    const [last, from, to] = phases[i]!;
    const first = phases[i - 1]?.[0] ?? 0;
    return from + (to - from) * curve((done - first) / (last - first));
  };
const half = (share: number): number => (1 - Math.cos(Math.PI * share)) / 2;

const CASES: readonly (readonly [words: string, formula: Formula])[] = [
  ["constant", () => 1],
  ["constant(warmup: 20%)", warm(0.2, () => 1)],
  ["linear", (done) => 1 - done / TOTAL],
  ["linear(end: 0.3)", (done) => 1 - 0.7 * (done / TOTAL)],
  ["linear(warmup: 0.31, end: 0.1)", warm(0.31, (progress) => 1 - 0.9 * progress)],
  ["cosine", (done) => (1 + Math.cos((Math.PI * done) / TOTAL)) / 2],
  ["cosine(warmup: 15%)", warm(0.15, (progress) => (1 + Math.cos(Math.PI * progress)) / 2)],
  ["cosine(warmup: 10%, end: 0.2)", warm(0.1, (progress) => 0.2 + 0.4 * (1 + Math.cos(Math.PI * progress)))],
  ["step(every: 1, factor: 0.5)", (done) => 0.5 ** Math.floor(done / PER_EPOCH)],
  ["polynomial", (done) => 1 - done / TOTAL],
  ["polynomial(power: 2, end: 0.1)", (done) => 0.1 + 0.9 * (1 - done / TOTAL) ** 2],
  ["polynomial(power: 0.5, warmup: 20%)", warm(0.2, (progress) => Math.sqrt(1 - progress))],
  ["cosine_restarts(every: 1)", (done) => (1 + Math.cos((Math.PI * (done % PER_EPOCH)) / PER_EPOCH)) / 2],
  ["cosine_restarts(every: 2, end: 0.2)", (done) => 0.2 + 0.4 * (1 + Math.cos((Math.PI * (done % (2 * PER_EPOCH))) / (2 * PER_EPOCH)))],
  ["multi_step(milestones: [2])", (done) => (done < 2 * PER_EPOCH ? 1 : 0.1)],
  ["multi_step(milestones: [1, 2, 4], gamma: 0.5)", (done) => 0.5 ** [1, 2, 4].filter((epoch) => done >= epoch * PER_EPOCH).length],
  ["exponential(gamma: 0.7)", (done) => 0.7 ** Math.floor(done / PER_EPOCH)],
  ["linear(warmup_steps: 3)", warm(3 / TOTAL, (progress) => 1 - progress)],
  ["cosine(warmup_epochs: 1.5, end: 0.1)", warm((1.5 * PER_EPOCH) / TOTAL, (progress) => 0.1 + 0.45 * (1 + Math.cos(Math.PI * progress)))],
  ["constant(warmup_steps: 7)", behind(7, () => 1)],
  ["step(every: 1, factor: 0.5, warmup_epochs: 2)", behind(2 * PER_EPOCH, (done) => 0.5 ** Math.floor(done / PER_EPOCH))],
  ["multi_step(milestones: [2], warmup: 20%)", behind(TOTAL / 5, (done) => (done < 2 * PER_EPOCH ? 1 : 0.1))],
  ["exponential(gamma: 0.7, warmup_steps: 5)", behind(5, (done) => 0.7 ** Math.floor(done / PER_EPOCH))],
  ["cosine_restarts(every: 1, warmup_steps: 3)", behind(3, (done) => (1 + Math.cos((Math.PI * (done % PER_EPOCH)) / PER_EPOCH)) / 2)],
  ["one_cycle(cycle_momentum: false)", cycle(half, [0.3 * TOTAL - 1, 1 / 25, 1], [TOTAL - 1, 1, 1 / 25e4])],
  [
    "one_cycle(cycle_momentum: false, pct_start: 0.4, anneal_strategy: linear, div_factor: 10, final_div_factor: 100)",
    cycle((share) => share, [0.4 * TOTAL - 1, 0.1, 1], [TOTAL - 1, 1, 1e-3]),
  ],
  [
    "one_cycle(cycle_momentum: false, pct_start: 0.35, div_factor: 5, final_div_factor: 10, three_phase: true)",
    cycle(half, [0.35 * TOTAL - 1, 0.2, 1], [0.7 * TOTAL - 2, 1, 0.2], [TOTAL - 1, 0.2, 0.02]),
  ],
  // No loss is better by all of itself, so that every epoch but the first stalls.
  ["plateau(watch: train.loss, factor: 0.5, patience: 0, threshold: 1)", (done) => 0.5 ** Math.max(0, Math.floor(done / PER_EPOCH) - 1)],
  ["range_test(from: 1e-3, to: 0.1, steps: 5)", (done) => (1e-3 / RATE) * 100 ** (Math.min(done, 4) / 4)],
  ["step(every: 2)", (done) => 0.1 ** Math.floor(done / (2 * PER_EPOCH))],
];

const INFO: DataInfo = {
  inputs: [{ name: "values", dtype: "f32", shape: [1] }],
  label: { name: "label", dtype: "f32", shape: [] },
  classes: [],
};

/** One weight w of w x, towards targets of nothing, from inputs of 1: its gradient is 2 w, so every step multiplies it by 1 - 2 rate. */
const spec = (schedule: string): string => `network line {
  input values: f32[1]
  fc: linear(1, bias: false)
}
dataset d {
  train table("d.csv", values: v, label: l)
}
recipe r {
  network line
  data d
  loss mse
  optimizer sgd(lr: ${RATE})
  schedule ${schedule}
  batch ${BATCH}
  epochs ${EPOCHS}
}
`;

it("there is a formula for every schedule", () => {
  expect(new Set(CASES.map(([words]) => words.replace(/\(.*/, "")))).toEqual(new Set(SCHEDULES.map(({ name }) => name)));
});

it.each(CASES)("the schedule %s follows its formula", async (schedule, formula) => {
  const artifact = await compileText(spec(schedule), INFO);
  const network = await Network.open(artifact, openReferenceDevice());
  const data = { train: splitFromArrays(INFO, { values: new Float32Array(EXAMPLES).fill(1), label: new Float32Array(EXAMPLES) }) };
  const weights = {
    tensors: new Map([["fc.weight", fromHostArray(Float32Array.of(1), "f32", [1, 1])]]),
    metadata: new Map<string, string>(),
  };
  const rates: number[] = [];
  let weight = NaN;
  for await (const event of train(network, data, { weights })) {
    if (event.event === "step") rates.push(event.lr ?? NaN);
    if (event.event === "done") weight = toFloat32("fc.weight", readSafetensors(event.weights).tensors.get("fc.weight")!)[0] ?? NaN;
  }
  const expected = Array.from({ length: TOTAL }, (_, done) => RATE * formula(done));
  expect(rates).toEqual(expected.map((rate) => expect.closeTo(rate, 6) as number));
  expect(weight).toBeCloseTo(
    expected.reduce((w, rate) => w * (1 - 2 * rate), 1),
    6,
  );
});

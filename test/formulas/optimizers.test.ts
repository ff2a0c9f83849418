// Every optimizer against its formula: a linear regression by hand in float64, several steps, several settings.

import { describe, expect, it } from "vitest";
import { OPTIMIZERS } from "../../src/ir/recipe/optimizers/index.ts";
import { tensorType } from "../../src/ir/types.ts";
import { createRandom } from "../support/random.ts";
import { read, start, traceText } from "../support/run-spec.ts";
import { relativeError } from "../support/values.ts";
import { adadelta, adagrad, adam, lamb, lars, lion, nadam, radam, rmsprop, sgd, type Rule } from "./optimizer-formulas.ts";

const [EXAMPLES, INPUTS, OUTPUTS, STEPS] = [5, 3, 2, 8];

const CASES: readonly (readonly [words: string, rule: Rule])[] = [
  ["sgd(lr: 0.1)", sgd({ lr: 0.1 })],
  ["sgd(lr: 0.05, weight_decay: 0.3)", sgd({ lr: 0.05, decay: 0.3 })],
  ["sgd(lr: 0.1, momentum: 0.9)", sgd({ lr: 0.1, momentum: 0.9 })],
  ["sgd(lr: 0.1, momentum: 0.7, dampening: 0.4)", sgd({ lr: 0.1, momentum: 0.7, dampening: 0.4 })],
  ["sgd(lr: 0.1, momentum: 0.8, nesterov: true)", sgd({ lr: 0.1, momentum: 0.8, nesterov: true })],
  ["sgd(lr: 0.1, momentum: 0.8, nesterov: true, weight_decay: 0.2)", sgd({ lr: 0.1, momentum: 0.8, nesterov: true, decay: 0.2 })],
  ["sgd(lr: 0.1, momentum: 0.6, dampening: 0.2, weight_decay: 0.2)", sgd({ lr: 0.1, momentum: 0.6, dampening: 0.2, decay: 0.2 })],
  ["adam", adam({})],
  ["adam(lr: 0.05, betas: [0.7, 0.95])", adam({ lr: 0.05, betas: [0.7, 0.95] })],
  ["adam(lr: 0.05, betas: [0.95, 0.6], eps: 0.3)", adam({ lr: 0.05, betas: [0.95, 0.6], eps: 0.3 })],
  ["adam(lr: 0.05, weight_decay: 0.5)", adam({ lr: 0.05, decay: 0.5 })],
  ["adamw", adam({ decay: 0.01, decoupled: true })],
  ["adamw(lr: 0.05, weight_decay: 0.5)", adam({ lr: 0.05, decay: 0.5, decoupled: true })],
  [
    "adamw(lr: 0.02, betas: [0.5, 0.8], eps: 0.01, weight_decay: 1)",
    adam({ lr: 0.02, betas: [0.5, 0.8], eps: 0.01, decay: 1, decoupled: true }),
  ],
  ["nadam", nadam({})],
  ["nadam(lr: 0.05, betas: [0.8, 0.9], eps: 0.1, weight_decay: 0.5)", nadam({ lr: 0.05, betas: [0.8, 0.9], eps: 0.1, decay: 0.5 })],
  [
    "nadam(lr: 0.05, momentum_decay: 3, weight_decay: 0.5, decoupled_weight_decay: true)",
    nadam({ lr: 0.05, psi: 3, decay: 0.5, decoupled: true }),
  ],
  // The average is long enough from the sixth step on, or never.
  ["radam", radam({})],
  ["radam(lr: 0.05, betas: [0.7, 0.95], eps: 0.1, weight_decay: 0.5)", radam({ lr: 0.05, betas: [0.7, 0.95], eps: 0.1, decay: 0.5 })],
  ["radam(lr: 0.05, betas: [0.7, 0.6])", radam({ lr: 0.05, betas: [0.7, 0.6] })],
  ["radam(lr: 0.05, weight_decay: 0.5, decoupled_weight_decay: true)", radam({ lr: 0.05, decay: 0.5, decoupled: true })],
  ["rmsprop", rmsprop({})],
  ["rmsprop(lr: 0.05, alpha: 0.8, eps: 0.1, weight_decay: 0.5)", rmsprop({ lr: 0.05, alpha: 0.8, eps: 0.1, decay: 0.5 })],
  ["rmsprop(momentum: 0.7)", rmsprop({ momentum: 0.7 })],
  ["rmsprop(alpha: 0.9, centered: true)", rmsprop({ alpha: 0.9, centered: true })],
  ["rmsprop(eps: 0.01, momentum: 0.7, centered: true)", rmsprop({ eps: 0.01, momentum: 0.7, centered: true })],
  ["adagrad", adagrad({})],
  ["adagrad(lr: 0.1, lr_decay: 0.3, weight_decay: 0.5)", adagrad({ lr: 0.1, slowing: 0.3, decay: 0.5 })],
  ["adagrad(lr: 0.1, initial_accumulator_value: 0.2, eps: 0.01)", adagrad({ lr: 0.1, start: 0.2, eps: 0.01 })],
  ["adadelta", adadelta({})],
  ["adadelta(lr: 0.5, rho: 0.7, eps: 1e-3, weight_decay: 0.5)", adadelta({ lr: 0.5, rho: 0.7, eps: 1e-3, decay: 0.5 })],
  ["lamb", lamb({})],
  ["lamb(lr: 0.05, betas: [0.7, 0.9], eps: 0.1, max_grad_norm: 0.3)", lamb({ lr: 0.05, betas: [0.7, 0.9], eps: 0.1, most: 0.3 })],
  ["lamb(lr: 0.05, max_grad_norm: 0, eps: 0.1, weight_decay: 0.5)", lamb({ lr: 0.05, most: Infinity, eps: 0.1, decay: 0.5 })],
  ["lamb(lr: 0.05, weight_decay: 0, eps: 0.1)", lamb({ lr: 0.05, decay: 0, eps: 0.1 })],
  ["lamb(lr: 0.05, weight_decay: 0, eps: 0.9, always_adapt: true)", lamb({ lr: 0.05, decay: 0, eps: 0.9, adapt: true })],
  ["lamb(lr: 0.05, eps: 3, trust_clip: true)", lamb({ lr: 0.05, eps: 3, clip: true })],
  ["lars", lars({})],
  ["lars(weight_decay: 0.1)", lars({ decay: 0.1 })],
  [
    "lars(lr: 0.5, momentum: 0.8, dampening: 0.3, weight_decay: 0.1, trust_coeff: 0.2, eps: 0.1)",
    lars({ lr: 0.5, momentum: 0.8, dampening: 0.3, decay: 0.1, coefficient: 0.2, eps: 0.1 }),
  ],
  ["lars(lr: 0.3, momentum: 0.8, nesterov: true, always_adapt: true)", lars({ lr: 0.3, momentum: 0.8, nesterov: true, adapt: true })],
  ["lars(lr: 0.1, trust_coeff: 0.1, weight_decay: 0.1, trust_clip: true)", lars({ lr: 0.1, coefficient: 0.1, decay: 0.1, clip: true })],
  ["lion", lion({})],
  ["lion(lr: 0.05, betas: [0.6, 0.8], weight_decay: 0.5)", lion({ lr: 0.05, betas: [0.6, 0.8], decay: 0.5 })],
];

const spec = (optimizer: string): string => `network line {
  input values: f32[${INPUTS}]
  fc: linear(${OUTPUTS})
}
recipe r {
  network line
  loss mse
  optimizer ${optimizer}
}
`;

const random = createRandom(5);
const numbers = (count: number): number[] => Array.from({ length: count }, () => Math.fround(random() * 2 - 1));
const [x, target, weight, bias] = [numbers(EXAMPLES * INPUTS), numbers(EXAMPLES * OUTPUTS), numbers(OUTPUTS * INPUTS), numbers(OUTPUTS)];
const at = (list: readonly number[], i: number): number => list[i] ?? NaN;

/** Gradients of mean((x w^T + b - target)^2), the weight's [outputs, inputs] before the bias's [outputs]. */
function gradientsOf(w: readonly number[]): number[] {
  const grads = w.map(() => 0);
  for (let e = 0; e < EXAMPLES; e++)
    for (let o = 0; o < OUTPUTS; o++) {
      const row = x.slice(e * INPUTS, (e + 1) * INPUTS);
      const output = row.reduce((sum, v, i) => sum + v * at(w, o * INPUTS + i), at(w, OUTPUTS * INPUTS + o));
      const error = (2 * (output - at(target, e * OUTPUTS + o))) / (EXAMPLES * OUTPUTS);
      row.forEach((v, i) => (grads[o * INPUTS + i] = at(grads, o * INPUTS + i) + error * v));
      grads[OUTPUTS * INPUTS + o] = at(grads, OUTPUTS * INPUTS + o) + error;
    }
  return grads;
}

describe("optimizers follow their formulas", () => {
  it("all of them", () => {
    expect(new Set(CASES.map(([words]) => words.replace(/\(.*/, "")))).toEqual(new Set(OPTIMIZERS.map(({ name }) => name)));
  });

  it.each(CASES)("%s", async (words, rule) => {
    const batch = new Map([
      ["values", tensorType("f32", [EXAMPLES, INPUTS])],
      ["label", tensorType("f32", [EXAMPLES, OUTPUTS])],
    ]);
    const session = await start(await traceText(spec(words), batch));
    session.write("batch/values", Float32Array.from(x));
    session.write("batch/label", Float32Array.from(target));
    session.write("weight/fc.weight", Float32Array.from(weight));
    session.write("weight/fc.bias", Float32Array.from(bias));
    let expected = [...weight, ...bias];
    const states = expected.map((): Record<string, number> => ({}));
    // Tensor by tensor: some formulas are of norms.
    const tensors = [
      [0, weight.length],
      [weight.length, expected.length],
    ] as const;
    for (let t = 1; t <= STEPS; t++) {
      const grads = gradientsOf(expected);
      expected = tensors.flatMap((part) => rule(expected.slice(...part), grads.slice(...part), t, states.slice(...part), grads));
      session.run("train");
      const actual = [...(await read(session, "weight/fc.weight")), ...(await read(session, "weight/fc.bias"))];
      expect(relativeError(actual, expected), `step ${t}`).toBeLessThan(1e-6);
      expect(relativeError([...(await read(session, "grad/fc.weight")), ...(await read(session, "grad/fc.bias"))], grads)).toBeLessThan(
        1e-5,
      );
    }
  });
});

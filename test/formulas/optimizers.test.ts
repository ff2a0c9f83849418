// Every optimizer against its formula: a linear regression by hand in float64, several steps, several settings. The formulas are
// those of torch.optim's documentation.

import { describe, expect, it } from "vitest";
import { OPTIMIZERS } from "../../src/ir/recipe/optimizers/index.ts";
import { tensorType } from "../../src/ir/types.ts";
import { createRandom } from "../support/random.ts";
import { read, start, traceText } from "../support/run-spec.ts";
import { relativeError } from "../support/values.ts";

const [EXAMPLES, INPUTS, OUTPUTS, STEPS] = [5, 3, 2, 6];

/** The next weight, given the weight, its gradient, and the number of the step from 1; keeps what it wants in `state`. */
type Rule = (w: number, g: number, t: number, state: Record<string, number>) => number;

interface Sgd {
  readonly lr: number;
  readonly momentum?: number;
  readonly dampening?: number;
  readonly nesterov?: boolean;
  readonly decay?: number;
}
function sgd({ lr, momentum = 0, dampening = 0, nesterov = false, decay = 0 }: Sgd): Rule {
  return (w, gradient, t, state) => {
    const g = gradient + decay * w;
    if (momentum === 0) return w - lr * g;
    const buffer = t === 1 ? g : momentum * (state["buffer"] ?? NaN) + (1 - dampening) * g;
    state["buffer"] = buffer;
    return w - lr * (nesterov ? g + momentum * buffer : buffer);
  };
}

interface Adam {
  readonly lr?: number;
  readonly betas?: readonly [number, number];
  readonly eps?: number;
  readonly decay?: number;
  readonly decoupled?: boolean;
}
function adam({ lr = 1e-3, betas: [beta1, beta2] = [0.9, 0.999], eps = 1e-8, decay = 0, decoupled = false }: Adam): Rule {
  return (w, gradient, t, state) => {
    const start = decoupled ? w - lr * decay * w : w;
    const g = decoupled ? gradient : gradient + decay * w;
    const m = (state["m"] = beta1 * (state["m"] ?? 0) + (1 - beta1) * g);
    const v = (state["v"] = beta2 * (state["v"] ?? 0) + (1 - beta2) * g * g);
    return start - (lr * (m / (1 - beta1 ** t))) / (Math.sqrt(v / (1 - beta2 ** t)) + eps);
  };
}

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
    for (let t = 1; t <= STEPS; t++) {
      const grads = gradientsOf(expected);
      expected = expected.map((w, i) => rule(w, at(grads, i), t, states[i] ?? {}));
      session.run("train");
      const actual = [...(await read(session, "weight/fc.weight")), ...(await read(session, "weight/fc.bias"))];
      expect(relativeError(actual, expected), `step ${t}`).toBeLessThan(1e-6);
      expect(relativeError([...(await read(session, "grad/fc.weight")), ...(await read(session, "grad/fc.bias"))], grads)).toBeLessThan(
        1e-5,
      );
    }
  });
});

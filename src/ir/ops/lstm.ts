// One direction of one LSTM layer, as torch.nn.LSTM: gates in the order input, forget, cell, output. Its recurrence is a scan; its
// results are ops of their own over the same inputs, whose decompositions share that scan.

import type { Node } from "../node.ts";
import { formatType, InternalError, sameShape, tensorType, type Shape, type TensorType } from "../types.ts";
import { at, defineComposite, formatTypes, requireThat, type Builder, type Op } from "./define.ts";
import { parts } from "./movement.ts";
import { scanResults } from "./scan.ts";

export interface LstmAttrs {
  /** `output`: hidden states of all steps, [time, batch, hidden]. `hidden`, `cell`: those after the last step, [batch, hidden]. */
  readonly result: "output" | "hidden" | "cell";
  /** From the last step to the first. */
  readonly reverse: boolean;
}

interface Sizes {
  readonly time: number;
  readonly batch: number;
  readonly features: number;
  readonly hidden: number;
}

// Of x [time, batch, features] and weightHh [4 * hidden, hidden].
const sizesOf = (x: Shape, weightHh: Shape): Sizes => ({ time: at(x, 0), batch: at(x, 1), features: at(x, 2), hidden: at(weightHh, 1) });

/** The input's share of the gates, for all steps in one product: x W_ih^T + b_ih + b_hh, [time, batch, 4 * hidden]. */
function projection(b: Builder, inputs: readonly Node[], { time, batch, features, hidden }: Sizes): Node {
  const [x, weightIh, biasIh, biasHh] = [at(inputs, 0), at(inputs, 1), inputs[5], inputs[6]];
  const product = b.matmul(b.reshape(x, { shape: [time * batch, features] }), weightIh, { transposeB: true });
  const biased = biasIh && biasHh ? b.add(product, b.add(biasIh, biasHh)) : product;
  return b.reshape(biased, { shape: [time, batch, 4 * hidden] });
}

/** All results, under the names of `LstmAttrs.result`. */
function recurrence(b: Builder, inputs: readonly Node[], reverse: boolean): Record<LstmAttrs["result"], Node> {
  const [x0, weightHh, h0, c0] = [at(inputs, 0), at(inputs, 2), at(inputs, 3), at(inputs, 4)];
  const sizes = sizesOf(x0.type.shape, weightHh.type.shape);
  const { time, batch, hidden } = sizes;
  const local = (name: string, ...shape: number[]): Node =>
    b.input({ name: `lstm.${name}`, role: "local", type: tensorType("f32", shape) });
  const [h, c, x, w] = [
    local("h", batch, hidden),
    local("c", batch, hidden),
    local("x", batch, 4 * hidden),
    local("w", 4 * hidden, hidden),
  ];
  const all = b.add(x, b.matmul(h, w, { transposeA: false, transposeB: true }));
  const [i, f, g, o] = parts(b, all, [hidden, hidden, hidden, hidden], 1);
  if (!i || !f || !g || !o) throw new InternalError("an LSTM has four gates");
  const nextCell = b.add(b.mul(b.sigmoid(f), c), b.mul(b.sigmoid(i), b.tanh(g)));
  const next = b.mul(b.sigmoid(o), b.tanh(nextCell));
  const node = b.scan([h0, c0, projection(b, inputs, sizes), weightHh], {
    body: { carries: [h, c], slices: [x], invariants: [w], next: [next, nextCell], outputs: [next] },
    length: time,
    reverse,
  });
  const [hn, cn, output] = scanResults(b, node as Node<never>);
  if (!hn || !cn || !output) throw new InternalError("an LSTM has three results");
  return { output, hidden: hn, cell: cn };
}

const f32 = (...shape: number[]): TensorType => tensorType("f32", shape);

function operandTypes({ time, batch, features, hidden }: Sizes, biases: boolean): TensorType[] {
  const [gates, state] = [4 * hidden, f32(batch, hidden)];
  const types = [f32(time, batch, features), f32(gates, features), f32(gates, hidden), state, state];
  return biases ? [...types, f32(gates), f32(gates)] : types;
}

/**
 * Inputs: x [time, batch, features], weight_ih [4 hidden, features], weight_hh [4 hidden, hidden], the state to start from h_0 and c_0
 * [batch, hidden], and perhaps bias_ih and bias_hh [4 hidden].
 */
export const lstm: Op<LstmAttrs, -1> = defineComposite<LstmAttrs, -1>({
  name: "lstm",
  arity: -1,
  infer: (types, { result }) => {
    const [x, weightHh] = [at(types, 0), at(types, 2)];
    requireThat(
      x.shape.length === 3 && weightHh.shape.length === 2 && (types.length === 5 || types.length === 7),
      () => `an LSTM needs x [time, batch, features] and weights, not ${formatTypes(types)}`,
    );
    const sizes = sizesOf(x.shape, weightHh.shape);
    operandTypes(sizes, types.length === 7).forEach((wanted, i) =>
      requireThat(
        sameShape(at(types, i).shape, wanted.shape),
        () => `operand ${i} of an LSTM over ${formatType(x)} is ${formatType(at(types, i))}, not ${formatType(wanted)}`,
      ),
    );
    const state = [sizes.batch, sizes.hidden];
    return tensorType(x.dtype, result === "output" ? [sizes.time, ...state] : state);
  },
  decompose: (b, inputs, { attrs: { result, reverse } }) => recurrence(b, inputs, reverse)[result],
  samples: [
    { inputs: operandTypes({ time: 3, batch: 2, features: 3, hidden: 2 }, true), attrs: { result: "output", reverse: false } },
    { inputs: operandTypes({ time: 1, batch: 3, features: 1, hidden: 1 }, false), attrs: { result: "output", reverse: true } },
    { inputs: operandTypes({ time: 2, batch: 2, features: 2, hidden: 3 }, false), attrs: { result: "cell", reverse: true } },
    { inputs: operandTypes({ time: 2, batch: 1, features: 3, hidden: 2 }, true), attrs: { result: "hidden", reverse: false } },
  ],
});

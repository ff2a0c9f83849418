// One direction of one LSTM layer, as torch.nn.LSTM: gates in the order input, forget, cell, output. Its recurrence is a scan; its
// results are ops of their own over the same inputs, whose decompositions share that scan.

import type { Node } from "../node.ts";
import { InternalError, tensorType, type TensorType } from "../types.ts";
import { at, defineComposite, type Builder, type Op } from "./define.ts";
import { inferRecurrent, operandTypes, projection, sizesOf, type Sizes } from "./recurrent.ts";
import { scanResults } from "./scan.ts";
import { parts } from "./pieces.ts";

export interface LstmAttrs {
  /** `output`: hidden states of all steps, [time, batch, hidden]. `hidden`, `cell`: those after the last step, [batch, hidden]. */
  readonly result: "output" | "hidden" | "cell";
  /** From the last step to the first. */
  readonly reverse: boolean;
}

/** All results, under the names of `LstmAttrs.result`. */
function recurrence(b: Builder, inputs: readonly Node[], reverse: boolean): Record<LstmAttrs["result"], Node> {
  const [x0, weightHh, h0, c0] = [at(inputs, 0), at(inputs, 2), at(inputs, 3), at(inputs, 4)];
  const { time, batch, hidden } = sizesOf(x0.type.shape, weightHh.type.shape);
  const [biasIh, biasHh] = [inputs[5], inputs[6]];
  const given = projection(b, x0, at(inputs, 1), biasIh && biasHh ? b.add(biasIh, biasHh) : undefined);
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
  const node = b.scan([h0, c0, given, weightHh], {
    body: { carries: [h, c], slices: [x], invariants: [w], next: [next, nextCell], outputs: [next] },
    length: time,
    reverse,
  });
  const [hn, cn, output] = scanResults(b, node as Node<never>);
  if (!hn || !cn || !output) throw new InternalError("an LSTM has three results");
  return { output, hidden: hn, cell: cn };
}

const operands = (sizes: Sizes, biases: boolean): TensorType[] => operandTypes(sizes, 4, 2, biases);

/**
 * Inputs: x [time, batch, features], weight_ih [4 hidden, features], weight_hh [4 hidden, hidden], the state to start from h_0 and c_0
 * [batch, hidden], and perhaps bias_ih and bias_hh [4 hidden].
 */
export const lstm: Op<LstmAttrs, -1> = defineComposite<LstmAttrs, -1>({
  name: "lstm",
  arity: -1,
  infer: (types, { result }) => inferRecurrent("an LSTM", types, 4, 2, result === "output"),
  decompose: (b, inputs, { attrs: { result, reverse } }) => recurrence(b, inputs, reverse)[result],
  samples: [
    { inputs: operands({ time: 3, batch: 2, features: 3, hidden: 2 }, true), attrs: { result: "output", reverse: false } },
    { inputs: operands({ time: 1, batch: 3, features: 1, hidden: 1 }, false), attrs: { result: "output", reverse: true } },
    { inputs: operands({ time: 2, batch: 2, features: 2, hidden: 3 }, false), attrs: { result: "cell", reverse: true } },
    { inputs: operands({ time: 2, batch: 1, features: 3, hidden: 2 }, true), attrs: { result: "hidden", reverse: false } },
  ],
});

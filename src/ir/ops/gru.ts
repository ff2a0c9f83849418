// One direction of one layer of a GRU or of a plain recurrent network, as torch.nn.GRU (gates in the order reset, update, new) and
// torch.nn.RNN. Like the LSTM's, a recurrence is a scan that the results share.

import type { Node } from "../node.ts";
import { InternalError, tensorType } from "../types.ts";
import { at, defineComposite, type Builder, type Op } from "./define.ts";
import { inferRecurrent, operandTypes, projection, sizesOf } from "./recurrent.ts";
import { scanResults } from "./scan.ts";
import { parts, sliceAxis } from "./pieces.ts";

export interface RecurrentAttrs {
  /** `output`: states of all steps, [time, batch, hidden]. `hidden`: the one after the last step, [batch, hidden]. */
  readonly result: "output" | "hidden";
  /** From the last step to the first. */
  readonly reverse: boolean;
}

export interface RnnAttrs extends RecurrentAttrs {
  readonly nonlinearity: "tanh" | "relu";
}

/** A loop over `slices` [time, batch, …] with one state, which is also what each step gives. */
function recurrence(
  b: Builder,
  h0: Node,
  slices: Node,
  invariants: readonly Node[],
  { result, reverse }: RecurrentAttrs,
  step: (h: Node, x: Node, invariants: readonly Node[]) => Node,
): Node {
  const local = (name: string, shape: readonly number[]): Node =>
    b.input({ name: `rnn.${name}`, role: "local", type: tensorType("f32", shape) });
  const [h, x] = [local("h", h0.type.shape), local("x", slices.type.shape.slice(1))];
  const constants = invariants.map((it, i) => local(`w${i}`, it.type.shape));
  const next = step(h, x, constants);
  const node = b.scan([h0, slices, ...invariants], {
    body: { carries: [h], slices: [x], invariants: constants, next: [next], outputs: [next] },
    length: at(slices.type.shape, 0),
    reverse,
  });
  const [last, all] = scanResults(b, node as Node<never>);
  if (!last || !all) throw new InternalError("a recurrence has two results");
  return result === "output" ? all : last;
}

const SIZES = { time: 3, batch: 2, features: 3, hidden: 2 } as const;

/** Inputs: x [time, batch, features], weight_ih [hidden, features], weight_hh [hidden, hidden], h_0 [batch, hidden], perhaps both biases. */
export const rnn: Op<RnnAttrs, -1> = defineComposite<RnnAttrs, -1>({
  name: "rnn",
  arity: -1,
  infer: (types, { result }) => inferRecurrent("a recurrent network", types, 1, 1, result === "output"),
  decompose: (b, inputs, { attrs }) => {
    const [x, weightIh, weightHh, h0, biasIh, biasHh] = [at(inputs, 0), at(inputs, 1), at(inputs, 2), at(inputs, 3), inputs[4], inputs[5]];
    const given = projection(b, x, weightIh, biasIh && biasHh ? b.add(biasIh, biasHh) : undefined);
    const act = (z: Node): Node => (attrs.nonlinearity === "relu" ? b.relu(z) : b.tanh(z));
    return recurrence(b, h0, given, [weightHh], attrs, (h, z, [w]) =>
      act(b.add(z, b.matmul(h, w ?? h, { transposeA: false, transposeB: true }))),
    );
  },
  samples: [
    { inputs: operandTypes(SIZES, 1, 1, true), domain: [-1, 1], attrs: { result: "output", reverse: false, nonlinearity: "tanh" } },
    { inputs: operandTypes(SIZES, 1, 1, false), attrs: { result: "hidden", reverse: true, nonlinearity: "relu" } },
  ],
});

/** Inputs as of `rnn`, with three times as many rows of weights and biases. */
export const gru: Op<RecurrentAttrs, -1> = defineComposite<RecurrentAttrs, -1>({
  name: "gru",
  arity: -1,
  infer: (types, { result }) => inferRecurrent("a GRU", types, 3, 1, result === "output"),
  decompose: (b, inputs, { attrs }) => {
    const [x, weightIh, weightHh, h0, biasIh, biasHh] = [at(inputs, 0), at(inputs, 1), at(inputs, 2), at(inputs, 3), inputs[4], inputs[5]];
    const { hidden } = sizesOf(x.type.shape, weightHh.type.shape);
    const gates = [hidden, hidden, hidden];
    // The state's bias of the new value is multiplied by the reset gate, so it stays in the loop; the others are added before it.
    const biasOfNew = biasHh && sliceAxis(b, biasHh, 0, 2 * hidden, 3 * hidden);
    const zeros = b.constant({ value: 0, type: tensorType("f32", [hidden]) });
    const outside = biasIh && biasHh && b.add(biasIh, b.concat([sliceAxis(b, biasHh, 0, 0, 2 * hidden), zeros], { axis: 0 }));
    const given = projection(b, x, weightIh, outside);
    return recurrence(b, h0, given, biasOfNew ? [weightHh, biasOfNew] : [weightHh], attrs, (h, z, [w, bias]) => {
      const [zr = z, zu = z, zn = z] = parts(b, z, gates, 1);
      const [hr = z, hu = z, hn = z] = parts(b, b.matmul(h, w ?? h, { transposeA: false, transposeB: true }), gates, 1);
      const [reset, update] = [b.sigmoid(b.add(zr, hr)), b.sigmoid(b.add(zu, hu))];
      const fresh = b.tanh(b.add(zn, b.mul(reset, bias ? b.add(hn, bias) : hn)));
      return b.add(b.mul(b.sub(1, update), fresh), b.mul(update, h));
    });
  },
  samples: [
    { inputs: operandTypes(SIZES, 3, 1, true), attrs: { result: "output", reverse: false } },
    { inputs: operandTypes({ time: 1, batch: 3, features: 1, hidden: 1 }, 3, 1, false), attrs: { result: "output", reverse: true } },
    { inputs: operandTypes(SIZES, 3, 1, true), attrs: { result: "hidden", reverse: true } },
  ],
});

// Stacked LSTM layers over a sequence [time, features], as torch.nn.LSTM with batch_first: weight_ih_l0 [4h, in], weight_hh_l0
// [4h, h], bias_ih_l0, bias_hh_l0 and so on, gates in the order input, forget, cell, output. Starts from zeros.

import type { Node } from "../../ir/node.ts";
import { tensorType } from "../../ir/types.ts";
import { LIMITS } from "../limits.ts";
import { arg, defineLayer, extent, fanIn, requireShape } from "./define.ts";
import type { LayerContext } from "./define.ts";
import { dropped } from "./dropout.ts";

export const lstm = defineLayer({
  name: "lstm",
  doc: "long short-term memory over time",
  takes: "sequence",
  args: {
    hidden: arg("count", "size of the hidden state"),
    layers: arg("count", "how many LSTMs are stacked", 1),
    dropout: arg("fraction", "share of values dropped between layers in training", 0),
    bidirectional: arg("bool", "whether a second LSTM reads backwards; outputs are joined", false),
    bias: arg("bool", "whether the gates have biases", true),
  },
  build: (context, x, { hidden, layers, dropout, bidirectional, bias }) => {
    const { b } = context;
    requireShape(layers <= LIMITS.stacked, () => `${layers} layers are more than ${LIMITS.stacked}`);
    // [batch, time, features] to [time, batch, features]: a scan's steps are slices of axis 0.
    let sequence = b.transpose(x, { perm: [1, 0, 2] });
    for (let layer = 0; layer < layers; layer++) {
      if (layer > 0) sequence = dropped(context, sequence, dropout);
      const forward = direction(context, sequence, hidden, `l${layer}`, false, bias);
      sequence = bidirectional
        ? b.concat([forward, direction(context, sequence, hidden, `l${layer}_reverse`, true, bias)], { axis: 2 })
        : forward;
    }
    return b.transpose(sequence, { perm: [1, 0, 2] });
  },
});

function direction({ b, weight }: LayerContext, x: Node, hidden: number, suffix: string, reverse: boolean, bias: boolean): Node {
  const [batch, features] = [extent(x, 1), extent(x, 2)];
  const gates = 4 * hidden;
  const init = fanIn(hidden);
  const weightIh = weight(`weight_ih_${suffix}`, [gates, features], init);
  const weightHh = weight(`weight_hh_${suffix}`, [gates, hidden], init);
  const zeros = b.constant({ value: 0, type: tensorType("f32", [batch, hidden]) });
  const biases = bias ? [weight(`bias_ih_${suffix}`, [gates], init), weight(`bias_hh_${suffix}`, [gates], init)] : [];
  return b.lstm([x, weightIh, weightHh, zeros, zeros, ...biases], { result: "output", reverse });
}

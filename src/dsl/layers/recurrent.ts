// Recurrent layers over a sequence [time, features], stacked and in one direction or both, as torch.nn.LSTM, GRU and RNN with
// batch_first: weight_ih_l0 [gates h, in], weight_hh_l0 [gates h, h], bias_ih_l0, bias_hh_l0, those that read backwards with `_reverse`.
// `NAME.state` is the state after the last step, [layers directions, h]; of an LSTM a list of two, hidden and cell.

import type { Node } from "../../ir/node.ts";
import { tensorType } from "../../ir/types.ts";
import { LIMITS } from "../limits.ts";
import { shapeText } from "../values.ts";
import { arg, argOr, defineLayer, extent, fanIn, requireShape } from "./define.ts";
import type { AnyLayer, ArgSpecs, Built, LayerContext } from "./define.ts";
import { dropped } from "./dropout.ts";

/** One direction of one layer. */
interface Cell {
  readonly gates: number;
  /** How many tensors a state is of. */
  readonly states: number;
  /** @param inputs x [time, batch, features], both weights, the states to start from, and perhaps both biases */
  run(inputs: readonly Node[], reverse: boolean): { readonly output: Node; readonly states: readonly Node[] };
}

const ARGS = {
  hidden: arg("count", "size of the hidden state"),
  layers: arg("count", "how many are stacked", 1),
  dropout: arg("fraction", "share of values dropped between layers in training", 0),
  bidirectional: arg("bool", "whether a second one reads backwards; outputs are joined", false),
  bias: arg("bool", "whether the gates have biases", true),
  state: argOr(["zeros"], "tensors", "what it starts from, as `NAME.state` of another gives it", "zeros"),
} as const satisfies ArgSpecs;

interface Given {
  readonly hidden: number;
  readonly layers: number;
  readonly dropout: number;
  readonly bidirectional: boolean;
  readonly bias: boolean;
  readonly state: readonly Node[] | "zeros";
}

function recurrent(context: LayerContext, x: Node, { hidden, layers, dropout, bidirectional, bias, state }: Given, cell: Cell): Built {
  const { b, batch, weight } = context;
  requireShape(!bidirectional || context.validSteps(x) === undefined, () => "reading padded sequences backwards is not implemented yet");
  requireShape(layers <= LIMITS.stacked, () => `${layers} layers are more than ${LIMITS.stacked}`);
  const directions = bidirectional ? 2 : 1;
  const rows = layers * directions;
  if (state !== "zeros") requireState(state, cell.states, rows, hidden);
  const zeros = b.constant({ value: 0, type: tensorType("f32", [batch, hidden]) });
  const begin = (row: number): readonly Node[] =>
    state === "zeros" ? Array.from({ length: cell.states }, () => zeros) : state.map((all) => rowOf(context, all, row, hidden));
  const ends: (readonly Node[])[] = [];

  const direction = (sequence: Node, row: number): Node => {
    const reverse = bidirectional && row % 2 === 1;
    const suffix = `l${Math.floor(row / directions)}${reverse ? "_reverse" : ""}`;
    const [size, init] = [cell.gates * hidden, fanIn(hidden)];
    const weights = [weight(`weight_ih_${suffix}`, [size, extent(sequence, 2)], init), weight(`weight_hh_${suffix}`, [size, hidden], init)];
    const biases = bias ? [weight(`bias_ih_${suffix}`, [size], init), weight(`bias_hh_${suffix}`, [size], init)] : [];
    const { output, states } = cell.run([sequence, ...weights, ...begin(row), ...biases], reverse);
    ends.push(states);
    return output;
  };

  // [batch, time, features] to [time, batch, features]: a scan's steps are slices of axis 0.
  let sequence = b.transpose(x, { perm: [1, 0, 2] });
  for (let layer = 0; layer < layers; layer++) {
    if (layer > 0) sequence = dropped(context, sequence, dropout);
    const forward = direction(sequence, layer * directions);
    sequence = bidirectional ? b.concat([forward, direction(sequence, layer * directions + 1)], { axis: 2 }) : forward;
  }
  const finals = Array.from({ length: cell.states }, (_, i) =>
    b.concat(
      ends.flatMap((states) => (states[i] ? [b.reshape(states[i], { shape: [batch, 1, hidden] })] : [])),
      { axis: 1 },
    ),
  );
  const value = b.transpose(sequence, { perm: [1, 0, 2] });
  return {
    value,
    state: context.validSteps(x) === undefined ? finals : "of a padded sequence it would be that behind the padding: use `last`",
  };
}

function requireState(state: readonly Node[], count: number, rows: number, hidden: number): void {
  const wanted = `f32[${rows}, ${hidden}]`;
  requireShape(
    state.length === count && state.every((it) => shapeText(it) === wanted),
    () => `its state is ${count === 1 ? wanted : `a list of ${count} tensors ${wanted}`}, not ${state.map(shapeText).join(" and ")}`,
  );
}

/** The state of one layer and direction: [batch, rows, hidden] to [batch, hidden]. */
const rowOf = ({ b, batch }: LayerContext, all: Node, row: number, hidden: number): Node =>
  b.reshape(b.slice(all, { start: [0, row, 0], stop: [batch, row + 1, hidden], stride: [1, 1, 1] }), { shape: [batch, hidden] });

const lstm = defineLayer({
  name: "lstm",
  doc: "long short-term memory over time",
  takes: "sequence",
  args: ARGS,
  build: (context, x, args) =>
    recurrent(context, x, args, {
      gates: 4,
      states: 2,
      run: (inputs, reverse) => {
        const result = (name: "output" | "hidden" | "cell"): Node => context.b.lstm(inputs, { result: name, reverse });
        return { output: result("output"), states: [result("hidden"), result("cell")] };
      },
    }),
});

const gru = defineLayer({
  name: "gru",
  doc: "gated recurrent units over time",
  takes: "sequence",
  args: ARGS,
  build: (context, x, args) =>
    recurrent(context, x, args, {
      gates: 3,
      states: 1,
      run: (inputs, reverse) => ({
        output: context.b.gru(inputs, { result: "output", reverse }),
        states: [context.b.gru(inputs, { result: "hidden", reverse })],
      }),
    }),
});

const rnn = defineLayer({
  name: "rnn",
  doc: "a plain recurrent network over time",
  takes: "sequence",
  args: { ...ARGS, nonlinearity: argOr(["tanh", "relu"], "word", "of the state", "tanh") },
  build: (context, x, { nonlinearity, ...args }) =>
    recurrent(context, x, args, {
      gates: 1,
      states: 1,
      run: (inputs, reverse) => ({
        output: context.b.rnn(inputs, { result: "output", reverse, nonlinearity }),
        states: [context.b.rnn(inputs, { result: "hidden", reverse, nonlinearity })],
      }),
    }),
});

export const RECURRENT: readonly AnyLayer[] = [lstm, gru, rnn];

// The LSTM recurrence as a scan. Gates and their order (input, forget, cell, output) are PyTorch's.

import type { Builder } from "./builder.ts";
import type { Node } from "./node.ts";
import { at } from "./ops/define.ts";
import { parts } from "./ops/movement.ts";
import { scanResults } from "./ops/scan.ts";
import { InternalError, tensorType } from "./types.ts";

export interface LstmResult {
  /** Hidden states, [time, batch, hidden]. */
  readonly output: Node;
  /** After the last step, [batch, hidden]. */
  readonly hidden: Node;
  readonly cell: Node;
}

/**
 * One direction of one LSTM layer (torch.nn.LSTM).
 *
 * @param projected the input's share of the gates for all steps, biases included: x W_ih^T + b_ih + b_hh, [time, batch, 4*hidden]
 * @param weightHh [4*hidden, hidden]
 * @param h0 [batch, hidden]
 * @param c0 [batch, hidden]
 */
export function lstmScan(
  b: Builder,
  projected: Node,
  weightHh: Node,
  h0: Node,
  c0: Node,
  options: { readonly reverse?: boolean } = {},
): LstmResult {
  const [time, batch, gates] = [at(projected.type.shape, 0), at(projected.type.shape, 1), at(projected.type.shape, 2)];
  const hidden = gates / 4;
  const local = (name: string, ...shape: number[]): Node =>
    b.input({ name: `lstm.${name}`, role: "local", type: tensorType("f32", shape) });
  const [h, c, x, w] = [local("h", batch, hidden), local("c", batch, hidden), local("x", batch, gates), local("w", gates, hidden)];
  const all = b.add(x, b.matmul(h, w, { transposeA: false, transposeB: true }));
  const [i, f, g, o] = parts(b, all, [hidden, hidden, hidden, hidden], 1);
  if (!i || !f || !g || !o) throw new InternalError("an LSTM has four gates");
  const cell = b.add(b.mul(b.sigmoid(f), c), b.mul(b.sigmoid(i), b.tanh(g)));
  const next = b.mul(b.sigmoid(o), b.tanh(cell));
  const node = b.scan([h0, c0, projected, weightHh], {
    body: { carries: [h, c], slices: [x], invariants: [w], next: [next, cell], outputs: [next] },
    length: time,
    reverse: options.reverse ?? false,
  });
  const [hn, cn, output] = scanResults(b, node as Node<never>);
  if (!hn || !cn || !output) throw new InternalError("an LSTM has three results");
  return { output, hidden: hn, cell: cn };
}

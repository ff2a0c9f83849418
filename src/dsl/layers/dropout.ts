// Sets a random share of values to zero in training and scales the others up, as torch.nn.Dropout.

import type { Node } from "../../ir/node.ts";
import { arg, defineLayer } from "./define.ts";
import type { LayerContext } from "./define.ts";

export const dropout = defineLayer({
  name: "dropout",
  doc: "drops a random share of values in training",
  takes: "anything",
  args: { rate: arg("fraction", "share of values to drop", 0.5) },
  build: (context, x, { rate }) => dropped(context, x, rate),
});

export function dropped({ b, random }: LayerContext, x: Node, rate: number): Node {
  if (rate === 0) return x;
  const { seed, step, stream } = random();
  return b.dropout(x, seed, step, { rate, stream });
}

// Sets a random share to zero in training and scales the rest up: of values, as torch.nn.Dropout, of whole channels, as Dropout1d to 3d,
// or of whole examples, as torchvision's StochasticDepth does to what is added to a shortcut.

import type { Node } from "../../ir/node.ts";
import { arg, defineLayer } from "./define.ts";
import type { AnyLayer, LayerContext, Takes } from "./define.ts";

/** @param own how many leading axes have draws of their own; all of them where it is left out */
function dropping(name: string, doc: string, takes: Takes, own?: number): AnyLayer {
  return defineLayer({
    name,
    doc,
    takes,
    args: { rate: arg("fraction", "share to drop; `p` in PyTorch", 0.5) },
    build: (context, x, { rate }) => dropped(context, x, rate, own),
  });
}

export const DROPOUTS: readonly AnyLayer[] = [
  dropping("dropout", "drops a random share of values in training", "anything"),
  dropping("dropout1d", "drops a random share of the channels of signals in training", "signal", 2),
  dropping("dropout2d", "drops a random share of the channels of images in training", "image", 2),
  dropping("dropout3d", "drops a random share of the channels of volumes in training", "volume", 2),
  dropping("drop_path", "drops a random share of the examples in training: stochastic depth, before a shortcut is added", "numbers", 1),
];

export function dropped({ b, random }: LayerContext, x: Node, rate: number, own?: number): Node {
  if (rate === 0) return x;
  const { seed, step, stream } = random();
  return b.dropout(x, seed, step, own === undefined ? { rate, stream } : { rate, stream, own });
}

// A dense layer on the last axis, as torch.nn.Linear: weight [features, in], bias [features].

import type { Builder } from "../../ir/builder.ts";
import type { Node } from "../../ir/node.ts";
import { sizeOf } from "../../ir/types.ts";
import { arg, defineLayer, extent, fanIn, ZEROS } from "./define.ts";

/** `x` times a matrix [features, in] on its last axis. */
export function dense(b: Builder, x: Node, weight: Node, bias?: Node): Node {
  const outer = x.type.shape.slice(0, -1);
  const rows = b.reshape(x, { shape: [sizeOf(outer), extent(x, -1)] });
  const y = b.matmul(rows, weight, { transposeB: true });
  return b.reshape(bias ? b.add(y, bias) : y, { shape: [...outer, extent(y, -1)] });
}

export const linear = defineLayer({
  name: "linear",
  doc: "dense layer on the last axis",
  takes: "vectors",
  args: {
    features: arg("count", "output features"),
    bias: arg("bool", "whether to add a bias", true),
  },
  build: ({ b, weight }, x, { features, bias }) => {
    const inputs = extent(x, -1);
    const matrix = weight("weight", [features, inputs], fanIn(inputs));
    return dense(b, x, matrix, bias ? weight("bias", [features], fanIn(inputs)) : undefined);
  },
  lowRank: ({ b, weight }, x, { features }, rank) => {
    const inputs = extent(x, -1);
    const inner = dense(b, x, weight("lora_A.weight", [rank, inputs], fanIn(inputs)));
    return dense(b, inner, weight("lora_B.weight", [features, rank], ZEROS));
  },
});

// A dense layer on the last axis, as torch.nn.Linear: weight [features, in], bias [features].

import { sizeOf } from "../../ir/types.ts";
import { arg, defineLayer, extent, fanIn } from "./define.ts";

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
    const outer = x.type.shape.slice(0, -1);
    const rows = b.reshape(x, { shape: [sizeOf(outer), inputs] });
    const y = b.matmul(rows, weight("weight", [features, inputs], fanIn(inputs)), { transposeB: true });
    const biased = bias ? b.add(y, weight("bias", [features], fanIn(inputs))) : y;
    return b.reshape(biased, { shape: [...outer, features] });
  },
});

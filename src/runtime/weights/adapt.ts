// A convolution's weights for other channels than those it was trained on, as timm's `adapt_input_conv` makes them: of pictures without colour
// the channels are alike, so what they weigh together is one; more channels repeat those there are, scaled so that sums stay as large.

import type { Shape } from "../../ir/types.ts";
import type { Adaptation } from "../../ir/weights/plan.ts";

/** @param from [out, in, …]; `to` is alike but for `in` (ir/weights/contract.ts has checked it) */
export function adapted(how: Adaptation, values: Float32Array, from: Shape, to: Shape): Float32Array {
  const [outs = 0, ins = 0, ...rest] = from;
  const wanted = to[1] ?? 0;
  const size = rest.reduce((product, extent) => product * extent, 1);
  const result = new Float32Array(outs * wanted * size);
  for (let out = 0; out < outs; out++)
    for (let channel = 0; channel < wanted; channel++)
      for (let i = 0; i < size; i++) {
        const valueOf = (of: number): number => values[(out * ins + of) * size + i] ?? 0;
        let value = 0;
        if (how === "repeat") value = (valueOf(channel % ins) * ins) / wanted;
        else for (let of = 0; of < ins; of++) value += valueOf(of);
        result[(out * wanted + channel) * size + i] = value;
      }
  return result;
}

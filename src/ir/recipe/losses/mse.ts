// torch.nn.functional.mse_loss: the mean of squared errors over everything that an example's output holds.

import { at } from "../../ops/define.ts";
import { sizeOf } from "../../types.ts";
import { defineLoss, labelsFit } from "./define.ts";

export const mse = defineLoss({
  name: "mse",
  doc: "mean squared error",
  args: {},
  labels: "number",
  outputs: "numbers",
  reports: [],
  fits: (comparison) => labelsFit(comparison, comparison.output),
  build: (b, _, output, label) => {
    const target = b.reshape(b.cast(label, { dtype: "f32" }), { shape: output.type.shape });
    const batch = at(output.type.shape, 0);
    const each = sizeOf(output.type.shape) / batch;
    return b.reduceMean(b.reshape(b.squaredError(output, target), { shape: [batch, each] }), { axes: [1] });
  },
  samples: [
    { args: {}, output: [3, 1], label: [3] },
    { args: {}, output: [2, 3], label: [2, 3] },
  ],
});

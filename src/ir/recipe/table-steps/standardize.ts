// sklearn.preprocessing.StandardScaler: mean 0 and variance 1 over the training part, by the population's variance.

import { arg } from "../define.ts";
import { defineScaleStep } from "./define.ts";

export const standardize = defineScaleStep({
  name: "standardize",
  doc: "less the mean and divided by the standard deviation of the training part; what is constant becomes 0",
  args: { columns: arg("picks", "the columns; all that hold numbers or dates when left out", []) },
  fit: ({ mean, squares, count }) => {
    const deviation = Math.sqrt(squares / count);
    return { shift: mean, scale: deviation > 0 ? 1 / deviation : 1 };
  },
  samples: [{}, { columns: ["age", { from: 2, to: 5 }] }],
});

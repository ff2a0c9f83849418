// sklearn.preprocessing.MinMaxScaler: from 0 to 1 over the training part. What is beyond it later lies beyond 0 and 1.

import { arg } from "../define.ts";
import { defineScaleStep } from "./define.ts";

export const minMax = defineScaleStep({
  name: "min_max",
  doc: "0 for the least and 1 for the greatest value of the training part; what is constant becomes 0",
  args: { columns: arg("picks", "the columns; all that hold numbers or dates when left out", []) },
  fit: ({ min, max }) => ({ shift: min, scale: max > min ? 1 / (max - min) : 1 }),
  samples: [{}, { columns: ["age"] }],
});

// NVIDIA's format for tensor cores, an f32 without the last 13 bits: torch.backends.cuda.matmul.allow_tf32.

import { definePrecision } from "./define.ts";

export const tf32 = definePrecision({
  name: "tf32",
  doc: "operands of products have 10 bits behind the point, and the range of f32",
  args: {},
  operands: "tf32",
  samples: [{}],
});

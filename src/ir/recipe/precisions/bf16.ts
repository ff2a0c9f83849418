// The upper half of an f32: torch.autocast(dtype=torch.bfloat16), but that only operands are rounded, and results of products are not.

import { definePrecision } from "./define.ts";

export const bf16 = definePrecision({
  name: "bf16",
  doc: "operands of products have 7 bits behind the point, and the range of f32",
  args: {},
  operands: "bf16",
  samples: [{}],
});

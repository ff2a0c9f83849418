// IEEE 754 binary32, as everything else is.

import { definePrecision } from "./define.ts";

export const f32 = definePrecision({ name: "f32", doc: "products of f32, as without a precision", args: {}, samples: [{}] });

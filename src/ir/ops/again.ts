// A value that is there once more, later: what is computed from it is computed anew, behind something else, instead of being kept until then.

import * as e from "../loop/expr.ts";
import { formatType, isFloat, tensorType } from "../types.ts";
import { definePrimitive, requireThat, type None, type Op } from "./define.ts";

/**
 * x, not before `after` is there: an element of that is read, and nothing made of it. (A number is never less than itself, nor is what is none.)
 * It is another node than x, so that what is made of it is not what is made of x.
 */
export const again: Op<None, 2> = definePrimitive<None, 2>({
  name: "again",
  arity: 2,
  narrows: "keeps",
  infer: ([x, after]) => {
    requireThat(isFloat(after.dtype), () => `what is waited for is a float, not ${formatType(after)}`);
    return x;
  },
  vjp: (_, ct) => [ct, null],
  evaluate: ([x]) => x,
  lower: ({ inputs: [, after], type }) => ({
    kind: "pointwise",
    value: (read, index) => {
      const waited = read(1, after?.type.shape.map(() => e.int(0)) ?? []);
      const x = read(0, index);
      return e.select(e.binary("lt", waited, waited), e.constant(0, type.dtype === "u8" ? "u32" : type.dtype), x);
    },
  }),
  samples: [
    { inputs: [tensorType("f32", [3, 2]), tensorType("f32", [2, 2])], attrs: {} },
    { inputs: [tensorType("i32", [4]), tensorType("f32", [])], attrs: {} },
  ],
});

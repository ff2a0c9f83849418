// Rounding of four lanes to formats with fewer bits, by their bits: half of what is cut off is added, and it is cut off.

import type { OperandType } from "../../ir/loop/expr.ts";
import type { Value, Values } from "./values.ts";

/** Bits of an f32 that the format lacks. */
const CUT = { round_tf32: 13, round_bf16: 16, round_f16: 13 } as const satisfies Readonly<Record<Rounding, number>>;

type Rounding = `round_${OperandType}`;

/** The smallest normal f16, from which on its numbers are as far apart as 24 bits behind the point; and what rounds to infinity. */
const [LEAST_F16, BEYOND_F16] = [2 ** -14, 65520];

export function rounded(v: Values, op: Rounding, x: Value): Value {
  const bits = (value: number): Value => v.splat(v.i32(value));
  const number = (value: number): Value => v.splat(v.f32(value));
  const cut = CUT[op];
  const half = 2 ** (cut - 1);
  const last = v.binary("v128.and", v.make("i32x4.shr_u", "v128", [x, v.i32(cut)]), bits(1));
  const added = v.binary("i32x4.add", x, op === "round_tf32" ? bits(half) : v.binary("i32x4.add", bits(half - 1), last));
  const near = v.binary("v128.and", added, bits(-(2 ** cut)));
  const either = (yes: Value, no: Value, condition: Value): Value => v.make("v128.bitselect", "v128", [yes, no, condition]);
  const ofFormat = op === "round_f16" ? asHalf(near) : near;
  // What is no number has bits that a carry would make a number of.
  return either(ofFormat, x, v.binary("f32x4.eq", x, x));

  function asHalf(normal: Value): Value {
    const magnitude = v.unary("f32x4.abs", x);
    const sign = v.binary("v128.and", x, bits(-(2 ** 31)));
    const little = v.binary("f32x4.mul", v.unary("f32x4.nearest", v.binary("f32x4.mul", x, number(2 ** 24))), number(2 ** -24));
    const most = either(v.binary("v128.or", number(Infinity), sign), normal, v.binary("f32x4.ge", magnitude, number(BEYOND_F16)));
    return either(little, most, v.binary("f32x4.lt", magnitude, number(LEAST_F16)));
  }
}

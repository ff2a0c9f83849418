// Integer division of four lanes, which WebAssembly lacks: by shifts, by multiplying with the reciprocal where that is exact, or lane by lane.

import type { Value, Values } from "./values.ts";

/** Numbers below this are divided exactly in float32: (x + 1/2) / d is at least 1/(2d) away from an integer, the error below 1/(4d). */
const EXACT = 2 ** 21;

/** `x / divisor` or `x % divisor` for 0 <= x <= most; undefined where no quick way is known. */
export function divideByMultiplying(v: Values, op: "div" | "rem", x: Value, divisor: number, most: number | undefined): Value | undefined {
  if (divisor > 0 && Number.isInteger(Math.log2(divisor)))
    return op === "div"
      ? v.make("i32x4.shr_u", "v128", [x, v.i32(Math.log2(divisor))])
      : v.binary("v128.and", x, v.splat(v.i32(divisor - 1)));
  if (divisor <= 0 || most === undefined || most >= EXACT) return undefined;
  const middle = v.binary("f32x4.add", v.unary("f32x4.convert_i32x4_s", x), v.splat(v.f32(0.5)));
  const quotient = v.unary("i32x4.trunc_sat_f32x4_s", v.binary("f32x4.mul", middle, v.splat(v.f32(Math.fround(1 / divisor)))));
  return op === "div" ? quotient : v.binary("i32x4.sub", x, v.binary("i32x4.mul", quotient, v.splat(v.i32(divisor))));
}

/** A scalar operation of each lane. The divisor of a division must not be 0. */
export function lanewise(v: Values, op: string, x: Value, y: Value): Value {
  return [0, 1, 2, 3].reduce(
    (result, lane) =>
      v.make("i32x4.replace_lane", "v128", [result, v.binary(op, v.lane(x, lane, "i32"), v.lane(y, lane, "i32"))], String(lane)),
    v.lanes("i32x4", [0, 0, 0, 0]),
  );
}

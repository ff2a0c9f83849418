// Functions whose float32 results need more than float32 on the way: two lanes at a time in float64, where series of textbooks are exact
// enough and no care is needed.

import { floatText } from "./values.ts";

const splat = (value: number): string => `(v128.const f64x2 ${floatText(value)} ${floatText(value)})`;
const get = (name: string): string => `(local.get $${name})`;
const set = (name: string, value: string): string => `(local.set $${name} ${value})`;

const horner = (x: string, [first = 0, ...rest]: readonly number[]): string =>
  rest.reduce((sum, coefficient) => `(f64x2.add (f64x2.mul ${sum} ${x}) ${splat(coefficient)})`, splat(first));

const factorial = (n: number): number => (n < 2 ? 1 : n * factorial(n - 1));

/** Applies a function of two doubles to the halves of single-precision vectors. */
const halves = (params: readonly string[], call: (args: readonly string[]) => string): string => {
  const low = (name: string): string => `(f64x2.promote_low_f32x4 ${get(name)})`;
  const high = (name: string): string =>
    `(f64x2.promote_low_f32x4 (i8x16.shuffle 8 9 10 11 12 13 14 15 0 1 2 3 4 5 6 7 ${get(name)} ${get(name)}))`;
  const half = (of: (name: string) => string): string => `(f32x4.demote_f64x2_zero ${call(params.map(of))})`;
  return `(i8x16.shuffle 0 1 2 3 4 5 6 7 16 17 18 19 20 21 22 23 ${half(low)} ${half(high)})`;
};

/**
 * sin(x + turns pi/2): x less the nearest multiple of pi/2 (in two parts, good to 1e9), and the Taylor series of sine and cosine on what is left,
 * at most pi/4.
 */
export const SINE = `(func $sine2 (param $x v128) (param $turns f64) (result v128) (local $n v128) (local $r v128) (local $z v128) (local $q v128) (local $y v128)
  ;; Plus 0, so that of -0 it is 0: -0 less -0 would lose the sign.
  ${set("n", `(f64x2.add (f64x2.nearest (f64x2.mul ${get("x")} ${splat(2 / Math.PI)})) ${splat(0)})`)}
  ${set("r", `(f64x2.sub (f64x2.sub ${get("x")} (f64x2.mul ${get("n")} ${splat(1.5707963267341256)})) (f64x2.mul ${get("n")} ${splat(6.077100506506192e-11)}))`)}
  ${set("z", `(f64x2.mul ${get("r")} ${get("r")})`)}
  ${set("n", `(f64x2.add ${get("n")} (f64x2.splat ${get("turns")}))`)}
  ;; The quadrant, 0 to 3.
  ${set("q", `(f64x2.sub ${get("n")} (f64x2.mul (f64x2.floor (f64x2.mul ${get("n")} ${splat(0.25)})) ${splat(4)}))`)}
  ${set(
    "y",
    `(v128.bitselect
    ${horner(
      get("z"),
      [12, 10, 8, 6, 4, 2, 0].map((n) => (n % 4 === 0 ? 1 : -1) / factorial(n)),
    )}
    (f64x2.mul ${get("r")} ${horner(
      get("z"),
      [13, 11, 9, 7, 5, 3, 1].map((n) => (n % 4 === 1 ? 1 : -1) / factorial(n)),
    )})
    (v128.or (f64x2.eq ${get("q")} ${splat(1)}) (f64x2.eq ${get("q")} ${splat(3)})))`,
  )}
  ${set("y", `(v128.bitselect (f64x2.neg ${get("y")}) ${get("y")} (f64x2.ge ${get("q")} ${splat(2)}))`)}
  (f64x2.max (f64x2.min ${get("y")} ${splat(1)}) ${splat(-1)}))
(func $sine (param $x v128) (param $turns f64) (result v128)
  ${halves(["x"], ([x = ""]) => `(call $sine2 ${x} ${get("turns")})`)})`;

/**
 * x^y = 2^(y log2 |x|): log2 by the series of artanh around a power of two, 2^t by its Taylor series around an integer; then JavaScript's special cases.
 */
export const POW = `(func $pow2 (param $x v128) (param $y v128) (result v128)
  (local $a v128) (local $e v128) (local $s v128) (local $t v128) (local $n v128) (local $p v128) (local $whole v128) (local $odd v128)
  ${set("a", `(f64x2.abs ${get("x")})`)}
  ;; The bits of sqrt(1/2) are 0x3fe6a09e667f3bcd: counted from there, the exponent is that of the nearest power of two.
  ${set("e", `(i64x2.shr_s (i64x2.sub ${get("a")} ${splat(Math.SQRT1_2)}) (i32.const 52))`)}
  ${set("s", `(i64x2.sub ${get("a")} (i64x2.shl ${get("e")} (i32.const 52)))`)}
  ${set("s", `(f64x2.div (f64x2.sub ${get("s")} ${splat(1)}) (f64x2.add ${get("s")} ${splat(1)}))`)}
  ${set("t", `(f64x2.mul ${get("s")} ${get("s")})`)}
  ;; The exponent's low words side by side.
  ${set("e", `(f64x2.convert_low_i32x4_s (i8x16.shuffle 0 1 2 3 8 9 10 11 0 1 2 3 8 9 10 11 ${get("e")} ${get("e")}))`)}
  ${set("t", `(f64x2.add ${get("e")} (f64x2.mul (f64x2.mul ${get("s")} ${splat(2 / Math.LN2)}) ${horner(get("t"), [1 / 15, 1 / 13, 1 / 11, 1 / 9, 1 / 7, 1 / 5, 1 / 3, 1])}))`)}
  ${set("t", `(f64x2.max (f64x2.min (f64x2.mul ${get("t")} ${get("y")}) ${splat(1000)}) ${splat(-1000)})`)}
  ${set("n", `(f64x2.nearest ${get("t")})`)}
  ${set("t", `(f64x2.mul (f64x2.sub ${get("t")} ${get("n")}) ${splat(Math.LN2)})`)}
  ${set(
    "p",
    `(f64x2.mul
    ${horner(
      get("t"),
      [11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0].map((n) => 1 / factorial(n)),
    )}
    (i64x2.shl (i64x2.add (i64x2.extend_low_i32x4_s (i32x4.trunc_sat_f64x2_s_zero ${get("n")})) (i64x2.splat (i64.const 1023))) (i32.const 52)))`,
  )}
  ;; 0 and infinity, whose logarithms are none: 0 or infinity by the sign of y.
  ${set(
    "p",
    `(v128.bitselect
    (v128.bitselect ${splat(Infinity)} ${splat(0)}
      (v128.xor (f64x2.lt ${get("y")} ${splat(0)}) (f64x2.gt ${get("a")} ${splat(1)})))
    ${get("p")}
    (v128.or (f64x2.eq ${get("a")} ${splat(0)}) (f64x2.eq ${get("a")} ${splat(Infinity)})))`,
  )}
  ;; Odd powers have the sign of x, of zeros and infinities too; below 0 there is no value between integers, but of -infinity.
  ${set("whole", `(f64x2.eq (f64x2.floor ${get("y")}) ${get("y")})`)}
  ${set("odd", `(v128.and ${get("whole")} (f64x2.ne (f64x2.mul (f64x2.floor (f64x2.mul ${get("y")} ${splat(0.5)})) ${splat(2)}) ${get("y")}))`)}
  ${set("p", `(v128.xor ${get("p")} (v128.and ${get("odd")} (v128.and ${get("x")} ${splat(-0)})))`)}
  ${set("p", `(v128.or ${get("p")} (v128.andnot (v128.and (f64x2.lt ${get("x")} ${splat(0)}) (f64x2.lt ${get("a")} ${splat(Infinity)})) ${get("whole")}))`)}
  ${set("p", `(v128.or ${get("p")} (v128.or (f64x2.ne ${get("x")} ${get("x")}) (f64x2.ne ${get("y")} ${get("y")})))`)}
  (v128.bitselect ${splat(1)} ${get("p")} (f64x2.eq ${get("y")} ${splat(0)})))
(func $pow (param $x v128) (param $y v128) (result v128)
  ${halves(["x", "y"], ([x = "", y = ""]) => `(call $pow2 ${x} ${y})`)})`;

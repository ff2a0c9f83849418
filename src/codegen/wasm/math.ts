// The functions of real numbers that WebAssembly lacks, four lanes at a time. Each is a function of the module that calls it. Errors are
// measured against float64 in test/codegen/wasm-math.test.ts, with and without fused multiply-adds.

import { ROTATIONS } from "../../ir/ops/special-functions.ts";
import { POW, SINE } from "./math-double.ts";
import { floatText } from "./values.ts";

export type MathFunction = "exp" | "log" | "tanh" | "erf" | "sin" | "cos" | "pow" | "threefry";

type Call = MathFunction | "sine";

const splat = (value: number): string => `(v128.const f32x4 ${Array<string>(4).fill(floatText(value)).join(" ")})`;
const bits = (value: number): string => `(v128.const i32x4 ${Array<string>(4).fill(String(value)).join(" ")})`;
const get = (name: string): string => `(local.get $${name})`;
const set = (name: string, value: string): string => `(local.set $${name} ${value})`;

/** The polynomial with these coefficients, highest power first. */
const horner = (x: string, [first = 0, ...rest]: readonly number[]): string =>
  rest.reduce((sum, coefficient) => `(f32x4.madd ${sum} ${x} ${splat(coefficient)})`, splat(first));

const WHOLE = 1.5 * 2 ** 23;
const WHOLE_BITS = 0x4b400000;

/**
 * e^x: x = n ln 2 + r with |r| <= ln 2 / 2, a polynomial of r, and 2^n in two factors, so that results below the normal range come
 * out rounded once. Range reduction and coefficients of Cephes' expf (Moshier 1992).
 */
const EXP = `(func $exp (param $x v128) (result v128) (local $n v128) (local $r v128) (local $i v128) (local $h v128)
  ;; What is no number stays: these take the first operand where they cannot compare. They are one instruction, and max and min are seven.
  ${set("x", `(f32x4.pmax (f32x4.pmin ${get("x")} ${splat(89)}) ${splat(-105)})`)}
  ;; Beside 1.5 * 2^23 floats are whole numbers, and the last bits of such a float are those of n.
  ${set("i", `(f32x4.madd ${get("x")} ${splat(Math.LOG2E)} ${splat(WHOLE)})`)}
  ${set("n", `(f32x4.sub ${get("i")} ${splat(WHOLE)})`)}
  ${set("r", `(f32x4.madd ${get("n")} ${splat(2.1219444e-4)} (f32x4.madd ${get("n")} ${splat(-0.693359375)} ${get("x")}))`)}
  ${set("i", `(i32x4.sub ${get("i")} ${bits(WHOLE_BITS)})`)}
  ${set("h", `(i32x4.shr_s ${get("i")} (i32.const 1))`)}
  (f32x4.mul
    (f32x4.mul
      (f32x4.add
        (f32x4.madd (f32x4.mul ${get("r")} ${get("r")})
          ${horner(get("r"), [1.98756915e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1])} ${get("r")})
        ${splat(1)})
      (i32x4.shl (i32x4.add ${get("h")} ${bits(127)}) (i32.const 23)))
    (i32x4.shl (i32x4.add (i32x4.sub ${get("i")} ${get("h")}) ${bits(127)}) (i32.const 23))))`;

/** ln x: x = 2^e (1 + f) with 1 + f between sqrt(1/2) and sqrt(2), and a polynomial of f. Coefficients of Cephes' logf (Moshier 1992). */
const LOG = `(func $log (param $x v128) (result v128) (local $s v128) (local $t v128) (local $e v128) (local $f v128) (local $z v128) (local $y v128)
  ;; Below the normal range: times 2^23.
  ${set("t", `(f32x4.lt ${get("x")} ${splat(1.1754943508222875e-38)})`)}
  ${set("s", `(v128.bitselect (f32x4.mul ${get("x")} ${splat(8388608)}) ${get("x")} ${get("t")})`)}
  ;; sqrt(1/2) as bits is 0x3f3504f3: counted from there, the exponent is that of the nearest power of two.
  ${set("e", `(i32x4.shr_s (i32x4.sub ${get("s")} ${bits(0x3f3504f3)}) (i32.const 23))`)}
  ${set("f", `(f32x4.sub (i32x4.sub ${get("s")} (i32x4.shl ${get("e")} (i32.const 23))) ${splat(1)})`)}
  ${set("e", `(f32x4.convert_i32x4_s (i32x4.sub ${get("e")} (v128.and ${get("t")} ${bits(23)})))`)}
  ${set("z", `(f32x4.mul ${get("f")} ${get("f")})`)}
  ${set(
    "y",
    `(f32x4.mul (f32x4.mul ${horner(
      get("f"),
      [
        7.0376836292e-2, -1.151461031e-1, 1.167699874e-1, -1.2420140846e-1, 1.4249322787e-1, -1.6668057665e-1, 2.0000714765e-1,
        -2.4999993993e-1, 3.3333331174e-1,
      ],
    )} ${get("f")}) ${get("z")})`,
  )}
  ${set("y", `(f32x4.madd ${get("e")} ${splat(-2.1219444005469e-4)} ${get("y")})`)}
  ${set("y", `(f32x4.madd ${get("z")} ${splat(-0.5)} ${get("y")})`)}
  ${set("y", `(f32x4.madd ${get("e")} ${splat(0.693359375)} (f32x4.add ${get("f")} ${get("y")}))`)}
  ;; ln 0 is -inf, ln inf is inf, of what is negative or no number there is none.
  ${set("y", `(v128.bitselect ${get("x")} ${get("y")} (f32x4.eq ${get("x")} ${splat(Infinity)}))`)}
  ${set("y", `(v128.bitselect ${splat(-Infinity)} ${get("y")} (f32x4.eq ${get("x")} ${splat(0)}))`)}
  (v128.or ${get("y")} (v128.not (f32x4.ge ${get("x")} ${splat(0)}))))`;

/**
 * tanh x: an odd polynomial near 0 (Cephes' tanhf, Moshier 1992), elsewhere 1 - 2 / (e^2x + 1). Both of |x|, and then the sign of x: a
 * polynomial of -0 itself would end in -0 + 0, which is 0.
 */
const TANH = `(func $tanh (param $x v128) (result v128) (local $a v128) (local $z v128)
  ${set("a", `(f32x4.abs ${get("x")})`)}
  ${set("z", `(f32x4.mul ${get("x")} ${get("x")})`)}
  (v128.or
    (v128.bitselect
      (f32x4.madd (f32x4.mul ${horner(get("z"), [-5.70498872745e-3, 2.06390887954e-2, -5.37397155531e-2, 1.33314422036e-1, -3.33332819422e-1])} ${get("z")}) ${get("a")} ${get("a")})
      (f32x4.sub ${splat(1)} (f32x4.div ${splat(2)} (f32x4.add (call $exp (f32x4.add ${get("a")} ${get("a")})) ${splat(1)})))
      (f32x4.lt ${get("a")} ${splat(0.625)}))
    (v128.and ${get("x")} ${bits(-2147483648)})))`;

/**
 * erf x: x + x p(x^2) below 7/8, elsewhere 1 - e^q(|x|). Both polynomials are minimax, from a weighted Remez exchange in 40 digits: p is of
 * degree 5 for erf(x) / x - 1, weighted by x / erf x; q is of degree 6 for ln erfc up to 4, from where on erf is 1 in float32, weighted by
 * erfc / erf, so that the relative error of erf is what is least in both.
 */
const ERF = `(func $erf (param $x v128) (result v128) (local $t v128) (local $s v128)
  ${set("t", `(f32x4.min (f32x4.abs ${get("x")}) ${splat(4)})`)}
  ${set("s", `(f32x4.mul ${get("t")} ${get("t")})`)}
  (v128.bitselect
    (f32x4.madd ${horner(get("s"), [-0.0006203256, 0.0050321817, -0.026791463, 0.11282455, -0.3761255, 0.12837915])} ${get("x")} ${get("x")})
    (v128.or (f32x4.sub ${splat(1)} (call $exp ${horner(get("t"), [0.00020099594, -0.0030922897, 0.022420209, -0.10432749, -0.6367372, -1.1279361, -0.00013357693])})) (v128.and ${get("x")} ${bits(-2147483648)}))
    (f32x4.lt ${get("t")} ${splat(0.875)})))`;

/** The first word of Threefry-2x32-20 (Salmon et al. 2011). */
const THREEFRY = `(func $threefry (param $k0 v128) (param $k1 v128) (param $x0 v128) (param $x1 v128) (result v128) (local $k2 v128)
  ${set("k2", `(v128.xor (v128.xor ${get("k0")} ${get("k1")}) ${bits(0x1bd11bda)})`)}
  ${set("x0", `(i32x4.add ${get("x0")} ${get("k0")})`)}
  ${set("x1", `(i32x4.add ${get("x1")} ${get("k1")})`)}
  ${Array.from({ length: 20 }, (_, round) => {
    const rotation = ROTATIONS[round % 8] ?? 0;
    const mix = [
      set("x0", `(i32x4.add ${get("x0")} ${get("x1")})`),
      set(
        "x1",
        `(v128.xor (v128.or (i32x4.shl ${get("x1")} (i32.const ${String(rotation)})) (i32x4.shr_u ${get("x1")} (i32.const ${String(32 - rotation)}))) ${get("x0")})`,
      ),
    ];
    if (round % 4 < 3) return mix.join(" ");
    const turn = (round + 1) / 4;
    return [
      ...mix,
      set("x0", `(i32x4.add ${get("x0")} ${get(`k${String(turn % 3)}`)})`),
      set("x1", `(i32x4.add (i32x4.add ${get("x1")} ${get(`k${String((turn + 1) % 3)}`)}) ${bits(turn)})`),
    ].join(" ");
  }).join("\n  ")}
  ${get("x0")})`;

const TEXTS: Readonly<Record<Call, { readonly text: string; readonly calls: readonly Call[] }>> = {
  exp: { text: EXP, calls: [] },
  log: { text: LOG, calls: [] },
  tanh: { text: TANH, calls: ["exp"] },
  erf: { text: ERF, calls: ["exp"] },
  sine: { text: SINE, calls: [] },
  sin: { text: "(func $sin (param $x v128) (result v128) (call $sine (local.get $x) (f64.const 0)))", calls: ["sine"] },
  // cos x = sin(x + pi/2): a quarter turn more.
  cos: { text: "(func $cos (param $x v128) (result v128) (call $sine (local.get $x) (f64.const 1)))", calls: ["sine"] },
  pow: { text: POW, calls: [] },
  threefry: { text: THREEFRY, calls: [] },
};

/** The definitions of these functions and of what they call, each once. */
export function mathFunctions(used: ReadonlySet<MathFunction>): string {
  const all = new Set<Call>();
  const need = (name: Call): void => {
    TEXTS[name].calls.forEach(need);
    all.add(name);
  };
  used.forEach(need);
  return [...all]
    .sort()
    .map((name) => TEXTS[name].text)
    .join("\n");
}

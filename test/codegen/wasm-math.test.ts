// The vector functions of WebAssembly kernels against float64, in units of the last place of the float32 result: every exponent with many
// mantissas, and the values where functions of this kind go wrong. All with multiply-adds fused and apart, since an engine may do either.

import { describe, expect, it } from "vitest";
import { assemble } from "../../src/codegen/wasm/assemble.ts";
import { mathFunctions, type MathFunction } from "../../src/codegen/wasm/math.ts";
import { erf, threefry2x32 } from "../../src/ir/ops/special-functions.ts";
import { createRandom } from "../support/random.ts";

const COUNT = 1 << 16;
const FORMS = [false, true] as const;

type Apply = (...inputs: readonly ArrayLike<number>[]) => ArrayBuffer;

// Calls a function on arrays of COUNT elements, four at a time.
function compiled(name: MathFunction, arity: number, relaxed: boolean): Apply {
  const bytes = 4 * COUNT;
  const input = Array.from({ length: arity }, (_, i) => `(v128.load offset=${bytes * (i + 1)} (local.get $at))`).join(" ");
  const code = assemble(
    `(module (import "env" "memory" (memory 1 65536 shared)) ${mathFunctions(new Set([name]))}
    (func $run (export "run") (param $at i32)
      (loop $next (v128.store (local.get $at) (call $${name} ${input}))
        (br_if $next (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 16))) (i32.const ${bytes}))))))`,
    { relaxed },
  );
  const memory = new WebAssembly.Memory({ initial: (bytes * (arity + 1)) / 65536 + 1, maximum: 65536, shared: true });
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(code as BufferSource), { env: { memory } });
  const run = exports["run"] as (at: number) => void;
  return (...inputs) => {
    inputs.forEach((values, i) => {
      const Type = values instanceof Uint32Array ? Uint32Array : Float32Array;
      new Type(memory.buffer, bytes * (i + 1), COUNT).set(values);
    });
    run(0);
    return new Uint8Array(memory.buffer).slice(0, bytes).buffer;
  };
}

const bothForms = (name: MathFunction, arity: number): Apply[] => FORMS.map((relaxed) => compiled(name, arity, relaxed));

const DOUBLE = new Float64Array(1);
const WORDS = new Uint32Array(DOUBLE.buffer);

// One in the last place of the float32 nearest to `x`, from the bits of the exponent: this runs millions of times.
function ulp(x: number): number {
  DOUBLE[0] = x;
  const biased = (WORDS[1]! >>> 20) & 0x7ff;
  WORDS[1] = (Math.max(biased, 1023 - 126) - 23) << 20;
  WORDS[0] = 0;
  return DOUBLE[0];
}

const isNegative = (x: number): boolean => x < 0 || Object.is(x, -0);

// How far a result is from the exact value in units of the last place there; Infinity where it is a value of another kind or sign, zeros included.
function error(got: number, exact: number): number {
  const nearest = Math.fround(exact);
  if (Object.is(got, nearest) && !Number.isFinite(nearest)) return 0;
  if (exact === 0 || !Number.isFinite(exact)) return Object.is(got, exact) ? 0 : Infinity;
  if (Number.isNaN(got) || isNegative(got) !== isNegative(exact)) return Infinity;
  // Infinity just below the end of the range is as far off as the power of two that it stands for.
  const value = Number.isFinite(got) ? got : Math.sign(got) * 2 ** 128;
  return Math.abs(value - exact) / ulp(exact);
}

interface Worst {
  error: number;
  readonly of: string[];
}

// The largest error, and what it is an error of.
function worst(apply: Apply, inputs: readonly Float32Array[], exact: Float64Array): Worst {
  const results = new Float32Array(apply(...inputs));
  const most: Worst = { error: 0, of: [] };
  results.forEach((got, i) => {
    const here = error(got, exact[i]!);
    if (here > most.error)
      Object.assign(most, { error: here, of: inputs.map((values) => (Object.is(values[i], -0) ? "-0" : String(values[i]))) });
  });
  return most;
}

const SPECIAL = [
  0,
  Infinity,
  NaN,
  1,
  1e-45,
  1e-40,
  1e-38,
  3.4e38,
  0.5,
  0.625,
  0.875,
  4,
  9,
  88.7,
  88.7228317,
  88.7228393,
  88.73,
  87.4,
  103.9,
  104,
];
const SPECIALS = SPECIAL.flatMap((x) => [x, -x]);

function batch(random: () => number, low: number, high: number): Float32Array {
  return Float32Array.from({ length: COUNT }, () => {
    const exponent = low + Math.floor(random() * (high - low + 1));
    return (random() < 0.5 ? -1 : 1) * (1 + random()) * 2 ** exponent;
  });
}

// `low` to `high` are the exponents where something happens; `last` is the largest where the function must be exact.
const CASES = [
  { name: "exp", exact: Math.exp, low: -24, high: 6, last: 127, rounds: 32 },
  { name: "log", exact: Math.log, low: -2, high: 2, last: 127, rounds: 32 },
  { name: "tanh", exact: Math.tanh, low: -12, high: 4, last: 127, rounds: 32 },
  { name: "erf", exact: erf, low: -12, high: 2, last: 127, rounds: 32 },
  { name: "sin", exact: Math.sin, low: -12, high: 13, last: 13, rounds: 16 },
  { name: "cos", exact: Math.cos, low: -12, high: 13, last: 13, rounds: 16 },
] as const;

describe.each(CASES)("$name", ({ name, exact, low, high, last, rounds }) => {
  const forms = bothForms(name, 1);

  it("is good to 2 ulp", () => {
    const random = createRandom(name.length);
    for (let round = 0; round < rounds; round++) {
      const input = round % 2 === 0 ? batch(random, -149, last) : batch(random, low, high);
      const expected = Float64Array.from(input, exact);
      for (const apply of forms) {
        const most = worst(apply, [input], expected);
        expect(most.error, `of ${most.of.join()}`).toBeLessThan(2);
      }
    }
  });

  it("is right where functions of its kind go wrong", () => {
    const input = new Float32Array(COUNT);
    input.set(SPECIALS.filter((x) => !Number.isFinite(x) || Math.abs(x) < 2 ** (last + 1)));
    const expected = Float64Array.from(input, exact);
    for (const apply of forms) {
      const most = worst(apply, [input], expected);
      expect(most.error, `of ${most.of.join()}`).toBeLessThan(2);
    }
  });
});

it.each(["sin", "cos"] as const)("%s stays within [-1, 1] far out", (name) => {
  const input = batch(createRandom(3), 14, 127);
  for (const apply of bothForms(name, 1)) expect(new Float32Array(apply(input)).every((y) => Math.abs(y) <= 1)).toBe(true);
});

describe("pow", () => {
  const forms = bothForms("pow", 2);

  it.each([1, -1])("is good to 2 ulp of bases with the sign of %i", (sign) => {
    const random = createRandom(5);
    const bases = Float32Array.from({ length: COUNT }, (_, i) => sign * (i % 2 ? random() * 4 : 2 ** (random() * 276 - 149)));
    // Results from below the least float32 to above the largest, and integers, the only exponents of negative bases.
    const exponents = bases.map((x, i) => (i % 3 ? ((random() * 2 - 1) * 150) / Math.log2(Math.abs(x)) : Math.round(random() * 18 - 9)));
    const expected = Float64Array.from(bases, (x, i) => x ** exponents[i]!);
    for (const apply of forms) {
      const most = worst(apply, [bases, exponents], expected);
      expect(most.error, `of ${most.of.join(" ** ")}`).toBeLessThan(2);
    }
  });

  it("is JavaScript's where there is no power", () => {
    const values = [
      0,
      -0,
      1,
      -1,
      -2,
      -3.5,
      0.5,
      -0.5,
      Infinity,
      -Infinity,
      NaN,
      2,
      3,
      -3,
      -8,
      1e-40,
      -1e-40,
      16777215,
      2147483648,
      3.4e38,
      -3.4e38,
    ];
    const [bases, exponents] = [new Float32Array(COUNT), new Float32Array(COUNT)];
    bases.set(values.flatMap((x) => values.map(() => x)));
    exponents.set(values.flatMap(() => values));
    const expected = Float64Array.from(bases, (x, i) => x ** exponents[i]!);
    for (const apply of forms) {
      const most = worst(apply, [bases, exponents], expected);
      expect(most.error, `of ${most.of.join(" ** ")}`).toBeLessThan(2);
    }
  });
});

it("threefry gives the bits of every other target", () => {
  const random = createRandom(9);
  const words = (): Uint32Array => Uint32Array.from({ length: COUNT }, () => random() * 2 ** 32);
  const [k0, k1, c0, c1] = [words(), words(), words(), words()];
  const expected = k0.map((k, i) => threefry2x32(k, k1[i]!, c0[i]!, c1[i]!)[0]);
  for (const apply of bothForms("threefry", 4)) {
    const results = new Uint32Array(apply(k0, k1, c0, c1));
    expect(results.findIndex((word, i) => word !== expected[i])).toBe(-1);
  }
});

it("defines what a function calls once, in one order", () => {
  const text = mathFunctions(new Set<MathFunction>(["tanh", "erf", "exp", "sin", "cos"]));
  expect(text).toBe(mathFunctions(new Set<MathFunction>(["cos", "exp", "sin", "erf", "tanh"])));
  expect(text.match(/\(func \$\w+/g)).toEqual(["cos", "erf", "exp", "sin", "sine2", "sine", "tanh"].map((name) => `(func $${name}`));
});

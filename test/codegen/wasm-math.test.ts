// The vector functions of WebAssembly kernels against float64, in units of the last place of the float32 result: every exponent with many
// mantissas, and the values where functions of this kind go wrong.

import { describe, expect, it } from "vitest";
import { assemble } from "../../src/codegen/wasm/assemble.ts";
import { mathFunctions, type MathFunction } from "../../src/codegen/wasm/math.ts";
import { erf, threefry2x32 } from "../../src/ir/ops/special-functions.ts";
import { createRandom } from "../support/random.ts";

const COUNT = 1 << 16;

type Apply = (...inputs: readonly ArrayLike<number>[]) => ArrayBuffer;

// Calls a function on arrays of COUNT elements, four at a time.
function compiled(name: MathFunction, arity: number, relaxed: boolean): Apply | undefined {
  const bytes = 4 * COUNT;
  const input = Array.from({ length: arity }, (_, i) => `(v128.load offset=${bytes * (i + 1)} (local.get $at))`).join(" ");
  const code = assemble(
    `(module (import "env" "memory" (memory 1 65536 shared)) ${mathFunctions(new Set([name]))}
    (func $run (export "run") (param $at i32)
      (loop $next (v128.store (local.get $at) (call $${name} ${input}))
        (br_if $next (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 16))) (i32.const ${bytes}))))))`,
    { relaxed },
  );
  if (!WebAssembly.validate(code as BufferSource)) return undefined;
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

/** One in the last place of the float32 nearest to `x`. */
function ulp(x: number): number {
  const exponent = Math.max(-126, Math.floor(Math.log2(Math.abs(x))));
  return 2 ** (exponent - 23);
}

const SPECIAL = [
  0,
  -0,
  1,
  -1,
  Infinity,
  -Infinity,
  NaN,
  1e-45,
  -1e-45,
  1e-40,
  -1e-38,
  3.4e38,
  -3.4e38,
  0.5,
  0.625,
  0.92,
  0.93,
  88.7,
  88.73,
  -87.4,
  -103.9,
  -104,
  9,
  4,
  2 ** 23,
];

function* batches(seed: number, rounds: number, low: number, high: number, special: (x: number) => boolean): Generator<Float32Array> {
  const random = createRandom(seed);
  for (let round = 0; round < rounds; round++) {
    const values = new Float32Array(COUNT);
    for (let i = 0; i < COUNT; i++) {
      const exponent = low + Math.floor(random() * (high - low + 1));
      values[i] = (random() < 0.5 ? -1 : 1) * (1 + random()) * 2 ** exponent;
    }
    if (round === 0) values.set(SPECIAL.filter((x) => special(x)));
    yield values;
  }
}

// The worst error in units of the last place, or the first input whose special value is wrong.
function worst(apply: Apply, inputs: Iterable<Float32Array>, exact: (x: number) => number): number | string {
  let most = 0;
  for (const values of inputs) {
    const results = new Float32Array(apply(values));
    for (let i = 0; i < COUNT; i++) {
      const x = values[i] ?? 0;
      const y = exact(x);
      const got = results[i] ?? NaN;
      const rounded = Math.fround(y);
      if (!Number.isFinite(rounded) || rounded === 0) {
        const isRight =
          Object.is(got, rounded) ||
          (rounded === 0 && got === 0) ||
          (Math.abs(rounded) === Infinity && Math.abs(y) < 3.5e38 && Math.abs(got) > 3.4028e38);
        if (!isRight && !(Math.abs(got - y) <= 1.5e-45)) return `of ${x} is ${got}, not ${rounded}`;
      } else most = Math.max(most, Math.abs(got - y) / ulp(y));
      if (Number.isNaN(got) && !Number.isNaN(rounded)) return `of ${x} is NaN, not ${rounded}`;
    }
  }
  return most;
}

const CASES = [
  { name: "exp", exact: Math.exp, low: -30, high: 6, limit: 2 },
  { name: "log", exact: Math.log, low: -149, high: 127, limit: 2 },
  { name: "tanh", exact: Math.tanh, low: -30, high: 5, limit: 2 },
  { name: "erf", exact: erf, low: -30, high: 3, limit: 2 },
  { name: "sin", exact: Math.sin, low: -30, high: 13, limit: 2 },
  { name: "cos", exact: Math.cos, low: -30, high: 13, limit: 2 },
] as const;

describe.each([false, true])("with relaxed SIMD: %s", (relaxed) => {
  it.each(CASES)("$name is good to $limit ulp", ({ name, exact, low, high, limit }) => {
    const apply = compiled(name, 1, relaxed);
    // Where the engine has no relaxed SIMD, the other form is the one that runs.
    if (!apply) return expect(relaxed).toBe(true);
    // Far out, the argument itself is less exact than a turn.
    const isPeriodic = name === "sin" || name === "cos";
    const error = worst(
      apply,
      batches(name.length, name === "erf" ? 8 : 32, low, high, (x) => !isPeriodic || Math.abs(x) < 1e4 || !Number.isFinite(x)),
      exact,
    );
    expect(error).toBeTypeOf("number");
    expect(error).toBeLessThan(limit);
  });
});

it("log is as good around 1", () => {
  const apply = compiled("log", 1, false);
  const near = Float32Array.from({ length: COUNT }, (_, i) => 0.6 + (i / COUNT) * 1.2);
  expect(worst(apply!, [near], Math.log)).toBeLessThan(2);
});

it("sin and cos stay within [-1, 1] far out", () => {
  for (const name of ["sin", "cos"] as const) {
    const results = new Float32Array(compiled(name, 1, false)!(Float32Array.from({ length: COUNT }, (_, i) => 1e30 * (i - COUNT / 2))));
    expect(results.every((y) => Math.abs(y) <= 1)).toBe(true);
  }
});

it("pow is good to 2 ulp, and JavaScript's where there is no power", () => {
  const apply = compiled("pow", 2, false)!;
  const random = createRandom(5);
  const bases = Float32Array.from({ length: COUNT }, () => (random() < 0.5 ? random() * 4 : 2 ** (random() * 80 - 40)));
  const exponents = Float32Array.from({ length: COUNT }, () => (random() < 0.3 ? Math.round(random() * 9 - 4) : random() * 8 - 4));
  const specials = [0, -0, 1, -1, -2, -3.5, 0.5, Infinity, -Infinity, NaN, 2, -8];
  specials.forEach((x, i) =>
    specials.forEach((y, j) => {
      bases[i * specials.length + j] = x;
      exponents[i * specials.length + j] = y;
    }),
  );
  const results = new Float32Array(apply(bases, exponents));
  let most = 0;
  results.forEach((got, i) => {
    const [x, y] = [bases[i]!, exponents[i]!];
    const rounded = Math.fround(x ** y);
    if (Number.isFinite(rounded) && rounded !== 0) most = Math.max(most, Math.abs(got - x ** y) / ulp(x ** y));
    // |x| = 1 to the power of infinity is NaN in JavaScript and 1 in IEEE 754; either will do.
    else if (!(Math.abs(x) === 1 && Math.abs(y) === Infinity)) expect(Math.abs(got), `${x} ** ${y}`).toBe(Math.abs(rounded));
  });
  expect(most).toBeLessThan(2);
});

it("threefry gives the bits of every other target", () => {
  const random = createRandom(9);
  const words = (): Uint32Array => Uint32Array.from({ length: COUNT }, () => random() * 2 ** 32);
  const [k0, k1, c0, c1] = [words(), words(), words(), words()];
  const results = new Uint32Array(compiled("threefry", 4, false)!(k0, k1, c0, c1));
  for (let i = 0; i < COUNT; i += 7) expect(results[i]).toBe(threefry2x32(k0[i]!, k1[i]!, c0[i]!, c1[i]!)[0]);
});

// The inner loop of every matrix product: four rows by eight columns of the result in eight registers, with two of the right operand and
// four broadcasts of the left one just enough for the sixteen that x64 and V8 have. Larger blocks spill and halve the speed.

const ROWS = [0, 1, 2, 3] as const;
const HALVES = [0, 1] as const;

const accumulators = (each: (row: number, half: number) => string): string =>
  ROWS.flatMap((row) => HALVES.map((half) => each(row, half))).join("\n  ");

/** One step of k at a distance of `u` steps from the pointers. */
const step = (u: number): string => `
    (local.set $b0 (v128.load offset=${String(32 * u)} (local.get $b)))
    (local.set $b1 (v128.load offset=${String(32 * u + 16)} (local.get $b)))
${ROWS.map(
  (row) => `    (local.set $x (v128.load32_splat offset=${String(16 * u + 4 * row)} (local.get $a)))
    (local.set $c${String(row)}0 (f32x4.madd (local.get $x) (local.get $b0) (local.get $c${String(row)}0)))
    (local.set $c${String(row)}1 (f32x4.madd (local.get $x) (local.get $b1) (local.get $c${String(row)}1)))`,
).join("\n")}`;

const UNROLL = 4;

/** $micro(a, b, c, k, first): c (+)= a . b for a panel of four rows and one of eight columns; c has 32 bytes a row; k >= 1. */
export const MICRO_KERNEL = `(func $micro (param $a i32) (param $b i32) (param $c i32) (param $k i32) (param $first i32)
  (local $x v128) (local $b0 v128) (local $b1 v128) (local $end i32)
  ${accumulators((row, half) => `(local $c${String(row)}${String(half)} v128)`)}
  (if (i32.eqz (local.get $first)) (then
  ${accumulators((row, half) => `(local.set $c${String(row)}${String(half)} (v128.load offset=${String(32 * row + 16 * half)} (local.get $c)))`)}))
  (local.set $end (i32.add (local.get $a) (i32.shl (i32.and (local.get $k) (i32.const -${String(UNROLL)})) (i32.const 4))))
  (if (i32.ge_s (local.get $k) (i32.const ${String(UNROLL)})) (then (loop $unrolled${Array.from({ length: UNROLL }, (_, u) => step(u)).join("")}
    (local.set $b (i32.add (local.get $b) (i32.const ${String(32 * UNROLL)})))
    (br_if $unrolled (i32.lt_u (local.tee $a (i32.add (local.get $a) (i32.const ${String(16 * UNROLL)}))) (local.get $end))))))
  (local.set $end (i32.add (local.get $a) (i32.shl (i32.and (local.get $k) (i32.const ${String(UNROLL - 1)})) (i32.const 4))))
  (if (i32.lt_u (local.get $a) (local.get $end)) (then (loop $single${step(0)}
    (local.set $b (i32.add (local.get $b) (i32.const 32)))
    (br_if $single (i32.lt_u (local.tee $a (i32.add (local.get $a) (i32.const 16))) (local.get $end))))))
  ${accumulators((row, half) => `(v128.store offset=${String(32 * row + 16 * half)} (local.get $c) (local.get $c${String(row)}${String(half)}))`)})`;

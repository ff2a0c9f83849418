// The inner loop of every matrix product: four rows by eight columns of the result in eight registers, with two of the right operand and
// the four numbers of the left one, broadcast in turn, just enough for the sixteen that x64 and V8 have. Larger blocks spill and halve the
// speed, and so does unrolling in the V8 of Node 20; broadcasting loads instead of shuffles costs a tenth there.

const ROWS = [0, 1, 2, 3] as const;
const HALVES = [0, 1] as const;

const accumulators = (each: (row: number, half: number) => string): string =>
  ROWS.flatMap((row) => HALVES.map((half) => each(row, half))).join("\n    ");

/** The bytes of one of four numbers, four times. */
const broadcast = (lane: number): string => Array.from({ length: 16 }, (_, i) => 4 * lane + (i % 4)).join(" ");

/** $least(x, y), of i32. */
export const LEAST = `(func $least (param $x i32) (param $y i32) (result i32) (select (local.get $x) (local.get $y) (i32.lt_s (local.get $x) (local.get $y))))`;

/** $micro(a, b, c, panels, k, first): c (+)= a . b for panels of four rows at `a`, one after the other, and one of eight columns. c has 32 bytes a row; k >= 1. */
export const MICRO_KERNEL = `(func $micro (param $a i32) (param $b i32) (param $c i32) (param $panels i32) (param $k i32) (param $first i32)
  (local $column v128) (local $x v128) (local $b0 v128) (local $b1 v128) (local $end i32) (local $start i32)
    ${accumulators((row, half) => `(local $c${String(row)}${String(half)} v128)`)}
  (local.set $start (local.get $b))
  (local.set $panels (i32.add (local.get $c) (i32.shl (local.get $panels) (i32.const 7))))
  (loop $down
    (local.set $b (local.get $start))
    (local.set $end (i32.add (local.get $a) (i32.shl (local.get $k) (i32.const 4))))
    (if (local.get $first)
      (then
    ${accumulators((row, half) => `(local.set $c${String(row)}${String(half)} (v128.const i32x4 0 0 0 0))`)})
      (else
    ${accumulators((row, half) => `(local.set $c${String(row)}${String(half)} (v128.load offset=${String(32 * row + 16 * half)} (local.get $c)))`)}))
    (loop $steps
      (local.set $b0 (v128.load (local.get $b)))
      (local.set $b1 (v128.load offset=16 (local.get $b)))
      (local.set $column (v128.load (local.get $a)))
${ROWS.map(
  (row) => `      (local.set $x (i8x16.shuffle ${broadcast(row)} (local.get $column) (local.get $column)))
      (local.set $c${String(row)}0 (f32x4.madd (local.get $x) (local.get $b0) (local.get $c${String(row)}0)))
      (local.set $c${String(row)}1 (f32x4.madd (local.get $x) (local.get $b1) (local.get $c${String(row)}1)))`,
).join("\n")}
      (local.set $b (i32.add (local.get $b) (i32.const 32)))
      (br_if $steps (i32.lt_u (local.tee $a (i32.add (local.get $a) (i32.const 16))) (local.get $end))))
    ${accumulators((row, half) => `(v128.store offset=${String(32 * row + 16 * half)} (local.get $c) (local.get $c${String(row)}${String(half)}))`)}
    (br_if $down (i32.lt_u (local.tee $c (i32.add (local.get $c) (i32.const 128))) (local.get $panels)))))`;

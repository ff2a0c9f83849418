// The inner loop of sums of products whose operands both lie along the sum: four rows of one by two of the other, each element of the result
// in four lanes until the end. Six loads for eight multiply-adds, and nothing is broadcast.

export const DOT_ROWS = 4;
export const DOT_CHANNELS = 2;

const ROWS = [0, 1, 2, 3] as const;
const CHANNELS = [0, 1] as const;

export interface DotPlan {
  /** Bytes between rows of the first operand, and of the second. */
  readonly gradientPitch: number;
  readonly imagePitch: number;
  /** Bytes of the second operand that are left out after each part. */
  readonly skip: number;
  /** Bytes between results of two rows of the first operand, and of the second. */
  readonly resultPitch: number;
  readonly channelPitch: number;
}

const each = (text: (row: number, channel: number) => string): string =>
  CHANNELS.flatMap((channel) => ROWS.map((row) => text(row, channel))).join("\n      ");

const words = (list: readonly number[]): string => list.flatMap((word) => [0, 1, 2, 3].map((i) => 4 * word + i)).join(" ");

/** The sums of the lanes of four accumulators, as lanes. */
function sums(channel: number): string {
  const of = (row: number): string => `(local.get $s${String(row)}${String(channel)})`;
  const halves = (x: string, y: string): string =>
    `(f32x4.add (i8x16.shuffle ${words([0, 4, 1, 5])} ${x} ${y}) (i8x16.shuffle ${words([2, 6, 3, 7])} ${x} ${y}))`;
  return `(local.set $x ${halves(of(0), of(1))})
  (local.set $y ${halves(of(2), of(3))})
  (local.set $x (f32x4.add (i8x16.shuffle ${words([0, 1, 4, 5])} (local.get $x) (local.get $y)) (i8x16.shuffle ${words([2, 3, 6, 7])} (local.get $x) (local.get $y))))`;
}

function write(channel: number, { resultPitch, channelPitch }: DotPlan): string {
  const place = (row: number): string => `offset=${String(row * resultPitch + channel * channelPitch)} ${String(row)} (local.get $c)`;
  return `${sums(channel)}
  (local.set $y (v128.load32_zero offset=${String(channel * channelPitch)} (local.get $c)))
  ${[1, 2, 3].map((row) => `(local.set $y (v128.load32_lane ${place(row)} (local.get $y)))`).join("\n  ")}
  (local.set $x (f32x4.add (local.get $x) (local.get $y)))
  ${ROWS.map((row) => `(v128.store32_lane ${place(row)} (local.get $x))`).join("\n  ")}`;
}

/** $name(a, b, c, length, parts): c += sums over `parts` times `length` bytes. Rows of `a` and of `b` are a pitch apart; length is a multiple of 16 and not 0. */
export function dotKernel(name: string, plan: DotPlan): string {
  const load = (local: string, at: string, offset: number): string =>
    `(local.set $${local} (v128.load offset=${String(offset)} (local.get $${at})))`;
  return `(func $${name} (param $a i32) (param $b i32) (param $c i32) (param $length i32) (param $parts i32)
  (local $x v128) (local $y v128) (local $g v128) (local $end i32)
      ${each((row, channel) => `(local $s${String(row)}${String(channel)} v128)`)}
  (loop $all
    (local.set $end (i32.add (local.get $a) (local.get $length)))
    (loop $steps
      ${load("x", "b", 0)}
      ${load("y", "b", plan.imagePitch)}
      ${ROWS.map(
        (row) => `${load("g", "a", row * plan.gradientPitch)}
      (local.set $s${String(row)}0 (f32x4.madd (local.get $g) (local.get $x) (local.get $s${String(row)}0)))
      (local.set $s${String(row)}1 (f32x4.madd (local.get $g) (local.get $y) (local.get $s${String(row)}1)))`,
      ).join("\n      ")}
      (local.set $b (i32.add (local.get $b) (i32.const 16)))
      (br_if $steps (i32.lt_u (local.tee $a (i32.add (local.get $a) (i32.const 16))) (local.get $end))))
    (local.set $b (i32.add (local.get $b) (i32.const ${String(plan.skip)})))
    (br_if $all (local.tee $parts (i32.sub (local.get $parts) (i32.const 1)))))
  ${CHANNELS.map((channel) => write(channel, plan)).join("\n  ")})`;
}

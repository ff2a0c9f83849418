// Numbers of formats with fewer bits, as the f32 or f64 that they are: what operands of products are rounded to (`precision bf16`).

import type { OperandType } from "./loop/expr-type.ts";

/** Bits of a format's fraction, and the exponent of its smallest normal number and of the power of two above its largest. */
export interface Format {
  readonly fraction: number;
  readonly least: number;
  readonly beyond: number;
  /** What lies between two numbers goes to the even one, or away from zero as the conversion of GPUs to tf32 does (`cvt.rna`). */
  readonly ties: "even" | "away";
}

export const FORMATS = {
  tf32: { fraction: 10, least: -126, beyond: 128, ties: "away" },
  bf16: { fraction: 7, least: -126, beyond: 128, ties: "even" },
  f16: { fraction: 10, least: -14, beyond: 16, ties: "even" },
} as const satisfies Readonly<Record<OperandType, Format>>;

/** The number of the format that is nearest to `x`; infinity beyond its largest. */
export function roundTo({ fraction, least, beyond, ties }: Format, x: number): number {
  const magnitude = Math.abs(x);
  if (!Number.isFinite(x) || magnitude === 0) return x;
  const exponent = Math.max(least, exponentOf(magnitude));
  const unit = powerOfTwo(exponent - fraction);
  const units = magnitude / unit;
  const floor = Math.floor(units);
  const rest = units - floor;
  const isUp = rest > 0.5 || (rest === 0.5 && (ties === "away" || floor % 2 === 1));
  const rounded = (floor + Number(isUp)) * unit;
  return Math.sign(x) * (rounded >= 2 ** beyond ? Infinity : rounded);
}

// By their bits: logarithms are off by one beside powers of two, and slower.
const double = new DataView(new ArrayBuffer(8));
const BIAS = 1023;

function exponentOf(magnitude: number): number {
  double.setFloat64(0, magnitude);
  return (double.getUint16(0) >> 4) - BIAS;
}

function powerOfTwo(exponent: number): number {
  double.setFloat64(0, 0);
  double.setUint16(0, (exponent + BIAS) << 4);
  return double.getFloat64(0);
}

/** By the operation's name in the loop IR. */
export const ROUNDINGS = {
  round_tf32: (x: number) => roundTo(FORMATS.tf32, x),
  round_bf16: (x: number) => roundTo(FORMATS.bf16, x),
  round_f16: (x: number) => roundTo(FORMATS.f16, x),
} as const satisfies Readonly<Record<`round_${OperandType}`, (x: number) => number>>;

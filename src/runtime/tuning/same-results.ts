// Whether two ways to compute one thing do: both run over the same pseudo-random numbers, and what they make of them is compared in samples. A way that
// a compiler, a driver or a library gets wrong on some machine is found there, before anything is trained with it.

import { HOST_ARRAYS, type HostArray } from "../../ir/arrays.ts";
import { fromHalf, toHalf } from "../../ir/half.ts";
import type { DType } from "../../ir/types.ts";

/**
 * After so many elements numbers begin anew: four times a prime, so that rows and channels of a tensor are not alike, and whole words of
 * bytes, as devices copy them.
 */
const PERIOD = 4 * 65537;
/** How far from each other the numbers of a launch's buffers begin. */
const APART = 256;
const MOST_BUFFERS = 64;

/** Of a buffer at most so many elements are compared at its beginning, in its middle and at its end: a few milliseconds of the host, as a contest takes of the GPU. */
const SAMPLE = 1 << 14;
/** What is usual of them is known from so many. */
const ENOUGH = 1 << 12;

/**
 * How far numbers may be from each other, of themselves and of what is usual beside them: twice the distance of neighbours in bf16, the coarsest format
 * that is stored; sums differ by their order, and by how a library rounds to tf32.
 */
const CLOSE = 2 ** -6;

/** Of all numbers so many may be further apart: where a condition of a sum holds the one way and not the other, as of a gradient of relu at zero. */
const ODD = 1 / 256;

/** Of all numbers so many must be finite for the comparison to say something. */
const FINITE = 1 / 16;

/** Numbers from `low` on, below `low + 2`, as a kernel's operands may be; of types that index or count zeros. */
export class TrialNumbers {
  readonly #low: number;
  readonly #byType = new Map<DType, HostArray>();

  constructor(low: number) {
    this.#low = low;
  }

  /** What a buffer begins with, again and again up to its end. @param place of the buffer in the launch: each has other numbers */
  of(dtype: DType, place: number): HostArray {
    const known = this.#byType.get(dtype) ?? this.#make(dtype);
    this.#byType.set(dtype, known);
    const from = APART * (place % MOST_BUFFERS);
    return known.subarray(from, from + PERIOD);
  }

  #make(dtype: DType): HostArray {
    const numbers = new HOST_ARRAYS[dtype](PERIOD + APART * MOST_BUFFERS);
    if (dtype === "i32" || dtype === "u32") return numbers;
    let state = 1;
    for (let i = 0; i < numbers.length; i++) {
      // Marsaglia's xorshift32.
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      numbers[i] = element(dtype, state >>> 0, this.#low);
    }
    return numbers;
  }
}

/** An element of a type in memory, of 32 random bits. */
function element(dtype: DType, bits: number, low: number): number {
  if (dtype === "bool") return bits >>> 31;
  if (dtype === "u8") return bits >>> 24;
  const value = low + bits / 2 ** 31;
  if (dtype === "f16") return toHalf(value);
  return dtype === "bf16" ? upperHalf(value) : value;
}

const FLOAT = new Float32Array(1);
const BITS = new Uint32Array(FLOAT.buffer);

function upperHalf(value: number): number {
  FLOAT[0] = value;
  return (BITS[0] ?? 0) >>> 16;
}

function ofUpperHalf(bits: number): number {
  BITS[0] = bits << 16;
  return FLOAT[0] ?? NaN;
}

/** A part of a buffer, in elements; it begins with a whole word. */
export interface Range {
  readonly start: number;
  readonly length: number;
}

/** The samples of a buffer of so many elements: all of it, or both ends and the middle. */
export function samplesOf(elements: number): readonly Range[] {
  if (elements <= 3 * SAMPLE) return [{ start: 0, length: elements }];
  const before = (end: number): number => Math.floor((end - SAMPLE) / 4) * 4;
  const [middle, last] = [before((elements + SAMPLE) / 2), before(elements)];
  return [
    { start: 0, length: SAMPLE },
    { start: middle, length: SAMPLE },
    { start: last, length: elements - last },
  ];
}

/** Whether a result can be compared with others at all. */
export function isTelling(expected: HostArray, dtype: DType): boolean {
  const finite = valuesOf(expected, dtype).filter(Number.isFinite).length;
  return finite >= FINITE * expected.length;
}

/** Whether both are the same numbers but for rounding; where no finite one is expected, any is. */
export function areSame(expected: HostArray, given: HostArray, dtype: DType): boolean {
  const [wanted, got] = [valuesOf(expected, dtype), valuesOf(given, dtype)];
  const usual = median(wanted);
  let odd = 0;
  wanted.forEach((value, i) => {
    const isClose = Math.abs(value - (got[i] ?? NaN)) <= CLOSE * (Math.abs(value) + usual);
    if (Number.isFinite(value) && !isClose) odd++;
  });
  return odd <= ODD * wanted.length;
}

function valuesOf(elements: HostArray, dtype: DType): Float64Array {
  if (dtype === "f16") return Float64Array.from(elements, fromHalf);
  return dtype === "bf16" ? Float64Array.from(elements, ofUpperHalf) : Float64Array.from(elements);
}

/** Of the magnitudes of what is finite and not zero: a few very large ones say nothing of the others. */
function median(values: Float64Array): number {
  const step = Math.max(1, Math.floor(values.length / ENOUGH));
  const magnitudes = values.map(Math.abs).filter((value, i) => i % step === 0 && value > 0 && value < Infinity);
  return magnitudes.sort()[magnitudes.length >> 1] ?? 0;
}

// What a network with scores for every pixel answers: the likeliest class of each, and the probabilities of all. Pixels are those that the
// network sees, after preprocessing. Browser-safe.

import type { Shape } from "../ir/types.ts";

/** A class for every pixel. */
export interface MaskAnswer {
  readonly kind: "mask";
  readonly height: number;
  readonly width: number;
  /** Numbers of classes, row after row. */
  readonly mask: Uint8Array;
  /** [height, width, classes]. */
  readonly probabilities: Float32Array;
}

/** @param scores [height, width, classes] */
export function interpretMask([height = 1, width = 1, classes = 1]: Shape, scores: Float32Array): MaskAnswer {
  const mask = new Uint8Array(height * width);
  const probabilities = new Float32Array(scores.length);
  for (let pixel = 0; pixel < mask.length; pixel++) {
    const at = pixel * classes;
    mask[pixel] = softmax(scores.subarray(at, at + classes), probabilities.subarray(at, at + classes));
  }
  return { kind: "mask", height, width, mask, probabilities };
}

/** Probabilities of scores, written to `probabilities`. @returns the likeliest; of several the first */
export function softmax(scores: Float32Array, probabilities: Float32Array | number[]): number {
  let best = 0;
  for (let c = 1; c < scores.length; c++) if ((scores[c] ?? NaN) > (scores[best] ?? -Infinity)) best = c;
  const peak = scores[best] ?? 0;
  let total = 0;
  for (let c = 0; c < scores.length; c++) total += probabilities[c] = Math.exp((scores[c] ?? NaN) - peak);
  for (let c = 0; c < scores.length; c++) probabilities[c] = (probabilities[c] ?? 0) / total;
  return best;
}

/** How many of all pixels have each class, as shares of 1. */
export function sharesOf({ mask }: Pick<MaskAnswer, "mask">, classes: number): readonly number[] {
  const counts = new Array<number>(classes).fill(0);
  for (const value of mask) counts[value] = (counts[value] ?? 0) + 1;
  return counts.map((count) => count / mask.length);
}

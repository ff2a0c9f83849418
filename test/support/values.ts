// Values for the inputs of op samples, and closeness of results.

import type { AnyOp, Data, Sample } from "../../src/ir/ops/define.ts";
import { isFloat, sizeOf, type TensorType } from "../../src/ir/types.ts";
import { createRandom } from "./random.ts";

/** Float values are distinct and at least 1e-3 apart, so that central differences meet no kink of max or relu. */
export function sampleValues(sample: Sample<object>, seed: number): Data[] {
  const random = createRandom(seed);
  const [low, high] = sample.domain ?? [-2, 2];
  return sample.inputs.map((type: TensorType) => {
    const size = sizeOf(type.shape);
    if (!isFloat(type.dtype))
      return Float64Array.from({ length: size }, () => Math.floor(random() * (type.dtype === "bool" ? 2 : (sample.below ?? 3))));
    const order = Array.from({ length: size }, (_, i) => i).sort(() => random() - 0.5);
    const step = (high - low) / size;
    return Float64Array.from(order, (k) => Math.fround(low + (k + 0.25 + 0.5 * random()) * step));
  });
}

export const samplesOf = (op: AnyOp): readonly Sample<object>[] => op.samples as readonly Sample<object>[];

/** ||a - b|| / max(||b||, tiny): the measure of agreement used throughout. Equal infinities and NaNs agree. */
export function relativeError(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return Infinity;
  let difference = 0;
  let norm = 0;
  for (let i = 0; i < b.length; i++) {
    const x = a[i] ?? NaN;
    const y = b[i] ?? NaN;
    if (Object.is(x, y) || x === y) {
      if (Number.isFinite(y)) norm += y * y;
      continue;
    }
    difference += (x - y) ** 2;
    norm += y * y;
  }
  if (difference === 0) return 0;
  return Math.sqrt(difference) / Math.max(Math.sqrt(norm), 1e-12);
}

/** Names the first of the expected tensors that differs by more than `tolerance`, and by how much; none below `tiny` do. */
export function disagreement(
  actual: ReadonlyMap<string, ArrayLike<number>> | undefined,
  expected: ReadonlyMap<string, Data>,
  tolerance: number,
  tiny = 1e-9,
): string | undefined {
  for (const [name, data] of expected) {
    const error = relativeError(actual?.get(name) ?? [], data);
    // Where all is zero up to rounding, a relative error says nothing.
    const isTiny = data.every((x) => Math.abs(x) < tiny);
    if (!(error < tolerance || isTiny)) return `${name} differs by ${error}`;
  }
  return undefined;
}

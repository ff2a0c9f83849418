// Counter-based random numbers for what the host decides: shuffles and splits. Philox4x32-10 (Salmon et al. 2011), so that any draw
// is a function of (seed, stream, position) alone: the same on every machine and after a resume. Browser-safe.

/** High and low words of a 32x32-bit product; only the halves fit a double exactly. */
function multiply(a: number, b: number): readonly [number, number] {
  const [a1, a0, b1, b0] = [a >>> 16, a & 0xffff, b >>> 16, b & 0xffff];
  const middle = a1 * b0 + ((a0 * b0) >>> 16);
  const low16 = (middle & 0xffff) + a0 * b1;
  const high = a1 * b1 + Math.floor(middle / 65536) + Math.floor(low16 / 65536);
  return [high >>> 0, Math.imul(a, b) >>> 0];
}

export type Philox = readonly [number, number, number, number];

/** Four random 32-bit words for a 128-bit counter under a 64-bit key. */
export function philox4x32(counter: Philox, key: readonly [number, number]): Philox {
  let [c0, c1, c2, c3] = counter;
  let [k0, k1] = key;
  for (let round = 0; round < 10; round++) {
    const [high0, low0] = multiply(0xd2511f53, c0);
    const [high1, low1] = multiply(0xcd9e8d57, c2);
    [c0, c1, c2, c3] = [(high1 ^ c1 ^ k0) >>> 0, low1, (high0 ^ c3 ^ k1) >>> 0, low0];
    k0 = (k0 + 0x9e3779b9) >>> 0;
    k1 = (k1 + 0xbb67ae85) >>> 0;
  }
  return [c0, c1, c2, c3];
}

/** What a stream of numbers is for; two purposes never share numbers. */
export const STREAM = { shuffle: 0x7368_7566, split: 0x7370_6c74 } as const;

/** A Fisher-Yates permutation of 0..count-1, a function of its arguments alone. `index` tells epochs apart. */
export function permutation(count: number, seed: number, stream: number, index: number): Int32Array {
  const order = Int32Array.from({ length: count }, (_, i) => i);
  let words: readonly number[] = [];
  for (let i = count - 1; i > 0; i--) {
    const draw = count - 1 - i;
    if (draw % 4 === 0) words = philox4x32([draw / 4, index >>> 0, 0, 0], [seed >>> 0, stream]);
    const j = Math.floor(((words[draw % 4] ?? 0) / 2 ** 32) * (i + 1));
    const swapped = order[i] ?? 0;
    order[i] = order[j] ?? 0;
    order[j] = swapped;
  }
  return order;
}

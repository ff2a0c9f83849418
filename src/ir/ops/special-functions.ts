// Special functions JavaScript lacks, to float64 accuracy, and the random bits every target agrees on.

/**
 * The error function: a series of positive terms near 0 (Abramowitz & Stegun 7.1.6), a continued fraction (7.1.14) elsewhere; about 1e-15.
 */
export function erf(x: number): number {
  const z = Math.abs(x);
  if (Number.isNaN(x)) return NaN;
  if (z > 6) return Math.sign(x);
  if (z < 2.5) {
    let term = 2 * z;
    let sum = term;
    for (let n = 1; term > 1e-17 * sum; n++) {
      term *= (2 * z * z) / (2 * n + 1);
      sum += term;
    }
    return (Math.sign(x) * Math.exp(-z * z) * sum) / Math.sqrt(Math.PI);
  }
  let fraction = 0;
  for (let k = 60; k >= 1; k--) fraction = k / 2 / (z + fraction);
  return Math.sign(x) * (1 - Math.exp(-z * z) / (Math.sqrt(Math.PI) * (z + fraction)));
}

/** Of Threefry-2x32, for rounds 0 to 7 and again. */
export const ROTATIONS = [13, 15, 26, 6, 17, 29, 16, 24] as const;

/** Both words of Threefry-2x32 with 20 rounds (Salmon et al. 2011) of counter (c0, c1) under key (k0, k1). */
export function threefry2x32(k0: number, k1: number, c0: number, c1: number): readonly [number, number] {
  const keys = [k0 >>> 0, k1 >>> 0, (k0 ^ k1 ^ 0x1bd11bda) >>> 0] as const;
  let x0 = (c0 + keys[0]) >>> 0;
  let x1 = (c1 + keys[1]) >>> 0;
  for (let round = 0; round < 20; round++) {
    const r = ROTATIONS[round % 8] ?? 0;
    x0 = (x0 + x1) >>> 0;
    x1 = ((x1 << r) | (x1 >>> (32 - r))) >>> 0;
    x1 = (x1 ^ x0) >>> 0;
    if (round % 4 === 3) {
      const s = (round + 1) / 4;
      x0 = (x0 + (keys[s % 3] ?? 0)) >>> 0;
      x1 = (x1 + (keys[(s + 1) % 3] ?? 0) + s) >>> 0;
    }
  }
  return [x0, x1];
}

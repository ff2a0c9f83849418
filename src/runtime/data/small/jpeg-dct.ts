// libjpeg's accurate integer inverse transform of 8 x 8 coefficients (jidctint.c): columns, then rows, by Loeffler, Ligtenberg and
// Moschytz's method with 13 bits behind the point, and two more between the passes.

const BITS = 13;
const BETWEEN = 2;
const fix = (x: number): number => Math.round(x * (1 << BITS));
const F0298 = fix(0.298631336);
const F0390 = fix(0.390180644);
const F0541 = fix(0.5411961);
const F0765 = fix(0.765366865);
const F0899 = fix(0.899976223);
const F1175 = fix(1.175875602);
const F1501 = fix(1.50132111);
const F1847 = fix(1.847759065);
const F1961 = fix(1.96157056);
const F2053 = fix(2.053119869);
const F2562 = fix(2.562915447);
const F3072 = fix(3.072711026);

const workspace = new Int32Array(64);

/** Writes samples from 0 to 255. */
export function inverseDct(coefficients: Int32Array, samples: Uint8Array, at: number, stride: number): void {
  for (let i = 0; i < 8; i++) transform(coefficients, i, 8, BITS - BETWEEN, BITS, workspace);
  for (let i = 0; i < 8; i++) transform(workspace, i * 8, 1, BITS + BETWEEN + 3, BITS, workspace);
  for (let y = 0; y < 8; y++)
    for (let x = 0; x < 8; x++) {
      const level = (workspace[y * 8 + x] ?? 0) + 128;
      samples[at + y * stride + x] = level < 0 ? 0 : level > 255 ? 255 : level;
    }
}

/** Eight numbers, `step` apart from `at` on, without the last `shift` bits afterwards. */
function transform(from: Int32Array, at: number, step: number, shift: number, bits: number, to: Int32Array): void {
  const x0 = from[at] ?? 0;
  const x1 = from[at + step] ?? 0;
  const x2 = from[at + 2 * step] ?? 0;
  const x3 = from[at + 3 * step] ?? 0;
  const x4 = from[at + 4 * step] ?? 0;
  const x5 = from[at + 5 * step] ?? 0;
  const x6 = from[at + 6 * step] ?? 0;
  const x7 = from[at + 7 * step] ?? 0;
  // Even part.
  const z1 = (x2 + x6) * F0541;
  const t2 = z1 - x6 * F1847;
  const t3 = z1 + x2 * F0765;
  const t0 = (x0 + x4) << bits;
  const t1 = (x0 - x4) << bits;
  const [a0, a3, a1, a2] = [t0 + t3, t0 - t3, t1 + t2, t1 - t2];
  // Odd part.
  const z5 = (x7 + x3 + x5 + x1) * F1175;
  const p1 = -(x7 + x1) * F0899;
  const p2 = -(x5 + x3) * F2562;
  const p3 = z5 - (x7 + x3) * F1961;
  const p4 = z5 - (x5 + x1) * F0390;
  const b0 = x7 * F0298 + p1 + p3;
  const b1 = x5 * F2053 + p2 + p4;
  const b2 = x3 * F3072 + p2 + p3;
  const b3 = x1 * F1501 + p1 + p4;
  const half = 1 << (shift - 1);
  to[at] = (a0 + b3 + half) >> shift;
  to[at + 7 * step] = (a0 - b3 + half) >> shift;
  to[at + step] = (a1 + b2 + half) >> shift;
  to[at + 6 * step] = (a1 - b2 + half) >> shift;
  to[at + 2 * step] = (a2 + b1 + half) >> shift;
  to[at + 5 * step] = (a2 - b1 + half) >> shift;
  to[at + 3 * step] = (a3 + b0 + half) >> shift;
  to[at + 4 * step] = (a3 - b0 + half) >> shift;
}

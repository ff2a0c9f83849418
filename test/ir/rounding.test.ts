// Rounding to formats with fewer bits, against the bits of halves and of floats.

import { expect, it } from "vitest";
import { fromHalf, toHalf } from "../../src/ir/half.ts";
import { ROUNDINGS } from "../../src/ir/rounding.ts";
import { createRandom } from "../support/random.ts";

const bits = new Uint32Array(1);
const float = new Float32Array(bits.buffer);

/** A number of every size that f32 has, and numbers halfway between two of a format. */
function numbers(): number[] {
  const random = createRandom(7);
  const any = Array.from({ length: 4000 }, () => {
    bits[0] = Math.floor(random() * 2 ** 32);
    return float[0] ?? 0;
  });
  const ties = Array.from({ length: 2000 }, () => {
    bits[0] = (Math.floor(random() * 2 ** 16) * 2 ** 16 + (random() < 0.5 ? 0x8000 : 0x1000)) >>> 0;
    return float[0] ?? 0;
  });
  const little = Array.from({ length: 2000 }, () => Math.fround((random() - 0.5) * 2 ** -12));
  return [...any, ...ties, ...little, 0, -0, Infinity, -Infinity].filter((x) => !Number.isNaN(x));
}

it("rounds to f16 as halves are rounded", () => {
  for (const x of numbers()) expect(ROUNDINGS.round_f16(x), String(x)).toBe(fromHalf(toHalf(x)));
});

it("rounds to bf16 and tf32 as their bits are rounded", () => {
  const ofBits = (x: number, cut: number, added: (last: number) => number): number => {
    float[0] = x;
    const old = bits[0] ?? 0;
    bits[0] = Math.floor((old + added(Math.floor(old / 2 ** cut) % 2)) / 2 ** cut) * 2 ** cut;
    return float[0];
  };
  for (const x of numbers().filter(Number.isFinite)) {
    expect(ROUNDINGS.round_bf16(x), String(x)).toBe(ofBits(x, 16, (last) => 0x7fff + last));
    expect(ROUNDINGS.round_tf32(x), String(x)).toBe(ofBits(x, 13, () => 0x1000));
  }
  expect(ROUNDINGS.round_bf16(NaN)).toBeNaN();
});

// The resize against the same filter in float64, written the plain way.

import fc from "fast-check";
import { expect, it } from "vitest";
import { resizeToSquare } from "../../../src/ir/recipe/steps/pil-resize.ts";

function resampled(line: readonly number[], length: number): number[] {
  const scale = line.length / length;
  const support = Math.max(scale, 1);
  return Array.from({ length }, (_, i) => {
    const center = (i + 0.5) * scale;
    let [sum, total] = [0, 0];
    line.forEach((value, j) => {
      const weight = Math.max(0, 1 - Math.abs((j + 0.5 - center) / support));
      sum += weight * value;
      total += weight;
    });
    return Math.round(sum / total);
  });
}

it("is the antialiased triangle filter, shrinking or enlarging, within the rounding of its two passes", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 24 }),
      fc.integer({ min: 1, max: 24 }),
      fc.integer({ min: 1, max: 24 }),
      fc.constantFrom(1, 3),
      fc.nat(),
      (width, height, size, channels, seed) => {
        const data = Uint8Array.from({ length: width * height * channels }, (_, i) => (Math.imul(i + seed, 2654435761) >>> 24) & 255);
        const result = resizeToSquare({ width, height, channels, data }, size);
        expect([result.width, result.height, result.data.length]).toEqual([size, size, size * size * channels]);
        const shorter = Math.min(width, height);
        const [w, h] = [Math.floor((size * width) / shorter), Math.floor((size * height) / shorter)];
        const channel = seed % channels;
        const at = (x: number, y: number): number => data[(y * width + x) * channels + channel]!;
        const rows = Array.from({ length: height }, (_, y) =>
          resampled(
            Array.from({ length: width }, (_, x) => at(x, y)),
            w,
          ),
        );
        const columns = Array.from({ length: w }, (_, x) =>
          resampled(
            rows.map((row) => row[x]!),
            h,
          ),
        );
        const even = (margin: number): number => (margin % 2 === 0 ? margin / 2 : 2 * Math.round(margin / 4));
        for (let y = 0; y < size; y++) {
          for (let x = 0; x < size; x++) {
            const expected = columns[x + even(w - size)]![y + even(h - size)]!;
            expect(Math.abs(result.data[(y * size + x) * channels + channel]! - expected)).toBeLessThanOrEqual(1);
          }
        }
      },
    ),
    { numRuns: 60 },
  );
});

it("leaves a picture of the right size as it is", () => {
  const data = Uint8Array.from({ length: 75 }, (_, i) => i * 3);
  expect(resizeToSquare({ width: 5, height: 5, channels: 3, data }, 5).data).toEqual(data);
});

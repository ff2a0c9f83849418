// The resize against the same filters in float64, written the plain way. PIL's own pixels: test/runtime/data/picture-goldens.test.ts.

import fc from "fast-check";
import { expect, it } from "vitest";
import { resize } from "../../../src/ir/recipe/steps/resize.ts";
import { resample } from "../../../src/ir/recipe/steps/resample.ts";

const sinc = (x: number): number => (x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x));
const KERNELS = {
  bilinear: [1, (x: number) => Math.max(0, 1 - x)],
  bicubic: [2, (x: number) => (x < 1 ? 1.5 * x ** 3 - 2.5 * x ** 2 + 1 : -0.5 * x ** 3 + 2.5 * x ** 2 - 4 * x + 2)],
  lanczos: [3, (x: number) => sinc(x) * sinc(x / 3)],
} as const;

function resampled(line: readonly number[], length: number, filter: keyof typeof KERNELS): number[] {
  const [reach, kernel] = KERNELS[filter];
  const scale = line.length / length;
  const wide = Math.max(scale, 1);
  return Array.from({ length }, (_, i) => {
    const center = (i + 0.5) * scale;
    const [low, high] = [Math.trunc(center - reach * wide + 0.5), Math.trunc(center + reach * wide + 0.5)];
    let [sum, total] = [0, 0];
    line.forEach((value, j) => {
      if (j < low || j >= high) return;
      const weight = kernel(Math.abs((j + 0.5 - center) / wide));
      sum += weight * value;
      total += weight;
    });
    return Math.min(255, Math.max(0, Math.round(sum / total)));
  });
}

it("is the antialiased filter, shrinking or enlarging, within the rounding of its two passes", () => {
  const extent = fc.integer({ min: 1, max: 24 });
  fc.assert(
    fc.property(
      ...[extent, extent, extent, extent],
      fc.constantFrom(1, 3),
      fc.constantFrom(...(Object.keys(KERNELS) as (keyof typeof KERNELS)[])),
      fc.nat(),
      (width, height, w, h, channels, filter, seed) => {
        const data = Uint8Array.from({ length: width * height * channels }, (_, i) => (Math.imul(i + seed, 2654435761) >>> 24) & 255);
        const result = resample({ width, height, channels, data }, [h, w], filter);
        expect([result.width, result.height, result.data.length]).toEqual([w, h, w * h * channels]);
        const channel = seed % channels;
        // A tie of the first pass may round the other way in fixed point; weights below zero make more than one of it in the second.
        const most = filter === "bilinear" ? 1 : 2;
        const at = (x: number, y: number): number => data[(y * width + x) * channels + channel]!;
        const line = (y: number): number[] => Array.from({ length: width }, (_, x) => at(x, y));
        const rows = Array.from({ length: height }, (_, y) => resampled(line(y), w, filter));
        for (let x = 0; x < w; x++) {
          const column = resampled(
            rows.map((row) => row[x]!),
            h,
            filter,
          );
          column.forEach((v, y) => expect(Math.abs(result.data[(y * w + x) * channels + channel]! - v)).toBeLessThanOrEqual(most));
        }
      },
    ),
    { numRuns: 100 },
  );
});

it("takes the pixel that the middle of each new one lies in, where it is `nearest`", () => {
  const data = Uint8Array.from({ length: 7 }, (_, i) => i * 10);
  const line = (width: number): number[] => [...resample({ width: 7, height: 1, channels: 1, data }, [1, width], "nearest").data];
  expect(line(3)).toEqual([10, 30, 50]);
  expect(line(14)).toEqual([0, 0, 10, 10, 20, 20, 30, 30, 40, 40, 50, 50, 60, 60]);
});

// torchvision: int(size * long / short).
it.each([
  [16, 6, 9, 16, 24],
  [4, 9, 6, 6, 4],
  [256, 375, 500, 256, 341],
  [8, 1, 200, 8, 1600],
])("resize(%i) of %i x %i is %i x %i", (size, height, width, rows, columns) => {
  expect(resize.shape({ channels: 3, height, width }, { size, filter: "bilinear" })).toEqual({ channels: 3, height: rows, width: columns });
});

it("leaves a picture of the right size as it is", () => {
  const data = Uint8Array.from({ length: 75 }, (_, i) => i * 3);
  expect(resample({ width: 5, height: 5, channels: 3, data }, [5, 5], "lanczos").data).toEqual(data);
});

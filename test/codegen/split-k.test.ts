// Cutting a long sum into parts: by what a product is, not by the order in which its extents are told.

import { describe, expect, it } from "vitest";
import { splitK, splitsOfK } from "../../src/codegen/gpu/tiles.ts";
import { targetNamed } from "../../src/codegen/targets.ts";

describe.each(["webgpu", "wasm"])("splitK on %s", (name) => {
  const { splitK } = targetNamed(name);
  it("cuts a long sum with few results into equal parts", () => {
    const parts = splitK({ b: 1, m: 16, n: 9, k: 12_800 });
    expect(parts).toBeGreaterThan(1);
    expect(12_800 % parts).toBe(0);
  });
  it("leaves many results, however they are laid out, and short sums", () => {
    for (const shape of [
      { b: 512, m: 16, n: 9, k: 12_800 },
      { b: 1, m: 2048, n: 2048, k: 12_800 },
      { b: 1, m: 16, n: 9, k: 144 },
    ])
      expect(splitK(shape), JSON.stringify(shape)).toBe(1);
  });
});

describe("splitK of a device that measures", () => {
  const sizes = [1, 16, 64, 100, 256, 768, 1024, 4096];
  const shapes = sizes.flatMap((m) => sizes.flatMap((n) => [512, 3000, 4096, 50_176].flatMap((k) => [1, 3].map((b) => ({ b, m, n, k })))));

  it("is one of several numbers of long and equal parts, whose sums take little memory", () => {
    for (const shape of shapes) {
      const [guess, ...others] = splitsOfK(shape);
      const { b, m, n, k } = shape;
      expect(guess, JSON.stringify(shape)).toBe(splitK(shape));
      expect(others).not.toContain(guess);
      for (const parts of [guess ?? 0, ...others]) {
        expect(k % parts).toBe(0);
        expect(parts === 1 || k / parts >= 512, JSON.stringify(shape)).toBe(true);
        expect(parts === 1 || 4 * parts * b * m * n <= 12 << 20, JSON.stringify(shape)).toBe(true);
      }
    }
    // The gradient of a weight of BERT: tiles of 64 by 64 alone fill a GPU, larger ones do not.
    expect(splitsOfK({ b: 1, m: 768, n: 768, k: 4096 })).toEqual([1, 4]);
  });

  it("leaves no strips to sum where a kernel makes only parts", () => {
    const { stripOf } = targetNamed("cuda");
    expect(stripOf?.({ b: 1, m: 64, n: 12_800, k: 4096 })).toBe(64);
    expect(stripOf?.({ b: 1, m: 64, n: 640, k: 4096 })).toBeUndefined();
  });
});

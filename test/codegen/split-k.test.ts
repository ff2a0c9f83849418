// Cutting a long sum into parts: by what a product is, not by the order in which its extents are told.

import { describe, expect, it } from "vitest";
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

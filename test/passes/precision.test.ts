// Where a precision is found in what a recipe compiles to.

import { expect, it } from "vitest";
import { createBuilder } from "../../src/ir/builder.ts";
import { tensorType } from "../../src/ir/types.ts";
import { keyOf } from "../../src/passes/feature-cache.ts";

it("gives features of another precision another key", () => {
  const b = createBuilder();
  const node = b.relu(b.input({ name: "x", role: "batch", type: tensorType("f32", [3]) }));
  const keys = [undefined, "bf16", "f16"].map((word) => keyOf([node], word === undefined ? undefined : { word, args: {} }));
  expect(new Set(keys).size).toBe(3);
});

// Where a precision is found in what a recipe compiles to.

import { expect, it } from "vitest";
import type { OperandType } from "../../src/ir/loop/expr.ts";
import type { Node } from "../../src/ir/node.ts";
import { createBuilder } from "../../src/ir/builder.ts";
import { tensorType } from "../../src/ir/types.ts";
import { keyOf } from "../../src/passes/feature-cache.ts";
import { compileGraph } from "../support/run-graph.ts";

it("gives features of another precision another key", () => {
  const b = createBuilder();
  const node = b.relu(b.input({ name: "x", role: "batch", type: tensorType("f32", [3]) }));
  const keys = [undefined, "bf16", "f16"].map((word) => keyOf([node], word === undefined ? undefined : { word, args: {} }));
  expect(new Set(keys).size).toBe(3);
});

it("says of a product what both operands were rounded to, and nothing where one was not", () => {
  const b = createBuilder();
  const [x, w] = ["x", "w"].map((name) => b.input({ name, role: "batch", type: tensorType("f32", [40, 40]) })) as [Node, Node];
  const to = (node: Node, format: OperandType): Node => b.roundTo(node, { to: format });
  const operandsIn = (left: Node, right: Node): unknown => {
    const { program } = compileGraph({ builder: b, outputs: new Map([["y", b.matmul(left, right, {})]]) }, "reference");
    const [first] = program.kernels[0]?.kernel?.stages ?? [];
    return first?.kind === "contract" ? first.operands : "no product";
  };
  expect(operandsIn(to(x, "bf16"), to(w, "bf16"))).toBe("bf16");
  expect(operandsIn(to(x, "bf16"), to(w, "f16"))).toBeUndefined();
  expect(operandsIn(to(x, "bf16"), w)).toBeUndefined();
});

// Types that do not fit are refused where the op is applied.

import { describe, expect, it } from "vitest";
import { createBuilder } from "../../src/ir/builder.ts";
import type { Node } from "../../src/ir/node.ts";
import { tensorType, type DType, type Shape } from "../../src/ir/types.ts";

const b = createBuilder();
const input = (dtype: DType, ...shape: Shape): Node =>
  b.input({ name: `${dtype}[${shape.join()}]`, role: "batch", type: tensorType(dtype, shape) });

describe("a product", () => {
  const attrs = { stride: [1, 1], padding: [1, 1], dilation: [1, 1], groups: 1 } as const;
  const products: readonly (readonly [string, (x: DType, y: DType) => Node])[] = [
    ["matmul", (x, y) => b.matmul(input(x, 2, 3), input(y, 3, 4), {})],
    ["conv2d", (x, y) => b.conv2d(input(x, 2, 3, 5, 5), input(y, 4, 3, 3, 3), attrs)],
    ["conv2dInputGrad", (x, y) => b.conv2dInputGrad(input(x, 4, 3, 3, 3), input(y, 2, 4, 5, 5), { ...attrs, inputSize: [5, 5] })],
    ["conv2dWeightGrad", (x, y) => b.conv2dWeightGrad(input(x, 2, 3, 5, 5), input(y, 2, 4, 5, 5), { ...attrs, kernel: [3, 3] })],
  ];
  it.each(products)("%s has operands of one dtype", (name, of) => {
    expect(of("f16", "f16").type.dtype).toBe("f16");
    expect(() => of("f32", "f16")).toThrow(new RegExp(`${name} needs operands of one dtype, not f32.* and f16`));
    expect(() => of("i32", "f32")).toThrow(/one dtype, not i32.* and f32/);
  });
});

// `x + y`, `x * 0.5`, `-x`: arithmetic of tensors, element by element, with numbers and with each other. Shapes fit as in the layers `add`
// and `mul`, and what does not fit is reported in the same way.

import type { Builder } from "../ir/builder.ts";
import type { Node } from "../ir/node.ts";
import { OpError } from "../ir/ops/define.ts";
import type * as Ast from "./ast.ts";
import type { NetworkInProgress } from "./elaboration.ts";
import type { TensorOperator } from "./evaluate.ts";
import { requireJoinable } from "./layers/combine.ts";
import { requireShape } from "./layers/define.ts";
import type { TensorValue, Value } from "./values.ts";
import { describeValue, shapeText, UNKNOWN } from "./values.ts";

const METHODS = { "+": "add", "-": "sub", "*": "mul", "/": "div" } as const satisfies Record<TensorOperator, keyof Builder>;

/** @param operands one or two, at least one of them a tensor */
export function applyOperator(
  { options: { builder: b }, sink }: NetworkInProgress,
  it: Ast.Expr,
  operator: TensorOperator,
  operands: readonly (TensorValue | number)[],
  path: string,
): Value {
  const [left, right] = operands.map((value) => (typeof value === "number" ? value : value.node));
  const method = right === undefined ? "neg" : METHODS[operator];
  const compute = (): Node => {
    if (left === undefined || right === undefined) return b.neg(left as Node);
    requireJoinable(left, right);
    for (const { type } of [left, right].filter((value) => typeof value !== "number"))
      requireShape(operator !== "/" || type.dtype === "f32", () => `tokens (${type.dtype}) cannot be divided`);
    return b[METHODS[operator]](left, right);
  };
  try {
    return { kind: "tensor", node: b.withOrigin({ path: path === "" ? method : path, what: method, span: it.span }, compute) };
  } catch (error) {
    if (!(error instanceof OpError)) throw error;
    const notes = operands.map((value) => ({
      text: `an operand is ${typeof value === "number" ? describeValue(value) : shapeText(value.node)}`,
    }));
    sink.report("shape-mismatch", it.span, { layer: operator, reason: error.message }, { notes });
    return UNKNOWN;
  }
}

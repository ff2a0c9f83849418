// The JSON schema of a loop kernel, for those that come from a folder: the reference device makes program text of them, so each name,
// number and operation is one that it knows. What depends on several places of a kernel is `kernelProblem`'s to say (verify.ts).

import type { BinaryOp, Expr, OperandType, ScalarType, UnaryOp } from "./expr-type.ts";
import type { KernelParameter, ReduceOp, Stage } from "./kernel.ts";

/** What `enum` lists must hold: each member of a union of names, once. */
const all = <T extends string>(names: Readonly<Record<T, true>>): readonly T[] => Object.keys(names) as T[];

const SCALARS = all<ScalarType>({ f32: true, f16: true, bf16: true, i32: true, u32: true, bool: true });
const UNARY = all<UnaryOp>({
  ...{ neg: true, abs: true, exp: true, log: true, sqrt: true, rsqrt: true, tanh: true, erf: true },
  ...{ sin: true, cos: true, floor: true, ceil: true, sign: true, not: true },
  ...{ round_tf32: true, round_bf16: true, round_f16: true },
});
const BINARY = all<BinaryOp>({
  ...{ add: true, sub: true, mul: true, div: true, rem: true, pow: true, min: true, max: true },
  ...{ lt: true, le: true, eq: true, ne: true, and: true, or: true },
  ...{ bitand: true, bitor: true, bitxor: true, shl: true, shr: true },
});
const OPERANDS = all<OperandType>({ tf32: true, bf16: true, f16: true });
const REDUCTIONS = all<ReduceOp>({ sum: true, max: true, min: true });
const ACCESS = all<KernelParameter["access"]>({ read: true, write: true, read_write: true });

const LARGEST = 2 ** 31 - 1;
const whole = { type: "integer", minimum: 0, maximum: LARGEST } as const;
const extent = { type: "integer", minimum: 1, maximum: LARGEST } as const;
const identifier = { type: "string", pattern: "^[A-Za-z][A-Za-z0-9_]{0,4095}$" } as const;
const scalar = { enum: SCALARS } as const;
const list = (items: object): object => ({ type: "array", items });
const object = (required: Readonly<Record<string, object>>, optional: Readonly<Record<string, object>> = {}): object => ({
  type: "object",
  required: Object.keys(required),
  properties: { ...required, ...optional },
  additionalProperties: false,
});
/** One of several forms, told apart by `kind`. */
const forms = <K extends string>(by: Readonly<Record<K, Readonly<Record<string, object>>>>, optional = {}): object => ({
  type: "object",
  discriminator: { propertyName: "kind" },
  oneOf: Object.entries<Readonly<Record<string, object>>>(by).map(([kind, fields]) =>
    object({ kind: { const: kind }, ...fields }, optional),
  ),
});

const expr = { $ref: "#/$defs/expr" } as const;
const axis = object({ name: identifier, extent });

/** Definitions that a schema with `KERNEL_SCHEMA` in it needs at its root: expressions hold expressions. */
export const KERNEL_DEFINITIONS = {
  expr: forms<Expr["kind"]>({
    // A maximum starts at -Infinity, which JSON has no number for (exact-json.ts).
    const: { dtype: scalar, value: { anyOf: [{ type: "number" }, { enum: [Infinity, -Infinity] }] } },
    axis: { dtype: { const: "i32" }, name: identifier, extent },
    load: { dtype: scalar, buffer: whole, index: expr },
    acc: { dtype: scalar, stage: whole },
    unary: { dtype: scalar, op: { enum: UNARY }, x: expr },
    binary: { dtype: scalar, op: { enum: BINARY }, x: expr, y: expr },
    select: { dtype: scalar, cond: expr, x: expr, y: expr },
    cast: { dtype: scalar, x: expr },
    threefry: { dtype: { const: "u32" }, k0: expr, k1: expr, c0: expr, c1: expr },
  }),
};

export const PARAMETER_TYPE = {
  dtype: { enum: [...SCALARS, "u8"] },
  length: whole,
  access: { enum: ACCESS },
} as const;

const range = object({ from: expr, to: expr, mean: { type: "number", minimum: 0 } });

const stage = forms<Stage["kind"]>(
  {
    reduce: { axes: list(axis), op: { enum: REDUCTIONS }, dtype: scalar, value: expr },
    strip: { axes: { type: "array", maxItems: 0 }, dtype: scalar, value: expr },
    contract: { k: axis, dtype: scalar, lhs: expr, rhs: expr },
    store: { axes: list(axis), writes: list(object({ buffer: whole, index: expr, value: expr })) },
  },
  { range, operands: { enum: OPERANDS }, strip: extent, perStrip: { const: true } },
);

export const KERNEL_SCHEMA = object(
  { name: identifier, params: list(object({ name: identifier, ...PARAMETER_TYPE })), axes: list(axis), stages: list(stage) },
  { time: axis },
);

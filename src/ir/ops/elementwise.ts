// Elementwise primitives: one scalar function applied at every index. Their operands have one shape (the builder broadcasts).

import * as e from "../loop/expr.ts";
import type { Expr } from "../loop/expr.ts";
import type { Node } from "../node.ts";
import { isFloat, sameShape, tensorType, type DType, type TensorType } from "../types.ts";
import { at, definePrimitive, formatTypes, requireThat, type Builder, type Data, type None, type Op, type Sample } from "./define.ts";
import { erf as erfOf } from "./special-functions.ts";

type Vjp = (b: Builder, cotangent: Node, node: Node<None>) => readonly (Node | null)[];

const f32 = (...shape: number[]): TensorType => tensorType("f32", shape);
const of = (dtype: DType): TensorType => tensorType(dtype, [2, 3]);

function sameTypes(name: string, types: readonly TensorType[]): TensorType {
  const first = at(types, 0);
  requireThat(
    types.every((t) => t.dtype === first.dtype && sameShape(t.shape, first.shape)),
    () => `${name} needs operands of one type, not ${formatTypes(types)}`,
  );
  return first;
}

// --- one operand --------------------------------------------------------------------------------------------------------

// Beside an addition; the others are series of a dozen operations.
const UNARY_COST: Partial<Record<e.UnaryOp, number>> = { neg: 1, abs: 1, floor: 1, ceil: 1, sign: 1, sqrt: 4, rsqrt: 4 };

// Whose values are those of their operands, and those that autocast leaves f32.
const NARROWS: Partial<Record<e.UnaryOp | e.BinaryOp, "keeps" | "never">> = {
  ...{ neg: "keeps", abs: "keeps", max: "keeps", min: "keeps" },
  ...{ exp: "never", log: "never", rsqrt: "never", pow: "never" },
};

const narrowing = (op: e.UnaryOp | e.BinaryOp): { readonly narrows?: "keeps" | "never" } => {
  const narrows = NARROWS[op];
  return narrows ? { narrows } : {};
};

function unary(name: string, op: e.UnaryOp, f: (x: number) => number, vjp: Vjp, domain: readonly [number, number] = [-2, 2]): Op<None, 1> {
  return definePrimitive<None, 1>({
    name,
    arity: 1,
    elementwise: true,
    cost: UNARY_COST[op] ?? 8,
    ...narrowing(op),
    infer: ([x]) => {
      requireThat(isFloat(x.dtype) || op === "neg" || op === "abs" || op === "sign", () => `${name} needs floats, not ${formatTypes([x])}`);
      return x;
    },
    vjp,
    evaluate: ([x]) => x.map(f),
    lower: () => ({ kind: "pointwise", value: (read, index) => e.unary(op, read(0, index)) }),
    samples: [{ inputs: [f32(2, 3)], attrs: {}, domain }],
  });
}

const x0 = (node: Node): Node => at(node.inputs, 0);
const x1 = (node: Node): Node => at(node.inputs, 1);

export const neg: Op<None, 1> = unary(
  "neg",
  "neg",
  (x) => -x,
  (b, ct) => [b.neg(ct)],
);
export const abs: Op<None, 1> = unary("abs", "abs", Math.abs, (b, ct, n) => [b.mul(ct, b.sign(x0(n)))]);
export const exp: Op<None, 1> = unary("exp", "exp", Math.exp, (b, ct, n) => [b.mul(ct, n)]);
export const log: Op<None, 1> = unary("log", "log", Math.log, (b, ct, n) => [b.div(ct, x0(n))], [0.2, 3]);
export const sqrt: Op<None, 1> = unary("sqrt", "sqrt", Math.sqrt, (b, ct, n) => [b.div(b.mul(ct, 0.5), n)], [0.2, 3]);
export const rsqrt: Op<None, 1> = unary(
  "rsqrt",
  "rsqrt",
  (x) => 1 / Math.sqrt(x),
  (b, ct, n) => [b.mul(b.mul(ct, -0.5), b.mul(n, b.mul(n, n)))],
  [0.2, 3],
);
export const tanh: Op<None, 1> = unary("tanh", "tanh", Math.tanh, (b, ct, n) => [b.mul(ct, b.sub(1, b.mul(n, n)))]);
export const sin: Op<None, 1> = unary("sin", "sin", Math.sin, (b, ct, n) => [b.mul(ct, b.cos(x0(n)))]);
export const cos: Op<None, 1> = unary("cos", "cos", Math.cos, (b, ct, n) => [b.neg(b.mul(ct, b.sin(x0(n))))]);
export const floor: Op<None, 1> = unary("floor", "floor", Math.floor, () => [null]);
export const ceil: Op<None, 1> = unary("ceil", "ceil", Math.ceil, () => [null]);
/** 0 of what is no number, as in PyTorch. */
export const sign: Op<None, 1> = unary(
  "sign",
  "sign",
  (x) => Number(x > 0) - Number(x < 0),
  () => [null],
);
/** d/dx erf = 2/sqrt(pi) exp(-x^2). */
export const erf: Op<None, 1> = unary("erf", "erf", erfOf, (b, ct, n) => [
  b.mul(ct, b.mul(2 / Math.sqrt(Math.PI), b.exp(b.neg(b.mul(x0(n), x0(n)))))),
]);

export const logicalNot: Op<None, 1> = definePrimitive<None, 1>({
  name: "logicalNot",
  arity: 1,
  elementwise: true,
  infer: ([x]) => {
    requireThat(x.dtype === "bool", () => `logicalNot needs bools, not ${formatTypes([x])}`);
    return x;
  },
  evaluate: ([x]) => x.map((v) => Number(v === 0)),
  lower: () => ({ kind: "pointwise", value: (read, index) => e.unary("not", read(0, index)) }),
  samples: [{ inputs: [of("bool")], attrs: {} }],
});

export const cast: Op<{ readonly dtype: Exclude<DType, "u8"> }, 1> = definePrimitive<{ readonly dtype: Exclude<DType, "u8"> }, 1>({
  name: "cast",
  arity: 1,
  cost: 0,
  keepsOrder: true,
  lands: (index) => index,
  infer: ([x], { dtype }) => tensorType(dtype, x.shape),
  vjp: (b, ct, n) => [isFloat(x0(n).type.dtype) ? b.cast(ct, { dtype: x0(n).type.dtype as Exclude<DType, "u8"> }) : null],
  evaluate: ([x], { attrs: { dtype } }) => (isFloat(dtype) ? x : dtype === "bool" ? x.map((v) => Number(v !== 0)) : x.map(Math.trunc)),
  lower: ({ attrs: { dtype } }) => ({ kind: "pointwise", value: (read, index) => e.cast(read(0, index), dtype) }),
  samples: [
    { inputs: [of("i32")], attrs: { dtype: "f32" } },
    { inputs: [f32(2, 3)], attrs: { dtype: "i32" } },
    { inputs: [of("bool")], attrs: { dtype: "f32" } },
    { inputs: [of("u32")], attrs: { dtype: "f32" }, below: 1 << 24 },
  ],
});

// --- two operands -------------------------------------------------------------------------------------------------------

interface BinarySpec {
  readonly f: (x: number, y: number) => number;
  /** The same of 32-bit integers, before they wrap, where float64 would lose their low bits. */
  readonly exact?: (x: number, y: number) => number;
  readonly vjp?: Vjp;
  /** Result dtype where it is not the operands'. */
  readonly result?: DType;
  readonly accepts: (dtype: DType) => boolean;
  readonly samples: readonly Sample<None>[];
}

const zip =
  (f: (x: number, y: number) => number) =>
  ([x, y]: readonly [Data, Data]): Data =>
    x.map((v, i) => f(v, at(y, i)));

function binary(name: string, op: e.BinaryOp, spec: BinarySpec): Op<None, 2> {
  const { f, exact = f, vjp, result, accepts, samples } = spec;
  return definePrimitive<None, 2>({
    name,
    arity: 2,
    elementwise: true,
    ...narrowing(op),
    infer: (types) => {
      const type = sameTypes(name, types);
      requireThat(accepts(type.dtype), () => `${name} is not defined for ${type.dtype}`);
      return result ? tensorType(result, type.shape) : type;
    },
    ...(vjp && { vjp }),
    // 32-bit integers wrap, as they do on every device.
    evaluate: (inputs, node) => wrapped(node.type.dtype, zip(isFloat(node.type.dtype) ? f : exact)(inputs)),
    lower: () => ({ kind: "pointwise", value: (read, index) => e.binary(op, read(0, index), read(1, index)) }),
    samples,
  });
}

const wrapped = (dtype: DType, data: Data): Data =>
  dtype === "i32" ? data.map((v) => v | 0) : dtype === "u32" ? data.map((v) => v >>> 0) : data;

const isNumber = (dtype: DType): boolean => dtype !== "bool";
const isUnsigned = (dtype: DType): boolean => dtype === "u32";
const isBool = (dtype: DType): boolean => dtype === "bool";
const onNumbers: readonly Sample<None>[] = [
  { inputs: [f32(2, 3), f32(2, 3)], attrs: {} },
  { inputs: [of("i32"), of("i32")], attrs: {} },
];
const onPositive: readonly Sample<None>[] = [{ inputs: [f32(2, 3), f32(2, 3)], attrs: {}, domain: [0.5, 2] }];
const onUnsigned: readonly Sample<None>[] = [{ inputs: [of("u32"), of("u32")], attrs: {}, below: 2 ** 32 }];
const onBools: readonly Sample<None>[] = [{ inputs: [of("bool"), of("bool")], attrs: {} }];

export const add: Op<None, 2> = binary("add", "add", {
  f: (x, y) => x + y,
  vjp: (_b, ct) => [ct, ct],
  accepts: isNumber,
  samples: onNumbers,
});
export const sub: Op<None, 2> = binary("sub", "sub", {
  f: (x, y) => x - y,
  vjp: (b, ct) => [ct, b.neg(ct)],
  accepts: isNumber,
  samples: onNumbers,
});
export const mul: Op<None, 2> = binary("mul", "mul", {
  f: (x, y) => x * y,
  exact: Math.imul,
  vjp: (b, ct, n) => [b.mul(ct, x1(n)), b.mul(ct, x0(n))],
  accepts: isNumber,
  samples: onNumbers,
});
export const div: Op<None, 2> = binary("div", "div", {
  f: (x, y) => x / y,
  vjp: (b, ct, n) => [b.div(ct, x1(n)), b.neg(b.div(b.mul(ct, n), x1(n)))],
  accepts: isNumber,
  samples: onPositive,
});
/** Remainder of non-negative integers. */
export const rem: Op<None, 2> = binary("rem", "rem", {
  f: (x, y) => x % y,
  accepts: (d) => d === "i32" || d === "u32",
  samples: [],
});
/** x^y of a positive base. */
export const pow: Op<None, 2> = binary("pow", "pow", {
  f: Math.pow,
  vjp: (b, ct, n) => [b.mul(ct, b.mul(x1(n), b.pow(x0(n), b.sub(x1(n), 1)))), b.mul(ct, b.mul(n, b.log(x0(n))))],
  accepts: isFloat,
  samples: onPositive,
});
/** Ties send the gradient to the first operand. */
export const maximum: Op<None, 2> = binary("maximum", "max", {
  f: Math.max,
  vjp: (b, ct, n) => {
    const second = b.less(x0(n), x1(n));
    return [b.where(second, 0, ct), b.where(second, ct, 0)];
  },
  accepts: isNumber,
  samples: onNumbers,
});
/** Ties send the gradient to the first operand. */
export const minimum: Op<None, 2> = binary("minimum", "min", {
  f: Math.min,
  vjp: (b, ct, n) => {
    const second = b.less(x1(n), x0(n));
    return [b.where(second, 0, ct), b.where(second, ct, 0)];
  },
  accepts: isNumber,
  samples: onNumbers,
});

const comparison = (name: string, op: e.BinaryOp, f: (x: number, y: number) => boolean): Op<None, 2> =>
  binary(name, op, { f: (x, y) => Number(f(x, y)), result: "bool", accepts: isNumber, samples: onNumbers });

export const less: Op<None, 2> = comparison("less", "lt", (x, y) => x < y);
export const lessEqual: Op<None, 2> = comparison("lessEqual", "le", (x, y) => x <= y);
export const equal: Op<None, 2> = comparison("equal", "eq", (x, y) => x === y);
export const notEqual: Op<None, 2> = comparison("notEqual", "ne", (x, y) => x !== y);

const logical = (name: string, op: e.BinaryOp, f: (x: number, y: number) => number): Op<None, 2> =>
  binary(name, op, { f, accepts: isBool, samples: onBools });

export const logicalAnd: Op<None, 2> = logical("logicalAnd", "and", (x, y) => x && y);
export const logicalOr: Op<None, 2> = logical("logicalOr", "or", (x, y) => x || y);

const bitwise = (name: string, op: e.BinaryOp, f: (x: number, y: number) => number, samples = onUnsigned): Op<None, 2> =>
  binary(name, op, { f: (x, y) => f(x, y) >>> 0, accepts: isUnsigned, samples });

export const bitAnd: Op<None, 2> = bitwise("bitAnd", "bitand", (x, y) => x & y);
export const bitOr: Op<None, 2> = bitwise("bitOr", "bitor", (x, y) => x | y);
export const bitXor: Op<None, 2> = bitwise("bitXor", "bitxor", (x, y) => x ^ y);
export const shiftLeft: Op<None, 2> = bitwise("shiftLeft", "shl", (x, y) => x << y, [
  { inputs: [of("u32"), of("u32")], attrs: {}, below: 32 },
]);
export const shiftRight: Op<None, 2> = bitwise("shiftRight", "shr", (x, y) => x >>> y, [
  { inputs: [of("u32"), of("u32")], attrs: {}, below: 32 },
]);

// --- three operands -----------------------------------------------------------------------------------------------------

/** `cond ? x : y`, element by element. */
export const where: Op<None, 3> = definePrimitive<None, 3>({
  name: "where",
  arity: 3,
  elementwise: true,
  narrows: "keeps",
  infer: ([cond, x, y]) => {
    requireThat(
      cond.dtype === "bool" && sameShape(cond.shape, x.shape),
      () => `where needs a bool condition of the operands' shape, not ${formatTypes([cond, x])}`,
    );
    return sameTypes("where", [x, y]);
  },
  vjp: (b, ct, n) => [null, b.where(x0(n), ct, 0), b.where(x0(n), 0, ct)],
  evaluate: ([cond, x, y]) => x.map((v, i) => (at(cond, i) ? v : at(y, i))),
  lower: () => ({
    kind: "pointwise",
    value: (read, index): Expr => e.select(read(0, index), read(1, index), read(2, index)),
  }),
  samples: [{ inputs: [of("bool"), f32(2, 3), f32(2, 3)], attrs: {} }],
});

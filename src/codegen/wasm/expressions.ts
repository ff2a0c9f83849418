// Expressions of the loop IR as WebAssembly values: of one point, or of four points side by side along one axis (the lane axis). What
// does not change along it stays scalar until a vector needs it. Bools are 0 or 1 in scalars and all ones in lanes.

import { boundsOf } from "../../ir/loop/index-math.ts";
import { operands, type BinaryOp, type Expr, type ScalarType, type UnaryOp } from "../../ir/loop/expr.ts";
import { InternalError } from "../../ir/types.ts";
import { termsOf } from "../axes.ts";
import { divideByMultiplying, lanewise } from "./division.ts";
import type { WasmFunction } from "./function.ts";
import { Memory, type Points } from "./memory.ts";
import { COMPARISONS, FLOAT_BINARY, FLOAT_UNARY, hasLoad, INTEGER_BINARY, SIGNED } from "./operations.ts";
import { rounded } from "./rounding.ts";
import type { Unit } from "./unit.ts";
import { constantOf, present, type Value } from "./values.ts";

export interface Bindings {
  /** Values of the loop variables. */
  readonly axes: ReadonlyMap<string, Value>;
  /** The axis with four points, whose variable is the first of them. */
  readonly lane?: string;
  /** What the four points load is known not to lie side by side. */
  readonly isScattered?: boolean;
  /** Results of stages before: scalars, or one for each lane. */
  readonly accs?: ReadonlyMap<number, Value>;
}

export class Expressions implements Points {
  readonly #f: WasmFunction;
  readonly #unit: Unit;
  readonly #bindings: Bindings;
  readonly #memory: Memory;
  readonly #scalars = new Map<Value | undefined, Map<Expr, Value>>();
  readonly #vectors = new Map<Value | undefined, Map<Expr, Value>>();
  readonly #varies = new Map<Expr, boolean>();

  constructor(f: WasmFunction, unit: Unit, bindings: Bindings) {
    this.#f = f;
    this.#unit = unit;
    this.#bindings = bindings;
    this.#memory = new Memory(f, unit, this);
  }

  get lane(): string | undefined {
    return this.#bindings.lane;
  }

  get isScattered(): boolean {
    return this.#bindings.isScattered ?? false;
  }

  /** Whether the four lanes may differ. */
  varies(expr: Expr): boolean {
    let known = this.#varies.get(expr);
    if (known === undefined) {
      const { lane, accs } = this.#bindings;
      const visit = (x: Expr): boolean => {
        if (x.kind === "axis") return x.name === lane;
        if (x.kind === "acc") return accs?.get(x.stage)?.type === "v128";
        return operands(x).some((operand) => this.varies(operand));
      };
      this.#varies.set(expr, (known = visit(expr)));
    }
    return known;
  }

  /** The value at one point. Where `guard` (an i32 of 0 or 1) is 0, it is not used, and loads may be out of range. */
  scalar(expr: Expr, guard?: Value): Value {
    const memo = memoOf(this.#scalars, guard);
    let value = memo.get(expr);
    if (!value) memo.set(expr, (value = this.#scalar(expr, guard)));
    return value;
  }

  /** The values at four points. `guard` has all bits of a lane set where its value is used. */
  vector(expr: Expr, guard?: Value): Value {
    const memo = memoOf(this.#vectors, guard);
    let value = memo.get(expr);
    if (!value) memo.set(expr, (value = this.#vector(expr, guard)));
    return value;
  }

  /** Writes at the bound point or points. */
  store(buffer: number, index: Expr, value: Value): void {
    this.#memory.store(buffer, index, value);
  }

  /** Writes of four points two neighbours each, eight elements side by side. */
  storePair(buffer: number, index: Expr, even: Value, odd: Value): void {
    this.#memory.storePair(buffer, index, even, odd);
  }

  // --- one point --------------------------------------------------------------------------------------------------------

  #scalar(expr: Expr, guard: Value | undefined): Value {
    const v = this.#f.values;
    switch (expr.kind) {
      case "const":
        return expr.dtype === "f32" || expr.dtype === "f16" ? v.f32(expr.value) : v.i32(expr.value);
      case "axis":
        return present(this.#bindings.axes.get(expr.name));
      case "acc":
        return present(this.#bindings.accs?.get(expr.stage));
      case "load":
        return this.#memory.load(expr, guard);
      case "unary":
        return this.#scalarUnary(expr.op, expr.dtype, this.scalar(expr.x, guard));
      case "binary":
        return expr.dtype === "i32" && (expr.op === "add" || expr.op === "sub" || expr.op === "mul")
          ? this.#index(expr, guard)
          : this.#scalarBinary(expr.op, expr.x.dtype, this.scalar(expr.x, guard), this.scalar(expr.y, guard));
      case "select": {
        const condition = this.scalar(expr.cond, guard);
        const both = (more: Value): Value => (guard ? v.binary("i32.and", guard, more) : more);
        const x = this.scalar(expr.x, hasLoad(expr.x) ? both(condition) : guard);
        const y = this.scalar(expr.y, hasLoad(expr.y) ? both(v.unary("i32.eqz", condition)) : guard);
        return v.make("select", x.type, [x, y, condition]);
      }
      case "cast":
        return this.#scalarCast(this.scalar(expr.x, guard), expr.x.dtype, expr.dtype);
      case "threefry":
        return v.lane(this.#threefry(expr, guard), 0, "i32");
      default:
        return expr satisfies never;
    }
  }

  // Terms of one loop together: what is outside a loop is added up outside of it.
  #index(expr: Expr, guard: Value | undefined): Value {
    const v = this.#f.values;
    return v.sum(
      termsOf(expr).map(([scale, factor]) => {
        if (!factor) return v.i32(scale);
        if (factor !== expr) return v.mul(this.scalar(factor, guard), scale);
        if (expr.kind !== "binary") throw new InternalError("an index that is no sum");
        return v.binary(`i32.${expr.op}`, this.scalar(expr.x, guard), this.scalar(expr.y, guard));
      }),
    );
  }

  #scalarUnary(op: UnaryOp, dtype: ScalarType, x: Value): Value {
    const v = this.#f.values;
    if (dtype === "f32") {
      const direct = FLOAT_UNARY[op];
      if (direct !== undefined) return v.unary(`f32.${direct}`, x);
      return v.lane(this.#vectorUnary(op, dtype, v.splat(x)), 0, "f32");
    }
    switch (op) {
      case "not":
        return dtype === "bool" ? v.unary("i32.eqz", x) : v.binary("i32.xor", x, v.i32(-1));
      case "neg":
        return v.binary("i32.sub", v.i32(0), x);
      default:
        return v.lane(this.#vectorUnary(op, dtype, v.splat(x)), 0, "i32");
    }
  }

  #scalarBinary(op: BinaryOp, dtype: ScalarType, x: Value, y: Value): Value {
    const v = this.#f.values;
    if (dtype === "f32") {
      if (op === "pow") return v.lane(this.#vectorBinary(op, dtype, v.splat(x), v.splat(y)), 0, "f32");
      const value = v.make(`f32.${present(FLOAT_BINARY[op])}`, COMPARISONS.has(op) ? "i32" : "f32", [x, y]);
      return value;
    }
    const suffix = dtype === "u32" ? "_u" : "_s";
    if (op === "min" || op === "max") {
      const less = v.binary(`i32.lt${suffix}`, x, y);
      return v.make("select", "i32", op === "min" ? [x, y, less] : [y, x, less]);
    }
    // Indices are not negative where they count, and dividing them unsigned is cheaper.
    const isIndex = op === "div" || op === "rem";
    const name = present(INTEGER_BINARY[op]);
    return v.binary(`i32.${name}${isIndex ? "_u" : op === "shr" ? "_u" : SIGNED.has(op) ? suffix : ""}`, x, y);
  }

  #scalarCast(x: Value, from: ScalarType, to: ScalarType): Value {
    const v = this.#f.values;
    if (from === to) return x;
    if (to === "f32") return v.unary(`f32.convert_i32_${from === "u32" ? "u" : "s"}`, x);
    if (from === "f32") {
      if (to === "bool") return v.make("f32.ne", "i32", [x, v.f32(0)]);
      return v.unary(`i32.trunc_sat_f32_${to === "u32" ? "u" : "s"}`, x);
    }
    return to === "bool" ? v.binary("i32.ne", x, v.i32(0)) : x;
  }

  // --- four points ------------------------------------------------------------------------------------------------------

  #vector(expr: Expr, guard: Value | undefined): Value {
    const v = this.#f.values;
    if (!this.varies(expr)) return this.#splat(expr, guard);
    switch (expr.kind) {
      case "const":
        throw new InternalError("a constant does not vary");
      case "axis":
        return v.binary("i32x4.add", v.splat(present(this.#bindings.axes.get(expr.name))), v.lanes("i32x4", [0, 1, 2, 3]));
      case "acc":
        return present(this.#bindings.accs?.get(expr.stage));
      case "load":
        return this.#memory.loadVector(expr, guard);
      case "unary":
        return this.#vectorUnary(expr.op, expr.dtype, this.vector(expr.x, guard));
      case "binary":
        return this.#vectorOperation(expr, guard);
      case "select":
        return this.#vectorSelect(expr, guard);
      case "cast":
        return this.#vectorCast(this.vector(expr.x, guard), expr.x.dtype, expr.dtype);
      case "threefry":
        return this.#threefry(expr, guard);
      default:
        return expr satisfies never;
    }
  }

  #splat(expr: Expr, guard: Value | undefined): Value {
    const v = this.#f.values;
    const loaded = expr.kind === "load" && guard === undefined ? this.#memory.loadSplat(expr) : undefined;
    if (loaded) return loaded;
    // A guard of lanes says nothing about the one value: it is needed where any lane is.
    const x = this.scalar(expr, guard && v.make("v128.any_true", "i32", [guard]));
    return expr.dtype === "bool"
      ? v.splat(constantOf(x) !== undefined ? v.i32(-(constantOf(x) ?? 0)) : v.binary("i32.sub", v.i32(0), x))
      : v.splat(x);
  }

  #vectorSelect(expr: Extract<Expr, { kind: "select" }>, guard: Value | undefined): Value {
    const v = this.#f.values;
    const condition = this.vector(expr.cond, guard);
    const both = (more: Value): Value => (guard ? v.binary("v128.and", guard, more) : more);
    const x = this.vector(expr.x, hasLoad(expr.x) ? both(condition) : guard);
    if (isZero(expr.y)) return v.binary("v128.and", x, condition);
    const y = this.vector(expr.y, hasLoad(expr.y) ? both(v.unary("v128.not", condition)) : guard);
    if (isZero(expr.x)) return v.binary("v128.andnot", y, condition);
    return v.make("v128.bitselect", "v128", [x, y, condition]);
  }

  #vectorOperation(expr: Extract<Expr, { kind: "binary" }>, guard: Value | undefined): Value {
    const { op, x, y } = expr;
    const v = this.#f.values;
    if ((op === "shl" || op === "shr") && !this.varies(y))
      return v.make(`i32x4.${op === "shl" ? "shl" : "shr_u"}`, "v128", [this.vector(x, guard), this.scalar(y, guard)]);
    // One multiply-add where a product is added to something.
    if (expr.dtype === "f32" && op === "add") {
      const product = isProduct(x) ? x : isProduct(y) ? y : undefined;
      if (product)
        return v.make("f32x4.madd", "v128", [
          this.vector(product.x, guard),
          this.vector(product.y, guard),
          this.vector(product === x ? y : x, guard),
        ]);
    }
    if ((op === "div" || op === "rem") && x.dtype !== "f32") {
      const divisor = y.kind === "const" ? y.value : undefined;
      const bounds = boundsOf(x);
      const left = this.vector(x, guard);
      const quick = divisor === undefined ? undefined : divideByMultiplying(v, op, left, divisor, bounds?.[1]);
      return quick ?? lanewise(v, `i32.${op}_u`, left, y.kind === "const" ? v.splat(v.i32(y.value)) : this.vector(y, guard));
    }
    return this.#vectorBinary(op, x.dtype, this.vector(x, guard), this.vector(y, guard));
  }

  #vectorUnary(op: UnaryOp, dtype: ScalarType, x: Value): Value {
    const v = this.#f.values;
    if (dtype !== "f32") {
      switch (op) {
        case "not":
          return v.unary("v128.not", x);
        case "neg":
        case "abs":
          return v.unary(`i32x4.${op}`, x);
        case "sign":
          return v.binary("i32x4.sub", v.binary("i32x4.lt_s", x, v.splat(v.i32(0))), v.binary("i32x4.gt_s", x, v.splat(v.i32(0))));
        default:
          throw new InternalError(`${op} of ${dtype}`);
      }
    }
    const direct = FLOAT_UNARY[op];
    if (direct !== undefined) return v.unary(`f32x4.${direct}`, x);
    switch (op) {
      case "exp":
      case "log":
      case "tanh":
      case "erf":
      case "sin":
      case "cos":
        this.#unit.math.add(op);
        return v.make("call", "v128", [x], `$${op}`);
      case "rsqrt":
        return v.binary("f32x4.div", v.splat(v.f32(1)), v.unary("f32x4.sqrt", x));
      case "sign": {
        const one = v.splat(v.f32(1));
        const zero = v.splat(v.f32(0));
        return v.binary(
          "f32x4.sub",
          v.binary("v128.and", v.binary("f32x4.gt", x, zero), one),
          v.binary("v128.and", v.binary("f32x4.lt", x, zero), one),
        );
      }
      case "round_tf32":
      case "round_bf16":
      case "round_f16":
        return rounded(v, op, x);
      default:
        throw new InternalError(`${op} of ${dtype}`);
    }
  }

  #vectorBinary(op: BinaryOp, dtype: ScalarType, x: Value, y: Value): Value {
    const v = this.#f.values;
    if (dtype === "f32") {
      if (op === "pow") {
        this.#unit.math.add("pow");
        return v.make("call", "v128", [x, y], "$pow");
      }
      return v.binary(`f32x4.${present(FLOAT_BINARY[op])}`, x, y);
    }
    const suffix = dtype === "u32" ? "_u" : "_s";
    switch (op) {
      case "and":
      case "or":
      case "bitand":
      case "bitor":
      case "bitxor":
        return v.binary(`v128.${present(INTEGER_BINARY[op])}`, x, y);
      case "shl":
      case "shr":
        return lanewise(v, `i32.${present(INTEGER_BINARY[op])}${op === "shr" ? "_u" : ""}`, x, y);
      default:
        return v.binary(`i32x4.${present(INTEGER_BINARY[op])}${SIGNED.has(op) ? suffix : ""}`, x, y);
    }
  }

  #vectorCast(x: Value, from: ScalarType, to: ScalarType): Value {
    const v = this.#f.values;
    if (from === to) return x;
    if (from === "bool") return v.binary("v128.and", x, v.splat(to === "f32" ? v.f32(1) : v.i32(1)));
    if (to === "bool") return v.binary(from === "f32" ? "f32x4.ne" : "i32x4.ne", x, v.splat(from === "f32" ? v.f32(0) : v.i32(0)));
    if (to === "f32") return v.unary(`f32x4.convert_i32x4_${from === "u32" ? "u" : "s"}`, x);
    if (from === "f32") return v.unary(`i32x4.trunc_sat_f32x4_${to === "u32" ? "u" : "s"}`, x);
    return x;
  }

  #threefry({ k0, k1, c0, c1 }: Extract<Expr, { kind: "threefry" }>, guard: Value | undefined): Value {
    this.#unit.math.add("threefry");
    return this.#f.values.make(
      "call",
      "v128",
      [k0, k1, c0, c1].map((word) => this.vector(word, guard)),
      "$threefry",
    );
  }
}

function memoOf(memos: Map<Value | undefined, Map<Expr, Value>>, guard: Value | undefined): Map<Expr, Value> {
  let memo = memos.get(guard);
  if (!memo) memos.set(guard, (memo = new Map<Expr, Value>()));
  return memo;
}

const isZero = (expr: Expr): boolean => expr.kind === "const" && Object.is(expr.value, 0);

const isProduct = (expr: Expr): expr is Extract<Expr, { kind: "binary" }> => expr.kind === "binary" && expr.op === "mul";

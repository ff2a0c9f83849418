// Loads and stores of one or four points. Four points are one access where they lie side by side: known from the index, or tested when
// it runs. Reading next to a buffer is harmless (`margin`), so a guarded load needs no branch: what is not wanted is masked away.

import { boundsOf } from "../../ir/loop/index-math.ts";
import { int, sub, type Expr } from "../../ir/loop/expr.ts";
import type { KernelParameter } from "../../ir/loop/kernel.ts";
import { bytesPerElement, InternalError, isByte } from "../../ir/types.ts";
import { strideAlong, termsOf } from "../axes.ts";
import type { WasmFunction } from "./function.ts";
import { hasLoad } from "./operations.ts";
import type { Helper, Unit } from "./unit.ts";
import { present, type Value } from "./values.ts";

/** How far beside a buffer loads may go; beyond, an index is masked instead. */
const MOST_MARGIN = 1 << 16;

/** Offsets up to this stand in the instruction: the address without them is still inside of memory. */
const MOST_OFFSET = 4096;

/** The lowest byte of each lane, side by side. */
const FIRST_BYTES = `${"0 4 8 12 ".repeat(3)}0 4 8 12`;

/** Every other word of two rows of four, from the first and from the second on. */
const EVEN_WORDS = "0 1 2 3 8 9 10 11 16 17 18 19 24 25 26 27";
const ODD_WORDS = "4 5 6 7 12 13 14 15 20 21 22 23 28 29 30 31";

type Load = Extract<Expr, { kind: "load" }>;

/** Expressions at the points whose elements are wanted. */
export interface Points {
  /** The axis with four points; undefined for one point. */
  readonly lane: string | undefined;
  /** Whether what the four points load is known not to lie side by side. */
  readonly isScattered: boolean;
  /** Whether an expression differs between the four points. */
  varies(expr: Expr): boolean;
  scalar(expr: Expr): Value;
  vector(expr: Expr): Value;
}

export class Memory {
  readonly #f: WasmFunction;
  readonly #unit: Unit;
  readonly #expressions: Points;

  constructor(f: WasmFunction, unit: Unit, expressions: Points) {
    this.#f = f;
    this.#unit = unit;
    this.#expressions = expressions;
  }

  load(load: Load, guard: Value | undefined): Value {
    const param = this.#param(load.buffer);
    const v = this.#f.values;
    const place = this.#place(load, param, guard === undefined ? undefined : v.binary("i32.sub", v.i32(0), guard), 0);
    const value = this.#read(param, param.dtype === "f32" ? "f32.load" : isByte(param.dtype) ? "i32.load8_u" : "i32.load", place);
    return load.dtype === "f32" && value.type === "i32" ? v.unary("f32.convert_i32_u", value) : value;
  }

  /** One number of four bytes in all four lanes, where it is sure to be there; else undefined. */
  loadSplat(load: Load): Value | undefined {
    const param = this.#param(load.buffer);
    return param.dtype === load.dtype && !isByte(param.dtype)
      ? this.#read(param, "v128.load32_splat", this.#place(load, param, undefined, 0))
      : undefined;
  }

  loadVector(load: Load, guard: Value | undefined): Value {
    const param = this.#param(load.buffer);
    const v = this.#f.values;
    const raw = this.#rawVector(load, param, guard);
    if (param.dtype === "bool") return v.binary("i32x4.ne", raw, v.splat(v.i32(0)));
    return load.dtype === "f32" && param.dtype !== "f32" ? v.unary("f32x4.convert_i32x4_u", raw) : raw;
  }

  store(buffer: number, index: Expr, value: Value): void {
    const param = this.#param(buffer);
    const v = this.#f.values;
    const lane = this.#expressions.lane;
    const bytes = bytesPerElement(param.dtype);
    if (lane === undefined || !this.#expressions.varies(index)) {
      const { address, offset } = this.#address(buffer, index, bytes);
      this.#f.do(`${value.type}.${bytes === 1 ? "store8" : "store"} offset=${String(offset)}`, address, value);
      return;
    }
    const stored = param.dtype === "bool" ? v.binary("v128.and", value, v.splat(v.i32(1))) : value;
    const stride = strideAlong(index, lane);
    if (stride === undefined) {
      const helper = bytes === 1 ? "scatter_bytes" : "scatter";
      this.#unit.helpers.add(helper);
      this.#f.do(`call $${helper}`, this.#base(buffer), this.#expressions.vector(index), stored);
      return;
    }
    const { address, offset } = this.#address(buffer, index, bytes);
    if (stride < 0) throw new InternalError("a store that walks backwards");
    if (stride === 1 && bytes === 1) {
      const packed = v.make("i8x16.shuffle", "v128", [stored, stored], FIRST_BYTES);
      this.#f.do(`v128.store32_lane offset=${String(offset)} 0`, address, packed);
    } else if (stride === 1) this.#f.do(`v128.store offset=${String(offset)}`, address, stored);
    else
      for (let i = 0; i < 4; i++) {
        const [op, part] = bytes === 1 ? ["v128.store8_lane", 4 * i] : ["v128.store32_lane", i];
        this.#f.do(`${op} offset=${String(offset + bytes * stride * i)} ${String(part)}`, address, stored);
      }
  }

  storePair(buffer: number, index: Expr, even: Value, odd: Value): void {
    const v = this.#f.values;
    const { address, offset } = this.#address(buffer, index, 4);
    v.interleaved(even, odd).forEach((value, half) => this.#f.do(`v128.store offset=${String(offset + 16 * half)}`, address, value));
  }

  #param(buffer: number): KernelParameter {
    const param = present(this.#unit.params[buffer]);
    if (param.dtype === "f16") throw new InternalError("f16 storage on the wasm target");
    return param;
  }

  // Where nothing writes, a load may be taken out of loops.
  #read(param: KernelParameter, op: string, { address, offset }: Place): Value {
    const type = op.startsWith("f32.") ? "f32" : op.startsWith("i32.") ? "i32" : "v128";
    const immediate = `offset=${String(offset)}`;
    return param.access === "read"
      ? this.#f.values.make(op, type, [address], immediate)
      : this.#f.values.unstable(op, type, [address], immediate, this.#f.depth);
  }

  #base(buffer: number): Value {
    return this.#f.values.make("i32.load", "i32", [this.#f.param("args")], `offset=${String(4 * buffer)}`);
  }

  #address(buffer: number, index: Expr, bytes: number): Place {
    const v = this.#f.values;
    let constant = 0;
    const terms = [this.#base(buffer)];
    for (const [scale, factor] of termsOf(index)) {
      if (!factor) constant += scale * bytes;
      else terms.push(v.mul(this.#expressions.scalar(factor), scale * bytes));
    }
    if (constant >= 0 && constant <= MOST_OFFSET) return { address: v.sum(terms), offset: constant };
    return { address: v.sum([...terms, v.i32(constant)]), offset: 0 };
  }

  /** Where element `index` of a guarded load is, `beyond` elements after it read as well. */
  #place(load: Load, param: KernelParameter, mask: Value | undefined, beyond: number): Place {
    const bytes = bytesPerElement(param.dtype);
    if (mask === undefined || this.#isNear(load, param)) {
      this.#unit.margin = Math.max(this.#unit.margin, 4 * beyond);
      return this.#address(load.buffer, load.index, bytes);
    }
    const v = this.#f.values;
    const index = v.binary("i32.and", this.#expressions.scalar(load.index), mask);
    return { address: v.add(this.#base(load.buffer), v.mul(index, bytes)), offset: 0 };
  }

  /** Whether every index is in the buffer or close to it, also where the guard is off. Widens the margin to that. */
  #isNear({ index }: Load, param: KernelParameter): boolean {
    const bounds = boundsOf(index);
    if (!bounds || param.length === 0) return false;
    const beside = Math.max(0, -bounds[0], bounds[1] + 1 - param.length) * bytesPerElement(param.dtype);
    if (beside > MOST_MARGIN) return false;
    this.#unit.margin = Math.max(this.#unit.margin, beside + 16);
    return true;
  }

  #rawVector(load: Load, param: KernelParameter, guard: Value | undefined): Value {
    const v = this.#f.values;
    const lane = present(this.#expressions.lane);
    const stride = strideAlong(load.index, lane);
    const isSafe = guard === undefined || this.#isNear(load, param);
    if (isSafe && stride === 1) return this.#contiguous(load, param);
    if (isSafe && stride !== undefined && stride > 0 && !isByte(param.dtype)) return this.#strided(load, param, stride);
    const varying = termsOf(load.index).filter(([, factor]) => factor && this.#expressions.varies(factor));
    const mayBeContiguous =
      isSafe && stride === undefined && !isByte(param.dtype) && !varying.some(([, factor]) => factor && hasLoad(factor));
    if (!mayBeContiguous) {
      const index = this.#expressions.vector(load.index);
      return this.#gather(param, this.#base(load.buffer), guard ? v.binary("v128.and", index, guard) : index);
    }
    // Lanes apart from the common start, which the inner loops move.
    const rest = termsOf(load.index).filter(([, factor]) => !factor || !this.#expressions.varies(factor));
    const lanes = varying
      .map(([scale, factor]) => v.binary("i32x4.mul", this.#expressions.vector(present(factor)), v.splat(v.i32(scale))))
      .reduce((x, y) => v.binary("i32x4.add", x, y));
    if (this.#expressions.isScattered) return this.#scattered(load, param, lanes, rest);
    const first = v.lane(lanes, 0, "i32");
    const fromFirst = v.binary("i32x4.sub", lanes, v.splat(first));
    const isRow = v.unary("i32x4.all_true", v.binary("i32x4.eq", fromFirst, v.lanes("i32x4", [0, 1, 2, 3])));
    const start = v.sum([
      this.#base(load.buffer),
      ...rest.map(([scale, factor]) => (factor ? v.mul(this.#expressions.scalar(factor), 4 * scale) : v.i32(4 * scale))),
      v.mul(first, 4),
    ]);
    const row = this.#read(param, "v128.load", { address: start, offset: 0 });
    return v.make("either", "v128", [isRow, row, this.#gather(param, start, fromFirst)]);
  }

  // An address for each lane, which the inner loops move; constants stand in the instructions, so that neighbours share addresses.
  #scattered(load: Load, param: KernelParameter, lanes: Value, rest: readonly (readonly [number, Expr | undefined])[]): Value {
    const v = this.#f.values;
    const constant = 4 * constantTerm(load.index);
    const offset = ((constant % MOST_OFFSET) + MOST_OFFSET) % MOST_OFFSET;
    this.#unit.margin = Math.max(this.#unit.margin, MOST_OFFSET);
    const addresses = [0, 1, 2, 3].map((lane) =>
      v.sum([
        this.#base(load.buffer),
        v.mul(v.lane(lanes, lane, "i32"), 4),
        v.i32(constant - offset),
        ...rest.flatMap(([scale, factor]) => (factor ? [v.mul(this.#expressions.scalar(factor), 4 * scale)] : [])),
      ]),
    );
    const [first, ...others] = addresses.map(present);
    let value = this.#read(param, "v128.load32_zero", { address: present(first), offset });
    others.forEach((address, i) => (value = this.#lane(param, address, `offset=${String(offset)} ${String(i + 1)}`, value)));
    return value;
  }

  #contiguous(load: Load, param: KernelParameter): Value {
    const v = this.#f.values;
    const place = this.#place(load, param, undefined, 3);
    if (!isByte(param.dtype)) return this.#read(param, "v128.load", place);
    const bytes = this.#read(param, "v128.load32_zero", place);
    return v.unary("i32x4.extend_low_i16x8_u", v.unary("i16x8.extend_low_i8x16_u", bytes));
  }

  #strided(load: Load, param: KernelParameter, stride: number): Value {
    const v = this.#f.values;
    // Two rows of four hold what every other element needs, and what its right neighbour does: they begin at an odd element, as patches do
    // that begin in the padding.
    if (stride === 2) {
      this.#unit.margin = Math.max(this.#unit.margin, 16);
      const isOdd = constantTerm(load.index) % 2 !== 0;
      const { address, offset } = this.#place(isOdd ? load : { ...load, index: sub(load.index, int(1)) }, param, undefined, 0);
      const rows = [0, 16].map((more) => this.#read(param, "v128.load", { address, offset: offset + more }));
      return v.make("i8x16.shuffle", "v128", rows, isOdd ? EVEN_WORDS : ODD_WORDS);
    }
    const { address, offset } = this.#place(load, param, undefined, 0);
    let value = this.#read(param, "v128.load32_zero", { address, offset });
    for (let i = 1; i < 4; i++) value = this.#lane(param, address, `offset=${String(offset + 4 * stride * i)} ${String(i)}`, value);
    return value;
  }

  #lane(param: KernelParameter, address: Value, immediate: string, value: Value): Value {
    const v = this.#f.values;
    return param.access === "read"
      ? v.make("v128.load32_lane", "v128", [address, value], immediate)
      : v.unstable("v128.load32_lane", "v128", [address, value], immediate, this.#f.depth);
  }

  #gather(param: KernelParameter, base: Value, index: Value): Value {
    const v = this.#f.values;
    const helper = isByte(param.dtype) ? "gather_bytes" : "gather";
    this.#unit.helpers.add(helper);
    return param.access === "read"
      ? v.make("call", "v128", [base, index], `$${helper}`)
      : v.unstable("call", "v128", [base, index], `$${helper}`, this.#f.depth);
  }
}

interface Place {
  readonly address: Value;
  readonly offset: number;
}

const constantTerm = (index: Expr): number => termsOf(index).reduce((sum, [scale, factor]) => (factor ? sum : sum + scale), 0);

const lanesOf = (each: (lane: number) => string): string => [0, 1, 2, 3].map(each).join("\n  ");

const element = (lane: number): string =>
  `(i32.add (local.get $base) (i32.shl (i32x4.extract_lane ${String(lane)} (local.get $index)) (i32.const 2)))`;

/** Functions for four elements anywhere, by index from a base. */
export const HELPERS: Readonly<Record<Helper, string>> = {
  gather: `(func $gather (param $base i32) (param $index v128) (result v128) (local $v v128)
  (local.set $v (v128.load32_zero ${element(0)}))
  ${[1, 2, 3].map((lane) => `(local.set $v (v128.load32_lane ${String(lane)} ${element(lane)} (local.get $v)))`).join("\n  ")}
  (local.get $v))`,
  gather_bytes: `(func $gather_bytes (param $base i32) (param $index v128) (result v128) (local $v v128)
  ${lanesOf(
    (lane) =>
      `(local.set $v (i32x4.replace_lane ${String(lane)} (local.get $v) (i32.load8_u (i32.add (local.get $base) (i32x4.extract_lane ${String(lane)} (local.get $index))))))`,
  )}
  (local.get $v))`,
  scatter_bytes: `(func $scatter_bytes (param $base i32) (param $index v128) (param $v v128)
  ${lanesOf(
    (lane) =>
      `(i32.store8 (i32.add (local.get $base) (i32x4.extract_lane ${String(lane)} (local.get $index))) (i32x4.extract_lane ${String(lane)} (local.get $v)))`,
  )})`,
  // Rows of a matrix usually go side by side.
  scatter: `(func $scatter (param $base i32) (param $index v128) (param $v v128)
  (if (i32x4.all_true (i32x4.eq (i32x4.sub (local.get $index) (i32x4.splat (i32x4.extract_lane 0 (local.get $index)))) (v128.const i32x4 0 1 2 3)))
    (then (v128.store ${element(0)} (local.get $v)))
    (else
  ${lanesOf((lane) => `(v128.store32_lane ${String(lane)} ${element(lane)} (local.get $v))`)})))`,
};

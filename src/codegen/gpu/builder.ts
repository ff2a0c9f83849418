// A block in the making: the statements of its body, the names of its buffers, what its threads share. Schedules (`map`, `rows`,
// `contract`) fill one of these.

import { div, int, rem, type Expr, type ScalarType } from "../../ir/loop/expr.ts";
import { identityOf, type Axis, type Kernel, type ReduceStage, type StoreStage } from "../../ir/loop/kernel.ts";
import type { Architecture, TensorMap } from "../../ir/program.ts";
import { Statements, type Syntax } from "../../ir/loop/statements.ts";
import { at } from "../../ir/ops/define.ts";
import { InternalError } from "../../ir/types.ts";
import {
  combined,
  integer,
  loadOf,
  named,
  number,
  TIME,
  type Block,
  type NamedMap,
  type SharedArray,
  type Statement,
  type Type,
  type Value,
} from "./block.ts";
import type { DeviceProfile } from "./profile.ts";
import { prune } from "./prune.ts";
import { RESERVED } from "./reserved.ts";

export class BlockBuilder {
  readonly out: Statements<Value, Statement>;
  readonly kernel: Kernel;
  readonly #buffers: readonly string[];
  readonly #shared: SharedArray[] = [];
  readonly #maps: NamedMap[] = [];
  readonly #written = new Set<number>();

  /** @param kernel with parameters as memory has them (`legalize`) */
  constructor(kernel: Kernel, { boundsAccesses }: DeviceProfile) {
    this.kernel = kernel;
    const buffers: string[] = [];
    this.out = new Statements(blockSyntax(buffers, boundsAccesses));
    for (const { name } of kernel.params) buffers.push(this.out.name(name));
    this.#buffers = buffers;
    kernel.params.forEach((param, i) => param.access !== "read" && this.#written.add(i));
    if (kernel.time) this.out.bindAxis(kernel.time.name, TIME);
  }

  /** The name of an array that the workgroup shares. */
  shared(hint: string, type: Type, length: number): string {
    const name = this.out.name(hint);
    this.#shared.push({ name, type, length });
    return name;
  }

  /** The name of a matrix in a buffer, of which parts are copied. */
  map(map: TensorMap): string {
    const name = this.out.name(`${at(this.#buffers, map.param)}_map`);
    this.#maps.push({ name, map });
    return name;
  }

  /** Names a value; the result is that name. */
  let(hint: string, value: Value): Value {
    return this.define(this.out.name(hint), value);
  }

  /** The same under just this name, which no scope around has. */
  define(name: string, value: Value): Value {
    this.out.line({ kind: "let", name, value });
    return named(name, value.type);
  }

  /** A variable with its first value. */
  variable(hint: string, value: Value): Value {
    return this.declare(this.out.name(hint), value);
  }

  /** The same under just this name, which no scope around has. */
  declare(name: string, value: Value): Value {
    this.out.line({ kind: "var", name, type: value.type, value });
    return named(name, value.type);
  }

  assign(variable: Value, value: Value): void {
    if (variable.kind !== "name") throw new InternalError(`${variable.kind} is no variable`);
    this.out.line({ kind: "assign", name: variable.name, value });
  }

  store(memory: string, index: Value, value: Value): void {
    this.out.line({ kind: "store", memory, index, value });
  }

  /** Begins a copy to a shared array; see `Statement`. @param buffer the number of the kernel's parameter */
  copy(memory: string, index: Value, buffer: number, source: Value, words: 1 | 4, condition: Value): void {
    this.out.line({ kind: "copy", memory, index, from: at(this.#buffers, buffer), source, words, condition });
  }

  /** Ends a batch of copies. */
  endBatch(): void {
    this.out.line({ kind: "end-batch" });
  }

  /** Waits for all copies but those of the last `pending` batches, in all threads. */
  awaitCopies(pending: number): void {
    this.out.line({ kind: "wait-copies", pending });
    this.barrier();
  }

  barrier(of: "shared" | "buffers" = "shared"): void {
    this.out.line({ kind: "barrier", of });
  }

  /** A loop from `start` in steps of `step`; `name` is its variable. A loop that is kept is one that no compiler may unroll. */
  loop(name: string, start: Value, end: Value, step: number, body: (place: Value) => void, kept = false): void {
    this.out.open();
    body(named(name, "i32"));
    this.out.line({ kind: "for", name, start, end, step, kept, body: this.out.close() });
  }

  /** Statements under a condition. Guarded ones load what may be out of range where the condition does not hold. */
  when(condition: Value, body: () => void, guarded = false): void {
    this.out.open(guarded);
    body();
    this.out.line({ kind: "if", condition, yes: this.out.close(), no: [] });
  }

  /** Statements in a scope of their own, whose names are free again after it. */
  scope(body: () => void): void {
    this.out.open();
    body();
    this.out.line({ kind: "scope", body: this.out.close() });
  }

  /** Values that are known to what `body` writes only, and no more after it. */
  within(body: () => void): void {
    this.out.open();
    body();
    this.out.line(...this.out.close());
  }

  /** Nested sequential loops over all axes. */
  nest(axes: readonly Axis[], body: () => void): void {
    const [first, ...rest] = axes;
    if (!first) {
      body();
      return;
    }
    this.loop(this.out.name(first.name), integer(0), integer(first.extent), 1, (place) => {
      this.out.bindAxis(first.name, place);
      this.nest(rest, body);
    });
  }

  /** A sequential loop over a part of an axis. */
  range({ name }: Axis, from: Value, to: Value, body: () => void): void {
    this.loop(this.out.name(name), from, to, 1, (place) => {
      this.out.bindAxis(name, place);
      body();
    });
  }

  /** The writes of a store stage at the current point: all values before the first write. */
  writes({ writes }: StoreStage): void {
    const places = writes.map(({ index }) => this.out.value(index));
    const exprs = writes.map(({ value }) => value);
    const values = exprs.length > 1 ? this.out.allNamed(exprs) : exprs.map((value) => this.out.value(value));
    writes.forEach(({ buffer }, i) => {
      this.store(at(this.#buffers, buffer), at(places, i), at(values, i));
    });
  }

  /** Forgets loads of buffers that a stage wrote. */
  afterStore(): void {
    this.out.invalidate(this.#written);
  }

  /** @param needs an architecture, where not every GPU of the target runs the block */
  finish(threads: number, groups: number, lanes?: number, needs?: Architecture): Block {
    const { name, params, time } = this.kernel;
    return {
      name,
      buffers: params.map((param, i) => ({ ...param, name: at(this.#buffers, i) })),
      usesTime: time !== undefined,
      shared: this.#shared,
      ...(this.#maps.length > 0 && { maps: this.#maps }),
      threads,
      groups,
      body: prune(this.out.finish()),
      ...(lanes !== undefined && { lanes }),
      ...(needs !== undefined && { needs }),
    };
  }
}

/** Expressions of the loop IR as values of a block; `buffers` has the name of each parameter. */
function blockSyntax(buffers: readonly string[], safeLoads: boolean): Syntax<Value, Statement> {
  return {
    expression: (expr, operands) => {
      const operand = (i: number): Value => at(operands, i);
      switch (expr.kind) {
        case "const":
          return number(expr.value, expr.dtype);
        case "load":
          return loadOf(at(buffers, expr.buffer), expr.dtype, operand(0));
        case "unary":
          return { kind: "unary", type: expr.dtype, op: expr.op, x: operand(0) };
        case "binary":
          return { kind: "binary", type: expr.dtype, op: expr.op, x: operand(0), y: operand(1) };
        case "select":
          return { kind: "select", type: expr.dtype, condition: operand(0), x: operand(1), y: operand(2) };
        case "cast":
          return { kind: "cast", type: expr.dtype, x: operand(0) };
        case "threefry":
          return { kind: "threefry", type: "u32", words: [operand(0), operand(1), operand(2), operand(3)] };
        case "axis":
        case "acc":
          throw new InternalError(`${expr.kind} has no value of its own`);
        default:
          return expr satisfies never;
      }
    },
    define: (name, _dtype, value) => ({ kind: "let", name, value }),
    declare: (name, dtype) => ({ kind: "var", name, type: dtype }),
    assign: (name, _dtype, value) => ({ kind: "assign", name, value }),
    reference: named,
    branch: (condition, yes, no) => [{ kind: "if", condition, yes, no }],
    hint: (expr) =>
      expr.kind === "load" ? `${at(buffers, expr.buffer)}_v` : expr.dtype === "i32" ? "i" : expr.dtype === "bool" ? "p" : "v",
    reserved: RESERVED,
    safeLoads,
  };
}

/** What a reduction starts with. */
export const identity = ({ op, dtype }: Pick<ReduceStage, "op" | "dtype">): Value => number(identityOf(op, dtype), dtype);

/** One step of a reduction. */
export const combine = ({ op }: Pick<ReduceStage, "op">, x: Value, y: Value): Value => combined(op, x, y);

/** What all lanes of a subgroup have, combined. */
export const combineLanes = ({ op, dtype }: Pick<ReduceStage, "op" | "dtype">, x: Value): Value => ({
  kind: "combine-lanes",
  type: dtype satisfies ScalarType,
  op,
  x,
});

/** A loop variable of a schedule itself, as an expression. */
export const variable = (name: string, extent: number): Expr => (extent === 1 ? int(0) : { kind: "axis", dtype: "i32", name, extent });

/** Values for `axes` such that a flat index walks them in row-major order. */
export function unflatten(axes: readonly Axis[], index: Expr): Map<string, Expr> {
  const values = new Map<string, Expr>();
  let stride = 1;
  for (let i = axes.length - 1; i >= 0; i--) {
    const axis = axes[i];
    if (!axis) continue;
    const shifted = div(index, int(stride));
    values.set(axis.name, i === 0 ? shifted : rem(shifted, int(axis.extent)));
    stride *= axis.extent;
  }
  return values;
}

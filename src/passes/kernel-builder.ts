// Puts one kernel together: follows a node's expression down to buffers, collecting the buffers as parameters.

import * as e from "../ir/loop/expr.ts";
import type { Expr, ScalarType } from "../ir/loop/expr.ts";
import { boundsOf, linearize } from "../ir/loop/index-math.ts";
import { createNumbering } from "../ir/loop/numbering.ts";
import type { Axis, Kernel, KernelParameter, Stage, StoreStage } from "../ir/loop/kernel.ts";
import type { Node } from "../ir/node.ts";
import { at, type Lowering } from "../ir/ops/define.ts";
import { InternalError, isHalf, sizeOf } from "../ir/types.ts";
import type { Buffer, KernelCall } from "./lowered.ts";

/** Where a node's elements can be loaded from: a buffer at an offset in elements (which may depend on the time step), or a node of an
 * enclosing graph read at a longer index. */
export type Place = { readonly buffer: Buffer; readonly offset: Expr } | { readonly node: Node; readonly prefix: readonly Expr[] };

export interface Scope {
  /** Undefined for a node that is computed in place. */
  placeOf(node: Node): Place | undefined;
  lowering(node: Node): Lowering;
}

export const scalarOf = (dtype: Buffer["dtype"]): ScalarType => (dtype === "u8" ? "u32" : isHalf(dtype) ? "f32" : dtype);

export interface Write {
  readonly buffer: Buffer;
  readonly position: Expr;
  readonly value: Expr;
}

export interface KernelBuilder {
  /** The value of `node` at `index`. */
  valueOf(node: Node, index: readonly Expr[]): Expr;
  load(buffer: Buffer, position: Expr): Expr;
  /** Stands for `node` at the one index where the kernel computes it. */
  bind(node: Node, value: Expr): void;
  /** Adds a reduction or contraction; its result. */
  stage(stage: Stage, dtype: ScalarType): Expr;
  /** Adds stores that share a loop over `axes`. */
  store(writes: readonly Write[], axes?: readonly Axis[]): void;
  /** Adds stores of what a strip has in common. */
  storePerStrip(writes: readonly Write[]): void;
  finish(name: string, axes: readonly Axis[], time?: Axis): KernelCall;
}

/**
 * A position that data decides is held within its buffer, whatever the data is: what is beside it is somebody else's. Positions of loops alone are
 * where they should be, or guarded. A resident data set is asked for the rows of its own order.
 */
function withinBuffer(buffer: Buffer, position: Expr, isOfData: (expr: Expr) => boolean): Expr {
  if (buffer.role === "data" || !isOfData(position)) return position;
  const last = sizeOf(buffer.shape) - 1;
  const bounds = boundsOf(position);
  if (bounds && bounds[0] >= 0 && bounds[1] <= last) return position;
  return e.binary("min", e.binary("max", position, e.int(0)), e.int(last));
}

/** Whether data decides what an expression is, which is asked of each once. */
function askingForData(): (expr: Expr) => boolean {
  const answers = new Map<Expr, boolean>();
  const isOfData = (expr: Expr): boolean => {
    if (e.isLeaf(expr)) return expr.kind === "acc";
    let known = answers.get(expr);
    if (known === undefined) {
      known = expr.kind === "load" || expr.kind === "threefry" || e.operands(expr).some(isOfData);
      answers.set(expr, known);
    }
    return known;
  };
  return isOfData;
}

export function createKernelBuilder(scope: Scope): KernelBuilder {
  const buffers: Buffer[] = [];
  const loaded = new Set<Buffer>();
  const written = new Set<Buffer>();
  const stages: Stage[] = [];
  const bound = new Map<Node, Expr>();
  const memo = new Map<string, Expr>();
  const number = createNumbering();
  const isOfData = askingForData();

  const slotOf = (buffer: Buffer): number => (buffers.includes(buffer) ? buffers.indexOf(buffer) : buffers.push(buffer) - 1);

  const load = (buffer: Buffer, position: Expr): Expr => {
    loaded.add(buffer);
    return e.load(slotOf(buffer), withinBuffer(buffer, position, isOfData), scalarOf(buffer.dtype));
  };

  const valueOf = (node: Node, index: readonly Expr[]): Expr => {
    const known = bound.get(node);
    if (known) return known;
    const key = `${node.id}:${index.map(number).join()}`;
    const seen = memo.get(key);
    if (seen) return seen;
    const value = compute(node, index);
    memo.set(key, value);
    return value;
  };

  const compute = (node: Node, index: readonly Expr[]): Expr => {
    const place = scope.placeOf(node);
    if (place && "buffer" in place) return load(place.buffer, e.add(place.offset, linearize(index, node.type.shape)));
    if (place) return valueOf(place.node, [...place.prefix, ...index]);
    const how = scope.lowering(node);
    if (how.kind !== "pointwise") throw new InternalError(`${node.op.name} %${node.id} has no buffer`);
    return how.value((i, at_) => valueOf(at(node.inputs, i), at_), index);
  };

  const place = ({ buffer, position, value }: Write): StoreStage["writes"][number] => {
    written.add(buffer);
    return { buffer: slotOf(buffer), index: position, value };
  };

  return {
    valueOf,
    load,
    bind: (node, value) => void bound.set(node, value),
    stage: (stage, dtype) => e.acc(stages.push(stage) - 1, dtype),
    store: (writes, axes = []) => void stages.push({ kind: "store", axes, writes: writes.map(place) }),
    storePerStrip: (writes) => void stages.push({ kind: "store", axes: [], perStrip: true, writes: writes.map(place) }),
    finish(name, axes, time) {
      const params = buffers.map((buffer, i): KernelParameter => {
        const access = written.has(buffer) ? (loaded.has(buffer) ? "read_write" : "write") : "read";
        return { name: `p${i}`, dtype: buffer.dtype, length: buffer.role === "data" ? 0 : sizeOf(buffer.shape), access };
      });
      const used = axes.filter((axis) => axis.extent > 1 || stages.some((s) => s.kind === "contract"));
      const kernel: Kernel = { name, params, axes: used, stages, ...(time && { time }) };
      return { kernel, buffers, reads: loaded, writes: written };
    },
  };
}

// Puts one kernel together: follows a node's expression down to buffers, collecting the buffers as parameters.

import * as e from "../ir/loop/expr.ts";
import type { Expr, ScalarType } from "../ir/loop/expr.ts";
import { createNumbering, linearize } from "../ir/loop/index-math.ts";
import type { Axis, Kernel, KernelParameter, Stage } from "../ir/loop/kernel.ts";
import type { Node } from "../ir/node.ts";
import { at, type Lowering } from "../ir/ops/define.ts";
import { InternalError, sizeOf } from "../ir/types.ts";
import { memoryOf, type Buffer, type KernelCall } from "./lowered.ts";

/** Where a node's elements can be loaded from: a buffer at an offset in elements (which may depend on the time step), or a node of an
 * enclosing graph read at a longer index. */
export type Place = { readonly buffer: Buffer; readonly offset: Expr } | { readonly node: Node; readonly prefix: readonly Expr[] };

export interface Scope {
  /** Undefined for a node that is computed in place. */
  placeOf(node: Node): Place | undefined;
  lowering(node: Node): Lowering;
}

export const scalarOf = (dtype: Buffer["dtype"]): ScalarType => (dtype === "u8" ? "u32" : dtype === "f16" ? "f32" : dtype);

export interface KernelBuilder {
  /** The value of `node` at `index`. */
  valueOf(node: Node, index: readonly Expr[]): Expr;
  load(buffer: Buffer, position: Expr): Expr;
  /** Stands for `node` at the one index where the kernel computes it. */
  bind(node: Node, value: Expr): void;
  store(buffer: Buffer, position: Expr, value: Expr): void;
  finish(name: string, axes: readonly Axis[], stages: readonly Stage[], time?: Axis): KernelCall;
}

export function createKernelBuilder(scope: Scope): KernelBuilder {
  const buffers: Buffer[] = [];
  const loadsOf = new Map<Buffer, Set<number>>();
  const writes: { buffer: Buffer; position: Expr; value: Expr }[] = [];
  const bound = new Map<Node, Expr>();
  const memo = new Map<string, Expr>();
  const number = createNumbering();

  const slotOf = (buffer: Buffer): number => {
    const memory = memoryOf(buffer);
    return buffers.includes(memory) ? buffers.indexOf(memory) : buffers.push(memory) - 1;
  };

  const load = (buffer: Buffer, position: Expr): Expr => {
    const positions = loadsOf.get(buffer) ?? new Set();
    loadsOf.set(buffer, positions.add(number(position)));
    return e.load(slotOf(buffer), position, scalarOf(buffer.dtype));
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

  return {
    valueOf,
    load,
    bind: (node, value) => void bound.set(node, value),
    store: (buffer, position, value) => void writes.push({ buffer, position, value }),
    finish(name, axes, stages, time) {
      const slots = writes.map(({ buffer }) => slotOf(buffer));
      const store: Stage = {
        kind: "store",
        axes: [],
        writes: writes.map(({ position, value }, i) => ({ buffer: at(slots, i), index: position, value })),
      };
      for (const { buffer, position } of writes) {
        const loads = buffer.replaces && loadsOf.get(buffer.replaces);
        if (loads && [...loads].some((load) => load !== number(position))) {
          throw new InternalError(`kernel ${name} updates ${buffer.name} in place but reads it elsewhere`);
        }
      }
      const read = new Set([...loadsOf.keys()].map(memoryOf));
      const params = buffers.map((buffer, i): KernelParameter => {
        const access = slots.includes(i) ? (read.has(buffer) ? "read_write" : "write") : "read";
        return { name: `p${i}`, dtype: buffer.dtype, length: buffer.role === "data" ? 0 : sizeOf(buffer.shape), access };
      });
      const used = axes.filter((axis) => axis.extent > 1 || stages.some((s) => s.kind === "contract"));
      const kernel: Kernel = { name, params, axes: used, stages: [...stages, store], ...(time && { time }) };
      return { kernel, buffers, reads: new Set(loadsOf.keys()), writes: new Set(writes.map((w) => w.buffer)) };
    },
  };
}

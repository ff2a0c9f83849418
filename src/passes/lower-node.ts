// From one node of a fusion plan to the kernel, or the two, that compute it: a pointwise loop, a reduction or a contraction, with what
// was fused before and behind it.

import type { Builder } from "../ir/builder.ts";
import * as e from "../ir/loop/expr.ts";
import type { Expr } from "../ir/loop/expr.ts";
import { delinearize, linearize } from "../ir/loop/index-math.ts";
import type { Axis, SplitK, Stage } from "../ir/loop/kernel.ts";
import type { Node } from "../ir/node.ts";
import { at, type Lowering } from "../ir/ops/define.ts";
import { InternalError, sizeOf } from "../ir/types.ts";
import type { FusionPlan } from "./fuse.ts";
import { createKernelBuilder, type KernelBuilder, type Scope } from "./kernel-builder.ts";
import type { Buffer, KernelCall } from "./lowered.ts";

export interface LowerOptions {
  readonly splitK: SplitK;
  /** Buffers that one kernel may bind. */
  readonly maxBuffers: number;
}

type Core = Extract<Lowering, { kind: "reduce" | "contract" }>;

/** Destination of a node's values: a buffer, from an offset in elements. */
export interface Target {
  readonly buffer: Buffer;
  readonly offset: Expr;
}

/** What lowering one graph (an entry, or the body of a scan) needs. */
export interface LowerContext extends LowerOptions {
  readonly builder: Builder;
  readonly plan: FusionPlan;
  readonly scope: Scope;
  readonly time?: Axis;
  readonly emit: (call: KernelCall) => void;
}

/** Emits the kernel that computes `node`, its core and its prologues. */
export function lowerNode(context: LowerContext, node: Node, target: Target): void {
  const core = context.plan.coreOf.get(node);
  if (!core) return pointwiseKernel(context, node, target);
  const how = context.plan.lowering(core) as Core;
  if (how.kind === "reduce") return reduceKernel(context, node, core, how, target);
  const split = Math.min(how.k, context.time ? 1 : context.splitK(how));
  if (split > 1) return splitContraction(context, node, core, how, split, target);
  return contractKernel(context, node, core, how, target);
}

/** Copies a node's elements into another buffer, or computes them there if they have no place. */
export function copyNode(context: LowerContext, node: Node, target: Target): void {
  pointwiseKernel(context, node, target, context.scope);
}

const nameOf = (node: Node, core?: Node): string =>
  core && core !== node ? `${core.op.name}_${node.op.name}_${node.id}` : `${node.op.name}_${node.id}`;

function pointwiseKernel(context: LowerContext, node: Node, target: Target, scope = exceptAt(context.scope, node, context.plan)): void {
  const kernel = createKernelBuilder(scope);
  const size = sizeOf(node.type.shape);
  const i = e.axis("i", size);
  const value = kernel.valueOf(node, delinearize(i, node.type.shape));
  kernel.store(target.buffer, e.add(target.offset, i), value);
  context.emit(kernel.finish(nameOf(node), [{ name: "i", extent: size }], [], context.time));
}

// A node's own kernel computes the node instead of loading it; a copy of an input does load it.
function exceptAt(scope: Scope, node: Node, plan: FusionPlan): Scope {
  if (!plan.materialized.has(node)) return scope;
  return { ...scope, placeOf: (other) => (other === node ? undefined : scope.placeOf(other)) };
}

/** The index of `root` where element `index` of `core` ends up, through the epilogue between them. */
function landingIndex(context: LowerContext, root: Node, core: Node, index: readonly Expr[]): readonly Expr[] {
  const path: Node[] = [];
  for (let node = root; node !== core;) {
    path.push(node);
    const next = node.inputs.find(
      (input) => context.plan.coreOf.get(input) === core && !(context.plan.materialized.has(input) && input !== core),
    );
    if (!next) throw new InternalError(`no way from ${core.op.name} %${core.id} to ${root.op.name} %${root.id}`);
    node = next;
  }
  return path.reverse().reduce((at_, node) => node.op.lands?.(at_, node) ?? at_, index);
}

function storeRoot(
  context: LowerContext,
  kernel: KernelBuilder,
  root: Node,
  core: Node,
  index: readonly Expr[],
  value: Expr,
  target: Target,
): void {
  kernel.bind(core, value);
  const landing = landingIndex(context, root, core, index);
  kernel.store(target.buffer, e.add(target.offset, linearize(landing, root.type.shape)), kernel.valueOf(root, landing));
}

const accType = (node: Node): e.ScalarType => (node.type.dtype === "f16" || node.type.dtype === "u8" ? "f32" : node.type.dtype);

function reduceKernel(context: LowerContext, root: Node, core: Node, how: Extract<Core, { kind: "reduce" }>, target: Target): void {
  const kernel = createKernelBuilder(exceptAt(context.scope, root, context.plan));
  const size = sizeOf(core.type.shape);
  const index = delinearize(e.axis("i", size), core.type.shape);
  const axes = how.extents.map((extent, i): Axis => ({ name: `r${i}`, extent }));
  const value = how.value(
    (i, at_) => kernel.valueOf(at(core.inputs, i), at_),
    index,
    axes.map((a) => e.axis(a.name, a.extent)),
  );
  const dtype = accType(core);
  const stage: Stage = { kind: "reduce", op: how.op, dtype, axes, value };
  storeRoot(context, kernel, root, core, index, e.acc(0, dtype), target);
  context.emit(kernel.finish(nameOf(root, core), [{ name: "i", extent: size }], [stage], context.time));
}

function contractKernel(context: LowerContext, root: Node, core: Node, how: Extract<Core, { kind: "contract" }>, target: Target): void {
  const kernel = createKernelBuilder(exceptAt(context.scope, root, context.plan));
  const read = (i: number, index: readonly Expr[]): Expr => kernel.valueOf(at(core.inputs, i), index);
  const [b, m, n, k] = [e.axis("b", how.b), e.axis("m", how.m), e.axis("n", how.n), e.axis("k", how.k)];
  const dtype = accType(core);
  const stage: Stage = {
    kind: "contract",
    k: { name: "k", extent: how.k },
    dtype,
    lhs: how.lhs(read, b, m, k),
    rhs: how.rhs(read, b, k, n),
  };
  storeRoot(context, kernel, root, core, how.outputIndex(b, m, n), e.acc(0, dtype), target);
  context.emit(kernel.finish(nameOf(root, core), contractAxes(how.b, how.m, how.n), [stage], context.time));
}

const contractAxes = (b: number, m: number, n: number): Axis[] => [
  { name: "b", extent: b },
  { name: "m", extent: m },
  { name: "n", extent: n },
];

// A long reduction with few results: partial sums over `parts` slices of k, then their sum, which also runs the epilogue.
function splitContraction(
  context: LowerContext,
  root: Node,
  core: Node,
  how: Extract<Core, { kind: "contract" }>,
  parts: number,
  target: Target,
): void {
  const slice = Math.ceil(how.k / parts);
  const dtype = accType(core);
  const results = how.b * how.m * how.n;
  const partial: Buffer = { name: `%${core.id}.partial`, role: "temp", dtype: core.type.dtype, shape: [parts, how.b, how.m, how.n] };

  const first = createKernelBuilder(exceptAt(context.scope, root, context.plan));
  const read = (i: number, index: readonly Expr[]): Expr => first.valueOf(at(core.inputs, i), index);
  const [both, m, n, kLocal] = [e.axis("b", parts * how.b), e.axis("m", how.m), e.axis("n", how.n), e.axis("k", slice)];
  const [part, b] = delinearize(both, [parts, how.b]);
  if (!part || !b) throw new InternalError("split without parts");
  const k = e.add(e.mul(part, e.int(slice)), kLocal);
  const inside = slice * parts === how.k ? e.constant(1, "bool") : e.binary("lt", k, e.int(how.k));
  const lhs = e.select(inside, how.lhs(read, b, m, k), e.constant(0, dtype));
  const rhs = e.select(inside, how.rhs(read, b, k, n), e.constant(0, dtype));
  first.store(partial, linearize([both, m, n], [parts * how.b, how.m, how.n]), e.acc(0, dtype));
  const stage: Stage = { kind: "contract", k: { name: "k", extent: slice }, dtype, lhs, rhs };
  context.emit(first.finish(`${core.op.name}_partial_${core.id}`, contractAxes(parts * how.b, how.m, how.n), [stage], context.time));

  const second = createKernelBuilder(exceptAt(context.scope, root, context.plan));
  const i = e.axis("i", results);
  const [b2, m2, n2] = delinearize(i, [how.b, how.m, how.n]);
  if (!b2 || !m2 || !n2) throw new InternalError("split without results");
  const over: Axis = { name: "r0", extent: parts };
  const sum: Stage = {
    kind: "reduce",
    op: "sum",
    dtype,
    axes: [over],
    value: second.load(partial, e.add(e.mul(e.axis("r0", parts), e.int(results)), i)),
  };
  storeRoot(context, second, root, core, how.outputIndex(b2, m2, n2), e.acc(0, dtype), target);
  context.emit(second.finish(nameOf(root, core), [{ name: "i", extent: results }], [sum], context.time));
}

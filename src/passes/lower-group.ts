// From one group of a fusion plan to the kernel, or the two, that compute it: a stage for each reduction or contraction, then the stores.
// What only the group reads is computed where it is needed; nothing stands between the stages but their results.

import type { Builder } from "../ir/builder.ts";
import { coresOf, isRows, type FusionPlan, type Group, type Member } from "../ir/fusion/plan.ts";
import { rowOf, type Runs } from "../ir/fusion/relation.ts";
import * as e from "../ir/loop/expr.ts";
import type { Expr } from "../ir/loop/expr.ts";
import { delinearize, linearize } from "../ir/loop/index-math.ts";
import type { Axis, Range, SplitK, Stage } from "../ir/loop/kernel.ts";
import type { Node } from "../ir/node.ts";
import { at, type Lowering } from "../ir/ops/define.ts";
import type { StateKind } from "../ir/state.ts";
import { InternalError, isHalf, sameShape, sizeOf } from "../ir/types.ts";
import { createKernelBuilder, type KernelBuilder, type Scope, type Write } from "./kernel-builder.ts";
import type { Buffer, KernelCall } from "./lowered.ts";
import type { FuseOptions } from "./grouping.ts";
import { operandTypeOf } from "./strips.ts";

export interface LowerOptions extends FuseOptions {
  readonly splitK: SplitK;
  /** What states there are, those too that no entry reads: a stage hands on what it has no use for. */
  readonly states?: ReadonlyMap<string, StateKind>;
}

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
  /** Where a group's output goes. */
  readonly targetOf: (node: Node) => Target;
  readonly time?: Axis;
  readonly emit: (call: KernelCall) => void;
}

type Reduction = Extract<Lowering, { kind: "reduce" }>;
type Contraction = Extract<Lowering, { kind: "contract" }>;

/** Emits the kernel that computes a group's outputs. */
export function lowerGroup(context: LowerContext, group: Group): void {
  if (group.kind !== "contract") return loops(context, group);
  const core = coreOfContraction(group);
  const how = context.plan.lowering(core) as Contraction;
  const split = Math.min(how.k, context.time ? 1 : context.splitK(how));
  if (split > 1) splitContraction(context, group, core, how, split);
  else contraction(context, group, core, how);
}

/** Copies a node's elements into another buffer, or computes them there if they have no place. */
export function copyNode(context: Pick<LowerContext, "scope" | "time" | "emit">, node: Node, target: Target): void {
  const kernel = createKernelBuilder(context.scope);
  const size = sizeOf(node.type.shape);
  const i = e.axis("i", size);
  kernel.store([write(kernel, node, i, target)]);
  context.emit(kernel.finish(`${node.op.name}_${node.id}`, [{ name: "i", extent: size }], context.time));
}

function coreOfContraction(group: Group): Node {
  const [core] = coresOf(group);
  if (!core) throw new InternalError(`group ${group.id} has no contraction`);
  return core;
}

/** After the last of what it computes, which people know by name. */
function nameOf(group: Group): string {
  const names = [...new Set([...coresOf(group), ...group.outputs].map((node) => node.op.name))];
  return `${names.slice(0, 4).join("_")}_${[...group.outputs].at(-1)?.id ?? group.id}`;
}

/** What a group's kernels are called, if they are that many. */
export const namesOf = (group: Group, count: number): readonly string[] =>
  count === 1 ? [nameOf(group)] : [partName(group), nameOf(group)];

function partName(group: Group): string {
  const core = coreOfContraction(group);
  return `${core.op.name}_partial_${core.id}`;
}

/** What the buffer is called that the first of two kernels fills for the second. */
export const partialOf = (group: Group): string => `%${coreOfContraction(group).id}.partial`;

/** The group's own values are computed, not loaded. */
function builderFor({ scope }: LowerContext, group: Group): KernelBuilder {
  const own = new Set(group.members.map(({ node }) => node));
  return createKernelBuilder({ ...scope, placeOf: (node) => (own.has(node) ? undefined : scope.placeOf(node)) });
}

const valueAt = (kernel: KernelBuilder, node: Node, position: Expr): Expr => kernel.valueOf(node, delinearize(position, node.type.shape));

const write = (kernel: KernelBuilder, node: Node, position: Expr, target: Target): Write => ({
  buffer: target.buffer,
  position: e.add(target.offset, position),
  value: valueAt(kernel, node, position),
});

const accumulatorOf = (node: Node): e.ScalarType => (isHalf(node.type.dtype) || node.type.dtype === "u8" ? "f32" : node.type.dtype);

/** Points one after the other: elementwise values, and reductions with all that follows from them. */
function loops(context: LowerContext, group: Group): void {
  const kernel = builderFor(context, group);
  const point = e.axis("i", group.points);
  for (const { core } of group.members) {
    if (!core) continue;
    const how = context.plan.lowering(core) as Reduction;
    const axes = how.extents.map((extent, i): Axis => ({ name: `r${i}`, extent }));
    const read = (i: number, index: readonly Expr[]): Expr => kernel.valueOf(at(core.inputs, i), index);
    const index = delinearize(point, core.type.shape);
    const value = how.value(
      read,
      index,
      axes.map((a) => e.axis(a.name, a.extent)),
    );
    const dtype = accumulatorOf(core);
    const range = how.range && clampedRange(how.range.bounds(read, index), at(how.extents, 0), how.range.mean);
    kernel.bind(core, kernel.stage({ kind: "reduce", op: how.op, dtype, axes, value, ...(range && { range }) }, dtype));
  }
  const stored = group.members.filter(({ node }) => group.outputs.has(node));
  const atPoints = stored.filter(({ domain }) => !isRows(domain));
  if (atPoints.length > 0) kernel.store(atPoints.flatMap((member) => writesAtPoint(context, kernel, member, point)));
  for (const members of byRow(stored)) {
    const runs = at(members, 0).domain as Runs;
    const { axes, position } = rowAt(runs, point);
    kernel.store(
      members.map(({ node }) => write(kernel, node, position, context.targetOf(node))),
      axes,
    );
  }
  context.emit(kernel.finish(nameOf(group), [{ name: "i", extent: group.points }], context.time));
}

function clampedRange(bounds: readonly [Expr, Expr], extent: number, mean: number): Range {
  const [from, to] = bounds.map((x) => e.binary("min", e.binary("max", x, e.int(0)), e.int(extent)));
  if (!from || !to) throw new InternalError("a range has two bounds");
  return { from, to, mean };
}

function writesAtPoint(context: LowerContext, kernel: KernelBuilder, { node, core, domain }: Member, position: Expr): Write[] {
  if (domain === "parts") return writesOfParts(context, kernel, node, position);
  if (!core || core === node) return [write(kernel, node, position, context.targetOf(node))];
  return [writeLanding(context, kernel, node, core, delinearize(position, core.type.shape))];
}

/** An element of each part that `node` joins. */
function writesOfParts(context: LowerContext, kernel: KernelBuilder, node: Node, position: Expr): Write[] {
  const { buffer, offset } = context.targetOf(node);
  return node.inputs.map((part, i): Write => {
    const index = delinearize(position, part.type.shape);
    const joined = node.op.joins?.(index, node, i) ?? index;
    return { buffer, position: e.add(offset, linearize(joined, node.type.shape)), value: kernel.valueOf(part, index) };
  });
}

/** Stores of rows of one shape share a loop. */
function byRow(members: readonly Member[]): Member[][] {
  const rows = new Map<string, Member[]>();
  for (const member of members) {
    if (!isRows(member.domain)) continue;
    const key = JSON.stringify(member.domain);
    rows.set(key, [...(rows.get(key) ?? []), member]);
  }
  return [...rows.values()];
}

/** The loop over what falls to a point, and the position of its element in the whole. */
function rowAt(runs: Runs, point: Expr): { readonly axes: readonly Axis[]; readonly position: Expr } {
  const kept = runs.filter((run) => run.isKept).map((run) => run.extent);
  const points = delinearize(point, kept);
  const axes = runs.filter((run) => !run.isKept).map((run, i): Axis => ({ name: `r${i}`, extent: run.extent }));
  if (rowOf(runs) === 1) return { axes: [], position: point };
  let [nextPoint, nextAxis] = [0, 0];
  const index = runs.map((run) => {
    if (run.isKept) return at(points, nextPoint++);
    const axis = at(axes, nextAxis++);
    return e.axis(axis.name, axis.extent);
  });
  return {
    axes,
    position: linearize(
      index,
      runs.map((run) => run.extent),
    ),
  };
}

/** The index of `root` where element `index` of `core` ends up, through the epilogue between them. */
function landingIndex({ plan }: LowerContext, root: Node, core: Node, index: readonly Expr[]): readonly Expr[] {
  const path: Node[] = [];
  const leadsToCore = new Map<Node, boolean>([[core, true]]);
  const leads = (node: Node): boolean => {
    let known = leadsToCore.get(node);
    if (known === undefined) {
      known = node.id > core.id && (node === root || !plan.groupOf.has(node)) && node.inputs.some(leads);
      leadsToCore.set(node, known);
    }
    return known;
  };
  for (let node = root; node !== core;) {
    path.push(node);
    const next = leads(node) ? node.inputs.find(leads) : undefined;
    if (!next) throw new InternalError(`no way from ${core.op.name} %${core.id} to ${root.op.name} %${root.id}`);
    node = next;
  }
  return path.reverse().reduce((at_, node) => node.op.lands?.(at_, node) ?? at_, index);
}

function writeLanding(context: LowerContext, kernel: KernelBuilder, node: Node, core: Node, index: readonly Expr[]): Write {
  const landing = landingIndex(context, node, core, index);
  const { buffer, offset } = context.targetOf(node);
  return { buffer, position: e.add(offset, linearize(landing, node.type.shape)), value: kernel.valueOf(node, landing) };
}

/** Stores all outputs of a contraction whose element `index` is the accumulator. */
function storeResults(context: LowerContext, kernel: KernelBuilder, group: Group, core: Node, index: readonly Expr[]): void {
  const position = linearize(index, core.type.shape);
  const writes = group.members
    .filter(({ node, domain }) => group.outputs.has(node) && domain !== "strips")
    .flatMap((member): Write[] => {
      const { node } = member;
      if (member.core) return [writeLanding(context, kernel, node, core, index)];
      if (member.domain === "parts") return writesOfParts(context, kernel, node, position);
      const own = sameShape(node.type.shape, core.type.shape) ? index : delinearize(position, node.type.shape);
      const { buffer, offset } = context.targetOf(node);
      return [{ buffer, position: e.add(offset, position), value: kernel.valueOf(node, own) }];
    });
  // Of a result that is only summed, nothing is stored.
  if (writes.length > 0) kernel.store(writes);
}

const productAxes = (b: number, m: number, n: number): Axis[] => [
  { name: "b", extent: b },
  { name: "m", extent: m },
  { name: "n", extent: n },
];

function contraction(context: LowerContext, group: Group, core: Node, how: Contraction): void {
  const kernel = builderFor(context, group);
  const read = (i: number, index: readonly Expr[]): Expr => kernel.valueOf(at(core.inputs, i), index);
  const [b, m, n, k] = [e.axis("b", how.b), e.axis("m", how.m), e.axis("n", how.n), e.axis("k", how.k)];
  const dtype = accumulatorOf(core);
  const stage: Stage = {
    kind: "contract",
    k: { name: "k", extent: how.k },
    dtype,
    lhs: how.lhs(read, b, m, k),
    rhs: how.rhs(read, b, k, n),
    ...operandTypeOf(core),
    ...(group.strip !== undefined && { strip: group.strip }),
  };
  kernel.bind(core, kernel.stage(stage, dtype));
  const index = how.outputIndex(b, m, n);
  storeResults(context, kernel, group, core, index);
  if (group.strip !== undefined)
    storeStrips(context, kernel, group, index, e.add(e.mul(m, e.int(how.n / group.strip)), e.div(n, e.int(group.strip))));
  context.emit(kernel.finish(nameOf(group), productAxes(how.b, how.m, how.n), context.time));
}

/**
 * Sums over strips of what a contraction's points have, and what follows from them.
 * @param index of the point, and `position` of its strip among all [channels, strips]
 */
function storeStrips(
  context: LowerContext,
  kernel: KernelBuilder,
  { members, outputs }: Group,
  index: readonly Expr[],
  position: Expr,
): void {
  const ofStrips = members.filter(({ domain }) => domain === "strips");
  for (const { core } of ofStrips)
    if (core)
      kernel.bind(core, kernel.stage({ kind: "strip", axes: [], dtype: "f32", value: kernel.valueOf(at(core.inputs, 0), index) }, "f32"));
  const stored = ofStrips.filter(({ node }) => outputs.has(node));
  kernel.storePerStrip(stored.map(({ node }) => write(kernel, node, position, context.targetOf(node))));
}

// A long reduction with few results: partial sums over `parts` slices of k, then their sum, which also runs the epilogue.
function splitContraction(context: LowerContext, group: Group, core: Node, how: Contraction, parts: number): void {
  const slice = Math.ceil(how.k / parts);
  const dtype = accumulatorOf(core);
  const results = how.b * how.m * how.n;
  const partial: Buffer = { name: partialOf(group), role: "temp", dtype: core.type.dtype, shape: [parts, how.b, how.m, how.n] };

  const first = builderFor(context, group);
  const read = (i: number, index: readonly Expr[]): Expr => first.valueOf(at(core.inputs, i), index);
  const [both, m, n, kLocal] = [e.axis("b", parts * how.b), e.axis("m", how.m), e.axis("n", how.n), e.axis("k", slice)];
  const [part, b] = delinearize(both, [parts, how.b]);
  if (!part || !b) throw new InternalError("split without parts");
  const k = e.add(e.mul(part, e.int(slice)), kLocal);
  const inside = slice * parts === how.k ? e.constant(1, "bool") : e.binary("lt", k, e.int(how.k));
  const lhs = e.select(inside, how.lhs(read, b, m, k), e.constant(0, dtype));
  const rhs = e.select(inside, how.rhs(read, b, k, n), e.constant(0, dtype));
  const product = first.stage({ kind: "contract", k: { name: "k", extent: slice }, dtype, lhs, rhs, ...operandTypeOf(core) }, dtype);
  first.store([{ buffer: partial, position: linearize([both, m, n], [parts * how.b, how.m, how.n]), value: product }]);
  context.emit(first.finish(partName(group), productAxes(parts * how.b, how.m, how.n), context.time));

  const second = builderFor(context, group);
  const i = e.axis("i", results);
  const [b2, m2, n2] = delinearize(i, [how.b, how.m, how.n]);
  if (!b2 || !m2 || !n2) throw new InternalError("split without results");
  const value = second.load(partial, e.add(e.mul(e.axis("r0", parts), e.int(results)), i));
  const sum = second.stage({ kind: "reduce", op: "sum", dtype, axes: [{ name: "r0", extent: parts }], value }, dtype);
  second.bind(core, sum);
  storeResults(context, second, group, core, how.outputIndex(b2, m2, n2));
  context.emit(second.finish(nameOf(group), [{ name: "i", extent: results }], context.time));
}

// The schedule for reductions with few points: several threads stride over the elements of one point, then combine in a tree, always in
// the same order. All stages of a kernel run in the same workgroup, so a softmax or a normalization is one launch.

import { type Expr } from "../../ir/loop/expr.ts";
import type { Axis, Kernel, ReduceStage, Stage } from "../../ir/loop/kernel.ts";
import { sizeOfAxes, strideAlong, substituter } from "../axes.ts";
import { loadsOf } from "../../ir/loop/loads.ts";
import { expressionsOf, sideBySide } from "../../ir/loop/kernel.ts";
import { at } from "../../ir/ops/define.ts";
import { mapExpressions } from "../../ir/loop/map-expr.ts";
import { InternalError } from "../../ir/types.ts";
import { apply, equals, GROUP, integer, LANE, less, loadOf, modulo, over, plus, times, type Block, type Value } from "./block.ts";
import { BlockBuilder, combine, combineLanes, identity, unflatten, variable } from "./builder.ts";
import { legalize } from "./legalize.ts";
import type { DeviceProfile } from "./profile.ts";

export interface RowShape {
  /** Threads that share a point; a power of two. */
  readonly threads: number;
  /** Points per workgroup. */
  readonly points: number;
}

/** Where the subgroups have one size, their lanes combine without shared memory. */
export function scheduleRows(source: Kernel, shape: RowShape, profile: DeviceProfile): Block {
  const total = sizeOfAxes(source.axes);
  const point = variable("$point", total);
  const atPoint = substituter(unflatten(source.axes, point));
  // A stage's own axes become one, walked in strides: element `item` of the stage.
  const flat = source.stages.map((stage): Stage => {
    const mapped = mapExpressions(stage, atPoint);
    if (mapped.kind === "contract") return mapped;
    const item = variable("$item", sizeOfAxes(mapped.axes));
    return mapExpressions(mapped, substituter(unflatten(mapped.axes, item)));
  });
  const kernel = legalize({ ...source, stages: flat });
  const { stages } = kernel;
  const block = new BlockBuilder(kernel, profile);
  const { out } = block;
  out.count(stages.flatMap(expressionsOf));

  const { threads, points } = shape;
  const size = threads * points;
  // Neighbouring threads should read neighbouring elements: along the point where that is the contiguous way.
  const alongPoint = points > 1 && prefersPoints(source);
  const lanePart = alongPoint ? over(LANE, points) : modulo(LANE, threads);
  const lanePoint = alongPoint ? modulo(LANE, points) : over(LANE, threads);
  const rowName = out.name("row");
  const part = block.let("part", points === 1 ? LANE : lanePart);
  const isExact = total % points === 0;
  const place = points === 1 ? GROUP : plus(times(GROUP, points), lanePoint);
  // Threads past the last point repeat it without storing: barriers must be reached by all.
  const row = block.define(rowName, isExact ? place : apply("min", place, integer(total - 1)));
  const inside = isExact ? undefined : block.let("inside", less(place, total));
  out.bindAxis("$point", row);

  const { lanes: subgroup } = profile;
  const lanes = points === 1 && subgroup !== undefined && threads % subgroup === 0 ? subgroup : undefined;

  const scratch = new Map<string, string>();
  const sums = new Map<number, Value>();
  stages.forEach((stage, position) => {
    switch (stage.kind) {
      case "reduce": {
        if (!sums.has(position)) {
          const together = sideBySide(stages, position);
          partialSums(block, together, part, threads).forEach((acc, i) => sums.set(position + i, acc));
        }
        const acc = sums.get(position);
        if (!acc) throw new InternalError(`stage ${String(position)} has no sum`);
        if (lanes === threads) {
          out.bindAcc(position, block.let("result", combineLanes(stage, acc)));
          break;
        }
        const name =
          scratch.get(stage.dtype) ?? block.shared(stage.dtype === "f32" ? "partial" : `partial_${stage.dtype}`, stage.dtype, size);
        scratch.set(stage.dtype, name);
        const step = alongPoint ? points : 1;
        if (lanes === undefined) tree(block, stage, { name, acc, part, threads, step });
        else acrossSubgroups(block, stage, name, acc, threads, lanes);
        const first = alongPoint ? lanePoint : apply("sub", LANE, part);
        const result = block.let("result", loadOf(name, stage.dtype, points === 1 ? integer(0) : first));
        // Only a later reduction overwrites the scratch.
        if (stages.slice(position + 1).some((later) => later.kind === "reduce")) block.barrier();
        out.bindAcc(position, result);
        break;
      }
      case "store": {
        const items = sizeOfAxes(stage.axes);
        const guards: Value[] = inside ? [inside] : [];
        if (items === 1) guards.push(equals(part, 0));
        const body = (): void => {
          if (items === 1) block.writes(stage);
          else
            overItems(block, items, part, threads, () => {
              block.writes(stage);
            });
        };
        if (guards.length > 0)
          block.when(
            guards.reduce((x, y) => apply("and", x, y)),
            body,
          );
        else body();
        block.afterStore();
        const stored = new Set(stage.writes.map((write) => write.buffer));
        if (loadsOf(stages.slice(position + 1).flatMap(expressionsOf)).some((load) => stored.has(load.buffer))) block.barrier("buffers");
        break;
      }
      case "contract":
      case "strip":
        throw new InternalError("a contraction has its own schedule");
      default:
        stage satisfies never;
    }
  });
  return block.finish(size, Math.ceil(total / points), lanes);
}

// One value of each subgroup goes through shared memory; they are few, and combined in order.
function acrossSubgroups(block: BlockBuilder, stage: ReduceStage, name: string, acc: Value, threads: number, lanes: number): void {
  const element = (index: Value): Value => loadOf(name, stage.dtype, index);
  const own = block.let("own", combineLanes(stage, acc));
  block.when(equals(modulo(LANE, lanes), 0), () => {
    block.store(name, over(LANE, lanes), own);
  });
  block.barrier();
  const parts = Array.from({ length: threads / lanes }, (_, i) => element(integer(i)));
  const total = parts.reduce((x, y) => combine(stage, x, y));
  block.when(equals(LANE, 0), () => {
    block.store(name, integer(0), total);
  });
  block.barrier();
}

/** What each thread has of reductions over the same elements, in one loop. */
function partialSums(block: BlockBuilder, together: readonly ReduceStage[], part: Value, threads: number): Value[] {
  const accs = together.map((stage) => block.variable("acc", identity(stage)));
  overItems(block, sizeOfAxes(at(together, 0).axes), part, threads, () => {
    together.forEach((stage, i) => {
      const acc = at(accs, i);
      block.assign(acc, combine(stage, acc, block.out.value(stage.value)));
    });
  });
  return accs;
}

function overItems(block: BlockBuilder, items: number, part: Value, threads: number, body: () => void): void {
  block.loop(block.out.name("item"), part, integer(items), threads, (item) => {
    block.out.bindAxis("$item", item);
    body();
  });
}

interface Tree {
  readonly name: string;
  readonly acc: Value;
  readonly part: Value;
  readonly threads: number;
  /** Distance in the scratch of neighbouring parts of one point. */
  readonly step: number;
}

function tree(block: BlockBuilder, stage: ReduceStage, { name, acc, part, threads, step }: Tree): void {
  const element = (index: Value): Value => loadOf(name, stage.dtype, index);
  block.store(name, LANE, acc);
  for (let half = threads / 2; half >= 1; half /= 2) {
    block.barrier();
    block.when(less(part, half), () => {
      block.store(name, LANE, combine(stage, element(LANE), element(plus(LANE, half * step))));
    });
  }
  block.barrier();
}

function prefersPoints(kernel: Kernel): boolean {
  const inner = kernel.axes.at(-1);
  if (!inner) return false;
  let votes = 0;
  for (const stage of kernel.stages) {
    if (stage.kind !== "reduce") continue;
    const along: Axis | undefined = stage.axes.at(-1);
    for (const { index } of loadsOf([stage.value])) {
      const isUnit = (expr: Expr, axis: Axis | undefined): number => (axis && strideAlong(expr, axis.name) === 1 ? 1 : 0);
      votes += isUnit(index, inner) - isUnit(index, along);
    }
  }
  return votes > 0;
}

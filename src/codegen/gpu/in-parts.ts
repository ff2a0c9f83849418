// A product with few results and a long sum, in two kernels: the first sums parts of k, each in workgroups of its own; the second adds up what they gave, in
// one order, so that every run has the same bits, and does what follows from the sum. Lowering does the like where a target's kernels bind few buffers
// (`splitK` of a target); here it is one of a kernel's ways, with the memory that the kernel was given for it.

import { acc, add, axis, int, load, mul, type Expr } from "../../ir/loop/expr.ts";
import { delinearize, linearize } from "../../ir/loop/index-math.ts";
import type { Axis, ContractStage, Kernel, Stage } from "../../ir/loop/kernel.ts";
import { mapExpressions } from "../../ir/loop/map-expr.ts";
import { at } from "../../ir/ops/define.ts";
import { InternalError } from "../../ir/types.ts";
import { sizeOfAxes, substituter } from "../axes.ts";

/**
 * Two kernels with the parameters of the given one, of which each leaves some alone.
 * @param kernel that begins with a contraction of f32 without strips, and has room for f32[parts, b, m, n]
 * @param parts a divisor of k
 */
export function inParts({ room, ...kernel }: Kernel, parts: number): readonly [Kernel, Kernel] {
  const [stage, ...stores] = kernel.stages;
  if (stage?.kind !== "contract" || room === undefined) throw new InternalError(`kernel ${kernel.name} cannot be cut`);
  return [ofParts(kernel, stage, parts, room), ofSums(kernel, stores, parts, room)];
}

function ofParts(kernel: Kernel, stage: ContractStage, parts: number, room: number): Kernel {
  const { k, dtype, lhs, rhs } = stage;
  const [b, ...others] = kernel.axes as [Axis, Axis, Axis];
  const slice = k.extent / parts;
  const axes = [{ ...b, extent: parts * b.extent }, ...others];
  const index = axes.map(({ name, extent }) => axis(name, extent));
  const [part, batch] = delinearize(at(index, 0), [parts, b.extent]) as [Expr, Expr];
  const replace = substituter(
    new Map([
      [b.name, batch],
      [k.name, add(mul(part, int(slice)), axis(k.name, slice))],
    ]),
  );
  const position = linearize(
    index,
    axes.map(({ extent }) => extent),
  );
  return {
    ...kernel,
    name: `${kernel.name}_in_${parts}`,
    params: kernel.params.map((param, i) => ({ ...param, access: i === room ? "write" : "read" })),
    axes,
    stages: [
      { ...stage, k: { ...k, extent: slice }, lhs: replace(lhs), rhs: replace(rhs) },
      { kind: "store", axes: [], writes: [{ buffer: room, index: position, value: acc(0, dtype) }] },
    ],
  };
}

function ofSums(kernel: Kernel, stores: readonly Stage[], parts: number, room: number): Kernel {
  const results = sizeOfAxes(kernel.axes);
  const [point, part] = [axis("i", results), axis("part", parts)];
  const index = delinearize(
    point,
    kernel.axes.map(({ extent }) => extent),
  );
  const replace = substituter(new Map(kernel.axes.map(({ name }, i) => [name, at(index, i)])));
  return {
    ...kernel,
    name: `${kernel.name}_sum_of_${parts}`,
    params: kernel.params.map((param, i) => (i === room ? { ...param, access: "read" } : param)),
    axes: [{ name: "i", extent: results }],
    stages: [
      {
        kind: "reduce",
        op: "sum",
        dtype: "f32",
        axes: [{ name: "part", extent: parts }],
        value: load(room, add(mul(part, int(results)), point), "f32"),
      },
      ...stores.map((stage) => mapExpressions(stage, replace)),
    ],
  };
}

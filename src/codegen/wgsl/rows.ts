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
import { legalize } from "./legalize.ts";
import { Shader, unflatten, variable, type Body } from "./shader.ts";

export interface RowShape {
  /** Threads that share a point; a power of two. */
  readonly threads: number;
  /** Points per workgroup. */
  readonly points: number;
}

/** @param subgroupSize lanes of every subgroup, where that is known: they combine without workgroup memory */
export function scheduleRows(source: Kernel, shape: RowShape, subgroupSize?: number): Body {
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
  const shader = new Shader(kernel);
  const { out } = shader;
  out.count(stages.flatMap(expressionsOf));

  const { threads } = shape;
  const size = threads * shape.points;
  // Neighbouring threads should read neighbouring elements: along the point where that is the contiguous way.
  const alongPoint = shape.points > 1 && prefersPoints(source);
  const row = out.name("row");
  const part = out.name("part");
  const lanePart = alongPoint ? `${shader.lane} / ${String(shape.points)}` : `${shader.lane} % ${String(threads)}`;
  const lanePoint = alongPoint ? `${shader.lane} % ${String(shape.points)}` : `${shader.lane} / ${String(threads)}`;
  shader.line(`let ${part} = ${shape.points === 1 ? shader.lane : lanePart};`);
  const isExact = total % shape.points === 0;
  const place = shape.points === 1 ? shader.group : `${shader.group} * ${String(shape.points)} + ${lanePoint}`;
  // Threads past the last point repeat it without storing: barriers must be reached by all.
  shader.line(`let ${row} = ${isExact ? place : `min(${place}, ${String(total - 1)})`};`);
  if (!isExact) shader.line(`let inside = ${place} < ${String(total)};`);
  out.bindAxis("$point", row);

  const lanes = shape.points === 1 && subgroupSize !== undefined && threads % subgroupSize === 0 ? subgroupSize : undefined;
  if (lanes !== undefined) shader.enable("subgroups");

  const scratch = new Map<string, string>();
  const sums = new Map<number, string>();
  stages.forEach((stage, position) => {
    switch (stage.kind) {
      case "reduce": {
        if (!sums.has(position)) {
          const together = sideBySide(stages, position);
          partialSums(shader, together, part, threads).forEach((acc, i) => sums.set(position + i, acc));
        }
        const acc = sums.get(position) ?? "";
        if (lanes === threads) {
          const whole = out.name("result");
          shader.line(`let ${whole} = ${shader.combineLanes(stage, acc)};`);
          out.bindAcc(position, whole);
          break;
        }
        const name =
          scratch.get(stage.dtype) ??
          shader.shared(stage.dtype === "f32" ? "partial" : `partial_${stage.dtype}`, `array<${stage.dtype}, ${String(size)}>`);
        scratch.set(stage.dtype, name);
        const step = alongPoint ? shape.points : 1;
        if (lanes === undefined) tree(shader, stage, { name, acc, part, threads, step });
        else acrossSubgroups(shader, stage, name, acc, threads, lanes);
        const result = out.name("result");
        const first = alongPoint ? lanePoint : `${shader.lane} - ${part}`;
        shader.line(`let ${result} = ${name}[${shape.points === 1 ? "0" : first}];`);
        // Only a later reduction overwrites the scratch.
        if (stages.slice(position + 1).some((later) => later.kind === "reduce")) shader.line("workgroupBarrier();");
        out.bindAcc(position, result);
        break;
      }
      case "store": {
        const items = sizeOfAxes(stage.axes);
        const guard = isExact ? [] : ["inside"];
        if (items === 1) guard.push(`${part} == 0`);
        const body = (): void => {
          if (items === 1) shader.writes(stage);
          else
            overItems(shader, items, part, threads, () => {
              shader.writes(stage);
            });
        };
        if (guard.length > 0) shader.block(`if (${guard.join(" && ")})`, body);
        else body();
        shader.afterStore();
        const stored = new Set(stage.writes.map((write) => write.buffer));
        if (loadsOf(stages.slice(position + 1).flatMap(expressionsOf)).some((load) => stored.has(load.buffer)))
          shader.line("storageBarrier();");
        break;
      }
      case "contract":
        throw new InternalError("a contraction has its own schedule");
      default:
        stage satisfies never;
    }
  });
  const body = shader.finish(size, Math.ceil(total / shape.points));
  return lanes === undefined ? body : { ...body, subgroupSize: lanes };
}

// One value of each subgroup goes through workgroup memory; they are few, and combined in order.
function acrossSubgroups(shader: Shader, stage: ReduceStage, name: string, acc: string, threads: number, lanes: number): void {
  const own = shader.out.name("own");
  shader.line(`let ${own} = ${shader.combineLanes(stage, acc)};`);
  shader.line(`if (${shader.lane} % ${String(lanes)} == 0) { ${name}[${shader.lane} / ${String(lanes)}] = ${own}; }`);
  shader.line("workgroupBarrier();");
  const parts = Array.from({ length: threads / lanes }, (_, i) => `${name}[${String(i)}]`);
  const total = parts.reduce((x, y) => shader.combine(stage, x, y));
  shader.line(`if (${shader.lane} == 0) { ${name}[0] = ${total}; }`);
  shader.line("workgroupBarrier();");
}

/** What each thread has of reductions over the same elements, in one loop. */
function partialSums(shader: Shader, together: readonly ReduceStage[], part: string, threads: number): string[] {
  const { out } = shader;
  const accs = together.map((stage) => {
    const acc = out.name("acc");
    shader.line(`var ${acc} = ${shader.identity(stage)};`);
    return acc;
  });
  overItems(shader, sizeOfAxes(at(together, 0).axes), part, threads, () => {
    together.forEach((stage, i) => {
      const acc = at(accs, i);
      shader.line(`${acc} = ${shader.combine(stage, acc, out.value(stage.value))};`);
    });
  });
  return accs;
}

function overItems(shader: Shader, items: number, part: string, threads: number, body: () => void): void {
  const name = shader.out.name("item");
  shader.loop(name, part, items, threads, () => {
    shader.out.bindAxis("$item", name);
    body();
  });
}

interface Tree {
  readonly name: string;
  readonly acc: string;
  readonly part: string;
  readonly threads: number;
  /** Distance in the scratch of neighbouring parts of one point. */
  readonly step: number;
}

function tree(shader: Shader, stage: ReduceStage, { name, acc, part, threads, step }: Tree): void {
  const own = `${name}[${shader.lane}]`;
  shader.line(`${own} = ${acc};`);
  for (let half = threads / 2; half >= 1; half /= 2) {
    shader.line("workgroupBarrier();");
    shader.line(
      `if (${part} < ${String(half)}) { ${own} = ${shader.combine(stage, own, `${name}[${shader.lane} + ${String(half * step)}]`)}; }`,
    );
  }
  shader.line("workgroupBarrier();");
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

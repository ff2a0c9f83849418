// The schedule for kernels with many independent points: one thread per point, or per run of points, reductions serial in the thread.

import type { Kernel, Stage } from "../../ir/loop/kernel.ts";
import { sizeOfAxes, substituter } from "../axes.ts";
import { expressionsOf, sideBySide } from "../../ir/loop/kernel.ts";
import { at } from "../../ir/ops/define.ts";
import { mapExpressions } from "../../ir/loop/map-expr.ts";
import { legalize } from "./legalize.ts";
import { Shader, unflatten, variable, type Body } from "./shader.ts";

/** How points are dealt out: runs of `run` points to each of `threads` threads of a workgroup. */
export interface Deal {
  readonly threads: number;
  readonly run: number;
}

/** On a GPU threads are free. */
export const GPU_DEAL: Deal = { threads: 64, run: 1 };

/** On a CPU that plays GPU, starting a thread costs as much as ten loads; still, every core wants some. */
export const cpuDeal = (points: number): Deal =>
  points < 4096 ? GPU_DEAL : { threads: 256, run: Math.min(16, Math.floor(points / 2048)) };

export function scheduleMap(source: Kernel, { threads, run }: Deal = GPU_DEAL): Body {
  const points = sizeOfAxes(source.axes);
  const point = variable("$point", points);
  const atPoint = substituter(unflatten(source.axes, point));
  const kernel = legalize({ ...source, stages: source.stages.map((stage) => mapExpressions(stage, atPoint)) });
  const { stages } = kernel;
  const shader = new Shader(kernel);
  const { out } = shader;
  out.count(stages.flatMap(expressionsOf));

  const name = out.name("point");
  const thread = `${shader.group} * ${String(threads)} + ${shader.lane}`;
  const isExact = points % (threads * run) === 0;
  if (run === 1) {
    shader.line(`let ${name} = ${thread};`);
    if (!isExact) shader.line(`if (${name} >= ${String(points)}) { return; }`);
    out.bindAxis("$point", name);
    runStages(shader, stages);
  } else {
    const first = out.name("first");
    shader.line(`let ${first} = (${thread}) * ${String(run)};`);
    const step = out.name("step");
    shader.loop(
      step,
      "0",
      run,
      1,
      () => {
        shader.line(`let ${name} = ${first} + ${step};`);
        if (!isExact) shader.line(`if (${name} >= ${String(points)}) { break; }`);
        out.bindAxis("$point", name);
        runStages(shader, stages);
      },
      true,
    );
  }
  return shader.finish(threads, Math.ceil(points / (threads * run)));
}

function runStages(shader: Shader, stages: readonly Stage[]): void {
  const { out } = shader;
  let done = 0;
  stages.forEach((stage, position) => {
    if (position < done) return;
    switch (stage.kind) {
      case "reduce": {
        const together = sideBySide(stages, position);
        const accs = together.map((each) => {
          const acc = out.name("acc");
          shader.line(`var ${acc} = ${shader.identity(each)};`);
          return acc;
        });
        const step = (): void =>
          together.forEach((each, i) => {
            const acc = at(accs, i);
            shader.line(`${acc} = ${shader.combine(each, acc, out.value(each.value))};`);
          });
        if (stage.range) shader.range(stage.axes, out.value(stage.range.from), out.named(stage.range.to), step);
        else shader.nest(stage.axes, step);
        accs.forEach((acc, i) => {
          out.bindAcc(position + i, acc);
        });
        done = position + together.length;
        break;
      }
      case "contract": {
        const acc = out.name("acc");
        shader.line(`var ${acc} = ${shader.identity({ op: "sum", dtype: stage.dtype })};`);
        shader.nest([stage.k], () => {
          shader.line(`${acc} += ${out.value(stage.lhs)} * ${out.value(stage.rhs)};`);
        });
        out.bindAcc(position, acc);
        break;
      }
      case "store":
        shader.nest(stage.axes, () => {
          shader.writes(stage);
        });
        shader.afterStore();
        break;
      default:
        stage satisfies never;
    }
  });
}

// The schedule for kernels with many independent points: one thread per point, reductions serial in the thread.

import type { Kernel } from "../../ir/loop/kernel.ts";
import type { CompiledKernel } from "../../ir/program.ts";
import { expressionsOf, mapExpressions, sizeOfAxes, substituter } from "./axes.ts";
import { legalize } from "./legalize.ts";
import { combine, identityOf, Shader, unflatten, variable } from "./shader.ts";

const THREADS = 64;

export function scheduleMap(source: Kernel): CompiledKernel {
  const points = sizeOfAxes(source.axes);
  const point = variable("$point", points);
  const atPoint = substituter(unflatten(source.axes, point));
  const kernel = legalize({ ...source, stages: source.stages.map((stage) => mapExpressions(stage, atPoint)) });
  const { stages } = kernel;
  const shader = new Shader(kernel);
  const { out } = shader;
  out.count(stages.flatMap(expressionsOf));

  const name = out.name("point");
  shader.line(`let ${name} = ${shader.group} * ${String(THREADS)} + ${shader.lane};`);
  if (points % THREADS !== 0) shader.line(`if (${name} >= ${String(points)}) { return; }`);
  out.bindAxis("$point", name);
  stages.forEach((stage, position) => {
    switch (stage.kind) {
      case "reduce": {
        const acc = out.name("acc");
        shader.line(`var ${acc} = ${identityOf(stage.op, stage.dtype)};`);
        shader.nest(stage.axes, () => {
          shader.line(`${acc} = ${combine(stage.op, acc, out.value(stage.value))};`);
        });
        out.bindAcc(position, acc);
        break;
      }
      case "contract": {
        const acc = out.name("acc");
        shader.line(`var ${acc} = ${identityOf("sum", stage.dtype)};`);
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
      default: stage satisfies never;
    }
  });
  return shader.finish(THREADS, Math.ceil(points / THREADS));
}

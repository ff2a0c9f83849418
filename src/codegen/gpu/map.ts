// The schedule for kernels with many independent points: one thread per point, or per run of points, reductions serial in the thread.

import type { Kernel, Stage } from "../../ir/loop/kernel.ts";
import { sizeOfAxes, substituter } from "../axes.ts";
import { InternalError } from "../../ir/types.ts";
import { expressionsOf, sideBySide } from "../../ir/loop/kernel.ts";
import { at } from "../../ir/ops/define.ts";
import { mapExpressions } from "../../ir/loop/map-expr.ts";
import { apply, GROUP, integer, LANE, named, number, plus, times, type Block, type Statement, type Value } from "./block.ts";
import { BlockBuilder, combine, identity, unflatten, variable } from "./builder.ts";
import { legalize } from "./legalize.ts";
import type { DeviceProfile } from "./profile.ts";

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

export function scheduleMap(source: Kernel, profile: DeviceProfile, { threads, run }: Deal = GPU_DEAL): Block {
  const points = sizeOfAxes(source.axes);
  const point = variable("$point", points);
  const atPoint = substituter(unflatten(source.axes, point));
  const kernel = legalize({ ...source, stages: source.stages.map((stage) => mapExpressions(stage, atPoint)) });
  const { stages } = kernel;
  const block = new BlockBuilder(kernel, profile);
  const { out } = block;
  out.count(stages.flatMap(expressionsOf));

  const name = out.name("point");
  const thread = plus(times(GROUP, threads), LANE);
  const isExact = points % (threads * run) === 0;
  // Past the last point, a thread or its loop ends.
  const last = (end: Statement): Statement => ({
    kind: "if",
    condition: apply("le", integer(points), named(name, "i32")),
    yes: [end],
    no: [],
  });
  if (run === 1) {
    out.bindAxis("$point", block.define(name, thread));
    if (!isExact) out.line(last({ kind: "return" }));
    runStages(block, stages);
  } else {
    const first = block.let("first", times(thread, run));
    const body = (step: Value): void => {
      out.bindAxis("$point", block.define(name, plus(first, step)));
      if (!isExact) out.line(last({ kind: "break" }));
      runStages(block, stages);
    };
    block.loop(out.name("step"), integer(0), integer(run), 1, body, true);
  }
  return block.finish(threads, Math.ceil(points / (threads * run)));
}

/** The stages of a kernel at the point that is bound, by one thread. */
export function runStages(block: BlockBuilder, stages: readonly Stage[]): void {
  const { out } = block;
  let done = 0;
  stages.forEach((stage, position) => {
    if (position < done) return;
    switch (stage.kind) {
      case "reduce": {
        const together = sideBySide(stages, position);
        const accs = together.map((each) => block.variable("acc", identity(each)));
        const step = (): void => {
          together.forEach((each, i) => {
            const acc = at(accs, i);
            block.assign(acc, combine(each, acc, out.value(each.value)));
          });
        };
        const [axis] = stage.axes;
        if (stage.range && axis) block.range(axis, out.value(stage.range.from), out.named(stage.range.to), step);
        else block.nest(stage.axes, step);
        accs.forEach((acc, i) => {
          out.bindAcc(position + i, acc);
        });
        done = position + together.length;
        break;
      }
      case "contract": {
        const acc = block.variable("acc", number(0, stage.dtype));
        block.nest([stage.k], () => {
          block.assign(acc, plus(acc, times(out.value(stage.lhs), out.value(stage.rhs))));
        });
        out.bindAcc(position, acc);
        break;
      }
      case "store":
        block.nest(stage.axes, () => {
          block.writes(stage);
        });
        block.afterStore();
        break;
      case "strip":
        throw new InternalError("strips are of a contraction, which has its own schedule");
      default:
        stage satisfies never;
    }
  });
}

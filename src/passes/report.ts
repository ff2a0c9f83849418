// What a compiled stage costs and does, computed from the program itself: the numbers behind `tlc inspect`.

import type { EntryName } from "../ir/program.ts";
import type { EntryReport, StageReport } from "../ir/artifact.ts";
import { topologicalOrder, type Graph } from "../ir/graph.ts";
import type { Parameter } from "../ir/model.ts";
import type { Node } from "../ir/node.ts";
import type { Kernel } from "../ir/loop/kernel.ts";
import { sizeOf } from "../ir/types.ts";
import { callsOf, type Buffer, type Task } from "./lowered.ts";
import { bytesOf, type MemoryPlan } from "./plan-memory.ts";

export function reportStage(
  parameters: readonly Parameter[],
  graphs: ReadonlyMap<EntryName, Graph>,
  tasks: ReadonlyMap<EntryName, readonly Task[]>,
  memory: MemoryPlan,
): StageReport {
  const entries: Partial<Record<EntryName, EntryReport>> = {};
  for (const [entry, list] of tasks) entries[entry] = reportEntry(graphs.get(entry), list);
  const buffers = new Set(
    [...tasks.values()]
      .flat()
      .flatMap(callsOf)
      .flatMap((call) => call.buffers),
  );
  const total = (wanted: (b: Buffer) => boolean): number => [...buffers].reduce((sum, b) => (wanted(b) ? sum + bytesOf(b) : sum), 0);
  const trainable = parameters.filter((p) => p.trainable);
  return {
    frontier: frontierOf(graphs.get("train"), trainable),
    entries,
    bytes: {
      weights: total((b) => b.role === "weight"),
      gradients: trainable.reduce((sum, p) => sum + 4 * sizeOf(p.shape), 0),
      optimizer: total((b) => b.name.startsWith("optimizer/")),
      temporary: memory.temporaryBytes,
      temporaryLowerBound: memory.lowerBound,
      arena: memory.arenaBytes,
    },
  };
}

function reportEntry(graph: Graph | undefined, tasks: readonly Task[]): EntryReport {
  const launches = tasks.reduce((sum, task) => sum + (task.kind === "loop" ? task.count * task.calls.length : 1), 0);
  const flops = tasks.reduce(
    (sum, task) => sum + (task.kind === "loop" ? task.count : 1) * callsOf(task).reduce((all, call) => all + flopsOf(call.kernel), 0),
    0,
  );
  return { ops: graph ? topologicalOrder(graph.outputs.values()).length : 0, kernels: tasks.flatMap(callsOf).length, launches, flops };
}

/** Of contractions; two for a multiply-add. */
function flopsOf(kernel: Kernel): number {
  const points = kernel.axes.reduce((size, axis) => size * axis.extent, 1);
  return kernel.stages.reduce((sum, stage) => (stage.kind === "contract" ? sum + 2 * points * stage.k.extent : sum), 0);
}

/**
 * The freeze frontier: trainable parameters nearest to the input. Nothing below them has a gradient, so nothing below them is kept for
 * one. Checked, not assumed: gradients are asked for trainable leaves only (passes/step-graph.ts), and the count of parameters that
 * the step changes must be theirs.
 */
function frontierOf(train: Graph | undefined, trainable: readonly Parameter[]): readonly string[] {
  if (!train) return [];
  const names = new Map<Node, string>(trainable.map((p) => [p.node, p.name]));
  const below = new Map<Node, boolean>();
  const first: string[] = [];
  for (const node of topologicalOrder(train.outputs.values())) {
    const own = names.get(node);
    below.set(node, own !== undefined || node.inputs.some((input) => below.get(input) === true));
    if (own === undefined) continue;
    first.push(own);
  }
  return first.slice(0, 1);
}

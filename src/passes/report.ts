// What a compiled stage costs and does, computed from the program itself: the numbers behind `tlc inspect`.

import type { EntryName } from "../ir/program.ts";
import type { EntryReport, LayerReport, StageReport } from "../ir/artifact.ts";
import { topologicalOrder, type Graph } from "../ir/graph.ts";
import type { Parameter } from "../ir/model.ts";
import type { Node } from "../ir/node.ts";
import type { Kernel } from "../ir/loop/kernel.ts";
import { sizeOf } from "../ir/types.ts";
import { callsOf, isManyLaunches, launchesOf, type Buffer, type KernelCall, type Task } from "./lowered.ts";
import type { Compiled } from "./pipeline.ts";
import { aligned, bytesOf, type MemoryPlan } from "./plan-memory.ts";
import { leastTraffic, trafficOf, trafficOfTasks } from "./traffic.ts";
import { WORK_PER_BYTE } from "./work.ts";

/** The training step among a stage's entries, and which of its outputs the loss reaches. */
export interface StepReference {
  readonly entry: EntryName;
  readonly loss: string;
}

export function reportStage(
  { graphs, tasks, memory }: Pick<Compiled, "graphs" | "tasks" | "memory">,
  step: StepReference,
  trainable: readonly Parameter[],
): Omit<StageReport, "cache" | "folded" | "recomputed"> {
  const entries: Record<EntryName, EntryReport> = {};
  for (const [entry, list] of tasks) entries[entry] = reportEntry(graphs.get(entry), list, memory);
  const buffers = new Set(
    [...tasks.values()]
      .flat()
      .flatMap(callsOf)
      .flatMap((call) => call.buffers),
  );
  const total = (wanted: (b: Buffer) => boolean): number => [...buffers].reduce((sum, b) => (wanted(b) ? sum + bytesOf(b) : sum), 0);
  return {
    layers: reportLayers(graphs.get(step.entry), tasks.get(step.entry) ?? []),
    frontier: frontierOf(graphs.get(step.entry)?.outputs.get(step.loss), trainable),
    entries,
    bytes: {
      weights: total((b) => b.kind === "weight" || b.kind === "statistic" || b.kind === "teacher"),
      gradients: trainable.reduce((sum, p) => sum + 4 * sizeOf(p.state.type.shape), 0),
      optimizer: total((b) => b.kind === "optimizer" || b.kind === "average"),
      folded: total((b) => b.kind === "folded"),
      temporary: memory.temporaryBytes,
      temporaryLowerBound: memory.lowerBound,
      arena: memory.arenaBytes,
    },
  };
}

function reportEntry(graph: Graph | undefined, tasks: readonly Task[], memory: MemoryPlan): EntryReport {
  return {
    ops: graph ? topologicalOrder(graph.outputs.values()).length : 0,
    ...withoutTime(costsBy(tasks, () => "all").get("all") ?? NOTHING),
    temporary: temporaryBytes(tasks, memory),
    traffic: { ...trafficOfTasks(tasks), least: leastTraffic(tasks) },
  };
}

/** How far into the region that all entries share the temporaries of one go. */
function temporaryBytes(tasks: readonly Task[], { offsets, arenaBytes, temporaryBytes: most }: MemoryPlan): number {
  const from = arenaBytes - most;
  const buffers = new Set(tasks.flatMap(callsOf).flatMap((call) => call.buffers));
  return [...buffers].reduce((end, buffer) => {
    const offset = buffer.role === "temp" ? (offsets.get(buffer) ?? 0) : -1;
    return offset < from ? end : Math.max(end, offset - from + aligned(bytesOf(buffer)));
  }, 0);
}

/** What kernels take; `time` in operations, of which a byte moved is worth some. */
type Costs = Omit<LayerReport, "layer" | "ops" | "share"> & { readonly time: number };

const NOTHING: Costs = { kernels: 0, launches: 0, flops: 0, time: 0 };

const withoutTime = ({ time: _, ...costs }: Costs): Omit<Costs, "time"> => costs;

/** What the kernels of each key cost, loops counted. */
function costsBy<K>(tasks: readonly Task[], keyOf: (call: KernelCall) => K): ReadonlyMap<K, Costs> {
  const costs = new Map<K, Costs>();
  const add = (key: K, more: Partial<Costs>): void => {
    const sum = (field: keyof Costs): number => (costs.get(key) ?? NOTHING)[field] + (more[field] ?? 0);
    costs.set(key, { kernels: sum("kernels"), launches: sum("launches"), flops: sum("flops"), time: sum("time") });
  };
  for (const task of tasks) {
    const times = task.kind === "loop" ? task.count : 1;
    for (const call of callsOf(task))
      add(keyOf(call), { kernels: 1, flops: times * flopsOf(call.kernel), time: times * timeOf(call.kernel) });
    // A launch that kernels of several keys share is one of each.
    for (const calls of launchesOf(task))
      for (const key of new Set(calls.map(keyOf))) add(key, { launches: isManyLaunches(task) ? times : 1 });
  }
  return costs;
}

function reportLayers(graph: Graph | undefined, tasks: readonly Task[]): readonly LayerReport[] {
  const ops = new Map<string, number>();
  for (const node of graph ? topologicalOrder(graph.outputs.values()) : []) {
    const path = graph?.builder.originOf(node)?.path;
    if (path !== undefined) ops.set(path, (ops.get(path) ?? 0) + 1);
  }
  const costs = costsBy(tasks, ({ origin }) => origin?.path);
  const total = [...costs.values()].reduce((sum, { time }) => sum + time, 0);
  return [...ops].map(([layer, count]) => {
    const { time, ...cost } = costs.get(layer) ?? NOTHING;
    return { layer, ops: count, ...cost, share: total === 0 ? 0 : time / total };
  });
}

/** A roofline: products and memory work at one time, and the slower of them decides. */
function timeOf(kernel: Kernel): number {
  const { read, written } = trafficOf(kernel);
  return Math.max(flopsOf(kernel), WORK_PER_BYTE * (read + written));
}

/** Of all kernels, loops counted. */
export const flopsOfTasks = (tasks: readonly Task[]): number => costsBy(tasks, () => "all").get("all")?.flops ?? 0;

/** Of contractions; two for a multiply-add. */
export function flopsOf(kernel: Kernel): number {
  const points = kernel.axes.reduce((size, axis) => size * axis.extent, 1);
  return kernel.stages.reduce((sum, stage) => (stage.kind === "contract" ? sum + 2 * points * stage.k.extent : sum), 0);
}

/**
 * The freeze frontier: trainable parameters whose other operand nothing trainable feeds. Nothing below them has a gradient, so nothing
 * below them is kept for one: gradients are asked for trainable leaves only (step-graph.ts).
 */
function frontierOf(loss: Node | undefined, trainable: readonly Parameter[]): readonly string[] {
  if (!loss) return [];
  // What is made of parameters alone (a reshaped weight, the sum of two biases) stands for them; the rest may depend on them.
  const madeOf = new Map<Node, readonly string[]>(trainable.map((p) => [p.node, [p.name]]));
  const dependent = new Set<Node>();
  const frontier = new Set<string>();
  const isConstant = (node: Node): boolean => node.inputs.length === 0 && !("role" in node.attrs);
  for (const node of topologicalOrder([loss])) {
    const parameters = node.inputs.flatMap((input) => madeOf.get(input) ?? []);
    if (parameters.length > 0 && node.inputs.every((input) => madeOf.has(input) || isConstant(input))) {
      madeOf.set(node, parameters);
      continue;
    }
    const isFed = node.inputs.some((input) => dependent.has(input));
    if (!isFed) parameters.forEach((name) => frontier.add(name));
    if (isFed || parameters.length > 0) dependent.add(node);
  }
  return [...frontier];
}

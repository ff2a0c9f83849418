// The table of contents of the optimizer: what happens to an entry's graph, in this order, and then to its kernels.

import type { Graph } from "../ir/graph.ts";
import { verifyGraph } from "../ir/verify.ts";
import { printGraph } from "../ir/print.ts";
import { printKernel } from "../ir/loop/print.ts";
import { verifyKernel } from "../ir/loop/verify.ts";
import type { EntryName, Program } from "../ir/program.ts";
import { InternalError } from "../ir/types.ts";
import { assemble, type CompilesKernels } from "./assemble.ts";
import { canonicalize } from "./canonicalize.ts";
import { decompose } from "./decompose.ts";
import { lowerGraph, type SharedBuffers } from "./lower.ts";
import type { LowerOptions } from "./lower-node.ts";
import { callsOf, type Task } from "./lowered.ts";
import { mergeKernels } from "./merge-kernels.ts";
import { mergeScans } from "./merge-scans.ts";
import { planMemory, type MemoryPlan } from "./plan-memory.ts";
import { schedule } from "./schedule.ts";
import { settleStorage } from "./storage.ts";

export interface GraphPass {
  readonly name: string;
  readonly run: (graph: Graph) => Graph;
}

// Common subexpressions and dead code need no pass of their own: nodes are interned, and what no output reaches does not exist.
export const GRAPH_PASSES: readonly GraphPass[] = [
  // Gradients made a second forward loop that keeps values: one loop is enough.
  { name: "merge-scans", run: mergeScans },
  // After differentiation, so that composites' own gradient rules were used.
  { name: "decompose", run: decompose },
  // Folds what broadcasting, slicing and decomposition left over.
  { name: "canonicalize", run: canonicalize },
];

export interface TaskPass {
  readonly name: string;
  readonly run: (tasks: readonly Task[], options: LowerOptions) => readonly Task[];
}

export const TASK_PASSES: readonly TaskPass[] = [
  { name: "schedule", run: schedule },
  // Needs the final order, to see what may move.
  { name: "merge-kernels", run: mergeKernels },
];

/** Every name that `--dump-after` knows. */
export const PASS_NAMES: readonly string[] = ["step", ...GRAPH_PASSES.map((p) => p.name), "lower", ...TASK_PASSES.map((p) => p.name)];

export interface PipelineOptions extends LowerOptions {
  /** Checks every IR after every pass; a fault is a bug of the compiler. */
  readonly verify?: boolean;
  /** Receives the text of every entry after the pass of this name. */
  readonly dump?: { readonly after: string; readonly write: (text: string) => void };
}

export interface Compiled {
  readonly program: Program;
  readonly memory: MemoryPlan;
  readonly graphs: ReadonlyMap<EntryName, Graph>;
  readonly tasks: ReadonlyMap<EntryName, readonly Task[]>;
}

/** Optimizes and lowers the entries of one program. */
export function compileEntries(entries: ReadonlyMap<EntryName, Graph>, target: CompilesKernels, options: PipelineOptions): Compiled {
  const shared: SharedBuffers = new Map();
  const graphs = new Map<EntryName, Graph>();
  const tasks = new Map<EntryName, readonly Task[]>();
  const dump = (pass: string, entry: string, text: () => string): void => {
    if (options.dump?.after === pass) options.dump.write(`--- ${entry} after ${pass}\n${text()}`);
  };
  for (const [entry, graph] of entries) {
    if (options.verify) verifyGraph(graph, "building");
    dump("step", entry, () => printGraph(graph));
    let current = graph;
    for (const { name, run } of GRAPH_PASSES) {
      current = run(current);
      if (options.verify) verifyGraph(current, name);
      const result = current;
      dump(name, entry, () => printGraph(result));
    }
    graphs.set(entry, current);
  }
  // `init` last: it gives values to state that the other entries have named.
  const inOrder = [...graphs].sort(([a], [b]) => Number(a === "init") - Number(b === "init"));
  for (const [entry, graph] of inOrder) {
    let current: readonly Task[] = lowerGraph(graph, shared, options);
    const printTasks = (list: readonly Task[]): string => list.map(printTask).join("\n");
    const lowered = current;
    dump("lower", entry, () => printTasks(lowered));
    for (const { name, run } of TASK_PASSES) {
      current = run(current, options);
      const result = current;
      if (options.verify) result.flatMap(callsOf).forEach((call) => blame(name, () => verifyKernel(call.kernel)));
      dump(name, entry, () => printTasks(result));
    }
    tasks.set(entry, current);
  }
  // Bytes that the target cannot store become words.
  const settled = settleStorage(tasks, target);
  const memory = planMemory([...settled.values()]);
  const ordered = new Map([...entries.keys()].map((entry) => [entry, settled.get(entry) ?? []] as const));
  return { program: assemble(ordered, memory, target), memory, graphs, tasks: ordered };
}

function printTask(task: Task): string {
  const lines = callsOf(task).map(
    ({ kernel, buffers }) => `${printKernel(kernel)}  with ${buffers.map((b, i) => `p${i} = ${b.name}`).join(", ")}\n`,
  );
  return task.kind === "kernel" ? lines.join("") : `loop ${task.count}${task.reverse ? " reversed" : ""} {\n${lines.join("")}}\n`;
}

function blame(pass: string, check: () => void): void {
  try {
    check();
  } catch (error) {
    throw error instanceof InternalError ? new InternalError(`after ${pass}: ${error.message.replace(/^internal: /, "")}`) : error;
  }
}

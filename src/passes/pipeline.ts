// The table of contents of the optimizer: what happens to each entry of a program, in this order, from its graph to kernels in order.

import { printPlan } from "../ir/fusion/print.ts";
import type { FusionPlan } from "../ir/fusion/plan.ts";
import { verifyPlan } from "../ir/fusion/verify.ts";
import type { Graph } from "../ir/graph.ts";
import { printKernel } from "../ir/loop/print.ts";
import { verifyKernel } from "../ir/loop/verify.ts";
import { printGraph } from "../ir/print.ts";
import type { EntryName, Program } from "../ir/program.ts";
import { blaming } from "../ir/origin.ts";
import { InternalError } from "../ir/types.ts";
import { verifyGraph } from "../ir/verify.ts";
import { assemble, type CompilesKernels } from "./assemble.ts";
import { canonicalize } from "./canonicalize.ts";
import { decompose } from "./decompose.ts";
import { planFusion } from "./fuse.ts";
import { placeUpdates, type Placed } from "./in-place.ts";
import { lowerGraph, replacedBy, type SharedBuffers } from "./lower.ts";
import type { LowerOptions } from "./lower-group.ts";
import { callsOf, type Task } from "./lowered.ts";
import { mergeScans } from "./merge-scans.ts";
import { planMemory, type MemoryPlan } from "./plan-memory.ts";
import { schedule } from "./schedule.ts";
import { settleStorage } from "./storage.ts";

/** An entry on its way: each pass replaces its form or adds the next one. */
interface Entry {
  readonly graph: Graph;
  readonly plan?: FusionPlan;
  readonly placed?: Placed;
  readonly tasks?: readonly Task[];
}

interface Context {
  readonly options: LowerOptions;
  readonly shared: SharedBuffers;
}

export interface Pass {
  readonly name: string;
  /** Nothing can be lowered or run without it; the others only make programs better. */
  readonly isRequired: boolean;
  readonly run: (entry: Entry, context: Context) => Entry;
  /** What stands in place of a pass that is left out. */
  readonly skip?: (entry: Entry, context: Context) => Entry;
}

const onGraph = (name: string, run: (graph: Graph) => Graph, isRequired = false): Pass => ({
  name,
  isRequired,
  run: (entry) => ({ ...entry, graph: run(entry.graph) }),
});

// Common subexpressions and dead code need no pass of their own: nodes are interned, and what no output reaches does not exist.
export const PASSES: readonly Pass[] = [
  // After differentiation, so that composites' own gradient rules were used.
  onGraph("decompose", decompose, true),
  // Gradients made a second forward loop that keeps values: one loop is enough. Only now do both look the same.
  onGraph("merge-scans", mergeScans),
  // Folds what broadcasting, slicing and decomposition left over.
  onGraph("canonicalize", canonicalize),
  // Which values share a kernel, and which have memory.
  {
    name: "fuse",
    isRequired: false,
    run: (entry, { options }) => ({ ...entry, plan: planOf(entry.graph, options) }),
    skip: (entry, { options }) => ({ ...entry, plan: planOf(entry.graph, { ...options, isFusing: false }) }),
  },
  // Groups become loop nests; new values of state are values like any other.
  {
    name: "lower",
    isRequired: true,
    run: (entry, { options, shared }) => ({ ...entry, tasks: lowerGraph(entry.graph, present(entry.plan), shared, options) }),
  },
  // Where new values of state are written, and what must run before what.
  {
    name: "place-updates",
    isRequired: true,
    run: (entry) => {
      const placed = placeUpdates(present(entry.tasks));
      return { ...entry, placed, tasks: placed.tasks };
    },
  },
  // The order with the least memory at its peak.
  {
    name: "schedule",
    isRequired: false,
    run: (entry) => ({ ...entry, tasks: schedule(present(entry.placed)) }),
    skip: (entry) => ({ ...entry, tasks: schedule(present(entry.placed), false) }),
  },
];

/** Every name that `--dump-after` knows. */
export const PASS_NAMES: readonly string[] = ["step", ...PASSES.map((p) => p.name)];

/** For tests: values must not depend on these. */
export const OPTIONAL_PASSES: readonly string[] = PASSES.filter((p) => !p.isRequired).map((p) => p.name);

export interface PipelineOptions extends LowerOptions {
  /** Checks every IR after every pass; a fault is a bug of the compiler. */
  readonly verify?: boolean;
  /** Passes to leave out. */
  readonly skip?: ReadonlySet<string>;
  /** Receives the text of every entry after the pass of this name. */
  readonly dump?: { readonly after: string; readonly write: (text: string) => void };
}

export interface Compiled {
  readonly program: Program;
  readonly memory: MemoryPlan;
  readonly graphs: ReadonlyMap<EntryName, Graph>;
  readonly tasks: ReadonlyMap<EntryName, readonly Task[]>;
}

/** Optimizes and lowers the entries of one program. Those that read a state come before one that only writes it. */
export function compileEntries(entries: ReadonlyMap<EntryName, Graph>, target: CompilesKernels, options: PipelineOptions): Compiled {
  const context: Context = { options, shared: new Map() };
  const done = new Map<EntryName, Entry>();
  for (const [name, graph] of entries) {
    let entry: Entry = { graph };
    inspect("step", name, entry, options);
    for (const pass of PASSES) {
      entry = options.skip?.has(pass.name) ? (pass.skip?.(entry, context) ?? entry) : pass.run(entry, context);
      inspect(pass.name, name, entry, options);
    }
    done.set(name, entry);
  }
  const byName = <T>(form: (entry: Entry) => T): Map<EntryName, T> =>
    new Map([...entries.keys()].map((name) => [name, form(present(done.get(name)))]));
  // All entries together: they share weights, and one region of temporaries. Bytes that the target cannot store become words.
  const tasks = settleStorage(
    byName((entry) => present(entry.tasks)),
    target,
  );
  const memory = planMemory([...tasks.values()]);
  return { program: assemble(tasks, memory, target), memory, graphs: byName((entry) => entry.graph), tasks };
}

const planOf = (graph: Graph, options: LowerOptions): FusionPlan => planFusion([...graph.outputs.values()], options, replacedBy(graph));

function present<T>(form: T | undefined): T {
  if (form === undefined) throw new InternalError("a pass runs before the one that it needs");
  return form;
}

/** Verifies and prints the newest form of an entry. */
function inspect(pass: string, name: EntryName, entry: Entry, { verify, dump, maxBuffers }: PipelineOptions): void {
  if (verify) {
    try {
      if (entry.tasks) verifyTasks(entry.tasks, entry.placed ? maxBuffers : Infinity);
      else if (entry.plan) verifyPlan(entry.plan, [...entry.graph.outputs.values()]);
      else verifyGraph(entry.graph);
    } catch (error) {
      throw error instanceof InternalError
        ? new InternalError(`after ${pass}: ${error.message.replace(/^internal: /, "")}`, { cause: error })
        : error;
    }
  }
  if (dump?.after !== pass) return;
  const text = entry.tasks ? entry.tasks.map(printTask).join("\n") : entry.plan ? printPlan(entry.plan) : printGraph(entry.graph);
  dump.write(`--- ${name} after ${pass}\n${text}`);
}

/** @param maxBuffers that a kernel may bind, once new values of state lie where they will */
function verifyTasks(tasks: readonly Task[], maxBuffers: number): void {
  for (const { kernel, buffers, origin } of tasks.flatMap(callsOf)) {
    blaming(origin, () => verifyKernel(kernel));
    if (buffers.length > maxBuffers) throw new InternalError(`kernel ${kernel.name} binds ${buffers.length} buffers of ${maxBuffers}`);
  }
}

function printTask(task: Task): string {
  const lines = callsOf(task).map(
    ({ kernel, buffers, origin }) =>
      `${origin ? `// ${origin.path}\n` : ""}${printKernel(kernel)}  with ${buffers.map((b, i) => `p${i} = ${b.name}`).join(", ")}\n`,
  );
  return task.kind === "kernel" ? lines.join("") : `loop ${task.count}${task.reverse ? " reversed" : ""} {\n${lines.join("")}}\n`;
}

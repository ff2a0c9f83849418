// The passes: from the graphs of a program's entries, which share states and one region of temporaries, to kernels in order and their
// places in memory. This list is the table of contents of the compiler's back half.

import { printPlan } from "../ir/fusion/print.ts";
import type { FusionPlan } from "../ir/fusion/plan.ts";
import { verifyPlan } from "../ir/fusion/verify.ts";
import type { Graph } from "../ir/graph.ts";
import type { OperandType } from "../ir/loop/expr.ts";
import { printKernel } from "../ir/loop/print.ts";
import { verifyKernel } from "../ir/loop/verify.ts";
import { printGraph } from "../ir/print.ts";
import type { EntryName, Program } from "../ir/program.ts";
import { blaming } from "../ir/origin.ts";
import { InternalError } from "../ir/types.ts";
import { verifyGraph } from "../ir/verify.ts";
import { assemble, type CompilesKernels } from "./assemble.ts";
import { autodiff } from "./autodiff.ts";
import { bindPacks, bindingsOf, type Packed } from "./bind-packs.ts";
import { canonicalize } from "./canonicalize.ts";
import { decompose } from "./decompose.ts";
import { planFusion } from "./fuse.ts";
import { placeUpdates, type Placed } from "./in-place.ts";
import { launchLoops } from "./loop-launches.ts";
import { leaveRoom } from "./leave-room.ts";
import { lowerGraph, type SharedBuffers } from "./lower.ts";
import type { LowerOptions } from "./lower-group.ts";
import type { LoweredGroups } from "./lower-once.ts";
import { buffersOf, callsOf, launchesOf, type Task } from "./lowered.ts";
import { inputsOf, memoryOf } from "./places.ts";
import { mergeScans } from "./merge-scans.ts";
import { narrowProducts } from "./narrow-products.ts";
import { planMemory, printMemory, verifyMemory, type MemoryPlan } from "./plan-memory.ts";
import { schedule } from "./schedule.ts";
import { shareLaunches } from "./share-launches.ts";
import { simplifyForward } from "./simplify-forward.ts";
import { splitJoins } from "./split-joins.ts";
import { settleStorage } from "./storage.ts";
import { joinWholes } from "./whole-launches.ts";

/** An entry on its way: each pass replaces its form or adds the next one. */
interface Entry {
  readonly graph: Graph;
  readonly plan?: FusionPlan;
  readonly placed?: Placed;
  readonly tasks?: readonly Task[];
}

type Entries = ReadonlyMap<EntryName, Entry>;

/** A program on its way. */
interface Stage {
  readonly entries: Entries;
  readonly packed?: Packed<EntryName>;
  readonly memory?: MemoryPlan;
}

interface Context {
  readonly options: PipelineOptions;
  readonly target: CompilesKernels;
  readonly shared: SharedBuffers;
  readonly lowered: LoweredGroups;
}

type Step = (stage: Stage, context: Context) => Stage;

interface Pass {
  readonly name: string;
  /** Nothing can be lowered or run without it; the others only make programs better. */
  readonly isRequired: boolean;
  readonly run: Step;
  /** What stands in place of a pass that is left out. */
  readonly skip?: Step;
}

const mapEntries = <T>(entries: Entries, form: (entry: Entry) => T): Map<EntryName, T> =>
  new Map([...entries].map(([name, entry]) => [name, form(entry)]));

const onEach =
  (run: (entry: Entry, context: Context) => Entry): Step =>
  (stage, context) => ({ ...stage, entries: mapEntries(stage.entries, (entry) => run(entry, context)) });

const onGraph = (run: (graph: Graph) => Graph): Step => onEach((entry) => ({ ...entry, graph: run(entry.graph) }));

// Common subexpressions and dead code need no pass of their own: nodes are interned, and what no output reaches does not exist.
const PASSES: readonly Pass[] = [
  // What is cheaper in both directions, while there is only one.
  { name: "simplify-forward", isRequired: false, run: onGraph(simplifyForward) },
  // Before composites are gone, so that their own gradient rules are used; without it those of what they are made of are.
  { name: "autodiff", isRequired: false, run: onGraph(autodiff) },
  // What is summed over channels of a product's result is summed with it, strip by strip, where the device can.
  {
    name: "decompose",
    isRequired: true,
    run: onEach((entry, { options }) => ({ ...entry, graph: decompose(entry.graph, options) })),
  },
  // Gradients made a second forward loop that keeps values: one loop is enough. Only now do both look the same.
  { name: "merge-scans", isRequired: false, run: onGraph(mergeScans) },
  // Folds what broadcasting, slicing and decomposition left over.
  { name: "canonicalize", isRequired: false, run: onGraph(canonicalize) },
  // What is multiplied, in the bits that the recipe asks for.
  {
    name: "narrow-products",
    isRequired: true,
    run: onEach((entry, { options: { operands } }) => (operands ? { ...entry, graph: narrowProducts(entry.graph, operands) } : entry)),
  },
  // Within what the target's kernels can bind.
  {
    name: "split-joins",
    isRequired: true,
    run: onEach((entry, { options }) => ({ ...entry, graph: splitJoins(entry.graph, options.maxBuffers) })),
  },
  // Which values share a kernel, and which have memory.
  {
    name: "fuse",
    isRequired: false,
    run: (stage, { options }) => withPlans(stage, options),
    skip: (stage, { options }) => withPlans(stage, { ...options, isFusing: false }),
  },
  // Groups become loop nests; new values of state are values like any other.
  {
    name: "lower",
    isRequired: true,
    run: onEach((entry, { options, shared, lowered }) => ({
      ...entry,
      tasks: lowerGraph(entry.graph, present(entry.plan), shared, options, lowered),
    })),
  },
  // Where new values of state are written, and what must run before what.
  {
    name: "place-updates",
    isRequired: true,
    run: onEach((entry) => {
      const placed = placeUpdates(present(entry.tasks));
      return { ...entry, placed, tasks: placed.tasks };
    }),
  },
  // The order with the least memory at its peak.
  {
    name: "schedule",
    isRequired: false,
    run: onEach((entry) => ({ ...entry, tasks: schedule(present(entry.placed)) })),
    skip: onEach((entry) => ({ ...entry, tasks: schedule(present(entry.placed), false) })),
  },
  // Bytes that the target cannot store become words, in all entries that share them.
  {
    name: "settle-storage",
    isRequired: true,
    run: (stage, { target }) => {
      const settled = settleStorage(
        mapEntries(stage.entries, (entry) => present(entry.tasks)),
        target,
      );
      return {
        ...stage,
        entries: new Map([...stage.entries].map(([name, entry]) => [name, { ...entry, tasks: present(settled.get(name)) }])),
      };
    },
  },
  // Little kernels share launches, where the target's can hold several. Only now is it known what runs before what.
  {
    name: "share-launches",
    isRequired: false,
    run: onEach((entry, { options }) =>
      options.sharesLaunches ? { ...entry, tasks: shareLaunches(present(entry.tasks), options.maxBuffers) } : entry,
    ),
  },
  // Loops whose rows have nothing to do with each other are a launch each, where the target can go through one.
  {
    name: "launch-loops",
    isRequired: false,
    run: onEach((entry, { options, target }) => ({ ...entry, tasks: launchLoops(present(entry.tasks), target, options.maxBuffers) })),
  },
  // What a library may do as one follows each other.
  {
    name: "join-wholes",
    isRequired: false,
    run: onEach((entry, { target }) => ({ ...entry, tasks: joinWholes(present(entry.tasks), target) })),
  },
  // Where several kernels may do what one does, memory between them.
  {
    name: "leave-room",
    isRequired: false,
    run: onEach((entry, { options, target }) => ({ ...entry, tasks: leaveRoom(present(entry.tasks), target, options.maxBuffers) })),
  },
  // Where a launch may not bind all that it touches, little values of one block of layers are one parameter.
  {
    name: "bind-packs",
    isRequired: true,
    run: (stage, { options }) => {
      const tasks = mapEntries(stage.entries, (entry) => present(entry.tasks));
      return { ...stage, packed: bindPacks(tasks, options.maxBuffers) };
    },
  },
  // A place for every buffer, before anything runs.
  {
    name: "plan-memory",
    isRequired: true,
    run: (stage) => {
      const { entries, packs } = present(stage.packed);
      return { ...stage, memory: planMemory([...entries.values()], packs) };
    },
  },
];

/** Every name that `--dump-after` knows: `step` is what comes in. */
export const PASS_NAMES: readonly string[] = ["step", ...PASSES.map((p) => p.name)];

/** For tests: values must not depend on these. */
export const OPTIONAL_PASSES: readonly string[] = PASSES.filter((p) => !p.isRequired).map((p) => p.name);

export interface PipelineOptions extends LowerOptions {
  /** Whether the target has launches of several kernels. */
  readonly sharesLaunches?: boolean;
  /** To what the operands of products are rounded; left out, they are f32. */
  readonly operands?: OperandType;
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

/** All of a program but its text. */
export type Planned = Omit<Compiled, "program">;

/** Optimizes and lowers the entries of one program. Those that read a state come before one that only writes it. */
export function compileEntries(graphs: ReadonlyMap<EntryName, Graph>, target: CompilesKernels, options: PipelineOptions): Compiled {
  const stage = runPasses(graphs, target, options);
  const planned = plannedOf(stage);
  return { ...planned, program: assemble(present(stage.packed), planned.memory, target) };
}

/** What a program would take, without printing it. */
export const planEntries = (graphs: ReadonlyMap<EntryName, Graph>, target: CompilesKernels, options: PipelineOptions): Planned =>
  plannedOf(runPasses(graphs, target, options));

function runPasses(graphs: ReadonlyMap<EntryName, Graph>, target: CompilesKernels, options: PipelineOptions): Stage {
  const context: Context = { options, target, shared: new Map(), lowered: new Map() };
  let stage: Stage = { entries: new Map([...graphs].map(([name, graph]) => [name, { graph }])) };
  inspect("step", stage, options);
  for (const pass of PASSES) {
    stage = options.skip?.has(pass.name) ? (pass.skip?.(stage, context) ?? stage) : pass.run(stage, context);
    inspect(pass.name, stage, options);
  }
  return stage;
}

const plannedOf = ({ entries, memory }: Stage): Planned => ({
  memory: present(memory),
  graphs: mapEntries(entries, ({ graph }) => graph),
  tasks: mapEntries(entries, ({ tasks }) => present(tasks)),
});

function withPlans(stage: Stage, options: LowerOptions): Stage {
  const states = new Map([...stage.entries.values()].flatMap(({ graph }) => [...inputsOf(graph)]));
  const planOf = (graph: Graph): FusionPlan => planFusion([...graph.outputs.values()], options, memoryOf(graph, states));
  return {
    ...stage,
    entries: new Map([...stage.entries].map(([name, entry]) => [name, { ...entry, plan: planOf(entry.graph) }])),
  };
}

function present<T>(form: T | undefined): T {
  if (form === undefined) throw new InternalError("a pass runs before the one that it needs");
  return form;
}

/** Verifies and prints the newest form of a program. */
function inspect(pass: string, stage: Stage, { verify, dump, maxBuffers }: PipelineOptions): void {
  if (verify) {
    try {
      verifyStage(stage, maxBuffers);
    } catch (error) {
      throw error instanceof InternalError
        ? new InternalError(`after ${pass}: ${error.message.replace(/^internal: /, "")}`, { cause: error })
        : error;
    }
  }
  if (dump?.after !== pass) return;
  for (const [name, entry] of stage.entries) dump.write(`--- ${name} after ${pass}\n${printEntry(name, entry, stage)}`);
}

function verifyStage({ entries, packed, memory }: Stage, maxBuffers: number): void {
  for (const [name, { graph, plan, placed, tasks }] of entries) {
    verifyTasks(packed?.entries.get(name) ?? [], maxBuffers);
    if (tasks) verifyTasks(tasks, placed ? maxBuffers : Infinity);
    else if (plan) verifyPlan(plan, [...graph.outputs.values()]);
    else verifyGraph(graph);
    if (tasks && memory) verifyMemory(tasks, memory);
  }
}

/** @param maxBuffers that a launch may bind, once new values of state lie where they will */
function verifyTasks(tasks: readonly Task[], maxBuffers: number): void {
  for (const { kernel, origin } of tasks.flatMap(callsOf)) blaming(origin, () => verifyKernel(kernel));
  for (const launch of tasks.flatMap(launchesOf)) {
    const count = bindingsOf(buffersOf(launch));
    if (count > maxBuffers) throw new InternalError(`kernel ${launch[0]?.kernel.name} binds ${count} buffers of ${maxBuffers}`);
  }
}

function printEntry(name: EntryName, { graph, plan, tasks: unpacked }: Entry, { packed, memory }: Stage): string {
  if (unpacked && memory) return printMemory(unpacked, memory);
  const tasks = packed?.entries.get(name) ?? unpacked;
  if (tasks) return tasks.map(printTask).join("\n");
  return plan ? printPlan(plan) : printGraph(graph);
}

function printTask(task: Task): string {
  const lines = callsOf(task).map(
    ({ kernel, buffers, origin }) =>
      `${origin ? `// ${origin.path}\n` : ""}${printKernel(kernel)}  with ${buffers.map((b, i) => `p${i} = ${b.name}`).join(", ")}\n`,
  );
  if (task.kind === "kernel") return lines.join("");
  const header = task.kind === "together" ? "together" : headerOf(task);
  return `${header} {\n${lines.join("")}}\n`;
}

const headerOf = ({ count, reverse, rows }: Extract<Task, { readonly kind: "loop" }>): string =>
  `loop ${count}${reverse ? " reversed" : ""}${rows === undefined ? "" : ` in one launch of ${rows} rows`}`;

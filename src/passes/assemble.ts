// Entries and their memory plan become a Program; equal kernels become one.

import type { Expr } from "../ir/loop/expr.ts";
import { createNumbering } from "../ir/loop/numbering.ts";
import { perKernel } from "../ir/loop/per-kernel.ts";
import { expressionsOf, type Axis, type Kernel, type Stage } from "../ir/loop/kernel.ts";
import { blaming, type Origin } from "../ir/origin.ts";
import {
  MOST_ALTERNATIVES,
  PROGRAM_VERSION,
  type BufferPlan,
  type CompiledKernel,
  type ContractionOfLibrary,
  type EntryName,
  type KernelLaunch,
  type KernelPart,
  type LibraryForm,
  type LoopOfRows,
  type ParameterType,
  type Launch,
  type Program,
} from "../ir/program.ts";
import { madeParams, restParams } from "../ir/library-params.ts";
import type { Packed } from "./bind-packs.ts";
import { InternalError } from "../ir/types.ts";
import { callsOf, partsOf, type Buffer, type KernelCall } from "./lowered.ts";
import { bytesOf, type MemoryPlan } from "./plan-memory.ts";

export interface CompilesKernels {
  readonly name: string;
  /** Prints a kernel for the device at hand. */
  compileKernel(kernel: Kernel): CompiledKernel;
  /** All ways to compute what a kernel does, among which a device may choose: each is a kernel, or two that follow each other. The first is the guess. */
  compileWays?(kernel: Kernel): readonly (readonly CompiledKernel[])[];
  /** Elements of f32 that two of them hand to each other; 0 where it is always one. */
  roomFor?(kernel: Kernel): number;
  /** What a library may do of a kernel. */
  compileForm?(kernel: Kernel): PrintedForm | undefined;
  /** What a library may do of kernels that follow each other, as one. */
  isWhole?(parts: readonly KernelPart[]): boolean;
  compileWhole?(parts: readonly KernelPart[]): PrintedWhole | undefined;
  /** Prints kernels that run side by side in one launch, where the target can do that. */
  compileTogether?(parts: readonly KernelPart[]): CompiledKernel;
  /** How many rows the kernels of a loop have that have nothing to do with each other, where it can be one launch; and prints that. */
  rowsOfLoop?(parts: readonly KernelPart[]): number | undefined;
  compileLoop?(parts: readonly KernelPart[], loop: LoopOfRows): CompiledKernel;
  /** Whether the kernel can store the elements of one byte that it writes. */
  storesBytes(kernel: Kernel): boolean;
  /** Text that all kernels share. */
  readonly prelude?: string;
}

/** What may be done where a kernel is launched. */
export interface Compilation {
  readonly ways: readonly (readonly CompiledKernel[])[];
  readonly form?: PrintedForm | undefined;
}

/** What a library does of a kernel, and the kernels that make its operands and do the rest. */
interface PrintedForm {
  readonly product: ContractionOfLibrary;
  readonly before?: readonly CompiledKernel[];
  readonly rest?: CompiledKernel;
}

/** What a library does of kernels that follow each other: of what they bind it takes those slots, as these parameters. */
interface PrintedWhole extends PrintedForm {
  readonly name: string;
  readonly slots: readonly number[];
  readonly params: readonly ParameterType[];
}

/** A kernel with all that may be done in its place. */
export const compiledInFull = (kernel: Kernel, target: CompilesKernels): Compilation => ({
  ways: target.compileWays?.(kernel).slice(0, 1 + MOST_ALTERNATIVES) ?? [[target.compileKernel(kernel)]],
  form: target.compileForm?.(kernel),
});

/** Those that a program has of it, in their order. @param first the number of the first */
export function kernelsOf({ ways, form }: Compilation, params: () => readonly ParameterType[], first: number): readonly CompiledKernel[] {
  const kernels: CompiledKernel[] = [];
  const [, ...alternatives] = ways.map((way) => {
    const start = first + kernels.length;
    // The reference device's have parameters of their own.
    const given = (kernel: CompiledKernel): CompiledKernel => (kernel.kernel ? kernel : { ...kernel, params: params() });
    way.forEach((kernel, i) => kernels.push({ ...given(kernel), ...(i + 1 < way.length && { then: start + i + 1 }) }));
    return start;
  });
  const [guess, ...others] = kernels;
  if (!guess) throw new InternalError("a kernel that nothing computes");
  const { library, around } = form ? numbered(form, params(), first + kernels.length) : { around: [] };
  return [{ ...guess, ...(alternatives.length > 0 && { alternatives }), ...(library && { library }) }, ...others, ...around];
}

/** A library's form, and the kernels around its product, of which the first has that number. */
function numbered(
  form: PrintedForm,
  params: readonly ParameterType[],
  start: number,
): { readonly library: LibraryForm; readonly around: readonly CompiledKernel[] } {
  const around = kernelsAround(form, params);
  const before = form.before?.map((_, i) => start + i);
  const rest = start + around.length - 1;
  return { library: { product: form.product, ...(before && { before }), ...(form.rest && { rest }) }, around };
}

/** What runs before and after a library's product, in that order. */
function kernelsAround({ product, before = [], rest }: PrintedForm, params: readonly ParameterType[]): readonly CompiledKernel[] {
  const made = madeParams(product, params.length);
  return [
    ...before.map((kernel, i): CompiledKernel => ({ ...kernel, params: [...params, ...made.slice(i, i + 1)] })),
    ...(rest ? [{ ...rest, params: restParams(params, product) }] : []),
  ];
}

export function assemble({ entries, packs }: Packed<EntryName>, memory: MemoryPlan, target: CompilesKernels): Program {
  const buffers: Buffer[] = [];
  const bufferIndex = new Map<Buffer, number>();
  const indexOf = (buffer: Buffer): number => {
    let index = bufferIndex.get(buffer);
    if (index === undefined) bufferIndex.set(buffer, (index = buffers.push(buffer) - 1));
    return index;
  };
  // Persistent buffers first, so that people find them.
  const calls = [...entries.values()].flat().flatMap(callsOf);
  calls
    .flatMap((call) => call.buffers)
    .concat(packs.flatMap(({ offsets }) => [...offsets.keys()]))
    .filter((b) => b.role !== "temp" && b.role !== "pack")
    .forEach(indexOf);

  const kernels: CompiledKernel[] = [];
  const known = new Map<string, number>();
  const number = createNumbering();
  const textOf = perKernel((kernel) => keyOf(kernel, number));
  const names = new Map<string, number>();
  const fresh = (kernel: Kernel): Kernel => {
    const count = names.get(kernel.name) ?? 0;
    names.set(kernel.name, count + 1);
    return count === 0 ? kernel : { ...kernel, name: `${kernel.name}_${count}` };
  };
  const once = (key: string, kernelsFrom: (first: number) => readonly CompiledKernel[]): number => {
    let index = known.get(key);
    if (index === undefined) {
      index = kernels.length;
      kernels.push(...kernelsFrom(index));
      known.set(key, index);
    }
    return index;
  };
  const launchOf = ({ kernel, buffers: args, origin }: KernelCall): KernelLaunch => ({
    kind: "kernel",
    kernel: blaming(origin, () =>
      once(textOf(kernel), (first) => kernelsOf(compiledInFull(fresh(kernel), target), () => kernel.params.map(typeOf), first)),
    ),
    buffers: args.map(indexOf),
    ...layerOf([origin]),
  });
  const keyOfPart = ({ kernel, slots }: KernelPart): string => `${slots.join()} ${textOf(kernel)}`;
  const wholeOf = (calls: readonly KernelCall[]): KernelLaunch | undefined => {
    const { parts, buffers: args } = partsOf(calls);
    const form = target.compileWhole?.(parts);
    if (!form) return undefined;
    const { name, params, slots } = form;
    const kernel = once(["whole", ...parts.map(keyOfPart)].join("\n"), (first) => {
      const { library, around } = numbered(form, params.map(typeOf), first + 1);
      return [{ name, params: params.map(typeOf), library }, ...around];
    });
    const buffers = slots.flatMap((slot) => args[slot] ?? []).map(indexOf);
    return { kind: "kernel", kernel, buffers, ...layerOf(calls.map(({ origin }) => origin)) };
  };
  const together = (calls: readonly KernelCall[], loop?: LoopOfRows): KernelLaunch => {
    const { parts, buffers: args } = partsOf(calls);
    const key = [loop ? `${loop.rows} ${loop.count} ${loop.reverse}` : "", ...parts.map(keyOfPart)];
    const compile = (): Compilation => {
      const named = parts.map((part) => ({ ...part, kernel: fresh(part.kernel) }));
      const kernel = loop ? target.compileLoop?.(named, loop) : target.compileTogether?.(named);
      if (!kernel) throw new InternalError(`${target.name} has no launches of several kernels`);
      return { ways: [[kernel]] };
    };
    return {
      kind: "kernel",
      kernel: blaming(calls[0]?.origin, () =>
        once(key.join("\n"), (first) => kernelsOf(compile(), () => parametersOf(parts, args.length), first)),
      ),
      buffers: args.map(indexOf),
      ...layerOf(calls.map(({ origin }) => origin)),
    };
  };
  const compiled = [...entries].map(([name, tasks]): [EntryName, Launch[]] => [
    name,
    tasks.map((task): Launch => {
      if (task.kind === "kernel") return launchOf(task.call);
      if (task.kind === "together") return together(task.calls);
      const { count, reverse, rows, isWhole } = task;
      if (rows !== undefined) return together(task.calls, { rows, count, reverse });
      const body = task.calls.map(launchOf);
      const whole = isWhole && wholeOf(task.calls);
      return { kind: "loop", count, reverse, body, ...(whole && { whole }) };
    }),
  ]);
  return {
    format: "tlc-program",
    version: PROGRAM_VERSION,
    target: target.name,
    ...(target.prelude !== undefined && { prelude: target.prelude }),
    arenaBytes: memory.arenaBytes,
    buffers: buffers.map((buffer): BufferPlan => {
      const { name, role, kind, dtype, shape } = buffer;
      return {
        name,
        role,
        ...(kind && { kind }),
        dtype,
        shape,
        bytes: role === "data" ? 0 : bytesOf(buffer),
        offset: memory.offsets.get(buffer) ?? -1,
      };
    }),
    kernels,
    entries: Object.fromEntries(compiled),
  };
}

/** Layers of one launch that are named; an optimizer's may be of all of them. */
const MOST_LAYERS = 3;

function layerOf(origins: readonly (Origin | undefined)[]): Pick<KernelLaunch, "layer"> {
  const paths = [...new Set(origins.flatMap((origin) => origin?.path ?? []))];
  if (paths.length === 0) return {};
  return { layer: [...paths.slice(0, MOST_LAYERS), ...(paths.length > MOST_LAYERS ? ["…"] : [])].join(", ") };
}

/** What a kernel does, whatever it and its parameters are called. */
const typeOf = ({ dtype, length, access }: ParameterType): ParameterType => ({ dtype, length, access });

/** Of a launch of several kernels: a buffer that one reads and another writes is both. */
function parametersOf(parts: readonly KernelPart[], count: number): ParameterType[] {
  return Array.from({ length: count }, (_, slot) => {
    const uses = parts.flatMap(({ kernel, slots }) => kernel.params.filter((__, i) => slots[i] === slot).map(typeOf));
    const [first] = uses;
    if (!first) throw new InternalError("a launch with a buffer that no part has");
    return uses.reduce((x, y) => ({ ...x, access: x.access === y.access ? x.access : "read_write" }), first);
  });
}

function keyOf({ params, axes, stages, time }: Kernel, number: (expr: Expr) => number): string {
  const axesKey = (all: readonly Axis[]): string => all.map(({ name, extent }) => `${name} ${extent}`).join();
  const stageKey = (stage: Stage): string => {
    const numbers = expressionsOf(stage).map(number).join();
    switch (stage.kind) {
      case "reduce":
        return `${stage.op} ${stage.dtype} ${axesKey(stage.axes)} ${stage.range?.mean ?? ""} ${numbers}`;
      case "contract":
        return `contract ${stage.dtype} ${stage.operands ?? ""} ${stage.strip ?? ""} ${axesKey([stage.k])} ${numbers}`;
      case "strip":
        return `strip ${stage.dtype} ${numbers}`;
      case "store":
        return `store ${stage.perStrip ?? ""} ${axesKey(stage.axes)} ${stage.writes.map((write) => write.buffer).join()} ${numbers}`;
      default:
        return stage satisfies never;
    }
  };
  const parameters = params.map(({ dtype, length, access }) => `${dtype} ${length} ${access}`).join();
  return [parameters, axesKey(axes), time ? axesKey([time]) : "", ...stages.map(stageKey)].join(";");
}

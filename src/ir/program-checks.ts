// A program of the right shape, checked as a whole: every buffer lies in the arena and on no other that lives beside it, every launch gives
// its kernel what that takes, and no kernel has more to do than a device can end.

import { kernelProblem } from "./loop/verify.ts";
import { stripOf, type Axis, type Kernel } from "./loop/kernel.ts";
import { madeParams, productFault, restParams } from "./library-params.ts";
import { isTensorMap } from "./tensor-map.ts";
import {
  ALIGNMENT,
  MOST_SHARED,
  MOST_WORKGROUPS,
  type BufferPlan,
  type CompiledKernel,
  type KernelLaunch,
  type KernelPart,
  type Launch,
  type ParameterType,
  type Program,
} from "./program.ts";
import { sizeOf, wordBytes } from "./types.ts";

/** Elements of a buffer: indices are 32-bit integers. */
const MOST_ELEMENTS = 2 ** 31 - 1;

/** Elements that one launch may go over on the reference device, which does some 1e8 a second and cannot be interrupted within a launch. */
const MOST_WORK = 2 ** 36;

export function programFault(program: Program): string | undefined {
  const { arenaBytes, buffers, kernels, entries } = program;
  // Nobody asks for a temporary by its name.
  const lasting = new Set(buffers.flatMap(({ name, role }) => (role === "temp" ? [] : [name])));
  if (lasting.size !== buffers.filter(({ name }) => lasting.has(name)).length) return "two buffers have one name";
  for (const buffer of buffers) {
    const problem = placeFault(buffer, arenaBytes);
    if (problem !== undefined) return `buffer ${buffer.name} ${problem}`;
  }
  const split = buffers.find((buffer) => isAcross(buffer, buffers));
  if (split) return `buffer ${split.name} lies across a pack`;
  const overlap = overlapping(buffers);
  if (overlap !== undefined) return `buffer ${overlap} lies over another`;
  for (const kernel of kernels) {
    const problem =
      kernelFault(kernel, program.target) ??
      ptxFault(kernel, program) ??
      needsFault(kernel) ??
      alternativesFault(kernel, program) ??
      thenFault(kernel, program) ??
      libraryFault(kernel, program);
    if (problem !== undefined) return problem;
  }
  for (const [entry, launches] of Object.entries(entries)) {
    for (const launch of launches) {
      for (const inner of launch.kind === "loop" ? launch.body : [launch]) {
        const problem = kernelLaunchFault(inner, program, launch.kind === "loop" ? launch.count : undefined);
        if (problem !== undefined) return `entry ${entry} ${problem}`;
      }
      const problem = wholeFault(launch, program);
      if (problem !== undefined) return `entry ${entry} ${problem}`;
    }
  }
  return undefined;
}

function placeFault({ role, dtype, shape, bytes, offset }: BufferPlan, arenaBytes: number): string | undefined {
  if (sizeOf(shape) > MOST_ELEMENTS) return "has more elements than an index can count";
  // How large a data set is is not in a program.
  if (role === "data") return offset === -1 && bytes === 0 ? undefined : "is resident data with a place in the arena";
  if (bytes !== wordBytes({ dtype, shape })) return `has ${bytes} bytes, which is not what its type takes`;
  if (offset < 0 || offset + bytes > arenaBytes) return "lies outside the arena";
  return offset % ALIGNMENT === 0 ? undefined : `begins at ${offset}, which is no multiple of ${ALIGNMENT}`;
}

/** Neither apart from a pack nor a part of it, of its type. Packs lie apart from each other. */
const isAcross = (buffer: BufferPlan, buffers: readonly BufferPlan[]): boolean =>
  buffer.role !== "data" &&
  buffers.some((pack) => {
    if (pack.role !== "pack" || pack === buffer) return false;
    if (buffer.offset >= pack.offset + pack.bytes || pack.offset >= buffer.offset + buffer.bytes) return false;
    const isInside = buffer.offset >= pack.offset && buffer.offset + buffer.bytes <= pack.offset + pack.bytes;
    return buffer.role === "pack" || buffer.dtype !== pack.dtype || !isInside;
  });

/** What lives for the whole session has its place for itself. Temporaries share theirs with each other. */
function overlapping(buffers: readonly BufferPlan[]): string | undefined {
  const placed = buffers.filter(({ role }) => role !== "data" && role !== "pack").sort((a, b) => a.offset - b.offset);
  let end = 0;
  let temporary = 0;
  for (const { name, role, offset, bytes } of placed) {
    if (offset < end || (role !== "temp" && offset < temporary)) return name;
    if (role === "temp") temporary = Math.max(temporary, offset + bytes);
    else end = offset + bytes;
  }
  return undefined;
}

/** What a launch must give a kernel. */
const paramsOf = ({ kernel, params = [] }: CompiledKernel): readonly ParameterType[] => kernel?.params ?? params;

/** What each target's kernels are, and nothing else. */
const FORMS: Readonly<Record<string, readonly (keyof CompiledKernel)[]>> = {
  webgpu: ["source", "grid", "params"],
  cuda: ["source", "grid", "cuda", "params"],
  wasm: ["wasm", "params"],
  reference: ["kernel"],
};

const MOST_GROUPS = new Map<string, readonly number[]>(Object.entries(MOST_WORKGROUPS));

/** Targets whose devices may choose among kernels. */
const MEASURED: readonly string[] = ["webgpu", "cuda"];

function kernelFault(compiled: CompiledKernel, target: string): string | undefined {
  const { name, kernel, wasm, grid = [], parts = [] } = compiled;
  const form = parts.length > 0 && target === "reference" ? (["parts", "params"] as const) : FORMS[target];
  const missing = isWhole(compiled) ? undefined : form?.find((field) => compiled[field] === undefined);
  if (missing !== undefined) return `kernel ${name} has no ${missing}`;
  if (grid.some((groups, i) => groups > (MOST_GROUPS.get(target)?.[i] ?? 0)))
    return `kernel ${name} has more workgroups than a device runs`;
  const count = paramsOf(compiled).length;
  if (
    wasm &&
    [...wasm.writes, ...(wasm.keeps?.params ?? []), ...(wasm.rows?.own ?? []).map(({ param }) => param)].some((param) => param >= count)
  )
    return `kernel ${name} names a parameter that it does not have`;
  if (wasm?.rows && wasm.units !== Math.ceil(wasm.rows.extent / wasm.rows.perUnit)) return `kernel ${name} has rows that are not its units`;
  for (const part of parts) {
    const problem = partFault(part, paramsOf(compiled)) ?? kernelProblem(part.kernel) ?? workFault(part.kernel);
    if (problem !== undefined) return problem;
  }
  return kernel && (kernelProblem(kernel) ?? workFault(kernel));
}

/** Of what only libraries do. */
const isWhole = ({ library, grid }: CompiledKernel): boolean => library !== undefined && grid === undefined;

/** What a library may do in place of a loop's only step takes buffers as any kernel does. */
function wholeFault(launch: Launch, program: Program): string | undefined {
  if (launch.kind !== "loop" || !launch.whole) return undefined;
  const compiled = program.kernels[launch.whole.kernel];
  if (launch.count !== 1 || !compiled || !isWhole(compiled)) return "has a loop that no library does";
  return launchFault(launch.whole, program, 1);
}

function ptxFault({ name, cuda }: CompiledKernel, { ptx, ptxFor = {} }: Program): string | undefined {
  if (cuda === undefined || ptx === undefined) return undefined;
  const own = cuda.needs === undefined ? ptx : ptxFor[cuda.needs];
  return own?.includes(`.entry ${cuda.entry}(`) ? undefined : `kernel ${name} is not in the program's PTX`;
}

/** What not every GPU runs asks for no more memory than its own have, and for matrices that are in its buffers; who needs nothing asks for none. */
function needsFault(compiled: CompiledKernel): string | undefined {
  const { name, cuda } = compiled;
  const { needs, sharedBytes = 0, maps = [] } = cuda ?? {};
  if (sharedBytes > (needs === undefined ? 0 : MOST_SHARED[needs])) return `kernel ${name} shares more memory than a GPU has`;
  const areThere = maps.every((map) => needs !== undefined && isTensorMap(map, paramsOf(compiled)));
  return areThere ? undefined : `kernel ${name} has a map of a matrix that it does not have`;
}

/** What may run in the place of a kernel takes what that takes, and nothing runs in its place. */
function alternativesFault(compiled: CompiledKernel, { kernels, target }: Program): string | undefined {
  const { name, alternatives = [] } = compiled;
  if (alternatives.length > 0 && !MEASURED.includes(target))
    return `kernel ${name} has alternatives, which no device of ${target} measures`;
  const strange = alternatives.find((index) => kernels[index] === compiled || !takes(kernels[index], paramsOf(compiled)));
  if (strange !== undefined) return `kernel ${name} has an alternative ${strange}, which is none`;
  return new Set(alternatives).size === alternatives.length ? undefined : `kernel ${name} has an alternative twice`;
}

/** What runs next takes what the kernel takes, and ends there. */
function thenFault(compiled: CompiledKernel, { kernels, target }: Program): string | undefined {
  const { name, then } = compiled;
  if (then === undefined) return undefined;
  if (target !== "cuda") return `kernel ${name} has one that runs next, which no device of ${target} does`;
  const next = kernels[then];
  return next?.then === undefined && next?.cuda?.needs === undefined && takes(next, paramsOf(compiled))
    ? undefined
    : `kernel ${name} goes on with ${then}, which does not take it`;
}

/** A library is told where operands are: they are in the kernel's buffers or made before, and so is what the rest takes. */
function libraryFault(compiled: CompiledKernel, { kernels, target }: Program): string | undefined {
  const { name, library } = compiled;
  if (!library) return undefined;
  if (target !== "cuda") return `kernel ${name} is for a library, which no device of ${target} has`;
  const { product, before = [], rest } = library;
  const own = paramsOf(compiled);
  const made = madeParams(product, own.length);
  const hasRest = rest !== undefined;
  const readable = made.map((it): ParameterType => ({ ...it, access: "read" }));
  const params = hasRest ? restParams([...own, ...readable], product) : [...own, ...readable];
  const problem = productFault(product, params, hasRest);
  if (problem !== undefined) return `kernel ${name} is ${problem}`;
  const isMade = made.every((it, i) => isFollower(kernels[before[i] ?? -1], [...own, it]));
  if (!isMade || before.length !== made.length) return `kernel ${name} has operands that are not made before`;
  return !hasRest || isFollower(kernels[rest], restParams(own, product))
    ? undefined
    : `kernel ${name} leaves its rest to ${rest}, which does not take it`;
}

/** Whether a kernel takes just these parameters and ends there. */
const isFollower = (compiled: CompiledKernel | undefined, wanted: readonly ParameterType[]): boolean =>
  compiled?.then === undefined && compiled?.cuda?.needs === undefined && takes(compiled, wanted);

/** Whether a kernel takes just these parameters, and nothing stands in its place. */
function takes(compiled: CompiledKernel | undefined, wanted: readonly ParameterType[]): boolean {
  if (!compiled || compiled.alternatives || compiled.library) return false;
  const params = paramsOf(compiled);
  const isAlike = params.every(({ dtype, length, access }, i) => {
    const { [i]: given } = wanted;
    return given?.dtype === dtype && given.length === length && given.access === access;
  });
  return isAlike && params.length === wanted.length;
}

/** What a kernel of several in a launch takes is what the launch gives it. */
function partFault({ kernel, slots }: KernelPart, params: readonly ParameterType[]): string | undefined {
  if (kernel.time || slots.length !== kernel.params.length) return `part ${kernel.name} of a launch is none`;
  const isGiven = kernel.params.every(({ dtype, length, access }, i) => {
    const given = params[slots[i] ?? -1];
    return given?.dtype === dtype && given.length === length && (given.access === "read_write" || given.access === access);
  });
  return isGiven ? undefined : `part ${kernel.name} takes what its launch does not have`;
}

const points = (axes: readonly Axis[]): number => axes.reduce((product, { extent }) => product * extent, 1);

/** Each element is written by one point, so there are no more points than elements; and a reduction ends. */
function workFault(kernel: Kernel): string | undefined {
  const { name, params, axes, stages } = kernel;
  const outer = points(axes);
  for (const stage of stages) {
    const places = stage.kind === "store" && stage.perStrip ? outer / stripOf(kernel) : outer;
    const all = places * (stage.kind === "contract" ? stage.k.extent : points(stage.axes));
    if (all > MOST_WORK) return `kernel ${name} goes over ${all} elements in one launch`;
    if (stage.kind !== "store") continue;
    const crowded = stage.writes.find(({ buffer }) => all > (params[buffer]?.length ?? 0));
    if (crowded) return `kernel ${name} writes ${all} elements to parameter ${crowded.buffer}, which is shorter`;
  }
  return undefined;
}

/** @param count iterations of the loop around the launch */
function kernelLaunchFault(launch: KernelLaunch, program: Program, count: number | undefined): string | undefined {
  const compiled = program.kernels[launch.kernel];
  return compiled && isWhole(compiled) ? `launches ${compiled.name}, which only libraries do` : launchFault(launch, program, count);
}

function launchFault({ kernel: index, buffers: given }: KernelLaunch, program: Program, count: number | undefined): string | undefined {
  const compiled = program.kernels[index];
  if (!compiled) return "launches what is not there";
  const { name, kernel, cuda } = compiled;
  const params = paramsOf(compiled);
  if (cuda?.needs !== undefined) return `launches ${name}, which not every GPU runs`;
  if (given.length !== params.length) return `gives ${name} ${given.length} buffers, it takes ${params.length}`;
  for (const [i, { dtype, length, access }] of params.entries()) {
    const buffer = program.buffers[given[i] ?? -1];
    if (!buffer) return "launches what is not there";
    const isData = buffer.role === "data";
    if (buffer.dtype !== dtype || isData !== (length === 0) || (!isData && length > sizeOf(buffer.shape)))
      return `gives ${name} ${buffer.name}, which is not what parameter ${i} is`;
    if (isData && access !== "read") return `lets ${name} write resident data`;
  }
  if (kernel?.time && kernel.time.extent !== count) return `runs ${name} for other steps than it was made for`;
  return undefined;
}

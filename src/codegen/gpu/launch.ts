// What one launch runs: a block, or several side by side, each in workgroups of its own, whose number says which. And how a kernel
// becomes one, by its shape and by what the device is.

import { mul } from "../../ir/loop/expr.ts";
import type { Kernel, KernelParameter, Product, ProductShape } from "../../ir/loop/kernel.ts";
import { verifyKernel } from "../../ir/loop/verify.ts";
import type { Architecture, KernelPart } from "../../ir/program.ts";
import { at } from "../../ir/ops/define.ts";
import { InternalError } from "../../ir/types.ts";
import { mergeAxes, sizeOfAxes } from "../axes.ts";
import { problemOf, WORTH_MEASURING } from "../problem.ts";
import type { Block, NamedMap, SharedArray } from "./block.ts";
import { scheduleContract } from "./contract.ts";
import { inParts } from "./in-parts.ts";
import { scheduleMatrices } from "./matrices.ts";
import { matrixTile, otherMatrixTiles, wideTile } from "./matrix-tiles.ts";
import { isMappable, scheduleWideMatrices } from "./wide-matrices.ts";
import { cpuDeal, GPU_DEAL, scheduleMap } from "./map.ts";
import { packed } from "./pack-bytes.ts";
import type { DeviceProfile } from "./profile.ts";
import { rowShape } from "./row-shape.ts";
import { scheduleRows } from "./rows.ts";
import { chooseTile, otherTiles, splitK, splitsOfK, stripOfTile } from "./tiles.ts";
import { verifyBlock } from "./verify.ts";

export interface Launch {
  readonly name: string;
  /** Every buffer once, with its number in the launch. */
  readonly buffers: readonly (KernelParameter & { readonly slot: number })[];
  readonly usesTime: boolean;
  readonly shared: readonly SharedArray[];
  readonly maps?: readonly NamedMap[];
  readonly threads: number;
  readonly groups: number;
  /** Where it needs subgroups of just that many lanes. */
  readonly lanes?: number;
  /** Where it needs what not every GPU of its target has. */
  readonly needs?: Architecture;
  /** The first one has the first workgroups. */
  readonly blocks: readonly Block[];
}

/** A block as all of a launch. */
export function launchOf(block: Block, profile: DeviceProfile): Launch {
  verifyBlock(block, profile);
  return { ...block, buffers: block.buffers.map((buffer, slot) => ({ ...buffer, slot })), blocks: [block] };
}

/** A kernel as a launch of its own. */
export const launchKernel = (kernel: Kernel, profile: DeviceProfile): Launch => launchOf(scheduleKernel(kernel, profile), profile);

/** Launches that follow each other. */
type LaunchWay = readonly Launch[];

/**
 * All that computes what a kernel does, the likeliest to be the fastest first, where only the device knows which is, and it measures: by
 * other tiles, and a long sum in other parts. Several of a contraction alone, and not of one whose strips are those of its tiles: all else has one schedule.
 */
export function launchWays(kernel: Kernel, profile: DeviceProfile): readonly LaunchWay[] {
  const [guess = 1, ...others] = kernel.room === undefined ? [] : partsOf(kernel);
  const [first, ...then] = cut(kernel, guess);
  const launchesOf = (kernels: readonly Kernel[]): LaunchWay => kernels.map((each) => launchKernel(each, profile));
  const ending = launchesOf(then);
  return [
    [launchKernel(first, profile), ...ending],
    ...launchAlternatives(first, profile).map((launch) => [launch, ...ending]),
    ...others.map((parts) => launchesOf(cut(kernel, parts))),
  ];
}

/** Elements of f32 that the launches of a kernel's ways hand to each other: sums of parts. */
export function roomFor(kernel: Kernel): number {
  const most = Math.max(...partsOf(kernel));
  return most > 1 ? most * sizeOfAxes(kernel.axes) : 0;
}

/** Into how many parts a kernel's sum may be cut, the likeliest first; 1 where it is left whole. */
function partsOf({ stages: [stage], axes, time }: Kernel): readonly number[] {
  if (stage?.kind !== "contract" || stage.dtype !== "f32" || stage.strip !== undefined || time) return [1];
  const [b, m, n] = axes.map(({ extent }) => extent);
  if (!b || !m || !n) return [1];
  const shape = { b, m, n, k: stage.k.extent };
  return b * m * n * shape.k < WORTH_MEASURING ? [splitK(shape)] : splitsOfK(shape);
}

const cut = (kernel: Kernel, parts: number): readonly [Kernel, ...Kernel[]] => (parts === 1 ? [kernel] : inParts(kernel, parts));

/** By other tiles, and by warpgroups: what threads copy for them, and what the machine copies itself where it can, since which is faster is not known. */
function launchAlternatives(kernel: Kernel, profile: DeviceProfile): readonly Launch[] {
  if (!profile.measures || kernel.stages[0]?.kind !== "contract") return [];
  const problem = problemOf(packed(kernel));
  if (isReduction(problem) || problem.stage.strip !== undefined) return [];
  const named = (block: Block, how: string): Launch =>
    launchOf({ ...block, name: `${kernel.name}_${how}_${String(block.groups)}` }, profile);
  if (!matrixTile(problem, profile))
    return otherTiles(problem, profile).map((tile) => named(scheduleContract(problem, tile, profile), "by"));
  const { warpgroups } = profile;
  const wide = warpgroups && wideTile(problem, profile);
  const isMapped = wide !== undefined && isMappable(problem, wide);
  const byWarpgroups = (how: string, isMapped: boolean): readonly Launch[] =>
    wide ? [named(scheduleWideMatrices(problem, wide, warpgroups, profile, isMapped), how)] : [];
  return [
    ...otherMatrixTiles(problem, profile).map((tile) => named(scheduleMatrices(problem, tile, profile), "by")),
    ...byWarpgroups("wide_by", false),
    ...(isMapped ? byWarpgroups("wide_tma_by", true) : []),
  ];
}

const FEW_POINTS = 64;
const LONG = 256;

/** Points of a strip that the schedule of a product sums up. */
export function stripOf(product: Product, profile: DeviceProfile): number | undefined {
  return isReduction(product) || matrixTile(product, profile) ? undefined : stripOfTile(product, profile);
}

function scheduleKernel(given: Kernel, profile: DeviceProfile): Block {
  verifyKernel(given);
  const source = packed(given);
  if (source.stages[0]?.kind === "contract") {
    const problem = problemOf(source);
    const reduction = isReduction(problem) ? asReduction(source) : undefined;
    const matrices = reduction ? undefined : matrixTile(problem, profile);
    if (matrices) return scheduleMatrices(problem, matrices, profile);
    if (!reduction) return scheduleContract(problem, chooseTile(problem, profile), profile);
    return scheduleKernel(reduction, profile);
  }
  const kernel = mergeAxes(source);
  const rows = rowShape(kernel, profile);
  if (rows) return scheduleRows(kernel, rows, profile);
  return scheduleMap(kernel, profile, profile.kind === "cpu" ? cpuDeal(sizeOfAxes(kernel.axes)) : GPU_DEAL);
}

/** Few long dot products fill a machine better as reductions. */
const isReduction = ({ b, m, n, k }: ProductShape): boolean => b * m * n <= FEW_POINTS && k >= LONG;

/** The same kernel with its contraction as a sum of products. */
function asReduction(kernel: Kernel): Kernel | undefined {
  const [first, ...rest] = kernel.stages;
  if (first?.kind !== "contract") return undefined;
  return {
    ...kernel,
    stages: [{ kind: "reduce", axes: [first.k], op: "sum", dtype: first.dtype, value: mul(first.lhs, first.rhs) }, ...rest],
  };
}

/** Several kernels as one launch. Their workgroups have one size, so threads are dealt out accordingly. */
export function launchTogether(parts: readonly KernelPart[], profile: DeviceProfile): Launch {
  const kernels = parts.map(({ kernel, slots }) => {
    verifyKernel(kernel);
    const source = mergeAxes(packed(kernel));
    const kernelOfLaunch = { ...source, params: source.params.map((param, i) => ({ ...param, name: `p${String(at(slots, i))}` })) };
    return { kernel: kernelOfLaunch, rows: rowShape(kernelOfLaunch, profile) };
  });
  const threads = Math.max(GPU_DEAL.threads, ...kernels.map(({ rows }) => (rows ? rows.threads * rows.points : 0)));
  const blocks = kernels.map(({ kernel, rows }) =>
    rows
      ? scheduleRows(kernel, { ...rows, points: threads / rows.threads }, profile)
      : scheduleMap(kernel, profile, { ...GPU_DEAL, threads }),
  );
  for (const block of blocks) verifyBlock(block, profile);
  const lanes = blocks.find((block) => block.lanes !== undefined)?.lanes;
  return {
    name: blocks.map(({ name }) => name).join("_and_"),
    buffers: buffersOf(parts, blocks),
    usesTime: blocks.some(({ usesTime }) => usesTime),
    // Parts run in workgroups of their own: what has one name and type can be one memory.
    shared: distinct(blocks.flatMap(({ shared }) => shared.map((array) => ({ ...array, is: `${array.type}[${String(array.length)}]` })))),
    threads,
    groups: blocks.reduce((sum, { groups }) => sum + groups, 0),
    blocks,
    ...(lanes !== undefined && { lanes }),
  };
}

/** Each buffer of the launch once, as the parts see it. */
function buffersOf(parts: readonly KernelPart[], blocks: readonly Block[]): Launch["buffers"] {
  const all = blocks.flatMap(({ buffers }, i) =>
    buffers.map((buffer, b) => ({ ...buffer, slot: at(at(parts, i).slots, b), is: `${buffer.dtype}[${String(buffer.length)}]` })),
  );
  const written = new Set(all.filter(({ access }) => access !== "read").map(({ slot }) => slot));
  return distinct(all)
    .map((buffer) => ({ ...buffer, access: written.has(buffer.slot) ? ("read_write" as const) : ("read" as const) }))
    .sort((x, y) => x.slot - y.slot);
}

function distinct<T extends { readonly name: string; readonly is: string }>(declarations: readonly T[]): T[] {
  const known = new Map<string, T>();
  for (const declaration of declarations) {
    const other = known.get(declaration.name);
    if (other && other.is !== declaration.is)
      throw new InternalError(`${declaration.name} is ${other.is} and ${declaration.is} in one launch`);
    known.set(declaration.name, declaration);
  }
  return [...known.values()];
}

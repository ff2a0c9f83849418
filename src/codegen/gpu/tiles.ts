// Tile shapes for contractions, by the shape of the product. What they trade: large blocks read each operand less often, small ones
// leave more workgroups for the machine and less waste at the edges.

import type { ProductShape, SplitK } from "../../ir/loop/kernel.ts";
import { WORTH_MEASURING } from "../problem.ts";
import { cpuLanes, type DeviceProfile } from "./profile.ts";

export interface Tile {
  /** Of the result, per thread; both are multiples of 4. */
  readonly rows: number;
  readonly columns: number;
  readonly threadsM: number;
  readonly threadsN: number;
  /** Of k in workgroup memory at a time; broadcasts use none. */
  readonly depth: number;
  /** Steps of k per round of the inner loop; divides `depth`. */
  readonly unroll: number;
  /** Where the left operand goes from lane to lane of one subgroup: its lanes, all of the workgroup's threads. */
  readonly lanes?: number;
}

/** Below this many workgroups a GPU is not full, and smaller tiles win. */
const ENOUGH_GROUPS = 64;

/** Workgroup memory that every adapter has, 16 KiB, bounds `depth`: both tiles and their padding stay below it. */
const GPU_LARGE: Tile = { rows: 8, columns: 8, threadsM: 8, threadsN: 8, depth: 16, unroll: 4 };
const GPU_SMALL: Tile = { rows: 4, columns: 4, threadsM: 8, threadsN: 8, depth: 16, unroll: 4 };

export function chooseTile(shape: ProductShape, profile: DeviceProfile): Tile {
  const lanes = cpuLanes(profile);
  if (lanes !== undefined) return chooseNarrow(shape, lanes);
  return groupsOf(shape, GPU_LARGE) >= ENOUGH_GROUPS ? GPU_LARGE : GPU_SMALL;
}

/** How far from full, in workgroups, it is not known what is faster: so many times more or fewer. */
export const UNSURE = 8;

/** The other tile, where it may be the better one after all. */
export function otherTiles(shape: ProductShape, profile: DeviceProfile): readonly Tile[] {
  const groups = groupsOf(shape, GPU_LARGE);
  const isSure = groups >= UNSURE * ENOUGH_GROUPS || UNSURE * groups < ENOUGH_GROUPS;
  if (cpuLanes(profile) !== undefined || isSure || shape.b * shape.m * shape.n * shape.k < WORTH_MEASURING) return [];
  return [groups >= ENOUGH_GROUPS ? GPU_SMALL : GPU_LARGE];
}

/** Multiplications above which a narrow block of registers costs more time than a wide one takes to compile. */
const WORTH_COMPILING = 1e8;

/**
 * On a CPU that plays GPU a load costs ten times what a multiplication costs, a lane-to-lane copy a tenth of a load, and a barrier as much
 * as hundreds of multiplications. So one subgroup is a workgroup, with the largest block of registers that its compiler takes in a few
 * seconds.
 */
function chooseNarrow({ b, m, n, k }: ProductShape, lanes: number): Tile {
  const isLarge = b * m * n * k >= WORTH_COMPILING;
  const rows = m > 32 && isLarge ? 64 : m > 16 ? 32 : m > 8 ? 16 : 8;
  return { rows, columns: n > 32 && isLarge ? 8 : 4, threadsM: 1, threadsN: lanes, depth: 16, unroll: 1, lanes };
}

const groupsOf = ({ b, m, n }: ProductShape, tile: Tile): number =>
  b * Math.ceil(m / (tile.rows * tile.threadsM)) * Math.ceil(n / (tile.columns * tile.threadsN));

/** A tile has one strip of each of its rows; where the device is a CPU, memory is what costs least. */
export const stripOfTile = (shape: ProductShape, profile: DeviceProfile): number | undefined => {
  const { columns, threadsN, lanes } = chooseTile(shape, profile);
  return lanes === undefined ? columns * threadsN : undefined;
};

/** Workgroups that fill a GPU. */
const FULL = 128;

/** Parts of k such that there are about as many workgroups as asked for and each part is still long; a divisor of k. */
const partsFor = (shape: ProductShape, groups: number): number =>
  largestDivisor(shape.k, Math.min(Math.ceil(groups / groupsOf(shape, GPU_LARGE)), Math.floor(shape.k / 512)));

/** Parts of k such that the workgroups fill a GPU. */
export const splitK: SplitK = (shape) => partsFor(shape, FULL);

/**
 * The same, and what may be faster after all: several workgroups for each processor, or fewer sums to add up; but not where there are more than enough. With
 * at most 768 workgroups, sums of parts take 12 MiB.
 */
export const splitsOfK = (shape: ProductShape): readonly number[] =>
  groupsOf(shape, GPU_LARGE) > 2 * FULL ? [1] : [...new Set([FULL, 4 * FULL, FULL / 4].map((groups) => partsFor(shape, groups)))];

function largestDivisor(value: number, limit: number): number {
  for (let parts = limit; parts > 1; parts--) if (value % parts === 0) return parts;
  return 1;
}

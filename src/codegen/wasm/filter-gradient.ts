// The gradient of a 3x3 filter with stride 1, summed block by block over the places of an image: by tiles (filter-tiles.ts) where that is as exact, else
// place by place (filter-places.ts).

import type { Problem } from "../problem.ts";
import { int } from "../../ir/loop/expr.ts";
import { substituter } from "../axes.ts";
import { template } from "../template.ts";
import { THREAD_WORK } from "./contract.ts";
import { convolutionOf, isFilled, type Convolution } from "./convolution.ts";
import { decided } from "./decided.ts";
import { DOT_CHANNELS, DOT_ROWS } from "./dot.ts";
import { OVER_PLACES, placesFunctions, type PlacesPlan } from "./filter-places.ts";
import { COLLECT, FACTORS, OVER_TILES, sumsBytes, tilesFunctions, tilesPlan, UNIT_CHANNELS } from "./filter-tiles.ts";
import { runHead } from "./loops.ts";
import { LEAST } from "./micro.ts";
import { storeFunction } from "./store.ts";
import type { Scheduled, Unit } from "./unit.ts";
import { TAPS, TILE } from "./winograd-transforms.ts";

/** Places of a block: what of them is multiplied at one time stays in a first-level cache. */
const BLOCK_PLACES = 1024;
/** Bytes of a block of the gradient, and of results, at most: each less than half of a second-level cache. */
const BLOCK_BYTES = 1 << 18;
/** Bytes of the factors that tiles of the gradient become, unless these are too few for a sum. */
const FACTORS_BYTES = 1 << 19;
const LEAST_TILED_PLACES = 256;
/** Below so many channels, going to tiles and back costs more than it saves. */
const LEAST_CHANNELS = 8;
/** Bytes of sums and results at most where there are tiles. */
const SUMS_BYTES = 1 << 21;
/** Work units that share one packing of the gradient, where there are so many; and rows for each of them that share its tiles. */
const WORTH_PACKING = 4;
const ROWS_OF_SHARE = 8;
/** Below so long rows, a general product takes no longer. */
const LEAST_WIDTH = 8;
/** Bytes of a line of a cache: what else would lie in the same few lines is so much further apart. */
const LINE = 64;
const COLUMNS = TAPS * TAPS;

/** The schedule, where the contraction is such a gradient, of m filters by n = (channel, tap) over k = (image, row, column); else undefined. */
export function compileFilterGradient(problem: Problem, unit: Unit): Scheduled | undefined {
  const { kernel, stage, b, m, n, k } = problem;
  if (kernel.time) return undefined;
  const convolution = convolutionOf(stage.rhs, stage.lhs, stage.k, { name: "n", extent: n });
  if (!convolution?.isUpright) return undefined;
  const { batch, height, width, channels } = convolution;
  const rows = DOT_ROWS * Math.ceil(m / DOT_ROWS);
  const tiled = blockOfTiles(convolution, rows);
  if (width % 4 > 0 || (width < LEAST_WIDTH && !tiled)) return undefined;
  const { blockRows, blockImages } = tiled ?? blockOf(convolution, Math.min(BLOCK_PLACES, BLOCK_BYTES / (4 * rows)));
  const unitsOfProduct = Math.ceil(channels.extent / UNIT_CHANNELS);
  const resultBytes = 4 * UNIT_CHANNELS * COLUMNS * rows;
  const most = tiled ? SUMS_BYTES / (resultBytes + sumsBytes(rows)) : BLOCK_BYTES / resultBytes;
  const blockUnits = Math.max(1, Math.min(unitsOfProduct, Math.floor(most)));
  const gradientPitch = 4 * blockImages * blockRows * width + LINE;
  const imagePitch = 4 * blockImages * (blockRows + TAPS - 1) * width + LINE;
  const resultPitch = 4 * blockUnits * UNIT_CHANNELS * COLUMNS + LINE;
  const imageAt = rows * gradientPitch;
  const resultsAt = imageAt + DOT_CHANNELS * TAPS * imagePitch;
  const resultsEnd = resultsAt + rows * resultPitch;
  const tiles = tiled && tilesPlan(rows, blockUnits, blockImages * blockRows * width + LINE, resultsEnd);
  const places: PlacesPlan = { gradientPitch, imagePitch, resultPitch, imageAt };
  const stores = kernel.stages.slice(1);
  return {
    text: [
      LEAST,
      ...placesFunctions(m, convolution, places, unit),
      ...(tiles ? tilesFunctions(m, convolution, tiles, resultPitch, unit) : []),
      storeFunction("store", problem, stores, unit, "rows"),
      ...(n % 4 > 0 ? [storeFunction("store_rest", problem, stores, unit, "row singles")] : []),
      run({
        ...{ m, channels: channels.extent, batch, height, blockImages, blockRows, blockUnits, resultsAt, unitsOfProduct },
        ...{ unitChannels: UNIT_CHANNELS, columns: COLUMNS, resultPitch, zeroedBytes: (tiles?.factorsAt ?? resultsEnd) - resultsAt },
        addBlock: tiles ? OVER_TILES : OVER_PLACES,
        collect: tiles ? COLLECT : "",
        rest:
          n % 4 === 0
            ? ""
            : `(if (i32.lt_s (local.get $fours) (local.get $to)) (then
      (call $store_rest (local.get $args) (local.get $time) (local.get $batch) (local.get $fours) (local.get $to)
        (i32.const 0) (i32.const ${String(m)}) (local.get $results) (local.get $from) (i32.const ${String(resultPitch)}))))`,
      }),
    ].join("\n"),
    units: b * unitsOfProduct,
    grain: Math.max(1, Math.ceil((THREAD_WORK * unitsOfProduct) / (m * n * k))),
    piece: Math.min(unitsOfProduct, Math.max(WORTH_PACKING, tiled ? Math.floor(rows / ROWS_OF_SHARE) : 0)),
    scratchBytes: tiles?.end ?? resultsEnd,
  };
}

interface Block {
  /** Some rows of an image, or all of some images. */
  readonly blockRows: number;
  readonly blockImages: number;
}

function blockOf({ batch, height, width }: Convolution, places: number): Block {
  const blockRows = Math.max(1, Math.min(height, Math.floor(places / width)));
  return { blockRows, blockImages: blockRows < height ? 1 : Math.max(1, Math.min(batch, Math.floor(places / (height * width)))) };
}

/** Whether there is nothing to the left of an image: else the first column lies in the middle of no tile. */
function isPadded({ under }: Convolution): boolean {
  const beside = decided(substituter(new Map([["x", int(0)]]))(under(0)));
  return beside.kind === "const" && beside.value === 0;
}

/** A block whose tiles come in fours; undefined where tiles do not fill the image, or cost more than they save. */
function blockOfTiles(convolution: Convolution, rows: number): Block | undefined {
  const { height, width, channels } = convolution;
  if (!isFilled(convolution) || !isPadded(convolution) || Math.min(channels.extent, rows) < LEAST_CHANNELS) return undefined;
  const places = Math.max(LEAST_TILED_PLACES, Math.min(BLOCK_PLACES, FACTORS_BYTES / (FACTORS * rows)));
  const { blockRows, blockImages } = blockOf(convolution, places);
  if (width % (4 * TILE) === 0) return blockRows < TILE ? undefined : { blockRows: blockRows - (blockRows % TILE), blockImages };
  return blockRows === height && (height * width) % (4 * TILE * TILE) === 0 ? { blockRows, blockImages } : undefined;
}

interface Plan {
  /** Filters, and columns of a channel: taps. */
  readonly m: number;
  readonly columns: number;
  /** Of an image: channels, rows of places; and how many images. */
  readonly channels: number;
  readonly height: number;
  readonly batch: number;
  /** Of a block: images, rows of each, work units. */
  readonly blockImages: number;
  readonly blockRows: number;
  readonly blockUnits: number;
  /** Bytes from a row of results to the next. */
  readonly resultPitch: number;
  /** Bytes from the start of the scratch memory, and how many of them are sums. */
  readonly resultsAt: number;
  readonly zeroedBytes: number;
  readonly unitsOfProduct: number;
  readonly unitChannels: number;
  /** Adds what a block gives; makes results of the sums; stores the columns that fours do not fill. */
  readonly addBlock: string;
  readonly collect: string;
  readonly rest: string;
}

const run = template<Plan>(`${runHead()}
  (local $unit i32) (local $batch i32) (local $u0 i32) (local $u1 i32) (local $i0 i32) (local $i1 i32) (local $y0 i32) (local $y1 i32)
  (local $c0 i32) (local $c1 i32) (local $results i32) (local $from i32) (local $to i32) (local $fours i32)
  (local.set $results (i32.add (local.get $scratch) (i32.const {{resultsAt}})))
  (local.set $unit (local.get $begin))
  (loop $blocks
    (local.set $batch (i32.div_u (local.get $unit) (i32.const {{unitsOfProduct}})))
    (local.set $u0 (i32.sub (local.get $unit) (i32.mul (local.get $batch) (i32.const {{unitsOfProduct}}))))
    (local.set $u1 (call $least (i32.add (local.get $u0) (i32.sub (local.get $end) (local.get $unit)))
      (call $least (i32.add (local.get $u0) (i32.const {{blockUnits}})) (i32.const {{unitsOfProduct}}))))
    (local.set $c0 (i32.mul (local.get $u0) (i32.const {{unitChannels}})))
    (local.set $c1 (call $least (i32.mul (local.get $u1) (i32.const {{unitChannels}})) (i32.const {{channels}})))
    (call $zero (local.get $results) (i32.const {{zeroedBytes}}))
    (local.set $i0 (i32.const 0))
    (loop $images
      (local.set $i1 (call $least (i32.add (local.get $i0) (i32.const {{blockImages}})) (i32.const {{batch}})))
      (local.set $y0 (i32.const 0))
      (loop $rows
        (local.set $y1 (call $least (i32.add (local.get $y0) (i32.const {{blockRows}})) (i32.const {{height}})))
        {{addBlock}}
        (br_if $rows (i32.lt_s (local.tee $y0 (local.get $y1)) (i32.const {{height}}))))
      (br_if $images (i32.lt_s (local.tee $i0 (local.get $i1)) (i32.const {{batch}}))))
    {{collect}}
    (local.set $from (i32.mul (local.get $c0) (i32.const {{columns}})))
    (local.set $to (i32.mul (local.get $c1) (i32.const {{columns}})))
    (local.set $fours (i32.and (local.get $to) (i32.const -4)))
    (call $store (local.get $args) (local.get $time) (local.get $batch) (local.get $from) (local.get $fours)
      (i32.const 0) (i32.const {{m}}) (local.get $results) (local.get $from) (i32.const {{resultPitch}}))
    {{rest}}
    (local.set $unit (i32.add (local.get $unit) (i32.sub (local.get $u1) (local.get $u0))))
    (br_if $blocks (i32.lt_s (local.get $unit) (local.get $end)))))
(func $zero (param $at i32) (param $bytes i32)
  (local.set $bytes (i32.add (local.get $at) (local.get $bytes)))
  (loop $each
    (v128.store (local.get $at) (v128.const i32x4 0 0 0 0))
    (br_if $each (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 16))) (local.get $bytes)))))`);

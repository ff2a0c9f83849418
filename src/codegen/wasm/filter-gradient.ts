// The gradient of a 3x3 filter with stride 1: for each pair of channels and tap, the inner product of a gradient with the image moved by the
// tap. Places lie side by side in both, so lanes go along them and nothing is turned; and of the image three copies do, one for each column
// of the filter, since its rows are the same copies read from another row on. A general product would pack nine of them, turned.

import type { Problem } from "../problem.ts";
import { template } from "../template.ts";
import { THREAD_WORK } from "./contract.ts";
import { convolutionOf, type Convolution } from "./convolution.ts";
import { Expressions } from "./expressions.ts";
import { WasmFunction } from "./function.ts";
import { dotKernel, DOT_CHANNELS, DOT_ROWS } from "./dot.ts";
import { runHead } from "./loops.ts";
import { LEAST } from "./micro.ts";
import { storeFunction } from "./store.ts";
import type { Scheduled, Unit } from "./unit.ts";
import { present, type Value } from "./values.ts";
import { TAPS } from "./winograd-transforms.ts";

/** Places of a block: what of them is multiplied at one time stays in a first-level cache. */
const BLOCK_PLACES = 1024;
/** Bytes of a block of the gradient, and of results, at most: each less than half of a second-level cache. */
const BLOCK_BYTES = 1 << 18;
/** Channels of the image that make a work unit: their columns are stored by fours. */
const UNIT_CHANNELS = 4;
/** Work units that share one packing of the gradient, where there are so many. */
const WORTH_PACKING = 4;
/** Below so long rows, a general product takes no longer. */
const LEAST_WIDTH = 8;

/** The schedule, where the contraction is such a gradient, of m filters by n = (channel, tap) over k = (image, row, column); else undefined. */
export function compileFilterGradient(problem: Problem, unit: Unit): Scheduled | undefined {
  const { kernel, stage, b, m, n, k } = problem;
  if (kernel.time) return undefined;
  const convolution = convolutionOf(stage.rhs, stage.lhs, stage.k, { name: "n", extent: n });
  if (!convolution?.isUpright) return undefined;
  const { batch, height, width } = convolution;
  if (width % 4 > 0 || width < LEAST_WIDTH) return undefined;
  const channels = convolution.channels.extent;
  const rows = DOT_ROWS * Math.ceil(m / DOT_ROWS);
  // A block is some rows of an image, or some images.
  const places = Math.min(BLOCK_PLACES, BLOCK_BYTES / (4 * rows));
  const blockRows = Math.max(1, Math.min(height, Math.floor(places / width)));
  const blockImages = blockRows < height ? 1 : Math.max(1, Math.min(batch, Math.floor(places / (height * width))));
  // Rows of memory a cache line more apart, so that they do not all lie in the same lines of a cache.
  const gradientPitch = 4 * blockImages * blockRows * width + 64;
  const imagePitch = 4 * blockImages * (blockRows + TAPS - 1) * width + 64;
  const columns = UNIT_CHANNELS * TAPS * TAPS;
  const unitsOfProduct = Math.ceil(channels / UNIT_CHANNELS);
  const blockUnits = Math.max(1, Math.min(unitsOfProduct, Math.floor(BLOCK_BYTES / (4 * columns * rows))));
  const resultPitch = 4 * blockUnits * columns + 64;
  const imageAt = rows * gradientPitch;
  const resultsAt = imageAt + DOT_CHANNELS * TAPS * imagePitch;
  const stores = kernel.stages.slice(1);
  return {
    text: [
      LEAST,
      dotKernel({ gradientPitch, imagePitch: TAPS * imagePitch, skip: 4 * (TAPS - 1) * width, resultPitch, channelPitch: 4 * TAPS * TAPS }),
      gradientFunction(m, convolution, gradientPitch, unit),
      imageFunction(convolution, imagePitch, unit),
      storeFunction("store", problem, stores, unit, "rows"),
      ...(n % 4 > 0 ? [storeFunction("store_rest", problem, stores, unit, "row singles")] : []),
      run({
        ...{ m, channels, batch, height, width, blockImages, blockRows, blockUnits, gradientPitch, imagePitch, resultPitch },
        ...{ imageAt, resultsAt, unitsOfProduct, unitChannels: UNIT_CHANNELS, dotRows: DOT_ROWS, dotChannels: DOT_CHANNELS },
        taps: TAPS,
        tapsInAll: TAPS * TAPS,
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
    piece: Math.min(unitsOfProduct, WORTH_PACKING),
    scratchBytes: resultsAt + rows * resultPitch,
  };
}

const PACK_PARAMS = ["args", "batch", "image0", "image1", "row0", "row1", "to"] as const;

/** $pack_gradient(args, batch, image0, image1, row0, row1, to): rows `row0` to `row1` of the images `image0` to `image1` for all filters, one `pitch` after the other. */
function gradientFunction(m: number, { width, other }: Convolution, pitch: number, unit: Unit): string {
  const f = new WasmFunction("pack_gradient", PACK_PARAMS);
  const v = f.values;
  const expr = other(0, 0);
  const rows = v.binary("i32.sub", f.param("row1"), f.param("row0"));
  f.loop(v.i32(0), v.i32(m), 1, (filter) =>
    f.loop(f.param("image0"), f.param("image1"), 1, (image) => {
      const before = v.binary("i32.mul", v.binary("i32.sub", image, f.param("image0")), rows);
      f.loop(f.param("row0"), f.param("row1"), 1, (y) => {
        const to = v.sum([f.param("to"), v.mul(filter, pitch), v.mul(v.sum([before, y, v.mul(f.param("row0"), -1)]), 4 * width)]);
        f.loop(v.i32(0), v.i32(width), 4, (x) => {
          const axes = placed(f, { image, y, x, m: filter });
          f.do("v128.store", v.add(to, v.mul(x, 4)), new Expressions(f, unit, { axes, lane: "x" }).vector(expr));
        });
      });
    }),
  );
  return f.text();
}

/** $pack_image(args, batch, image0, image1, row0, row1, to, channel): what filters over those rows see of some channels, for each column of a filter. */
function imageFunction({ height, width, channels, row, under }: Convolution, pitch: number, unit: Unit): string {
  const f = new WasmFunction("pack_image", [...PACK_PARAMS, "channel"]);
  const v = f.values;
  const exprs = Array.from({ length: TAPS }, (_, j) => under(j));
  const least = (x: Value, y: Value): Value => v.make("select", "i32", [x, y, v.binary("i32.lt_s", x, y)]);
  const rows = v.sum([v.binary("i32.sub", f.param("row1"), f.param("row0")), v.i32(TAPS - 1)]);
  f.loop(v.i32(0), v.i32(DOT_CHANNELS), 1, (next) => {
    // Where there are no more channels, the last one again.
    const channel = least(v.add(f.param("channel"), next), v.i32(channels.extent - 1));
    f.loop(f.param("image0"), f.param("image1"), 1, (image) => {
      const before = v.binary("i32.mul", v.binary("i32.sub", image, f.param("image0")), rows);
      f.loop(v.i32(0), rows, 1, (r) => {
        // The middle row of the filter over a row of results; at the edges, another over the nearest.
        const at = v.add(f.param("row0"), r);
        const top = v.make("select", "i32", [v.add(at, v.i32(-1)), v.i32(0), v.binary("i32.gt_s", at, v.i32(0))]);
        const y = least(top, v.i32(height - 1));
        const to = v.sum([f.param("to"), v.mul(next, TAPS * pitch), v.mul(v.add(before, r), 4 * width)]);
        f.loop(v.i32(0), v.i32(width), 4, (x) => {
          const axes = placed(f, { image, y, x, [channels.name]: channel, [row.name]: v.binary("i32.sub", at, y) });
          const e = new Expressions(f, unit, { axes, lane: "x" });
          exprs.forEach((expr, j) => f.do(`v128.store offset=${String(j * pitch)}`, v.add(to, v.mul(x, 4)), e.vector(expr)));
        });
      });
    });
  });
  return f.text();
}

const placed = (f: WasmFunction, { image, ...others }: Readonly<Record<string, Value>>): ReadonlyMap<string, Value> =>
  new Map([["b", f.param("batch")], ["batch", present(image)], ...Object.entries(others)]);

interface Plan {
  /** Filters. */
  readonly m: number;
  /** Of an image: channels, rows of places, their length; and how many images. */
  readonly channels: number;
  readonly height: number;
  readonly width: number;
  readonly batch: number;
  /** Of a block: images, rows of each, work units. */
  readonly blockImages: number;
  readonly blockRows: number;
  readonly blockUnits: number;
  /** Bytes from a filter to the next, from a copy of the image to the next, from a row of results to the next. */
  readonly gradientPitch: number;
  readonly imagePitch: number;
  readonly resultPitch: number;
  /** Bytes from the start of the scratch memory, which begins with the gradient. */
  readonly imageAt: number;
  readonly resultsAt: number;
  readonly unitsOfProduct: number;
  readonly unitChannels: number;
  readonly dotRows: number;
  readonly dotChannels: number;
  readonly taps: number;
  readonly tapsInAll: number;
  /** Stores the columns that fours do not fill. */
  readonly rest: string;
}

const run = template<Plan>(`${runHead()}
  (local $unit i32) (local $batch i32) (local $u0 i32) (local $u1 i32) (local $end_of_product i32) (local $i0 i32) (local $i1 i32) (local $y0 i32) (local $y1 i32)
  (local $c0 i32) (local $c1 i32) (local $c i32) (local $j i32) (local $m i32) (local $i i32) (local $image i32) (local $results i32)
  (local $length i32) (local $from i32) (local $to i32) (local $fours i32)
  (local.set $image (i32.add (local.get $scratch) (i32.const {{imageAt}})))
  (local.set $results (i32.add (local.get $scratch) (i32.const {{resultsAt}})))
  (local.set $unit (local.get $begin))
  (loop $blocks
    (local.set $batch (i32.div_u (local.get $unit) (i32.const {{unitsOfProduct}})))
    (local.set $u0 (i32.sub (local.get $unit) (i32.mul (local.get $batch) (i32.const {{unitsOfProduct}}))))
    (local.set $u1 (call $least (i32.add (local.get $u0) (i32.sub (local.get $end) (local.get $unit)))
      (call $least (i32.add (local.get $u0) (i32.const {{blockUnits}})) (i32.const {{unitsOfProduct}}))))
    (local.set $c0 (i32.mul (local.get $u0) (i32.const {{unitChannels}})))
    (local.set $c1 (call $least (i32.mul (local.get $u1) (i32.const {{unitChannels}})) (i32.const {{channels}})))
    (local.set $i0 (i32.const 0))
    (loop $images
      (local.set $i1 (call $least (i32.add (local.get $i0) (i32.const {{blockImages}})) (i32.const {{batch}})))
      (local.set $y0 (i32.const 0))
      (loop $rows
        (local.set $y1 (call $least (i32.add (local.get $y0) (i32.const {{blockRows}})) (i32.const {{height}})))
        (local.set $length (i32.mul (i32.sub (local.get $y1) (local.get $y0)) (i32.const {{width}})))
        (call $pack_gradient (local.get $args) (local.get $batch) (local.get $i0) (local.get $i1) (local.get $y0) (local.get $y1) (local.get $scratch))
        (local.set $c (local.get $c0))
        (loop $channels
          (call $pack_image (local.get $args) (local.get $batch) (local.get $i0) (local.get $i1) (local.get $y0) (local.get $y1) (local.get $image) (local.get $c))
          (local.set $j (i32.const 0))
          (loop $columns
            (local.set $m (i32.const 0))
            (loop $filters
              (local.set $i (i32.const 0))
              (loop $taps
                (call $dot
                  (i32.add (local.get $scratch) (i32.mul (local.get $m) (i32.const {{gradientPitch}})))
                  (i32.add (i32.add (local.get $image) (i32.mul (local.get $j) (i32.const {{imagePitch}})))
                    (i32.shl (i32.mul (local.get $i) (i32.const {{width}})) (i32.const 2)))
                  (i32.add (i32.add (local.get $results) (i32.mul (local.get $m) (i32.const {{resultPitch}})))
                    (i32.shl (i32.add (i32.mul (i32.sub (local.get $c) (local.get $c0)) (i32.const {{tapsInAll}}))
                      (i32.add (i32.mul (local.get $i) (i32.const {{taps}})) (local.get $j))) (i32.const 2)))
                  (i32.shl (local.get $length) (i32.const 2))
                  (i32.sub (local.get $i1) (local.get $i0))
                  (i32.or (local.get $i0) (local.get $y0)))
                (br_if $taps (i32.lt_s (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const {{taps}}))))
              (br_if $filters (i32.lt_s (local.tee $m (i32.add (local.get $m) (i32.const {{dotRows}}))) (i32.const {{m}}))))
            (br_if $columns (i32.lt_s (local.tee $j (i32.add (local.get $j) (i32.const 1))) (i32.const {{taps}}))))
          (br_if $channels (i32.lt_s (local.tee $c (i32.add (local.get $c) (i32.const {{dotChannels}}))) (local.get $c1))))
        (br_if $rows (i32.lt_s (local.tee $y0 (local.get $y1)) (i32.const {{height}}))))
      (br_if $images (i32.lt_s (local.tee $i0 (local.get $i1)) (i32.const {{batch}}))))
    (local.set $from (i32.mul (local.get $c0) (i32.const {{tapsInAll}})))
    (local.set $to (i32.mul (local.get $c1) (i32.const {{tapsInAll}})))
    (local.set $fours (i32.and (local.get $to) (i32.const -4)))
    (call $store (local.get $args) (local.get $time) (local.get $batch) (local.get $from) (local.get $fours)
      (i32.const 0) (i32.const {{m}}) (local.get $results) (local.get $from) (i32.const {{resultPitch}}))
    {{rest}}
    (local.set $unit (i32.add (local.get $unit) (i32.sub (local.get $u1) (local.get $u0))))
    (br_if $blocks (i32.lt_s (local.get $unit) (local.get $end)))))`);

// The gradient of a filter by Winograd's algorithm: tiles of the image and of the gradient of the results are spread to 36 small matrices each,
// whose products are summed over all tiles, and only the sums become taps of the filter.

import { add, and, axis, binary, float, int, select, type Expr } from "../../ir/loop/expr.ts";
import type { Problem } from "../problem.ts";
import { template } from "../template.ts";
import { batchOfUnit } from "./contract-run.ts";
import { THREAD_WORK } from "./contract.ts";
import { convolutionOf, isFilled, square, tilesOf, type Convolution } from "./convolution.ts";
import { Expressions } from "./expressions.ts";
import { WasmFunction } from "./function.ts";
import { RUN_HEAD } from "./loops.ts";
import { LEAST, MICRO_KERNEL } from "./micro.ts";
import { storeFunction } from "./store.ts";
import type { Scheduled, Unit } from "./unit.ts";
import { LEAST_CHANNELS, MOST_FILTER_BYTES, PRODUCTS, readProducts, writeProducts } from "./winograd.ts";
import { collectTaps, map2d, spreadGradient, spreadImage, TAPS, TILE } from "./winograd-transforms.ts";

/** Bytes of the spread tiles of the gradient in a block: they are read again for every eight channels of the image. */
const BLOCK_BYTES = 1 << 19;
/** Below so many tiles for a sum, making taps of the sums costs more than they save. */
const LEAST_TILES = 16;
/** Taps of eight channels: the columns of the product that are made together. */
const COLUMNS = 8 * TAPS * TAPS;

/** The schedule, where the contraction is a sum over (batch * height * width) for (channels * 9) columns and the algorithm wins; else undefined. */
export function compileWinogradGradient(problem: Problem, unit: Unit): Scheduled | undefined {
  const { kernel, stage, b, m, n, k } = problem;
  if (kernel.time || m % 4 > 0 || m < LEAST_CHANNELS || n < LEAST_CHANNELS * TAPS * TAPS) return undefined;
  const convolution = convolutionOf(stage.rhs, stage.lhs, stage.k, { name: "n", extent: n });
  if (!convolution) return undefined;
  const c = convolution.channels.extent;
  const tiles = tilesOf(convolution).all;
  if (c % 4 > 0 || tiles < LEAST_TILES || PRODUCTS * m * c * 4 > MOST_FILTER_BYTES) return undefined;
  const panels = Math.ceil(c / 8);
  const block = Math.min(tiles, Math.max(16, Math.floor(BLOCK_BYTES / (PRODUCTS * m * 4))));
  const imageAt = PRODUCTS * m * block * 4;
  const sumsAt = imageAt + PRODUCTS * block * 32;
  const resultsAt = sumsAt + panels * PRODUCTS * m * 32;
  return {
    text: [
      MICRO_KERNEL,
      LEAST,
      gradientFunction(m, convolution, block, unit),
      imageFunction(convolution, block, unit),
      collectFunction(m, convolution),
      storeFunction("store", problem, kernel.stages.slice(1), unit, "rows"),
      run({
        m,
        n,
        panels,
        tiles,
        block,
        products: PRODUCTS,
        columns: COLUMNS,
        batchOfUnit: batchOfUnit(b, panels),
        imageAt,
        sumsAt,
        resultsAt,
      }),
    ].join("\n"),
    units: b * panels,
    grain: Math.max(1, Math.ceil((TILE * THREAD_WORK * panels) / (m * n * k))),
    // Less than all channels of a part would spread its gradient again.
    piece: panels,
    scratchBytes: resultsAt + 4 * COLUMNS * m,
  };
}

/** $spread_gradient(args, batch, t0, t1, to): the tiles `t0` to `t1` to [36][m / 4][tile][4]. */
function gradientFunction(m: number, convolution: Convolution, block: number, unit: Unit): string {
  const f = new WasmFunction("spread_gradient", ["args", "batch", "t0", "t1", "to"]);
  const v = f.values;
  const tile = axis("tile", tilesOf(convolution).all);
  const { batch, y, x } = convolution.origin(tile);
  const [top, left] = convolution.first(tile);
  const isFull = isFilled(convolution);
  const exprs = square(TILE, (i, j): Expr => {
    const place = { batch, y: add(y, int(i)), x: add(x, int(j)) };
    const value = convolution.other(0, 0, place);
    // What tiles have twice counts once.
    return isFull ? value : select(and(binary("le", top, place.y), binary("le", left, place.x)), value, float(0));
  });
  const steps = v.binary("i32.sub", f.param("t1"), f.param("t0"));
  f.loop(v.i32(0), v.i32(m), 4, (row) =>
    f.loop(f.param("t0"), f.param("t1"), 1, (at) => {
      const axes = new Map([
        ["b", f.param("batch")],
        ["m", row],
        ["tile", at],
      ]);
      const e = new Expressions(f, unit, { axes, lane: "m" });
      const values = exprs.map((line) => line.map((expr) => e.vector(expr)));
      const panel = v.mul(v.binary("i32.mul", row, steps), 4);
      const to = v.sum([f.param("to"), panel, v.mul(v.binary("i32.sub", at, f.param("t0")), 16)]);
      writeProducts(f, map2d(f, spreadGradient, values), to, 4 * m * block);
    }),
  );
  return f.text();
}

/** $spread_image(args, batch, panel, t0, t1, to): the tiles `t0` to `t1` of eight channels (or the last four) to [36][tile][8]. */
function imageFunction(convolution: Convolution, block: number, unit: Unit): string {
  const f = new WasmFunction("spread_image", ["args", "batch", "panel", "t0", "t1", "to"]);
  const v = f.values;
  const { channels, patch } = convolution;
  const exprs = patch(axis("tile", tilesOf(convolution).all));
  const first = v.mul(f.param("panel"), 8);
  const [whole, last] = [v.add(first, v.i32(8)), v.i32(channels.extent)];
  const end = channels.extent % 8 === 0 ? whole : v.make("select", "i32", [whole, last, v.binary("i32.lt_s", whole, last)]);
  f.loop(first, end, 4, (channel) =>
    f.loop(f.param("t0"), f.param("t1"), 1, (at) => {
      const axes = new Map([
        ["b", f.param("batch")],
        ["tile", at],
        [channels.name, channel],
      ]);
      const e = new Expressions(f, unit, { axes, lane: channels.name });
      const values = exprs.map((row) => row.map((expr) => e.vector(expr)));
      const half = v.mul(v.binary("i32.sub", channel, first), 4);
      const to = v.sum([f.param("to"), half, v.mul(v.binary("i32.sub", at, f.param("t0")), 32)]);
      writeProducts(f, map2d(f, spreadImage, values), to, 32 * block);
    }),
  );
  return f.text();
}

/** $collect(from, to): the sums of eight channels, [36][m][8], to rows of 72 taps. */
function collectFunction(m: number, { tap }: Convolution): string {
  const f = new WasmFunction("collect", ["from", "to"]);
  const v = f.values;
  f.loop(v.i32(0), v.i32(m), 1, (row) =>
    f.loop(v.i32(0), v.i32(2), 1, (half) => {
      const from = v.sum([f.param("from"), v.mul(row, 32), v.mul(half, 16)]);
      const to = v.sum([f.param("to"), v.mul(row, 4 * COLUMNS), v.mul(half, 2 * COLUMNS)]);
      map2d(f, collectTaps, readProducts(f, from, 32 * m)).forEach((values, i) =>
        values.forEach((value, j) => {
          const [r, s] = tap(i, j);
          for (let lane = 0; lane < 4; lane++)
            f.do(`v128.store32_lane offset=${String(4 * (TAPS * TAPS * lane + TAPS * r + s))} ${String(lane)}`, to, value);
        }),
      );
    }),
  );
  return f.text();
}

interface Plan {
  readonly m: number;
  readonly n: number;
  /** Of eight channels. */
  readonly panels: number;
  readonly tiles: number;
  /** Tiles of a block. */
  readonly block: number;
  readonly products: number;
  readonly columns: number;
  /** The statement that sets $batch. */
  readonly batchOfUnit: string;
  /** Bytes from the start of the scratch memory, which begins with the gradient's tiles. */
  readonly imageAt: number;
  readonly sumsAt: number;
  readonly resultsAt: number;
}

const run = template<Plan>(`${RUN_HEAD}
  (local $unit i32) (local $batch i32) (local $lo i32) (local $hi i32) (local $t0 i32) (local $t1 i32) (local $steps i32) (local $p i32)
  (local $i i32) (local $sum i32) (local $column i32)
  (local.set $unit (local.get $begin))
  (loop $units
    {{batchOfUnit}}
    (local.set $lo (i32.sub (local.get $unit) (i32.mul (local.get $batch) (i32.const {{panels}}))))
    (local.set $hi (call $least (i32.add (local.get $lo) (i32.sub (local.get $end) (local.get $unit))) (i32.const {{panels}})))
    (local.set $t0 (i32.const 0))
    (loop $blocks
      (local.set $t1 (call $least (i32.add (local.get $t0) (i32.const {{block}})) (i32.const {{tiles}})))
      (local.set $steps (i32.sub (local.get $t1) (local.get $t0)))
      (call $spread_gradient (local.get $args) (local.get $batch) (local.get $t0) (local.get $t1) (local.get $scratch))
      (local.set $p (local.get $lo))
      (loop $panels
        (call $spread_image (local.get $args) (local.get $batch) (local.get $p) (local.get $t0) (local.get $t1)
          (i32.add (local.get $scratch) (i32.const {{imageAt}})))
        (local.set $sum (call $sums (local.get $scratch) (i32.sub (local.get $p) (local.get $lo))))
        (local.set $i (i32.const 0))
        (loop $each
          (call $micro
            (i32.add (local.get $scratch) (i32.shl (i32.mul (local.get $i) (i32.mul (i32.const {{m}}) (i32.const {{block}}))) (i32.const 2)))
            (i32.add (local.get $scratch) (i32.add (i32.const {{imageAt}}) (i32.shl (i32.mul (local.get $i) (i32.const {{block}})) (i32.const 5))))
            (i32.add (local.get $sum) (i32.shl (i32.mul (local.get $i) (i32.const {{m}})) (i32.const 5)))
            (i32.shr_u (i32.const {{m}}) (i32.const 2)) (local.get $steps) (i32.eqz (local.get $t0)))
          (br_if $each (i32.lt_s (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const {{products}}))))
        (br_if $panels (i32.lt_s (local.tee $p (i32.add (local.get $p) (i32.const 1))) (local.get $hi))))
      (br_if $blocks (i32.lt_s (local.tee $t0 (local.get $t1)) (i32.const {{tiles}}))))
    (local.set $p (local.get $lo))
    (loop $stores
      (call $collect (call $sums (local.get $scratch) (i32.sub (local.get $p) (local.get $lo)))
        (i32.add (local.get $scratch) (i32.const {{resultsAt}})))
      (local.set $column (i32.mul (local.get $p) (i32.const {{columns}})))
      (call $store (local.get $args) (local.get $time) (local.get $batch)
        (local.get $column) (call $least (i32.add (local.get $column) (i32.const {{columns}})) (i32.const {{n}}))
        (i32.const 0) (i32.const {{m}}) (i32.add (local.get $scratch) (i32.const {{resultsAt}})) (local.get $column)
        (i32.shl (i32.const {{columns}}) (i32.const 2)))
      (br_if $stores (i32.lt_s (local.tee $p (i32.add (local.get $p) (i32.const 1))) (local.get $hi))))
    (local.set $unit (i32.add (local.get $unit) (i32.sub (local.get $hi) (local.get $lo))))
    (br_if $units (i32.lt_s (local.get $unit) (local.get $end)))))
(func $sums (param $scratch i32) (param $panel i32) (result i32)
  (i32.add (local.get $scratch) (i32.add (i32.const {{sumsAt}})
    (i32.shl (i32.mul (local.get $panel) (i32.mul (i32.const {{products}}) (i32.const {{m}}))) (i32.const 5)))))`);

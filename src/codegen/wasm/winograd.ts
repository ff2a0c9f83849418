// Convolutions by Winograd's algorithm, forward and for the gradient of the input: a block of image tiles is spread to 16 small matrices,
// multiplied with as many of the filters by the micro-kernel of all matrix products, and collected to a block of results, over which the
// kernel's store stages run as after any other product.

import { add, axis, binary, int, mul } from "../../ir/loop/expr.ts";
import type { Problem } from "../problem.ts";
import { template } from "../template.ts";
import { THREAD_WORK } from "./contract.ts";
import { convolutionOf, isFilled, square, tilesOf, type Convolution } from "./convolution.ts";
import { Expressions } from "./expressions.ts";
import { WasmFunction } from "./function.ts";
import { runHead } from "./loops.ts";
import { LEAST, MICRO_KERNEL } from "./micro.ts";
import { storeFunction } from "./store.ts";
import type { Scheduled, Unit } from "./unit.ts";
import { present, type Value } from "./values.ts";
import { collect, map2d, PATCH, spreadFilter, spreadImage, TAPS, TILE } from "./winograd-transforms.ts";

const PRODUCTS = PATCH * PATCH;
/** Bytes of the spread image tiles of a block, and of their products: a small part of a second-level cache each, where the next step finds them soonest. */
const BLOCK_BYTES = 1 << 16;
/** Bytes of a line of a cache. */
const LINE = 64;
/** Bytes of the spread filters at most: every thread has its own. */
const MOST_FILTER_BYTES = 1 << 24;
/** Below so many channels, going to tiles and back costs more than it saves. */
const LEAST_CHANNELS = 8;
/** Below so many tiles, spreading the filters does. */
const LEAST_TILES = 64;

/** The schedule, where the contraction is a convolution of (channels * 9) x (batch * height * width) and the algorithm wins; else undefined. */
export function compileWinograd(problem: Problem, unit: Unit): Scheduled | undefined {
  const { kernel, stage, b, m, n, k } = problem;
  if (b !== 1 || kernel.time || m % 4 > 0 || m < LEAST_CHANNELS || k < LEAST_CHANNELS * TAPS * TAPS) return undefined;
  const convolution = convolutionOf(stage.rhs, stage.lhs, { name: "n", extent: n }, stage.k);
  if (!convolution) return undefined;
  const { across, down, all } = tilesOf(convolution);
  const c = convolution.channels.extent;
  if (all < LEAST_TILES || PRODUCTS * m * c * 4 > MOST_FILTER_BYTES) return undefined;
  // The last columns of a block may be stored twice.
  if (!isFilled(convolution) && kernel.params.some(({ access }) => access === "read_write")) return undefined;
  const units = convolution.batch * down;
  const blockRows = rowsOfBlock(BLOCK_BYTES / (PRODUCTS * c * 4), across, units);
  const panels = Math.ceil((blockRows * across) / 8);
  const rows = Math.min(m, Math.max(4, 4 * Math.floor(BLOCK_BYTES / (PRODUCTS * panels * 32) / 4)));
  // A line of a cache more from one of the sixteen to the next: else all that a tile becomes falls on the same few lines.
  const imagePitch = panels * c * 32 + LINE;
  const productPitch = panels * rows * 32 + LINE;
  const imageAt = PRODUCTS * m * c * 4;
  const productsAt = imageAt + PRODUCTS * imagePitch;
  const resultsAt = productsAt + PRODUCTS * productPitch;
  // And room for eight more: where tiles write what is not there.
  const pitch = 4 * (blockRows * TILE * convolution.width + 8);
  return {
    text: [
      MICRO_KERNEL,
      LEAST,
      filterFunction(m, convolution, unit),
      imageFunction(convolution, imagePitch, unit),
      collectFunction(convolution, rows, productPitch, pitch),
      storeFunction("store", problem, kernel.stages.slice(1), unit, "rows", convolution.width % 4 === 0),
      run({
        ...{ m, c, across, down, blockRows, rows, imageAt, imagePitch, productsAt, productPitch, resultsAt, pitch },
        products: PRODUCTS,
        height: convolution.height,
        width: convolution.width,
        tile: TILE,
      }),
    ].join("\n"),
    units,
    grain: Math.max(1, Math.ceil((TILE * THREAD_WORK * units) / (m * n * k))),
    piece: blockRows,
    scratchBytes: resultsAt + pitch * rows,
  };
}

/** Rows of tiles for a block of about so many tiles: at least one panel of eight, and most of the last one in use. */
function rowsOfBlock(tiles: number, across: number, most: number): number {
  const least = Math.max(Math.ceil(8 / across), Math.floor(tiles / across));
  const used = (rows: number): number => (rows * across) / (8 * Math.ceil((rows * across) / 8));
  const candidates = Array.from({ length: least + 1 }, (_, i) => least + i);
  return Math.min(
    most,
    candidates.reduce((best, rows) => (used(rows) > used(best) ? rows : best)),
  );
}

/** $spread_filter(args, to): all filters to [16][m / 4][channel][4]. */
function filterFunction(m: number, { channels, other }: Convolution, unit: Unit): string {
  const f = new WasmFunction("spread_filter", ["args", "to"]);
  const v = f.values;
  const c = channels.extent;
  f.loop(v.i32(0), v.i32(m), 4, (row) =>
    f.loop(v.i32(0), v.i32(c), 1, (channel) => {
      const axes = new Map([
        ["b", v.i32(0)],
        ["m", row],
        [channels.name, channel],
      ]);
      const e = new Expressions(f, unit, { axes, lane: "m" });
      const taps = square(TAPS, (i, j) => e.vector(other(i, j)));
      const to = v.sum([f.param("to"), v.mul(row, 4 * c), v.mul(channel, 16)]);
      writeProducts(f, map2d(f, spreadFilter, taps), to, m * c * 4);
    }),
  );
  return f.text();
}

/** $spread_image(args, t0, t1, to): the tiles `t0` to `t1` to [16][panels][channel][8]. */
function imageFunction(convolution: Convolution, pitch: number, unit: Unit): string {
  const f = new WasmFunction("spread_image", ["args", "t0", "t1", "to"]);
  const v = f.values;
  const { channels, patch } = convolution;
  const c = channels.extent;
  const { all } = tilesOf(convolution);
  // Four at a time: neighbours in a row of tiles, or anywhere; where there are not four any more, the last one again.
  const isAligned = hasFours(convolution);
  const tile = isAligned
    ? add(mul(axis("four", all / 4), int(4)), axis("tile", 4))
    : binary("min", add(axis("first", all), axis("tile", 4)), int(all - 1));
  const exprs = patch(tile);
  f.loop(v.i32(0), groupsOf(f), 1, (group) =>
    f.loop(v.i32(0), v.i32(c), 1, (channel) => {
      const axes = new Map([
        ["b", v.i32(0)],
        ["four", v.add(v.binary("i32.shr_u", f.param("t0"), v.i32(2)), group)],
        ["first", v.add(f.param("t0"), v.mul(group, 4))],
        ["tile", v.i32(0)],
        [channels.name, channel],
      ]);
      const e = new Expressions(f, unit, { axes, lane: "tile", isScattered: !isAligned });
      const values = exprs.map((row) => row.map((expr) => e.vector(expr)));
      const to = v.sum([
        f.param("to"),
        v.mul(v.binary("i32.shr_u", group, v.i32(1)), 32 * c),
        v.mul(v.binary("i32.and", group, v.i32(1)), 16),
        v.mul(channel, 32),
      ]);
      writeProducts(f, map2d(f, spreadImage, values), to, pitch);
    }),
  );
  return f.text();
}

/** $collect(from, t0, t1, first, rows, to): the products of the tiles `t0` to `t1` to rows of results, whose first column is `first`. */
function collectFunction(convolution: Convolution, rows: number, productPitch: number, pitch: number): string {
  const f = new WasmFunction("collect", ["from", "t0", "t1", "first", "rows", "to"]);
  const v = f.values;
  const { across, down } = tilesOf(convolution);
  const { height, width } = convolution;
  const least = (x: Value, y: Value): Value => v.make("select", "i32", [x, y, v.binary("i32.lt_s", x, y)]);
  const within = (first: Value, extent: number): Value => (extent % TILE === 0 ? first : least(first, v.i32(extent - TILE)));
  const nowhere = v.add(f.param("to"), v.i32(pitch - 32));
  // Four tiles side by side are one place.
  const isAligned = hasFours(convolution);
  f.loop(v.i32(0), groupsOf(f), 1, (group) => {
    // Two columns for each row of a tile. What another tile has and tiles that are not there go nowhere.
    const places = (isAligned ? [0] : [0, 1, 2, 3]).map((lane) => {
      const tile = v.sum([f.param("t0"), v.mul(group, 4), v.i32(lane)]);
      const over = v.binary("i32.div_u", tile, v.i32(across));
      const top = v.mul(v.binary("i32.rem_u", over, v.i32(down)), TILE);
      const [y, x] = [within(top, height), within(v.mul(v.binary("i32.rem_u", tile, v.i32(across)), TILE), width)];
      const image = v.mul(v.binary("i32.div_u", over, v.i32(down)), height * width);
      const column = v.sum([image, v.mul(y, width), x, v.mul(f.param("first"), -1)]);
      const isThere = v.binary("i32.lt_s", tile, f.param("t1"));
      return [0, 1].map((i) => {
        const isOwn = height % TILE === 0 ? isThere : v.binary("i32.and", isThere, v.binary("i32.ge_s", v.add(y, v.i32(i)), top));
        const place = v.add(f.param("to"), v.mul(v.add(column, v.i32(i * width)), 4));
        return v.make("select", "i32", [place, nowhere, isOwn]);
      });
    });
    const from = v.sum([
      f.param("from"),
      v.mul(v.binary("i32.shr_u", group, v.i32(1)), 32 * rows),
      v.mul(v.binary("i32.and", group, v.i32(1)), 16),
    ]);
    f.loop(v.i32(0), f.param("rows"), 1, (row) => {
      const results = map2d(f, collect, readProducts(f, v.add(from, v.mul(row, 32)), productPitch));
      const down = v.mul(row, pitch);
      results.forEach((values, i) => {
        // The columns of tiles 0 and 1, and of 2 and 3.
        const pairs = v.interleaved(present(values[0]), present(values[1]));
        const place = (lane: number): Value => v.add(present(present(places[lane])[i]), down);
        pairs.forEach((pair, half) => {
          if (isAligned) f.do(`v128.store offset=${String(16 * half)}`, place(0), pair);
          else for (const lane of [0, 1]) f.do(`v128.store64_lane ${String(lane)}`, place(2 * half + lane), pair);
        });
      });
    });
  });
  return f.text();
}

/** Whether four tiles from a multiple of four on always lie side by side. */
const hasFours = ({ width }: Convolution): boolean => width % (4 * TILE) === 0;

/** Fours of tiles from `t0` to `t1`. */
function groupsOf(f: WasmFunction): Value {
  const v = f.values;
  return v.binary("i32.shr_u", v.sum([v.binary("i32.sub", f.param("t1"), f.param("t0")), v.i32(3)]), v.i32(2));
}

function readProducts(f: WasmFunction, from: Value, pitch: number): Value[][] {
  return square(PATCH, (i, j) => f.values.unstable("v128.load", "v128", [from], `offset=${String((i * PATCH + j) * pitch)}`, f.depth));
}

function writeProducts(f: WasmFunction, values: readonly (readonly Value[])[], to: Value, pitch: number): void {
  values.flat().forEach((value, i) => f.do(`v128.store offset=${String(i * pitch)}`, to, value));
}

interface Plan {
  readonly m: number;
  readonly c: number;
  readonly products: number;
  readonly height: number;
  readonly width: number;
  readonly tile: number;
  /** Of an image: tiles in a row, and rows of tiles. */
  readonly across: number;
  readonly down: number;
  /** Of a block: rows of tiles, rows of the product. */
  readonly blockRows: number;
  readonly rows: number;
  /** Bytes of one of the sixteen parts of a block: of its image, and of its products. */
  readonly imagePitch: number;
  readonly productPitch: number;
  /** Bytes from the start of the scratch memory, which begins with the filters. */
  readonly imageAt: number;
  readonly productsAt: number;
  readonly resultsAt: number;
  /** Bytes of a row of results. */
  readonly pitch: number;
}

const run = template<Plan>(`${runHead()}
  (local $u0 i32) (local $u1 i32) (local $t0 i32) (local $t1 i32) (local $tiles i32) (local $m0 i32) (local $m1 i32) (local $i i32)
  (local $p i32) (local $a i32) (local $image i32) (local $products i32) (local $results i32) (local $column i32)
  (local.set $image (i32.add (local.get $scratch) (i32.const {{imageAt}})))
  (local.set $products (i32.add (local.get $scratch) (i32.const {{productsAt}})))
  (local.set $results (i32.add (local.get $scratch) (i32.const {{resultsAt}})))
  (if (local.get $first) (then (call $spread_filter (local.get $args) (local.get $scratch))))
  (local.set $u0 (local.get $begin))
  (loop $blocks
    (local.set $u1 (call $least (i32.add (local.get $u0) (i32.const {{blockRows}})) (local.get $end)))
    (local.set $t0 (i32.mul (local.get $u0) (i32.const {{across}})))
    (local.set $t1 (i32.mul (local.get $u1) (i32.const {{across}})))
    (local.set $tiles (i32.shr_u (i32.add (i32.sub (local.get $t1) (local.get $t0)) (i32.const 7)) (i32.const 3)))
    (local.set $column (call $column (local.get $u0)))
    (call $spread_image (local.get $args) (local.get $t0) (local.get $t1) (local.get $image))
    (local.set $m0 (i32.const 0))
    (loop $rows
      (local.set $m1 (call $least (i32.add (local.get $m0) (i32.const {{rows}})) (i32.const {{m}})))
      (local.set $i (i32.const 0))
      (loop $each
        (local.set $a (i32.add (local.get $scratch)
          (i32.shl (i32.mul (i32.add (i32.mul (local.get $i) (i32.const {{m}})) (local.get $m0)) (i32.const {{c}})) (i32.const 2))))
        (local.set $p (i32.const 0))
        (loop $panels
          (call $micro (local.get $a)
            (i32.add (i32.add (local.get $image) (i32.mul (local.get $i) (i32.const {{imagePitch}})))
              (i32.shl (i32.mul (local.get $p) (i32.const {{c}})) (i32.const 5)))
            (i32.add (i32.add (local.get $products) (i32.mul (local.get $i) (i32.const {{productPitch}})))
              (i32.shl (i32.mul (local.get $p) (i32.const {{rows}})) (i32.const 5)))
            (i32.shr_u (i32.sub (local.get $m1) (local.get $m0)) (i32.const 2)) (i32.const {{c}}) (i32.const 1))
          (br_if $panels (i32.lt_s (local.tee $p (i32.add (local.get $p) (i32.const 1))) (local.get $tiles))))
        (br_if $each (i32.lt_s (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const {{products}}))))
      (call $collect (local.get $products) (local.get $t0) (local.get $t1) (local.get $column)
        (i32.sub (local.get $m1) (local.get $m0)) (local.get $results))
      (call $store (local.get $args) (local.get $time) (i32.const 0) (local.get $column) (call $column (local.get $u1))
        (local.get $m0) (local.get $m1) (local.get $results) (local.get $column) (i32.const {{pitch}}))
      (br_if $rows (i32.lt_s (local.tee $m0 (local.get $m1)) (i32.const {{m}}))))
    (br_if $blocks (i32.lt_s (local.tee $u0 (local.get $u1)) (local.get $end)))))
(func $column (param $u i32) (result i32) (i32.mul (i32.const {{width}}) (i32.add
  (i32.mul (i32.div_u (local.get $u) (i32.const {{down}})) (i32.const {{height}}))
  (i32.mul (i32.rem_u (local.get $u) (i32.const {{down}})) (i32.const {{tile}})))))`);

// The gradient of a 3x3 filter by Winograd's F(3x3, 2x2): 2x2 of the gradient and the 4x4 of the image that filters over them see are spread to 16
// factors each, whose products are summed over all tiles, and only the sums become taps: 16 products where a plain sum has 36. What is added to
// one factor and taken from another is lost where it is far larger than all beside it, though a plain sum multiplies it with nothing; so this is for
// channels in which no element has much of the whole, which is found while they are spread.

import { add, axis, binary, int, mul } from "../../ir/loop/expr.ts";
import { template } from "../template.ts";
import { square, tilesOf, type Convolution } from "./convolution.ts";
import { dotKernel, DOT_CHANNELS, DOT_ROWS } from "./dot.ts";
import { Expressions } from "./expressions.ts";
import { WasmFunction } from "./function.ts";
import type { Unit } from "./unit.ts";
import { present, type Value } from "./values.ts";
import { collectTaps, map2d, PATCH, spreadGradient, spreadImage, TAPS, TILE } from "./winograd-transforms.ts";

export const FACTORS = PATCH * PATCH;
/** Bytes of what is known of a channel: four sums of magnitudes, and four of the largest. */
const EVENNESS_BYTES = 32;
/** The part of a channel's sum of magnitudes that no element may be more than. */
const MOST_SHARE = 1 / 8;
/** Lanes. */
const FOUR = 4;

/** Channels that make a work unit: their columns are stored by fours. */
export const UNIT_CHANNELS = 4;

/** How the tiles of a block lie in memory. */
interface TilesPlan {
  /** Filters, or places for them: a multiple of four. */
  readonly rows: number;
  /** Bytes from a filter or channel to the next: a factor for each tile. */
  readonly pitch: number;
  /** Bytes from the start of the scratch memory: the sums of each unit, the factors of the gradient and of a unit of the image, how even both are. */
  readonly sumsAt: number;
  readonly factorsAt: number;
  readonly imageFactorsAt: number;
  readonly evennessAt: number;
  readonly end: number;
}

/** @param start of the scratch memory that is not taken yet */
export function tilesPlan(rows: number, units: number, pitch: number, start: number): TilesPlan {
  const factorsAt = start + units * sumsBytes(rows);
  const imageFactorsAt = factorsAt + FACTORS * rows * pitch;
  const evennessAt = imageFactorsAt + FACTORS * UNIT_CHANNELS * pitch;
  return { rows, pitch, sumsAt: start, factorsAt, imageFactorsAt, evennessAt, end: evennessAt + EVENNESS_BYTES * (rows + UNIT_CHANNELS) };
}

/** Of a unit. */
export const sumsBytes = (rows: number): number => 4 * FACTORS * UNIT_CHANNELS * rows;

/** Adds what a block gives to the sums, and makes results of these. */
export const OVER_TILES = `(call $over_tiles (local.get $args) (local.get $batch) (local.get $i0) (local.get $i1) (local.get $y0) (local.get $y1)
          (local.get $scratch) (local.get $c0) (local.get $c1) (local.get $results))`;
export const COLLECT = `(call $collect_units (local.get $scratch) (local.get $results) (i32.sub (local.get $u1) (local.get $u0)))`;

/** $over_tiles and $collect_units, for `m` filters; they need what filter-places.ts has. */
export function tilesFunctions(m: number, convolution: Convolution, plan: TilesPlan, resultPitch: number, unit: Unit): readonly string[] {
  const { rows, pitch } = plan;
  const { down, across } = tilesOf(convolution);
  return [
    dotKernel("dot_tiles", { gradientPitch: pitch, imagePitch: pitch, skip: 0, resultPitch: 4 * UNIT_CHANNELS, channelPitch: 4 }),
    ARE_EVEN,
    spreadGradientFunction(m, convolution, plan, unit),
    spreadImageFunction(convolution, plan, unit),
    collectFunction(m, plan, resultPitch),
    functions({
      ...plan,
      ...{ m, down, across, tile: TILE, factors: FACTORS, dotRows: DOT_ROWS, dotChannels: DOT_CHANNELS, unitChannels: UNIT_CHANNELS },
      ...{ sumsBytes: sumsBytes(rows), columnsBytes: 4 * UNIT_CHANNELS * TAPS * TAPS, filtersEvenness: m * EVENNESS_BYTES },
    }),
  ];
}

const PARAMS = ["args", "batch", "t0", "t1", "to", "evenness"] as const;

/** $spread_gradient(args, batch, t0, t1, to, evenness): tiles `t0` to `t1`, a multiple of four of them, for all filters to [16][rows][tiles]. */
function spreadGradientFunction(m: number, convolution: Convolution, { rows, pitch }: TilesPlan, unit: Unit): string {
  const f = new WasmFunction("spread_gradient", PARAMS);
  const v = f.values;
  const { tile, isScattered } = fours(convolution);
  const { batch, y, x } = convolution.origin(tile);
  const exprs = square(TILE, (i, j) => convolution.other(0, 0, { batch, y: add(y, int(i)), x: add(x, int(j)) }));
  f.loop(v.i32(0), v.i32(m), 1, (row) => {
    const evenness = evennessOf(f, v.mul(row, EVENNESS_BYTES));
    overFours(f, ({ first, axes }) => {
      const e = new Expressions(f, unit, { axes: new Map([...axes, ["m", row]]), lane: "tile", isScattered });
      const values = exprs.map((line) => line.map((expr) => e.vector(expr)));
      evenness.count(values.flat());
      const to = v.sum([f.param("to"), v.mul(row, pitch), v.mul(first, 4)]);
      writeFactors(f, map2d(f, spreadGradient, values), to, rows * pitch);
    });
    evenness.write(1);
  });
  return f.text();
}

/** $spread_image(args, batch, t0, t1, to, evenness, channel): the same tiles of the image, of four channels, to [16][4][tiles]. */
function spreadImageFunction(convolution: Convolution, { pitch }: TilesPlan, unit: Unit): string {
  const f = new WasmFunction("spread_image", [...PARAMS, "channel"]);
  const v = f.values;
  const { channels, patch } = convolution;
  const { tile, isScattered } = fours(convolution);
  const exprs = patch(tile);
  f.loop(v.i32(0), v.i32(UNIT_CHANNELS), 1, (next) => {
    // Where there are no more channels, the last one again.
    const [at, last] = [v.add(f.param("channel"), next), v.i32(channels.extent - 1)];
    const channel = v.make("select", "i32", [at, last, v.binary("i32.lt_s", at, last)]);
    const evenness = evennessOf(f, v.mul(next, EVENNESS_BYTES));
    overFours(f, ({ first, axes }) => {
      const e = new Expressions(f, unit, { axes: new Map([...axes, [channels.name, channel]]), lane: "tile", isScattered });
      const values = exprs.map((line) => line.map((expr) => e.vector(expr)));
      // The columns in the middle are all that there are, and each row is seen by two tiles.
      evenness.count(values.flatMap((line) => line.slice(1, 1 + TILE)));
      const to = v.sum([f.param("to"), v.mul(next, pitch), v.mul(first, 4)]);
      writeFactors(f, map2d(f, spreadImage, values), to, UNIT_CHANNELS * pitch);
    });
    evenness.write(1 / TILE);
  });
  return f.text();
}

/** $collect(from, to): the sums of a unit, [16][rows][4 channels], are added to rows of its 36 columns. */
function collectFunction(m: number, { rows }: TilesPlan, resultPitch: number): string {
  const f = new WasmFunction("collect", ["from", "to"]);
  const v = f.values;
  f.loop(v.i32(0), v.i32(m), 1, (row) => {
    const from = v.add(f.param("from"), v.mul(row, 16));
    const to = v.add(f.param("to"), v.mul(row, resultPitch));
    const sums = square(PATCH, (i, j) => v.unstable("v128.load", "v128", [from], `offset=${String((i * PATCH + j) * rows * 16)}`, f.depth));
    const taps = map2d(f, collectTaps, sums).flat();
    taps.forEach((tap, i) => {
      const place = (lane: number): string => `offset=${String(4 * (TAPS * TAPS * lane + i))}${lane === 0 ? "" : ` ${String(lane)}`}`;
      let before = v.unstable("v128.load32_zero", "v128", [to], place(0), f.depth);
      for (let lane = 1; lane < FOUR; lane++) before = v.unstable("v128.load32_lane", "v128", [to, before], place(lane), f.depth);
      const sum = v.binary("f32x4.add", before, tap);
      for (let lane = 0; lane < FOUR; lane++) f.do(`v128.store32_lane ${place(lane)}${lane === 0 ? " 0" : ""}`, to, sum);
    });
  });
  return f.text();
}

/** $are_even(at, count): whether in none of so many channels an element has too much of the sum; not where one is no number or infinite either. */
const ARE_EVEN = `(func $are_even (param $at i32) (param $count i32) (result i32)
  (local $sums v128) (local $most v128)
  (loop $each
    (local.set $sums (v128.load (local.get $at)))
    (local.set $most (v128.load offset=16 (local.get $at)))
    (if (i32.eqz (f32.ge
        (f32.sub
          (f32.mul (f32.const ${String(MOST_SHARE)}) ${reduced("f32.add", "sums")})
          ${reduced("f32.max", "most")})
        (f32.const 0)))
      (then (return (i32.const 0))))
    (local.set $at (i32.add (local.get $at) (i32.const ${String(EVENNESS_BYTES)})))
    (br_if $each (local.tee $count (i32.sub (local.get $count) (i32.const 1)))))
  (i32.const 1))`;

function reduced(op: string, local: string): string {
  const lane = (i: number): string => `(f32x4.extract_lane ${String(i)} (local.get $${local}))`;
  return `(${op} (${op} ${lane(0)} ${lane(1)}) (${op} ${lane(2)} ${lane(3)}))`;
}

/** Four tiles from `four` or `first` on, by the axis `tile`: side by side in a row, or anywhere. */
function fours(convolution: Convolution): { readonly tile: ReturnType<typeof axis>; readonly isScattered: boolean } {
  const { across, all } = tilesOf(convolution);
  const isScattered = across % FOUR > 0;
  const first = isScattered ? axis("first", all) : mul(axis("four", all / FOUR), int(FOUR));
  return { tile: binary("add", first, axis("tile", FOUR)), isScattered };
}

interface Four {
  /** The first of the four, from `t0` on. */
  readonly first: Value;
  readonly axes: ReadonlyMap<string, Value>;
}

function overFours(f: WasmFunction, each: (four: Four) => void): void {
  const v = f.values;
  f.loop(v.i32(0), v.binary("i32.sub", f.param("t1"), f.param("t0")), FOUR, (first) => {
    const at = v.add(f.param("t0"), first);
    const axes = Object.entries({ b: f.param("batch"), first: at, four: v.binary("i32.shr_u", at, v.i32(2)), tile: v.i32(0) });
    each({ first, axes: new Map(axes) });
  });
}

/** What decides whether a channel is even, from its first element to its last. */
function evennessOf(f: WasmFunction, offset: Value) {
  const v = f.values;
  const [sums, most] = [f.accumulator(v.splat(v.f32(0))), f.accumulator(v.splat(v.f32(0)))];
  return {
    count(values: readonly Value[]): void {
      const magnitudes = values.map((value) => v.unary("f32x4.abs", value));
      // The larger one in one instruction, which forgets what is no number; a sum does not.
      f.update(most, (old) => magnitudes.reduce((x, y) => v.binary("f32x4.pmax", x, y), old));
      f.update(sums, (old) => magnitudes.reduce((x, y) => v.binary("f32x4.add", x, y), old));
    },
    /** @param share that each element has of how often it was counted */
    write(share: number): void {
      const to = v.add(f.param("evenness"), offset);
      f.do("v128.store", to, v.binary("f32x4.mul", f.final(sums), v.splat(v.f32(share))));
      f.do("v128.store offset=16", to, f.final(most));
    },
  };
}

function writeFactors(f: WasmFunction, values: readonly (readonly Value[])[], to: Value, pitch: number): void {
  values.flat().forEach((value, i) => f.do(`v128.store offset=${String(i * pitch)}`, to, present(value)));
}

interface Functions extends TilesPlan {
  readonly m: number;
  /** Of an image: rows of tiles, and tiles in a row; and places of a tile in each direction. */
  readonly down: number;
  readonly across: number;
  readonly tile: number;
  readonly factors: number;
  readonly dotRows: number;
  readonly dotChannels: number;
  readonly unitChannels: number;
  /** Bytes of a unit: its sums, and a row of its results; and of what is known of all filters. */
  readonly sumsBytes: number;
  readonly columnsBytes: number;
  readonly filtersEvenness: number;
}

/**
 * $over_tiles(args, batch, i0, i1, y0, y1, scratch, c, c1, results): adds what rows `y0` to `y1` of the images `i0` to `i1` give with channels `c` to
 * `c1`, to the sums or, where it is not even enough, to the results. $collect_units(scratch, results, count): the sums, to the results.
 */
const functions =
  template<Functions>(`(func $over_tiles (param $args i32) (param $batch i32) (param $i0 i32) (param $i1 i32) (param $y0 i32) (param $y1 i32)
  (param $scratch i32) (param $c i32) (param $c1 i32) (param $results i32)
  (local $t0 i32) (local $t1 i32) (local $factors i32) (local $image i32) (local $evenness i32) (local $sums i32)
  (local $is_even i32) (local $is_packed i32) (local $i i32) (local $m i32) (local $j i32)
  (local.set $factors (i32.add (local.get $scratch) (i32.const {{factorsAt}})))
  (local.set $image (i32.add (local.get $scratch) (i32.const {{imageFactorsAt}})))
  (local.set $evenness (i32.add (local.get $scratch) (i32.const {{evennessAt}})))
  (local.set $sums (i32.add (local.get $scratch) (i32.const {{sumsAt}})))
  (local.set $t0 (i32.mul (i32.const {{across}})
    (i32.add (i32.mul (local.get $i0) (i32.const {{down}})) (i32.div_u (local.get $y0) (i32.const {{tile}})))))
  (local.set $t1 (i32.mul (i32.const {{across}})
    (i32.add (i32.mul (i32.sub (local.get $i1) (i32.const 1)) (i32.const {{down}})) (i32.div_u (local.get $y1) (i32.const {{tile}})))))
  (call $spread_gradient (local.get $args) (local.get $batch) (local.get $t0) (local.get $t1) (local.get $factors) (local.get $evenness))
  (local.set $is_even (call $are_even (local.get $evenness) (i32.const {{m}})))
  (local.set $evenness (i32.add (local.get $evenness) (i32.const {{filtersEvenness}})))
  (loop $units
    (call $spread_image (local.get $args) (local.get $batch) (local.get $t0) (local.get $t1) (local.get $image) (local.get $evenness) (local.get $c))
    (if (i32.and (local.get $is_even) (call $are_even (local.get $evenness) (i32.const {{unitChannels}})))
      (then
        (local.set $i (i32.const 0))
        (loop $each
          (local.set $m (i32.const 0))
          (loop $filters
            (local.set $j (i32.const 0))
            (loop $channels
              (call $dot_tiles
                (i32.add (local.get $factors)
                  (i32.mul (i32.add (i32.mul (local.get $i) (i32.const {{rows}})) (local.get $m)) (i32.const {{pitch}})))
                (i32.add (local.get $image)
                  (i32.mul (i32.add (i32.mul (local.get $i) (i32.const {{unitChannels}})) (local.get $j)) (i32.const {{pitch}})))
                (i32.add (local.get $sums) (i32.shl (i32.add (local.get $j)
                  (i32.mul (i32.add (i32.mul (local.get $i) (i32.const {{rows}})) (local.get $m)) (i32.const {{unitChannels}}))) (i32.const 2)))
                (i32.shl (i32.sub (local.get $t1) (local.get $t0)) (i32.const 2))
                (i32.const 1))
              (br_if $channels (i32.lt_s (local.tee $j (i32.add (local.get $j) (i32.const {{dotChannels}}))) (i32.const {{unitChannels}}))))
            (br_if $filters (i32.lt_s (local.tee $m (i32.add (local.get $m) (i32.const {{dotRows}}))) (i32.const {{m}}))))
          (br_if $each (i32.lt_s (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const {{factors}})))))
      (else
        (if (i32.eqz (local.get $is_packed))
          (then (call $pack_gradient (local.get $args) (local.get $batch) (local.get $i0) (local.get $i1) (local.get $y0) (local.get $y1) (local.get $scratch))))
        (local.set $is_packed (i32.const 1))
        (call $over_places (local.get $args) (local.get $batch) (local.get $i0) (local.get $i1) (local.get $y0) (local.get $y1) (local.get $scratch)
          (local.get $c) (call $least (i32.add (local.get $c) (i32.const {{unitChannels}})) (local.get $c1)) (local.get $results))))
    (local.set $sums (i32.add (local.get $sums) (i32.const {{sumsBytes}})))
    (local.set $results (i32.add (local.get $results) (i32.const {{columnsBytes}})))
    (br_if $units (i32.lt_s (local.tee $c (i32.add (local.get $c) (i32.const {{unitChannels}}))) (local.get $c1)))))
(func $collect_units (param $scratch i32) (param $results i32) (param $count i32)
  (local $sums i32)
  (local.set $sums (i32.add (local.get $scratch) (i32.const {{sumsAt}})))
  (loop $units
    (call $collect (local.get $sums) (local.get $results))
    (local.set $sums (i32.add (local.get $sums) (i32.const {{sumsBytes}})))
    (local.set $results (i32.add (local.get $results) (i32.const {{columnsBytes}})))
    (br_if $units (local.tee $count (i32.sub (local.get $count) (i32.const 1))))))`);

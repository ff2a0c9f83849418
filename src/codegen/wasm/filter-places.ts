// The gradient of a 3x3 filter as a plain sum: for each pair of channels and tap, the inner product of a gradient with the image moved by the
// tap. Places lie side by side in both, so lanes go along them and nothing is turned; and of the image three copies do, one for each column
// of the filter, since its rows are the same copies read from another row on. A general product would pack nine of them, turned.

import { template } from "../template.ts";
import type { Convolution } from "./convolution.ts";
import { dotKernel, DOT_CHANNELS, DOT_ROWS } from "./dot.ts";
import { Expressions } from "./expressions.ts";
import { WasmFunction } from "./function.ts";
import type { Unit } from "./unit.ts";
import { present, type Value } from "./values.ts";
import { TAPS } from "./winograd-transforms.ts";

/** How the places of a block lie in memory. */
export interface PlacesPlan {
  /** Bytes from a filter to the next, from a copy of the image to the next, from a row of results to the next. */
  readonly gradientPitch: number;
  readonly imagePitch: number;
  readonly resultPitch: number;
  /** Bytes from the start of the scratch memory, which begins with the gradient. */
  readonly imageAt: number;
}

/** Adds what a block gives to the results. */
export const OVER_PLACES = `(call $pack_gradient (local.get $args) (local.get $batch) (local.get $i0) (local.get $i1) (local.get $y0) (local.get $y1) (local.get $scratch))
        (call $over_places (local.get $args) (local.get $batch) (local.get $i0) (local.get $i1) (local.get $y0) (local.get $y1)
          (local.get $scratch) (local.get $c0) (local.get $c1) (local.get $results))`;

/** $pack_gradient and $over_places, for `m` filters. */
export function placesFunctions(m: number, convolution: Convolution, plan: PlacesPlan, unit: Unit): readonly string[] {
  const { gradientPitch, imagePitch, resultPitch } = plan;
  const { width } = convolution;
  const channelPitch = 4 * TAPS * TAPS;
  return [
    dotKernel("dot", { gradientPitch, imagePitch: TAPS * imagePitch, skip: 4 * (TAPS - 1) * width, resultPitch, channelPitch }),
    gradientFunction(m, convolution, plan, unit),
    imageFunction(convolution, plan, unit),
    overPlaces({
      ...plan,
      ...{ m, width, dotRows: DOT_ROWS, dotChannels: DOT_CHANNELS, taps: TAPS, channelsBytes: DOT_CHANNELS * channelPitch },
    }),
  ];
}

const PACK_PARAMS = ["args", "batch", "image0", "image1", "row0", "row1", "to"] as const;

/** $pack_gradient(args, batch, image0, image1, row0, row1, to): rows `row0` to `row1` of the images `image0` to `image1` for all filters, one `pitch` after the other. */
function gradientFunction(m: number, { width, other }: Convolution, { gradientPitch: pitch }: PlacesPlan, unit: Unit): string {
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
function imageFunction({ height, width, channels, row, under }: Convolution, { imagePitch: pitch }: PlacesPlan, unit: Unit): string {
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

interface OverPlaces extends PlacesPlan {
  readonly m: number;
  readonly width: number;
  readonly dotRows: number;
  readonly dotChannels: number;
  readonly taps: number;
  /** Bytes of the results of so many channels. */
  readonly channelsBytes: number;
}

/** $over_places(args, batch, i0, i1, y0, y1, scratch, c, c1, results): adds what the packed gradient gives with channels `c` to `c1`, whose columns are at `results`. */
const overPlaces =
  template<OverPlaces>(`(func $over_places (param $args i32) (param $batch i32) (param $i0 i32) (param $i1 i32) (param $y0 i32) (param $y1 i32)
  (param $scratch i32) (param $c i32) (param $c1 i32) (param $results i32)
  (local $image i32) (local $j i32) (local $i i32) (local $m i32) (local $length i32)
  (local.set $image (i32.add (local.get $scratch) (i32.const {{imageAt}})))
  (local.set $length (i32.mul (i32.sub (local.get $y1) (local.get $y0)) (i32.const {{width}})))
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
              (i32.shl (i32.add (i32.mul (local.get $i) (i32.const {{taps}})) (local.get $j)) (i32.const 2)))
            (i32.shl (local.get $length) (i32.const 2))
            (i32.sub (local.get $i1) (local.get $i0)))
          (br_if $taps (i32.lt_s (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const {{taps}}))))
        (br_if $filters (i32.lt_s (local.tee $m (i32.add (local.get $m) (i32.const {{dotRows}}))) (i32.const {{m}}))))
      (br_if $columns (i32.lt_s (local.tee $j (i32.add (local.get $j) (i32.const 1))) (i32.const {{taps}}))))
    (local.set $results (i32.add (local.get $results) (i32.const {{channelsBytes}})))
    (br_if $channels (i32.lt_s (local.tee $c (i32.add (local.get $c) (i32.const {{dotChannels}}))) (local.get $c1)))))`);

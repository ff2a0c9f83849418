// Convolutions of 3x3 with stride 1, found again in the contractions that they were lowered to, and the image cut into the tiles of
// Winograd's algorithm. The image is read through the kernel's own expression, with its padding and whatever was fused into it.

import { add, axis, binary, div, int, mul, operands, rem, type Expr } from "../../ir/loop/expr.ts";
import type { Axis } from "../../ir/loop/kernel.ts";
import { mentions, strideAlong, substituter } from "../axes.ts";
import { decided } from "./decided.ts";
import { cutsOf, splitAt } from "./split-axes.ts";
import { PATCH, TAPS, TILE } from "./winograd-transforms.ts";

/** Of an image, at least: a row of results must hold four, which are stored together. */
const LEAST_SIDE = 4;

export interface Place {
  readonly batch: Expr;
  readonly y: Expr;
  readonly x: Expr;
}

/** An image and something else, multiplied over places (batch, y, x) and the taps (row, column) of a filter. */
export interface Convolution {
  readonly batch: number;
  readonly height: number;
  readonly width: number;
  /** The channels of the image: what is left of the axis of taps. */
  readonly channels: Axis;
  /** The other operand for what is laid over the image there, at a place. Where it knows no taps, only that counts. */
  readonly other: (row: number, column: number, place?: Place) => Expr;
  /** The axis of the filter's rows, and whether the filter is laid over the image as it is: its first row over the first one. */
  readonly row: Axis;
  readonly isUpright: boolean;
  /** The image under that column of an upright filter, by the axes `batch`, `y`, `x` of places and by `row`. */
  readonly under: (column: number) => Expr;
  /** The 4x4 elements of the image that tile number `tile` sees, row by row. */
  readonly patch: (tile: Expr) => Expr[][];
  /** Where tile number `tile` begins: two results down and across. The last ones of a row or column lie partly over their neighbours. */
  readonly origin: (tile: Expr) => Place;
}

/** What a convolution has in each direction of tiles, and in all. */
export const tilesOf = ({
  batch,
  height,
  width,
}: Pick<Convolution, "batch" | "height" | "width">): { readonly down: number; readonly across: number; readonly all: number } => {
  const [down, across] = [Math.ceil(height / TILE), Math.ceil(width / TILE)];
  return { down, across, all: batch * down * across };
};

/** Whether tiles fill the image. */
export const isFilled = ({ height, width }: Convolution): boolean => height % TILE === 0 && width % TILE === 0;

/** The convolution, if `image` depends on `places` and `taps` as one does. */
export function convolutionOf(image: Expr, other: Expr, places: Axis, taps: Axis): Convolution | undefined {
  const [channels, row, column] = splitAt(taps, [TAPS, TAPS * TAPS]).axes;
  const cuts = cutsOf(places, [image, other]);
  const [width, area = places.extent] = cuts;
  if (!channels || !row || !column || cutsOf(taps, [image, other]).join() !== [TAPS, TAPS * TAPS].join()) return undefined;
  if (width === undefined || cuts.length > 2 || width < LEAST_SIDE || area < LEAST_SIDE * width) return undefined;
  const height = area / width;
  const batch = places.extent / area;
  const position = add(add(mul(axis("batch", batch), int(area)), mul(axis("y", height), int(width))), axis("x", width));
  const split = substituter(
    new Map([
      [taps.name, splitAt(taps, [TAPS, TAPS * TAPS]).value],
      [places.name, position],
    ]),
  );
  const [whole, rest] = [split(image), split(other)];
  // A filter may be laid over the image the other way round, as gradients do.
  const turns = [turnOf(whole, "y", row.name), turnOf(whole, "x", column.name)] as const;
  if (turns.includes(undefined)) return undefined;
  const tap = (i: number, j: number): readonly [number, number] => [turns[0] === 1 ? i : TAPS - 1 - i, turns[1] === 1 ? j : TAPS - 1 - j];
  const at = (i: number, j: number, place?: Place): ((expr: Expr) => Expr) => {
    const [r, c] = tap(i, j);
    return substituter(new Map([[row.name, int(r)], [column.name, int(c)], ...(place ? Object.entries(place) : [])]));
  };
  const { down, across } = tilesOf({ batch, height, width });
  const first = (tile: Expr): readonly [Expr, Expr] => [
    mul(div(rem(tile, int(down * across)), int(across)), int(TILE)),
    mul(rem(tile, int(across)), int(TILE)),
  ];
  const origin = (tile: Expr): Place => {
    const [y, x] = first(tile);
    return { batch: div(tile, int(down * across)), y: within(y, height), x: within(x, width) };
  };
  const patch = (tile: Expr): Expr[][] => {
    const { batch: b, y, x } = origin(tile);
    return square(PATCH, (i, j) => {
      // A tap of the filter over a result of the tile.
      const [r, c] = [Math.min(i, TAPS - 1), Math.min(j, TAPS - 1)];
      return decided(at(r, c, { batch: b, y: add(y, int(i - r)), x: add(x, int(j - c)) })(whole));
    });
  };
  return {
    ...{ batch, height, width, channels, patch, origin, row },
    isUpright: turns[0] === 1 && turns[1] === 1,
    under: (j) => decided(substituter(new Map([[column.name, int(j)]]))(whole)),
    other: (i, j, place) => decided(at(i, j, place)(rest)),
  };
}

export const square = <T>(size: number, each: (i: number, j: number) => T): T[][] =>
  Array.from({ length: size }, (_, i) => Array.from({ length: size }, (_, j) => each(i, j)));

const within = (first: Expr, extent: number): Expr => (extent % TILE === 0 ? first : binary("min", first, int(extent - TILE)));

/** 1 where `expr` depends on two variables by their sum alone, -1 by their difference, else undefined. */
function turnOf(expr: Expr, place: string, tap: string): 1 | -1 | undefined {
  const seen = new Set<Expr>();
  let turn: 1 | -1 | undefined;
  const visit = (x: Expr): boolean => {
    if (seen.has(x) || !(mentions([x], place) || mentions([x], tap))) return true;
    seen.add(x);
    if (x.dtype !== "i32" || x.kind === "load") return x.kind !== "cast" && operands(x).every(visit);
    const [along, across] = [strideAlong(x, place), strideAlong(x, tap)];
    if (along === undefined || across === undefined || Math.abs(along) !== Math.abs(across)) return false;
    turn ??= along === across ? 1 : -1;
    return along === turn * across;
  };
  return visit(expr) ? turn : undefined;
}

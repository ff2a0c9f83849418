// A contraction as a library of convolutions can do it: one operand is read where windows slide over it, the other by plain steps. An operand that is
// computed while it is loaded is written down by a kernel before.

import { add, axis, div, int, load, mul, operands, rem, type Expr, type OperandType } from "../ir/loop/expr.ts";
import { expressionsOf, type Axis, type ContractStage, type Kernel, type KernelParameter, type StoreStage } from "../ir/loop/kernel.ts";
import type { ConvolutionOfLibrary, Extents, MatrixType, TensorPlace } from "../ir/program.ts";
import { isConvolution, isOrdered, packedStrides } from "../ir/tensor-place.ts";
import { isHalf } from "../ir/types.ts";
import { sizeOfAxes, substituter } from "./axes.ts";
import { madeBefore, restOf, unrounded, type LibraryForm } from "./library-rest.ts";
import { coefficient, placeOf, shapeOf, type Dimensions } from "./tensor-places.ts";
import { byPosition, guardsOf, isZero, stepsIn, windowOf, type Sliding, type Window } from "./windows.ts";

type Direction = ConvolutionOfLibrary["direction"];

export function convolutionForm(kernel: Kernel): LibraryForm | undefined {
  const [stage] = kernel.stages;
  const [, , n] = kernel.axes;
  // How much resident data there is is not known when operands are made.
  if (stage?.kind !== "contract" || !n || kernel.params.some(({ length }) => length === 0)) return undefined;
  const cuts = { n: cutsAlong(n, kernel), k: cutsAlong(stage.k, kernel) };
  for (const pass of PASSES)
    for (const direction of DIRECTIONS) {
      const [places, taps] = direction === "filter" ? [cuts.k, cuts.n] : [cuts.n, cuts.k];
      // Rows and columns of places are what a loop is divided into.
      if (!places.isDivided) continue;
      for (const place of pass.isLikely ? places.cuts.slice(0, 1) : places.cuts)
        for (const tap of pass.isLikely ? taps.cuts.slice(0, 1) : taps.cuts) {
          // One position for each picture is a product of matrices.
          if (place[1] === 1 || tap[1] <= place[1] !== pass.isUsual) continue;
          const found = formOf(kernel, stage, direction, { axis: places.axis, cuts: place }, { axis: taps.axis, cuts: tap });
          if (found) return found;
        }
    }
  return undefined;
}

/**
 * What is tried first. One convolution is another one where its windows are taken for its places: what has fewer taps than places is what it was. And
 * loops are nearly always cut where they are divided most.
 */
const PASSES = [
  { isUsual: true, isLikely: true },
  { isUsual: true, isLikely: false },
  { isUsual: false, isLikely: false },
];

const DIRECTIONS = ["forward", "data", "filter"] as const;

/** A loop that is three: strides of the middle one and of the outer one. */
interface Cut {
  readonly axis: Axis;
  readonly cuts: readonly [number, number];
}

interface Cuts {
  readonly axis: Axis;
  readonly isDivided: boolean;
  readonly cuts: readonly Cut["cuts"][];
}

/** How a loop may be three, the likeliest first: by what it is divided by. */
function cutsAlong(axis: Axis, kernel: Kernel): Cuts {
  const { name, extent } = axis;
  const dividers = dividersOf(kernel, name);
  const divided = [...dividers].filter((by) => by > 1 && by < extent && extent % by === 0).sort((a, b) => b - a);
  const cuts = [...divided, 1, extent].flatMap((area) => {
    const within = [...divided.filter((width) => width < area), area, 1].filter((width) => area % width === 0);
    return [...new Set(within)].map((width) => [width, area] as const);
  });
  return { axis, isDivided: dividers.size > 0, cuts };
}

/** By what a loop's variable, or a quotient of it, is divided somewhere in the operands. */
function dividersOf(kernel: Kernel, name: string): ReadonlySet<number> {
  const [found, seen] = [new Set<number>(), new Set<Expr>()];
  const dividedBy = (expr: Expr): number | undefined => {
    if (expr.kind === "axis") return expr.name === name ? 1 : undefined;
    const inner = expr.kind === "binary" && expr.op === "div" && expr.y.kind === "const" ? dividedBy(expr.x) : undefined;
    return inner !== undefined && expr.kind === "binary" && expr.y.kind === "const" ? inner * expr.y.value : undefined;
  };
  const visit = (expr: Expr): void => {
    if (seen.has(expr)) return;
    seen.add(expr);
    if (expr.kind === "binary" && (expr.op === "div" || expr.op === "rem") && expr.y.kind === "const") {
      const by = dividedBy(expr.x);
      if (by !== undefined) found.add(by * expr.y.value);
    }
    operands(expr).forEach(visit);
  };
  kernel.stages.slice(0, 1).flatMap(expressionsOf).forEach(visit);
  return found;
}

/** The three loops, the outermost first, and the old variable in terms of them. */
function threeOf(
  { axis: whole, cuts: [width, area] }: Cut,
  names: readonly [string, string, string],
): { readonly axes: readonly [Axis, Axis, Axis]; readonly value: Expr } {
  const [outer, middle, inner] = names;
  const axes = [
    { name: outer, extent: whole.extent / area },
    { name: middle, extent: area / width },
    { name: inner, extent: width },
  ] as const;
  const value = axes.reduce<Expr>((at, { name, extent }) => add(mul(at, int(extent)), axis(name, extent)), int(0));
  return { axes, value };
}

function formOf(kernel: Kernel, stage: ContractStage, direction: Direction, places: Cut, taps: Cut): LibraryForm | undefined {
  const [ofPlaces, ofTaps] = [threeOf(places, ["image", "row", "column"]), threeOf(taps, ["channel", "down", "across"])];
  const split = substituter(
    new Map([
      [places.axis.name, ofPlaces.value],
      [taps.axis.name, ofTaps.value],
    ]),
  );
  const [b = { name: "b", extent: 1 }, m = { name: "m", extent: 1 }] = kernel.axes;
  const [image, row, column] = ofPlaces.axes;
  const [channel, down, across] = ofTaps.axes;
  const isTurned = direction === "data";
  const slidings = [
    { place: row, tap: down, name: "y", isTurned },
    { place: column, tap: across, name: "x", isTurned },
  ] as const;
  const slid = slidOf(stage, split, slidings);
  if (!slid) return undefined;
  const [rows, columns] = slid.windows;
  const geometry = {
    stride: [rows.stride, columns.stride],
    padding: [rows.padding, columns.padding],
    dilation: [rows.dilation, columns.dilation],
  } as const;
  const taken: Extents = [down.extent, across.extent];
  const placed: Extents = [row.extent, column.extent];
  const area = ([0, 1] as const).map((i) => extentOf(slid, i, { ...geometry, taken, placed, isTurned }));
  const [height = 1, width = 1] = area;
  const [y, x] = [
    { name: "y", extent: height },
    { name: "x", extent: width },
  ];
  const dimensions = {
    slid: [[image], [b, channel], [y], [x]],
    placed: [[image], [b, m], [row], [column]],
    filter: isTurned ? [[b, channel], [m], [down], [across]] : [[b, m], [channel], [down], [across]],
  } satisfies Record<string, Dimensions>;
  const other = direction === "filter" ? dimensions.placed : dimensions.filter;
  const ofResult = direction === "filter" ? dimensions.filter : dimensions.placed;
  const half = stage.operands === "bf16" || stage.operands === "f16" ? stage.operands : undefined;
  const result = resultOf(kernel, split, ofResult, half ?? "f32");
  // The library takes three tensors of one type. What is of 16 bits is just as well multiplied as tf32, which has them all, where the sum is not rounded.
  const isHalved = half !== undefined && (result ? result.dtype === half : isRounded(kernel, half));
  const dtype: MatrixType = isHalved ? half : "f32";
  const precision = half !== undefined && !isHalved ? "tf32" : (stage.operands ?? "f32");
  const before: Kernel[] = [];
  const tensorOf = (value: Expr, axes: Dimensions, name: string): TensorPlace => {
    const plain = placeOf(kernel, unrounded(value, precision), axes);
    if (plain?.dtype === dtype && isOrdered(plain)) return plain;
    const param = kernel.params.length + before.length;
    before.push(madeBefore(kernel, name, axes.flat(), value, dtype));
    const shape = shapeOf(axes);
    return { param, dtype, first: 0, shape, strides: packedStrides(shape) };
  };
  const sliding = tensorOf(slid.value, dimensions.slid, "slid");
  // What no window lies over is neither worth writing down nor known to be there: it is another dimension than it was taken for.
  const hasGaps = slid.windows.some(
    ({ stride, dilation, limit, reach }, i) => area[i] !== (limit ?? reach) || (!isTurned && stride > dilation * ((taken[i] ?? 1) - 1) + 1),
  );
  if (before.length > 0 && hasGaps) return undefined;
  const steady = tensorOf(split(stage.lhs), other, "steady");
  const param = kernel.params.length + before.length;
  const shape = shapeOf(ofResult);
  const given = result ?? { param, dtype, first: 0, shape, strides: packedStrides(shape) };
  const tensors = {
    forward: { image: sliding, filter: steady, response: given },
    data: { image: given, filter: steady, response: sliding },
    filter: { image: sliding, filter: given, response: steady },
  }[direction];
  const product: ConvolutionOfLibrary = {
    kind: "convolution",
    direction,
    precision,
    ...geometry,
    groups: b.extent,
    ...tensors,
  };
  const rest = result ? undefined : restOf(kernel, productIndex(kernel, direction === "filter" ? 1 : image.extent), dtype);
  const made = before.flatMap(({ params }) => params.slice(-1).map((it): KernelParameter => ({ ...it, access: "read" })));
  if (!isConvolution(product, [...kernel.params, ...made, ...(rest?.params.slice(-1) ?? [])], rest !== undefined)) return undefined;
  return { product, ...(before.length > 0 && { before }), ...(rest && { rest }) };
}

/** An operand over which windows slide, by positions in it. */
interface Slid {
  readonly value: Expr;
  readonly windows: readonly [Window, Window];
  /** Of an operand that lies in memory as it is. */
  readonly load?: Extract<Expr, { kind: "load" }>;
}

function slidOf(
  { rhs, operands: format }: ContractStage,
  split: (expr: Expr) => Expr,
  slidings: readonly [Sliding, Sliding],
): Slid | undefined {
  const [guards, given] = rhs.kind === "select" && isZero(rhs.y) ? [guardsOf(rhs.cond).map(split), rhs.x] : [[], rhs];
  const [vertical, horizontal] = slidings;
  // Guards are few and say at once whether loops were cut where they are: what they guard may be long.
  if (!guards.every((guard) => slidings.some((sliding) => speaksOf(guard, sliding)))) return undefined;
  if (slidings.some((sliding) => guards.some((guard) => speaksOf(guard, sliding)) && !windowOf(guards, [0, 0], sliding))) return undefined;
  const value = split(given);
  const isPlain = isLoad(unrounded(value, format)) && !vertical.isTurned;
  const [down, across] = [stepsIn(value, vertical), stepsIn(value, horizontal)];
  const columns = windowOf(guards, across, horizontal, isPlain ? 1 : undefined);
  if (!columns) return undefined;
  // Rows as far apart as windows that move alike both ways make them.
  const apart = vertical.place.extent > 1 ? down[0] / columns.stride : down[1] / columns.dilation;
  const rows = windowOf(guards, down, vertical, isPlain && Number.isInteger(apart) && apart > 0 ? apart : undefined);
  const moved =
    rows &&
    byPosition(value, [
      [vertical, rows],
      [horizontal, columns],
    ]);
  const plain = moved && unrounded(moved, format);
  return moved && { value: moved, windows: [rows, columns], ...(plain?.kind === "load" && { load: plain }) };
}

/** Whether a guard is one of this direction alone. */
const speaksOf = (guard: Expr, { place, tap }: Sliding): boolean => axesIn(guard).every((name) => name === place.name || name === tap.name);

const isLoad = (expr: Expr): boolean => expr.kind === "load";

function axesIn(expr: Expr): readonly string[] {
  return expr.kind === "axis" ? [expr.name] : operands(expr).flatMap(axesIn);
}

interface Geometry {
  readonly stride: Extents;
  readonly padding: Extents;
  readonly dilation: Extents;
  readonly taken: Extents;
  readonly placed: Extents;
  readonly isTurned: boolean;
}

/** How far an operand goes: as far as a guard says, as windows over the image need it, or as memory has it. */
function extentOf({ windows, load: from }: Slid, i: 0 | 1, { stride, padding, dilation, taken, placed, isTurned }: Geometry): number {
  const { limit, reach } = windows[i];
  if (limit !== undefined) return limit;
  const around = 2 * padding[i] - dilation[i] * (taken[i] - 1) - 1;
  if (isTurned) return Math.floor((placed[i] + around) / stride[i]) + 1;
  const [rows, columns] = [from && coefficient(from.index, "y"), from && coefficient(from.index, "x")];
  const whole = i === 1 ? rows : from && rows && coefficient(from.index, "channel");
  const held = (whole ?? 0) / ((i === 1 ? columns : rows) ?? NaN);
  const isRight = Number.isInteger(held) && held >= reach && Math.floor((held + around) / stride[i]) + 1 === placed[i];
  return isRight ? held : reach;
}

/** Where the sum goes, where it is stored as it is. */
function resultOf(kernel: Kernel, split: (expr: Expr) => Expr, dimensions: Dimensions, operand: MatrixType): TensorPlace | undefined {
  const [, only, ...others] = kernel.stages;
  const store: StoreStage | undefined = only?.kind === "store" && others.length === 0 && sizeOfAxes(only.axes) === 1 ? only : undefined;
  const [write, ...more] = store?.writes ?? [];
  if (!write || more.length > 0) return undefined;
  const place = placeOf(kernel, load(write.buffer, split(write.index), "f32"), dimensions);
  if (!place || !isOrdered(place) || (isHalf(place.dtype) && place.dtype !== operand)) return undefined;
  const { value } = write;
  const sum = isHalf(place.dtype) ? (value.kind === "unary" && value.op === `round_${place.dtype}` ? value.x : undefined) : value;
  return sum?.kind === "acc" ? place : undefined;
}

/** Whether nothing is done with the sum before it is rounded to a format, but to take it or not: it may as well come rounded. */
function isRounded(kernel: Kernel, format: OperandType): boolean {
  const seen = { rounded: new Set<Expr>(), plain: new Set<Expr>() };
  const usesSum = (expr: Expr, isInside: boolean): boolean => {
    const known = isInside ? seen.rounded : seen.plain;
    if (known.has(expr)) return false;
    known.add(expr);
    if (expr.kind === "acc") return expr.stage === 0 && !isInside;
    if (expr.kind === "select") return usesSum(expr.cond, false) || usesSum(expr.x, isInside) || usesSum(expr.y, isInside);
    return operands(expr).some((operand) => usesSum(operand, expr.kind === "unary" && expr.op === `round_${format}`));
  };
  return !kernel.stages
    .slice(1)
    .flatMap(expressionsOf)
    .some((expr) => usesSum(expr, false));
}

/** Of the product's element in memory, picture by picture. */
function productIndex({ axes: [b, m, n] }: Kernel, images: number): Expr {
  const [groups, perGroup, all] = [b?.extent ?? 1, m?.extent ?? 1, n?.extent ?? 1];
  const area = all / images;
  const [out, at] = [add(mul(axis("b", groups), int(perGroup)), axis("m", perGroup)), axis("n", all)];
  return add(add(mul(div(at, int(area)), int(groups * perGroup * area)), mul(out, int(area))), rem(at, int(area)));
}

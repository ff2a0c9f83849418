// What torchvision.transforms.autoaugment does with a picture (_apply_op), of uint8 with the nearest pixels and black for what comes in: one
// of fourteen operations, each picture its own. All moves are one map of positions, and all blends one, so that each costs what one does.

import type { Builder } from "../../builder.ts";
import type { Node } from "../../node.ts";
import { at } from "../../ops/define.ts";
import { nearestPixels, turned } from "./affine.ts";
import type { PixelsAt, Raster, StepContext } from "./define.ts";
import { blend, equalized, grey, hasInside, meanGrey, posterized, smoothed, solarized, stretched } from "./levels.ts";
import { pixelsOf, sizeOfAll, wholeRaster } from "./pixels.ts";

/** In torchvision's order. */
const OPERATIONS = [
  ...(["identity", "shear_x", "shear_y", "translate_x", "translate_y", "rotate"] as const),
  ...(["brightness", "color", "contrast", "sharpness", "posterize", "solarize", "auto_contrast", "equalize"] as const),
] as const;
type Operation = (typeof OPERATIONS)[number];

/** How strongly each operation that has a strength is done, before its sign: a number, or one for each picture, f32[batch]. */
export interface Strengths {
  /** Tangents. */
  readonly shear: number | Node;
  /** Pixels, whole. */
  readonly translateX: number | Node;
  readonly translateY: number | Node;
  /** Degrees. */
  readonly rotate: number | Node;
  /** How far the factor of a blend is from 1. */
  readonly blend: number | Node;
  /** Bits that are left. */
  readonly posterize: number | Node;
  /** The level from which on there are negatives. */
  readonly solarize: number | Node;
}

/** Pictures after one operation each; both ways of one that has two are equally likely. */
export function oneOperation({ b, batch, random }: StepContext, from: Raster, strengths: Strengths): PixelsAt {
  const drawn = b.minimum(b.floor(b.mul(random(), OPERATIONS.length)), OPERATIONS.length - 1);
  const sign = b.where(b.less(random(), 0.5), b.mul(drawn, 0), 1);
  const signed = (strength: number | Node): Node => b.mul(b.sub(b.mul(sign, 2), 1), strength);
  const is = (operation: Operation): Node => b.equal(drawn, OPERATIONS.indexOf(operation));
  const nothing = b.mul(drawn, 0);
  const only = (operation: Operation, strength: Node | number): Node => b.where(is(operation), b.add(nothing, strength), nothing);
  const moves = {
    angle: only("rotate", b.mul(signed(strengths.rotate), Math.PI / 180)),
    ...{ shearX: only("shear_x", signed(strengths.shear)), shearY: only("shear_y", signed(strengths.shear)) },
    ...{ left: only("translate_x", signed(strengths.translateX)), up: only("translate_y", signed(strengths.translateY)) },
  };
  const [height, width] = sizeOfAll(from);
  // A step before this one may have left what is between two levels.
  const levels = b.floor(b.add(wholeRaster(b, { ...from, unit: 1 }, height, width), 0.5));
  const moved = wholeRaster(b, { ...from, unit: 1, at: movedBy(b, batch, pixelsOf(b, levels, 1), [height, width], moves) }, height, width);
  const ofPicture = (x: Node): Node => b.reshape(x, { shape: [batch, 1, 1, 1] });
  const chosen = (operation: Operation): Node => ofPicture(is(operation));
  const by = ofPicture(b.add(signed(strengths.blend), 1));
  const [isColoured, isLarge] = [at(moved.type.shape, 1) === 3, hasInside(moved)];
  const others: readonly (readonly [Operation, Node])[] = [
    ["brightness", b.mul(moved, 0)],
    ["contrast", b.expand(meanGrey(b, moved), { shape: moved.type.shape })],
    ...(isColoured ? [["color", b.expand(grey(b, moved), { shape: moved.type.shape })] as const] : []),
    ...(isLarge ? [["sharpness", smoothed(b, moved)] as const] : []),
  ];
  const changes: readonly (readonly [Operation, Node])[] = [
    ...others.map(([operation, other]) => [operation, blend(b, moved, other, by)] as const),
    ["posterize", posterized(b, moved, ofPicture(b.add(nothing, strengths.posterize)))],
    ["solarize", solarized(b, moved, ofPicture(b.add(nothing, strengths.solarize)))],
    ["auto_contrast", stretched(b, moved)],
    ["equalize", equalized(b, moved)],
  ];
  return pixelsOf(
    b,
    changes.reduce((picture, [operation, changed]) => b.where(chosen(operation), changed, picture), moved),
    1,
  );
}

/** f32[batch] each. */
interface Moves {
  readonly angle: Node;
  readonly shearX: Node;
  readonly shearY: Node;
  readonly left: Node;
  readonly up: Node;
}

/** Shears are about the corner of the picture, turns about its middle. */
function movedBy(b: Builder, batch: number, pixels: PixelsAt, size: readonly [number, number], moves: Moves): PixelsAt {
  const each = (x: Node): Node => b.reshape(x, { shape: [batch, 1, 1] });
  return (rows, columns) => {
    const [y, x] = [rows, columns].map((places) => b.add(b.cast(places, { dtype: "f32" }), 0.5)) as [Node, Node];
    const { row, column } = turned(b, size, each(moves.angle), rows, columns);
    const sheared = [b.add(row, b.mul(x, each(moves.shearY))), b.add(column, b.mul(y, each(moves.shearX)))] as const;
    return nearestPixels(b, pixels, size, b.sub(sheared[0], each(moves.up)), b.sub(sheared[1], each(moves.left)));
  };
}

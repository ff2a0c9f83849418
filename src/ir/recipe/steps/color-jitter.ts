// torchvision.transforms.ColorJitter, of pictures of floats: for each picture its own factors, in its own order.

import type { Builder } from "../../builder.ts";
import type { Node } from "../../node.ts";
import { at } from "../../ops/define.ts";
import { arg, problem } from "../define.ts";
import { brightness, contrast, hue, saturation, type ColourChange } from "./colour.ts";
import { defineMoveStep } from "./define.ts";
import { pixelsOf, requireSize, wholeLevels } from "./pixels.ts";

const NAME = "color_jitter";

export const colorJitter = defineMoveStep({
  name: NAME,
  doc: "changes brightness, contrast, saturation and hue at random, in an order at random",
  args: {
    brightness: arg("non-negative", "factors are as far as this from 1, and not below 0", 0),
    contrast: arg("non-negative", "likewise", 0),
    saturation: arg("non-negative", "likewise", 0),
    hue: arg("probability", "share of the circle of hues, either way; at most 0.5", 0),
  },
  check: ({ hue: turn }) =>
    turn > 0.5 ? problem("out-of-range", { what: "`hue` of `color_jitter`", wanted: "between 0 and 0.5", got: String(turn) }) : undefined,
  shape: (image) => requireSize(NAME, image),
  crops: false,
  move: ({ b, batch, random }, from, args) => {
    const each = (x: Node): Node => b.reshape(x, { shape: [batch, 1, 1, 1] });
    const between = (low: number, high: number): Node => b.add(b.mul(each(random()), high - low), low);
    const factor = (by: number): Node => between(Math.max(0, 1 - by), 1 + by);
    const all: readonly (readonly [ColourChange, number, (by: number) => Node])[] = [
      [brightness, args.brightness, factor],
      [contrast, args.contrast, factor],
      [saturation, args.saturation, factor],
      [hue, args.hue, (by) => between(-by, by)],
    ];
    const changes = all.flatMap(([change, by, draw]) => (by > 0 ? [{ change, by: draw(by), key: each(random()) }] : []));
    let picture = wholeLevels(b, from);
    for (const turn of changes.keys()) {
      const before = picture;
      picture = changes.reduce(
        (chosen, { change, by }, i) => b.where(b.equal(placeOf(b, changes, i), turn), change(b, before, by), chosen),
        before,
      );
    }
    return pixelsOf(b, picture, from.unit);
  },
  mask: "stays",
  samples: [
    { args: { brightness: 0.4, contrast: 0.4, saturation: 0.4, hue: 0.1 }, image: [3, 3, 4] },
    { args: { contrast: 2 }, image: [1, 3, 4] },
  ],
});

/** How many draws are below that of a change, f32[batch, 1, 1, 1]; of equal ones the first comes first. */
function placeOf(b: Builder, changes: readonly { readonly key: Node }[], i: number): Node {
  const own = at(changes, i).key;
  const one = b.constant({ value: 1, type: own.type });
  const isBefore = (key: Node, j: number): Node => b.where(j < i ? b.lessEqual(key, own) : b.less(key, own), one, 0);
  return changes.reduce((place, { key }, j) => (j === i ? place : b.add(place, isBefore(key, j))), b.mul(one, 0));
}

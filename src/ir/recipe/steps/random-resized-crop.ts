// torchvision.transforms.RandomResizedCrop: a random area and aspect ratio, clamped to the image, scaled bilinearly.

import type { Builder } from "../../builder.ts";
import type { Node } from "../../node.ts";
import { arg } from "../define.ts";
import { defineMoveStep } from "./define.ts";
import { perPixel } from "./pixels.ts";

export const randomResizedCrop = defineMoveStep({
  name: "random_resized_crop",
  doc: "cuts a random rectangle and scales it",
  args: {
    size: arg("count", "pixels"),
    scale: arg("range", "share of the area", [0.08, 1]),
    ratio: arg("range", "width over height", [3 / 4, 4 / 3]),
  },
  shape: (image, { size }) => ({ ...image, height: size, width: size }),
  crops: true,
  move: ({ b, batch, random }, from, { size, scale, ratio: ratios }) => {
    const between = ([low, high]: readonly [number, number]): Node => b.add(b.mul(random(), high - low), low);
    const area = b.mul(between(scale), from.height * from.width);
    const ratio = b.exp(between([Math.log(ratios[0]), Math.log(ratios[1])]));
    const extentOf = (squared: Node, limit: number): Node => b.minimum(b.sqrt(squared), limit);
    const [width, height] = [extentOf(b.mul(area, ratio), from.width), extentOf(b.div(area, ratio), from.height)];
    /** Where the middle of pixel `index` lies, f32. */
    const along = (extent: Node, limit: number): ((index: Node) => Node) => {
      const start = b.mul(random(), b.sub(limit, extent));
      const per = (node: Node): Node => b.reshape(node, { shape: [batch, 1, 1] });
      return (index) => {
        const middle = b.add(b.cast(index, { dtype: "f32" }), 0.5);
        return b.sub(b.add(per(start), b.mul(middle, b.mul(per(extent), 1 / size))), 0.5);
      };
    };
    const [row, column] = [along(height, from.height), along(width, from.width)];
    return (rows, columns) => {
      const [y, x] = [neighbours(b, row(rows), from.height), neighbours(b, column(columns), from.width)];
      const mix = (p: Node, q: Node, share: Node): Node => b.add(p, b.mul(b.sub(q, p), share));
      const upper = mix(from.at(y.low, x.low), from.at(y.low, x.high), x.share);
      return mix(upper, mix(from.at(y.high, x.low), from.at(y.high, x.high), x.share), y.share);
    };
  },
  samples: [
    { args: { size: 4 }, image: [3, 6, 8] },
    { args: { size: 5, scale: [0.5, 0.5], ratio: [1, 1] }, image: [1, 4, 4] },
  ],
});

/** The pixels on either side of a position, and the share of the higher one. */
function neighbours(b: Builder, position: Node, limit: number): { readonly low: Node; readonly high: Node; readonly share: Node } {
  const clamped = b.minimum(b.maximum(position, 0), limit - 1);
  const floor = b.floor(clamped);
  const low = b.cast(floor, { dtype: "i32" });
  return { low, high: b.minimum(b.add(low, 1), limit - 1), share: perPixel(b, b.sub(clamped, floor)) };
}

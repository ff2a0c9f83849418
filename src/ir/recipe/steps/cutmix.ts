// CutMix (Yun et al. 2019): a rectangle of each picture is another one's. A label counts as much as is left of its picture.

import type { Node } from "../../node.ts";
import { at } from "../../ops/define.ts";
import { arg } from "../define.ts";
import { defineMixStep } from "./define.ts";
import { alphaProblem, symmetricBeta } from "./mix.ts";

export const cutmix = defineMixStep({
  name: "cutmix",
  doc: "puts a rectangle of another picture of the batch into each, and adds their losses by what is left; beside `mixup` each has every other batch",
  args: { alpha: arg("positive", "of the Beta distribution that the share left is drawn from, at most 1", 1) },
  check: ({ alpha }) => alphaProblem("cutmix", alpha),
  shape: (image) => image,
  mix: (context, pictures, partners, { alpha }) => {
    const { b, random } = context;
    const { shape } = pictures.type;
    const [height, width] = [at(shape, 2), at(shape, 3)];
    // The rectangle's middle is anywhere, so that part of it may lie outside.
    const side = b.sqrt(b.sub(1, symmetricBeta(context, alpha)));
    const cut = (extent: number, axis: number): { readonly isInside: Node; readonly length: Node } => {
      const half = b.floor(b.mul(b.floor(b.mul(side, extent)), 0.5));
      const middle = b.minimum(b.floor(b.mul(random(), extent)), extent - 1);
      const [from, to] = [b.maximum(b.sub(middle, half), 0), b.minimum(b.add(middle, half), extent)];
      const position = b.iota({ shape: axis === 2 ? [1, 1, extent, 1] : [1, 1, 1, extent], axis, dtype: "f32" });
      return { isInside: b.logicalAnd(b.lessEqual(from, position), b.less(position, to)), length: b.sub(to, from) };
    };
    const [rows, columns] = [cut(height, 2), cut(width, 3)];
    const area = b.mul(rows.length, columns.length);
    return {
      pictures: b.where(b.logicalAnd(rows.isInside, columns.isInside), partners, pictures),
      own: b.sub(1, b.div(area, height * width)),
    };
  },
  mask: "cannot",
  samples: [
    { args: {}, image: [3, 4, 5] },
    { args: { alpha: 0.5 }, image: [1, 3, 4] },
  ],
});

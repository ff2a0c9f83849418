// Changes of colour as torchvision makes them of pictures of floats (transforms/_functional_tensor.py). Pictures are f32[batch, channels,
// h, w] from 0 to 1, and what is changed by is f32[batch, 1, 1, 1].

import type { Builder } from "../../builder.ts";
import type { Node } from "../../node.ts";
import { at } from "../../ops/define.ts";
import { parts } from "../../ops/pieces.ts";

export type ColourChange = (b: Builder, picture: Node, by: Node) => Node;

const clamp = (b: Builder, x: Node): Node => b.minimum(b.maximum(x, 0), 1);

/** `by` of the picture, and the rest of another. */
const blend = (b: Builder, picture: Node, other: Node, by: Node): Node => clamp(b, b.add(b.mul(picture, by), b.mul(other, b.sub(1, by))));

const channelsOf = (picture: Node): number => at(picture.type.shape, 1);

const split = (b: Builder, picture: Node): [Node, Node, Node] => parts(b, picture, [1, 1, 1], 1) as [Node, Node, Node];

/** ITU-R 601-2, as torchvision rounds it. */
function grey(b: Builder, picture: Node): Node {
  if (channelsOf(picture) !== 3) return picture;
  const [red, green, blue] = split(b, picture);
  return b.add(b.add(b.mul(red, 0.2989), b.mul(green, 0.587)), b.mul(blue, 0.114));
}

export const brightness: ColourChange = (b, picture, by) => clamp(b, b.mul(picture, by));

export const contrast: ColourChange = (b, picture, by) => {
  const levels = grey(b, picture);
  const mean = b.reduceMean(levels, { axes: [1, 2, 3] });
  return blend(b, picture, b.reshape(mean, { shape: [at(mean.type.shape, 0), 1, 1, 1] }), by);
};

export const saturation: ColourChange = (b, picture, by) => (channelsOf(picture) === 3 ? blend(b, picture, grey(b, picture), by) : picture);

/** Turns the circle of hues by a share of it. */
export const hue: ColourChange = (b, picture, by) => {
  if (channelsOf(picture) !== 3) return picture;
  const [red, green, blue] = split(b, picture);
  const value = b.maximum(b.maximum(red, green), blue);
  const range = b.sub(value, b.minimum(b.minimum(red, green), blue));
  const saturated = b.div(range, b.where(b.equal(range, 0), 1, value));
  const divisor = b.where(b.equal(range, 0), 1, range);
  const lack = (x: Node): Node => b.div(b.sub(value, x), divisor);
  const [rc, gc, bc] = [lack(red), lack(green), lack(blue)];
  const sixth = b.where(
    b.equal(value, red),
    b.sub(bc, gc),
    b.where(b.equal(value, green), b.add(b.sub(rc, bc), 2), b.add(b.sub(gc, rc), 4)),
  );
  const turned = b.add(b.div(sixth, 6), by);
  const angle = b.mul(b.sub(turned, b.floor(turned)), 6);
  const sector = b.floor(angle);
  const rest = b.sub(angle, sector);
  const p = clamp(b, b.mul(value, b.sub(1, saturated)));
  const q = clamp(b, b.mul(value, b.sub(1, b.mul(saturated, rest))));
  const t = clamp(b, b.mul(value, b.sub(1, b.mul(saturated, b.sub(1, rest)))));
  // A share that rounds up to a whole turn is the first sector again.
  const among = (...of: readonly [Node, Node, Node, Node, Node, Node]): Node => {
    const [first, ...others] = of;
    return others.reduce((chosen, one, i) => b.where(b.equal(sector, i + 1), one, chosen), first);
  };
  return b.concat([among(value, q, p, p, t, value), among(t, value, value, q, p, p), among(p, p, t, value, value, q)], { axis: 1 });
};

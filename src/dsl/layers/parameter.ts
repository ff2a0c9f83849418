// Tensors that are not computed from the current value: learned ones of any shape, constants, and a learned factor for each channel.

import type { Node } from "../../ir/node.ts";
import { sizeOf, tensorType, type Shape } from "../../ir/types.ts";
import { shapeText } from "../values.ts";
import { arg, defineLayer, extent, requireShape } from "./define.ts";
import type { LayerContext } from "./define.ts";

/** The same values for every example: [batch, …]. */
export const forAll = ({ b, batch }: LayerContext, values: Node, shape: Shape): Node =>
  b.expand(b.reshape(values, { shape: [1, ...shape] }), { shape: [batch, ...shape] });

function requireExtents(shape: readonly number[]): void {
  requireShape(
    shape.every((e) => e >= 1),
    () => `[${shape.join(", ")}] is not a shape`,
  );
}

export const parameter = defineLayer({
  name: "parameter",
  doc: "a learned tensor, the same for all examples, named by its scope alone: `let scale = scale: parameter([8, 1, 1], init: 1)`",
  takes: "anything",
  args: {
    shape: arg("integers", "its shape"),
    init: arg("number", "its value to begin with", 0),
    std: arg("non-negative", "above 0: begins with random numbers of this standard deviation and mean 0", 0),
  },
  build: (context, _x, { shape, init, std }) => {
    requireExtents(shape);
    requireShape(std === 0 || init === 0, () => "`init` and `std` exclude each other");
    return forAll(context, context.weight("", shape, std > 0 ? { kind: "normal", std } : { kind: "constant", value: init }), shape);
  },
});

/** More numbers than this are data and belong in a file. */
const MOST_NUMBERS = 64;

export const constant = defineLayer({
  name: "constant",
  doc: "a tensor of given numbers: `constant([0.5, 0.25, 1], shape: [3, 1, 1])`",
  takes: "anything",
  args: {
    values: arg("number or numbers", "one number for all, or each of them in row-major order"),
    shape: arg("integers", "its shape; left out, it has one axis", []),
  },
  build: (context, _x, { values, shape }) => {
    const list = typeof values === "number" ? [values] : values;
    const wanted = shape.length > 0 ? shape : [list.length];
    requireExtents(wanted);
    requireShape(list.length <= MOST_NUMBERS, () => `${list.length} numbers are more than ${MOST_NUMBERS}`);
    const { b } = context;
    const all = (value: number, extents: Shape): Node => b.constant({ value, type: tensorType("f32", extents) });
    if (typeof values === "number") return all(values, [context.batch, ...wanted]);
    requireShape(list.length === sizeOf(wanted), () => `${list.length} numbers do not fill [${wanted.join(", ")}]`);
    return forAll(
      context,
      list.length === 1
        ? all(list[0] ?? 0, [1])
        : b.concat(
            list.map((value) => all(value, [1])),
            { axis: 0 },
          ),
      wanted,
    );
  },
});

export const layerScale = defineLayer({
  name: "layer_scale",
  doc: "a learned factor for each channel of an image, or for each feature of vectors: `gamma` (Touvron et al. 2021)",
  takes: "numbers",
  args: { init: arg("number", "the factor to begin with", 1e-5) },
  build: ({ b, weight }, x, { init }) => {
    const rank = x.type.shape.length;
    requireShape(rank >= 2, () => `${shapeText(x)} has no channels`);
    // Channels come first in images and volumes, features last in sequences.
    const axis = rank >= 4 ? 1 : rank - 1;
    const size = extent(x, axis);
    const gamma = weight("gamma", [size], { kind: "constant", value: init });
    return b.mul(x, b.reshape(gamma, { shape: x.type.shape.map((_, i) => (i === axis ? size : 1)) }));
  },
});

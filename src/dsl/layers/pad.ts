// Values before and after those of an example, as torch.nn.functional.pad.

import type { Builder } from "../../ir/builder.ts";
import type { Node } from "../../ir/node.ts";
import { shapeText } from "../values.ts";
import { arg, argOr, defineLayer, extent, requireShape } from "./define.ts";
import { SURROUNDINGS, surround } from "./surround.ts";

export const pad = defineLayer({
  name: "pad",
  doc: "puts values around an example's, or cuts them off where a number is negative",
  takes: "anything",
  args: {
    pad: arg("integers", "how many before and after, for the last axis, then the one before it: [left, right, top, bottom]"),
    mode: argOr(
      ["constant", ...SURROUNDINGS],
      "word",
      "what is put there: a constant, or values mirrored at the edge, the edge itself, those of the other side",
      "constant",
    ),
    value: arg("number", "the constant", 0),
  },
  build: ({ b }, x, { pad: amounts, mode, value }) => {
    const rank = x.type.shape.length;
    requireShape(
      amounts.length % 2 === 0 && amounts.length <= 2 * (rank - 1),
      () => `${amounts.length} numbers are not a pair for each of the last axes of ${shapeText(x)}`,
    );
    const around = x.type.shape.map((_, axis): readonly [number, number] => {
      const pair = 2 * (rank - 1 - axis);
      return axis === 0 ? [0, 0] : [amounts[pair] ?? 0, amounts[pair + 1] ?? 0];
    });
    const cut = withoutNegative(b, x, around);
    const more = around.map(([low, high]): readonly [number, number] => [Math.max(low, 0), Math.max(high, 0)]);
    if (mode === "constant")
      return b.pad(cut, { low: more.map(([low]) => low), high: more.map(([, high]) => high), interior: more.map(() => 0), value });
    requireShape(x.type.dtype === "f32", () => `tokens cannot be padded by ${mode}`);
    return more.reduce((y, [low, high], axis) => (low + high === 0 ? y : surround(b, y, axis, low, high, mode)), cut);
  },
});

function withoutNegative(b: Builder, x: Node, around: readonly (readonly [number, number])[]): Node {
  const { shape } = x.type;
  if (around.every(([low, high]) => low >= 0 && high >= 0)) return x;
  const start = around.map(([low]) => Math.max(-low, 0));
  const stop = around.map(([, high], axis) => extent(x, axis) - Math.max(-high, 0));
  requireShape(
    stop.every((end, axis) => end > (start[axis] ?? 0)),
    () => `nothing is left of ${shapeText(x)}`,
  );
  return b.slice(x, { start, stop, stride: shape.map(() => 1) });
}

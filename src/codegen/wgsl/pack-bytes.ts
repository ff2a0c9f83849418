// Stores of bytes in WGSL, which has only words: one point of the rewritten kernel computes four neighbours and stores them together. It
// needs no atomics, since no other point has a part of the word.

import { add, axis, binary, cast, constant, div, int, mul, type Expr } from "../../ir/loop/expr.ts";
import type { Kernel, Write } from "../../ir/loop/kernel.ts";
import { InternalError, isByte } from "../../ir/types.ts";
import { mergeAxes, sizeOfAxes, strideAlong, substituter, termsOf } from "../axes.ts";
import { legalizer, legalizedParameters } from "./legalize.ts";

const BYTES = 4;

/** Whether a kernel writes bools or bytes. */
export const writesBytes = ({ params }: Kernel): boolean => params.some((param) => param.access !== "read" && isByte(param.dtype));

/**
 * The kernel with its bytes packed, or undefined where that cannot be: it must be elementwise, and walk every byte buffer that it writes
 * from one element to the next, from a whole word on.
 */
export function packBytes(source: Kernel): Kernel | undefined {
  const kernel = mergeAxes(source);
  const [stage, ...rest] = kernel.stages;
  if (stage?.kind !== "store" || stage.axes.length > 0 || rest.length > 0 || kernel.axes.length > 1) return undefined;
  const [point] = kernel.axes;
  const points = sizeOfAxes(kernel.axes);
  const isBytes = ({ buffer }: Write): boolean => isByte(kernel.params[buffer]?.dtype ?? "f32");
  const isWhole = ({ index }: Write): boolean =>
    (point === undefined || strideAlong(index, point.name) === 1) &&
    termsOf(index).every(([scale, factor]) => scale % BYTES === 0 || (factor?.kind === "axis" && factor.name === point?.name));
  const packed = stage.writes.filter(isBytes);
  if (!packed.every(isWhole) || new Set(packed.map(({ buffer }) => buffer)).size < packed.length) return undefined;

  const words = Math.ceil(points / BYTES);
  const first = mul(axis("word", words), int(BYTES));
  const legal = legalizer(kernel.params);
  const at = (place: Expr): ((expr: Expr) => Expr) => substituter(new Map(point ? [[point.name, place]] : []));
  // Past the last point, that point once more.
  const neighbours = Array.from({ length: BYTES }, (_, i) => {
    const place = add(first, int(i));
    const inside = at(points % BYTES === 0 ? place : binary("min", place, int(points - 1)));
    return (expr: Expr): Expr => legal(inside(expr));
  });
  const writes = stage.writes.flatMap((write): Write[] =>
    isBytes(write)
      ? [
          {
            buffer: write.buffer,
            index: legal(div(at(first)(write.index), int(BYTES))),
            value: wordOf(neighbours.map((f) => f(write.value))),
          },
        ]
      : neighbours.map((f) => ({ buffer: write.buffer, index: f(write.index), value: f(write.value) })),
  );
  return {
    ...kernel,
    params: legalizedParameters(kernel.params),
    axes: words > 1 ? [{ name: "word", extent: words }] : [],
    stages: [{ ...stage, writes }],
  };
}

/** Four bytes, the first one lowest. */
function wordOf(values: readonly Expr[]): Expr {
  const bytes = values.map((value) => (value.dtype === "bool" ? cast(value, "u32") : binary("bitand", value, constant(255, "u32"))));
  const word = bytes
    .map((byte, i) => (i === 0 ? byte : binary("shl", byte, constant(8 * i, "u32"))))
    .reduce((x, y) => binary("bitor", x, y));
  if (word.dtype !== "u32") throw new InternalError(`bytes of ${word.dtype}`);
  return word;
}

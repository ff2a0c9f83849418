// Stores of bytes, where memory has only words (WGSL): one point of the rewritten kernel computes four neighbours and stores them together. It
// needs no atomics, since no other point has a part of the word.

import { add, axis, binary, cast, constant, div, int, mul, type Expr } from "../../ir/loop/expr.ts";
import type { Axis, Kernel, Stage, StoreStage, Write } from "../../ir/loop/kernel.ts";
import { mapExpressions } from "../../ir/loop/map-expr.ts";
import { InternalError, isByte } from "../../ir/types.ts";
import { mergeAxes, strideAlong, substituter, termsOf } from "../axes.ts";
import { legalizer, legalizedParameters } from "./legalize.ts";

const BYTES = 4;

/** Whether a kernel writes bools or bytes. */
const writesBytes = ({ params }: Kernel): boolean => params.some((param) => param.access !== "read" && isByte(param.dtype));

/** The kernel as blocks can store it. */
export function packed(kernel: Kernel): Kernel {
  const words = writesBytes(kernel) ? packBytes(kernel) : kernel;
  if (!words) throw new InternalError(`kernel ${kernel.name} stores bytes that make no words`);
  return words;
}

/**
 * The kernel with its bytes packed, or undefined where that cannot be. Every byte buffer must be walked from one element to the next, from
 * a whole word on: along the only axis of the stage that writes it, or, where the kernel is elementwise, along the kernel's.
 */
export function packBytes(source: Kernel): Kernel | undefined {
  const kernel = mergeAxes(source);
  const { params, stages } = kernel;
  const isBytes = ({ buffer }: Write): boolean => isByte(params[buffer]?.dtype ?? "f32");
  const storing = stages.flatMap((stage) => (stage.kind === "store" && stage.writes.some(isBytes) ? [stage] : []));
  const isElementwise = kernel.axes.length > 0 && storing.some(({ axes }) => axes.length === 0);
  if (isElementwise && !stages.every((stage) => stage.kind === "store" && stage.axes.length === 0)) return undefined;
  const along = ({ axes }: StoreStage): readonly Axis[] => (isElementwise ? kernel.axes : axes);
  if (!storing.every((stage) => along(stage).length <= 1 && isWalked(stage.writes.filter(isBytes), along(stage)[0]))) return undefined;

  const legal = legalizer(params);
  const packed = stages.map((stage): Stage => {
    if (stage.kind !== "store" || !(isElementwise || storing.includes(stage))) return mapExpressions(stage, legal);
    const [axis] = along(stage);
    return { ...stage, axes: isElementwise ? [] : wordsOf(axis), writes: packedWrites(stage, axis, legal, isBytes) };
  });
  return { ...kernel, params: legalizedParameters(params), axes: isElementwise ? wordsOf(kernel.axes[0]) : kernel.axes, stages: packed };
}

/** The loop over words instead of elements, under the same name. */
function wordsOf(axis: Axis | undefined): Axis[] {
  const extent = Math.ceil((axis?.extent ?? 1) / BYTES);
  return axis && extent > 1 ? [{ name: axis.name, extent }] : [];
}

/** Whether the writes go to neighbouring elements along the axis, a word's from its first on, and to different buffers. */
function isWalked(writes: readonly Write[], along: Axis | undefined): boolean {
  const isWhole = ({ index }: Write): boolean =>
    (along === undefined || strideAlong(index, along.name) === 1) &&
    termsOf(index).every(([scale, factor]) => scale % BYTES === 0 || (factor?.kind === "axis" && factor.name === along?.name));
  return writes.every(isWhole) && new Set(writes.map(({ buffer }) => buffer)).size === writes.length;
}

/** What a stage writes at four neighbouring points: a word of each byte buffer, four elements of any other. */
function packedWrites(
  stage: StoreStage,
  along: Axis | undefined,
  legal: (expr: Expr) => Expr,
  isBytes: (write: Write) => boolean,
): Write[] {
  const extent = along?.extent ?? 1;
  const first = along ? mul(axis(along.name, Math.ceil(extent / BYTES)), int(BYTES)) : int(0);
  const at = (place: Expr): ((expr: Expr) => Expr) => substituter(new Map(along ? [[along.name, place]] : []));
  // Past the last point, that point once more.
  const neighbours = Array.from({ length: BYTES }, (_, i) => {
    const place = add(first, int(i));
    const inside = at(extent % BYTES === 0 ? place : binary("min", place, int(extent - 1)));
    return (expr: Expr): Expr => legal(inside(expr));
  });
  return stage.writes.flatMap((write): Write[] =>
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

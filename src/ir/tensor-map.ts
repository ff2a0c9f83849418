// Whether what a kernel says of a matrix in one of its buffers is a tensor map that a driver makes, none of whose elements is beside the buffer.

import type { ParameterType, TensorMap } from "./program.ts";
import { bytesPerElement } from "./types.ts";

/** Bytes of a row of what is copied at once. */
export const MAP_BYTES = 128;

/** Of the first element of a matrix and of each of its rows, what the address is a multiple of. */
const MAP_ALIGNMENT = 16;

/** Rows that are copied at once. */
const MOST_ROWS = 256;

export function isTensorMap({ param, dtype, first, rows, columns, row, box }: TensorMap, params: readonly ParameterType[]): boolean {
  const { [param]: given } = params;
  const isAligned = [first, row].every((elements) => (elements * bytesPerElement(dtype)) % MAP_ALIGNMENT === 0);
  return (
    given?.dtype === dtype &&
    given.access === "read" &&
    isAligned &&
    box <= MOST_ROWS &&
    columns <= row &&
    row <= given.length &&
    first + (rows - 1) * row + columns <= given.length
  );
}

// Operands of a contraction that lie in memory as matrices, rows along k of the format that is multiplied: the machine copies a whole tile of one to shared
// memory by itself, as a map of the matrix says, once a single thread has told it to (Hopper's TMA).

import { int, mul } from "../../ir/loop/expr.ts";
import type { TensorMap } from "../../ir/program.ts";
import { MAP_BYTES } from "../../ir/tensor-map.ts";
import { placeOf } from "../place-of.ts";
import { plus, type TileCopy, type Value } from "./block.ts";
import { variable } from "./builder.ts";
import { isInWords, placeOfTile, type MatrixWork, type Operand, type TileLayout } from "./matrix-operands.ts";

/** An operand's matrix, with those of a batch one below the other; undefined where it is computed, or lies otherwise. */
export function tensorMapOf(
  work: Pick<MatrixWork, "problem" | "tile">,
  { expr, along, extent, rows: box }: Omit<Operand, "tile">,
): TensorMap | undefined {
  const { kernel, b, k } = work.problem;
  const place = isInWords(work, expr) ? placeOf(kernel, expr, ["b", along, "k"]) : undefined;
  if (place?.column !== 1 || place.row < k || place.matrix % place.row !== 0) return undefined;
  const { param, dtype, first, matrix, row } = place;
  return { param, dtype, first, rows: (b - 1) * (matrix / row) + extent, columns: k, row, box };
}

export class MappedTile {
  readonly bytes: number;
  readonly #layout: TileLayout;
  readonly #map: string;
  /** The first of the matrix that the workgroup's tiles have. */
  readonly #row: Value;

  constructor({ problem, block }: MatrixWork, { along, extent, tile }: Operand, layout: TileLayout, map: TensorMap) {
    const { b } = problem;
    const between = b === 1 ? 0 : (map.rows - extent) / (b - 1);
    this.bytes = map.box * MAP_BYTES;
    this.#layout = layout;
    this.#map = block.map(map);
    this.#row = block.let(`${along}_row`, plus(block.out.value(mul(variable("b", b), int(between))), tile));
  }

  placeOf(tile: Value): Value {
    return placeOfTile(this.#layout, tile);
  }

  /** The copy of the tile that begins at `k0`. @param to which tile of shared memory */
  copyOf(k0: Value, to: Value): TileCopy {
    return { map: this.#map, row: this.#row, column: k0, to: this.placeOf(to) };
  }
}

// What the schedules that multiply matrices have in common: which tile of the result a workgroup has, and the way of its sums to memory, through shared
// memory, for stores and loads of the kernel's store stages to lie side by side.

import type { Problem } from "../problem.ts";
import { GROUP, integer, LANE, less, loadOf, modulo, number, over, plus, times, type Value } from "./block.ts";
import { BlockBuilder } from "./builder.ts";
import { legalizedParameters, legalizer } from "./legalize.ts";
import type { MatrixWork } from "./matrix-operands.ts";
import { heightOf, MATRIX_COLUMNS, MATRIX_LANES, MATRIX_ROWS, widthOf, type MatrixTile } from "./matrix-tiles.ts";
import type { DeviceProfile } from "./profile.ts";
import { storeElement } from "./write-back.ts";

/** A contraction in the making, and a workgroup's tile of the result: its first row and column. */
export interface Begun {
  readonly work: MatrixWork;
  readonly tileM: Value;
  readonly tileN: Value;
  readonly groups: number;
}

export function beginTile(problem: Problem, tile: MatrixTile, profile: DeviceProfile): Begun {
  const { kernel, m, n, b } = problem;
  const [height, width] = [heightOf(tile), widthOf(tile)];
  const threads = tile.groupsM * tile.groupsN * MATRIX_LANES;
  const block = new BlockBuilder({ ...kernel, params: legalizedParameters(kernel.params) }, profile);
  const [tilesM, tilesN] = [Math.ceil(m / height), Math.ceil(n / width)];
  const tileN = block.let("tile_n", tilesN === 1 ? integer(0) : times(modulo(GROUP, tilesN), width));
  const tileM = block.let("tile_m", tilesM === 1 ? integer(0) : times(modulo(over(GROUP, tilesN), tilesM), height));
  if (b > 1) block.out.bindAxis("b", block.let("batch", over(GROUP, tilesN * tilesM)));
  return { work: { problem, tile, block, legal: legalizer(kernel.params), threads }, tileM, tileN, groups: tilesM * tilesN * b };
}

/** Where a thread's subgroup is in the tile, and the thread in the subgroup. */
export interface Warp {
  readonly lane: Value;
  readonly rowM: Value;
  readonly rowN: Value;
}

/** Sums of a thread: of each product along m and n those that `multiply` says. */
export type Sums = readonly (readonly (readonly Value[])[])[];

/** Zeros for all of them. */
export const sumsOf = ({ tile, block }: MatrixWork): Sums =>
  Array.from({ length: tile.productsM }, (_i, i) =>
    Array.from({ length: tile.productsN }, (_j, j) =>
      Array.from({ length: 4 }, (_s, s) => block.variable(`c_${[i, j, s].join("_")}`, number(0, "f32"))),
    ),
  );

export const nameOf = (value: Value): string => (value.kind === "name" ? value.name : "");

/** Words between rows of results on their way through shared memory: lanes that store at once meet in no bank. */
const PADDING = 8;

/** Stores a workgroup's sums: the rows of one product of each subgroup at a time, through memory that nobody reads any more. */
export function writeBack({ work, tileM, tileN }: Begun, { lane, rowM, rowN }: Warp, memory: string, sums: Sums): void {
  const { problem, tile, block, threads } = work;
  const { out } = block;
  const { m, n } = problem;
  const width = widthOf(tile);
  const pitch = width + PADDING;
  const { groupsM, productsM } = tile;
  const row = block.let("result_row", plus(over(rowM, productsM), over(lane, 4)));
  const column = block.let("result_column", plus(rowN, times(modulo(lane, 4), 2)));
  sums.forEach((products, i) => {
    block.barrier();
    products.forEach((sum, j) => {
      sum.forEach((value, s) => {
        const index = plus(times(plus(row, s < 2 ? 0 : 8), pitch), plus(plus(column, j * MATRIX_COLUMNS), s & 1));
        block.store(memory, index, { kind: "bitcast", type: "u32", x: value });
      });
    });
    block.barrier();
    const name = out.name("element");
    block.loop(name, LANE, integer(groupsM * MATRIX_ROWS * width), threads, (element) => {
      const [r, c] = [block.let("r", over(element, width)), block.let("c", modulo(element, width))];
      const inGroup = plus(times(over(r, MATRIX_ROWS), productsM * MATRIX_ROWS), modulo(r, MATRIX_ROWS));
      const pointM = block.let("m", plus(plus(tileM, inGroup), i * MATRIX_ROWS));
      const pointN = block.let("n", plus(tileN, c));
      const word = loadOf(memory, "u32", plus(times(r, pitch), c));
      const value = block.let("sum", { kind: "bitcast", type: "f32", x: word });
      const write = (): void => {
        out.bindAxis("$m", pointM);
        out.bindAxis("$n", pointN);
        storeElement(work, "$m", "$n", value);
      };
      const guards = [m % heightOf(tile) === 0 ? undefined : less(pointM, m), n % width === 0 ? undefined : less(pointN, n)];
      guarded(
        block,
        guards.filter((guard) => guard !== undefined),
        write,
      );
    });
  });
}

function guarded(block: BlockBuilder, [first, ...rest]: readonly Value[], body: () => void): void {
  if (!first) block.within(body);
  else
    block.when(
      first,
      () => {
        guarded(block, rest, body);
      },
      true,
    );
}

// The schedule for contractions whose operands are of fewer bits where warpgroups multiply matrices in shared memory: four tiles of both operands by turns,
// of which one is multiplied, that of the round before may still be, and two are on their way from memory. What threads compute they store one round ahead.
//
//   round r:  wait for the copies of tile r, publish, barrier            so all are done with what was multiplied in round r - 2
//             copy tile r + 2 to the place of r - 2; begin products of tile r; store what is computed of tile r + 1 to the place of r - 3
//             wait for the products of round r - 1

import type { Problem } from "../problem.ts";
import type { Architecture } from "../../ir/program.ts";
import { apply, integer, LANE, less, modulo, number, over, plus, select, times, type Block, type Value } from "./block.ts";
import type { BlockBuilder } from "./builder.ts";
import { MappedTile, tensorMapOf } from "./mapped-tiles.ts";
import { beginTile, nameOf, sumsOf, writeBack } from "./matrix-block.ts";
import { placeOfTile, WordTile, type MatrixWork, type Operand, type TileLayout } from "./matrix-operands.ts";
import {
  heightOf,
  MATRIX_LANES,
  MATRIX_ROWS,
  MATRIX_WORDS,
  WARPGROUP,
  WIDE_COLUMNS,
  WIDE_ROWS,
  widthOf,
  type MatrixTile,
} from "./matrix-tiles.ts";
import type { DeviceProfile } from "./profile.ts";

/** Words along k of a tile: what a row of the layout has that `multiply-wide` asks for. */
const DEPTH = 32;
const TILES = 4;
/** Tiles that are on their way: a place is free when the products of two rounds before are done. */
const AHEAD = TILES - 2;
/** Words of a barrier of copies. */
const BARRIER = 2;

/** @param isMapped whether the machine itself copies tiles of operands that are matrices in memory */
export function scheduleWideMatrices(
  problem: Problem,
  tile: MatrixTile,
  needs: Architecture,
  profile: DeviceProfile,
  isMapped = false,
): Block {
  const begun = beginTile(problem, tile, profile);
  const { work, groups } = begun;
  const { block, threads } = work;
  const { copiesAside = false } = profile;
  const [lhs, rhs] = operandsOf(problem, tile);
  const words = TILES * (lhs.rows + rhs.rows) * DEPTH;
  const memory = block.shared("tiles", "u32", words + (isMapped ? TILES * BARRIER : 0));
  const tilesOf = (name: string, operand: Omit<Operand, "tile">, first: Value, start: number): Tiles => {
    const [whole, layout] = [{ ...operand, tile: first }, permutedTiles(memory, start, operand.rows)];
    const map = isMapped ? tensorMapOf(work, operand) : undefined;
    return map ? new MappedTile(work, whole, layout, map) : new WordTile(work, name, whole, layout, copiesAside);
  };
  const left = tilesOf("left", lhs, begun.tileM, 0);
  const right = tilesOf("right", rhs, begun.tileN, TILES * lhs.rows * DEPTH);
  const warpgroup = block.let("warpgroup", over(LANE, WARPGROUP));
  const rows = block.let("rows", times(over(warpgroup, tile.groupsN), WIDE_ROWS));
  const columns = block.let("columns", times(modulo(warpgroup, tile.groupsN), WIDE_COLUMNS));
  const sums = sumsOf(work);
  const names = sums.flat(2).map(nameOf);
  const arrival = isMapped ? beginArrival(block, memory, words) : undefined;
  multiplyTiles(work, [left, right], arrival, (current) => {
    const [ofLeft, ofRight] = [plus(left.placeOf(current), times(rows, DEPTH)), plus(right.placeOf(current), times(columns, DEPTH))];
    const [a, b] = [block.let("a", ofLeft), block.let("b", ofRight)];
    block.out.line({ kind: "begin-products" });
    for (let step = 0; step < DEPTH; step += MATRIX_WORDS)
      block.out.line({ kind: "multiply-wide", of: tile.operands, sums: names, memory, left: plus(a, step), right: plus(b, step) });
    block.out.line({ kind: "end-products" });
  });
  block.out.line({ kind: "wait-products", pending: 0, sums: names });
  if (arrival) for (const sum of sums.flat(2)) block.assign(sum, select(arrival.areThere, sum, number(NaN, "f32")));
  const subgroup = block.let("subgroup", modulo(over(LANE, MATRIX_LANES), WARPGROUP / MATRIX_LANES));
  const lane = block.let("lane_of", modulo(LANE, MATRIX_LANES));
  const rowM = block.let("row_m", plus(rows, times(subgroup, MATRIX_ROWS)));
  writeBack(begun, { lane, rowM, rowN: columns }, memory, sums);
  return block.finish(threads, groups, MATRIX_LANES, needs);
}

type Tiles = WordTile | MappedTile;

const operandsOf = ({ stage, m, n }: Problem, tile: MatrixTile): readonly [left: Omit<Operand, "tile">, right: Omit<Operand, "tile">] => [
  { expr: stage.lhs, along: "m", extent: m, rows: heightOf(tile) },
  { expr: stage.rhs, along: "n", extent: n, rows: widthOf(tile) },
];

/** Whether some operand's tiles are copied by the machine itself where it may do so: of a sum of fewer rounds than there are tiles, none is worth it. */
export const isMappable = (problem: Problem, tile: MatrixTile): boolean =>
  problem.k >= TILES * DEPTH * tile.perWord &&
  operandsOf(problem, tile).some((operand) => tensorMapOf({ problem, tile }, operand) !== undefined);

/** How the workgroup learns that the machine has copied tiles. */
interface Arrival {
  readonly memory: string;
  /** The barrier of each place of a tile. */
  readonly barrierOf: (place: Value) => Value;
  /** A variable: false once tiles did not come. What is summed from then on is no number, for everyone to see. */
  readonly areThere: Value;
}

function beginArrival(block: BlockBuilder, memory: string, first: number): Arrival {
  block.out.line({ kind: "init-barriers", memory, index: first, count: TILES }, { kind: "publish" });
  block.barrier();
  const areThere = block.variable("are_there", { kind: "const", type: "bool", value: 1 });
  return { memory, barrierOf: (place) => placeOfTile({ start: first, stride: BARRIER }, place), areThere };
}

/** Groups of four words by turns, as `multiply-wide` asks for: eight rows of one group lie in all banks, each once. */
const permutedTiles = (memory: string, start: number, rows: number): TileLayout => ({
  memory,
  start,
  stride: rows * DEPTH,
  tiles: TILES,
  depth: DEPTH,
  inParts: true,
  at: (row, word) => plus(times(row, DEPTH), apply("bitxor", word, times(modulo(row, 8), 4))),
});

function multiplyTiles(
  { problem, tile, block }: MatrixWork,
  operands: readonly Tiles[],
  arrival: Arrival | undefined,
  body: (current: Value) => void,
): void {
  const depth = DEPTH * tile.perWord;
  const rounds = Math.ceil(problem.k / depth);
  const mapped = operands.filter((operand) => operand instanceof MappedTile);
  const words = operands.filter((operand) => operand instanceof WordTile);
  const [copied, computed] = [words.filter(({ isCopied }) => isCopied), words.filter(({ isCopied }) => !isCopied)];
  const begin = (k0: Value, to: Value, isLeft: Value): void => {
    if (arrival) {
      const { memory, barrierOf, areThere } = arrival;
      const bytes = mapped.reduce((sum, operand) => sum + operand.bytes, 0);
      const copies = mapped.map((operand) => operand.copyOf(k0, to));
      block.out.line({ kind: "copy-tiles", memory, barrier: barrierOf(to), bytes, condition: apply("and", isLeft, areThere), copies });
    }
    for (const operand of copied) operand.copy(k0, to);
    if (copied.length > 0) block.endBatch();
  };
  block.within(() => {
    for (let i = 0; i < AHEAD; i++) begin(integer(i * depth), integer(i), less(integer(i), rounds));
    for (const operand of computed) operand.fill(integer(0), true, integer(0));
  });
  block.loop(block.out.name("round"), integer(0), integer(rounds), 1, (round) => {
    const place = (ahead: number): Value => block.let("place", modulo(plus(round, ahead), TILES));
    const k0 = (ahead: number): Value => block.let("k0", times(plus(round, ahead), depth));
    const current = place(0);
    if (arrival) {
      const { memory, barrierOf, areThere } = arrival;
      const parity = modulo(over(round, TILES), 2);
      block.out.line({ kind: "wait-tiles", memory, barrier: barrierOf(current), parity, areThere: nameOf(areThere) });
    }
    if (copied.length > 0) block.out.line({ kind: "wait-copies", pending: AHEAD - 1 });
    // What the machine copies itself it sees.
    if (words.length > 0) block.out.line({ kind: "publish" });
    block.barrier();
    begin(k0(AHEAD), place(AHEAD), less(round, rounds - AHEAD));
    body(current);
    for (const operand of computed) operand.fill(k0(1), false, place(1));
    block.out.line({ kind: "wait-products", pending: 1, sums: [] });
  });
  // Copies of rounds past the last are zeros that must not land among results, which take the place of tiles.
  if (copied.length > 0) block.out.line({ kind: "wait-copies", pending: 0 });
}

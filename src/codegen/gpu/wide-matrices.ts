// The schedule for contractions whose operands are of fewer bits where warpgroups multiply matrices in shared memory: four tiles of both operands by turns,
// of which one is multiplied, that of the round before may still be, and two are on their way from memory. What threads compute they store one round ahead.
//
//   round r:  wait for the copies of tile r, publish, barrier            so all are done with what was multiplied in round r - 2
//             copy tile r + 2 to the place of r - 2; begin products of tile r; store what is computed of tile r + 1 to the place of r - 3
//             wait for the products of round r - 1

import type { Problem } from "../problem.ts";
import type { Architecture } from "../../ir/program.ts";
import { apply, integer, LANE, modulo, over, plus, times, type Block, type Value } from "./block.ts";
import { beginTile, nameOf, sumsOf, writeBack } from "./matrix-block.ts";
import { WordTile, type MatrixWork, type TileLayout } from "./matrix-operands.ts";
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

export function scheduleWideMatrices(problem: Problem, tile: MatrixTile, needs: Architecture, profile: DeviceProfile): Block {
  const { stage, m, n } = problem;
  const begun = beginTile(problem, tile, profile);
  const { work, tileM, tileN, groups } = begun;
  const { block, threads } = work;
  const [height, width] = [heightOf(tile), widthOf(tile)];
  const memory = block.shared("tiles", "u32", TILES * (height + width) * DEPTH);
  const { copiesAside = false } = profile;
  const [lhs, rhs] = [
    { expr: stage.lhs, along: "m", extent: m, rows: height, tile: tileM },
    { expr: stage.rhs, along: "n", extent: n, rows: width, tile: tileN },
  ] as const;
  const left = new WordTile(work, "left", lhs, permutedTiles(memory, 0, height), copiesAside);
  const right = new WordTile(work, "right", rhs, permutedTiles(memory, TILES * height * DEPTH, width), copiesAside);
  const warpgroup = block.let("warpgroup", over(LANE, WARPGROUP));
  const rows = block.let("rows", times(over(warpgroup, tile.groupsN), WIDE_ROWS));
  const columns = block.let("columns", times(modulo(warpgroup, tile.groupsN), WIDE_COLUMNS));
  const sums = sumsOf(work);
  const names = sums.flat(2).map(nameOf);
  multiplyTiles(work, [left, right], (current) => {
    const [ofLeft, ofRight] = [plus(left.placeOf(current), times(rows, DEPTH)), plus(right.placeOf(current), times(columns, DEPTH))];
    const [a, b] = [block.let("a", ofLeft), block.let("b", ofRight)];
    block.out.line({ kind: "begin-products" });
    for (let step = 0; step < DEPTH; step += MATRIX_WORDS)
      block.out.line({ kind: "multiply-wide", of: tile.operands, sums: names, memory, left: plus(a, step), right: plus(b, step) });
    block.out.line({ kind: "end-products" });
  });
  block.out.line({ kind: "wait-products", pending: 0, sums: names });
  const subgroup = block.let("subgroup", modulo(over(LANE, MATRIX_LANES), WARPGROUP / MATRIX_LANES));
  const lane = block.let("lane_of", modulo(LANE, MATRIX_LANES));
  const rowM = block.let("row_m", plus(rows, times(subgroup, MATRIX_ROWS)));
  writeBack(begun, { lane, rowM, rowN: columns }, memory, sums);
  return block.finish(threads, groups, MATRIX_LANES, needs);
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

function multiplyTiles({ problem, tile, block }: MatrixWork, operands: readonly WordTile[], body: (current: Value) => void): void {
  const depth = DEPTH * tile.perWord;
  const rounds = Math.ceil(problem.k / depth);
  const [copied, computed] = [operands.filter(({ isCopied }) => isCopied), operands.filter(({ isCopied }) => !isCopied)];
  const begin = (k0: Value, to: Value): void => {
    for (const operand of copied) operand.copy(k0, to);
    if (copied.length > 0) block.endBatch();
  };
  block.within(() => {
    for (let i = 0; i < AHEAD; i++) begin(integer(i * depth), integer(i));
    for (const operand of computed) operand.fill(integer(0), true, integer(0));
  });
  block.loop(block.out.name("round"), integer(0), integer(rounds), 1, (round) => {
    const place = (ahead: number): Value => block.let("place", modulo(plus(round, ahead), TILES));
    const k0 = (ahead: number): Value => block.let("k0", times(plus(round, ahead), depth));
    if (copied.length > 0) block.out.line({ kind: "wait-copies", pending: AHEAD - 1 });
    block.out.line({ kind: "publish" });
    block.barrier();
    begin(k0(AHEAD), place(AHEAD));
    body(place(0));
    for (const operand of computed) operand.fill(k0(1), false, place(1));
    block.out.line({ kind: "wait-products", pending: 1, sums: [] });
  });
}

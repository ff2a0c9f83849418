// The schedule for contractions whose operands are of fewer bits: subgroups multiply matrices (tensor cores). Both operands go through shared memory as
// words of that format, two tiles of each by turns: while one is multiplied, the next is on its way from memory. Operands are arbitrary
// expressions, so each thread converts what it loads; but rows along k that memory holds as they are multiplied are copied aside, sixteen bytes at once.

import type { Problem } from "../problem.ts";
import { at } from "../../ir/ops/define.ts";
import { integer, LANE, modulo, named, over, plus, times, type Block, type Value } from "./block.ts";
import type { BlockBuilder } from "./builder.ts";
import { beginTile, nameOf, sumsOf, writeBack, type Sums, type Warp } from "./matrix-block.ts";
import { WordTile, type MatrixWork, type TileLayout } from "./matrix-operands.ts";
import { heightOf, MATRIX_COLUMNS, MATRIX_LANES, MATRIX_ROWS, MATRIX_WORDS, widthOf, type MatrixTile } from "./matrix-tiles.ts";
import type { DeviceProfile } from "./profile.ts";

/** Words along k in shared memory at a time: sixteen bytes are four, and a product takes eight. */
const DEPTH = 16;
/** Words from one row to the next: eight rows of four words from any place on lie in all banks, each once. */
const PITCH = DEPTH + 4;
/** Tiles of an operand. */
const TILES = 2;

export function scheduleMatrices(problem: Problem, tile: MatrixTile, profile: DeviceProfile): Block {
  const { stage, m, n } = problem;
  const begun = beginTile(problem, tile, profile);
  const { work, tileM, tileN, groups } = begun;
  const { block, threads } = work;
  const [height, width] = [heightOf(tile), widthOf(tile)];
  const subgroup = block.let("subgroup", over(LANE, MATRIX_LANES));
  const warp = {
    lane: block.let("lane_of", modulo(LANE, MATRIX_LANES)),
    rowM: block.let("row_m", times(over(subgroup, tile.groupsN), tile.productsM * MATRIX_ROWS)),
    rowN: block.let("row_n", times(modulo(subgroup, tile.groupsN), tile.productsN * MATRIX_COLUMNS)),
  };
  const { copiesAside = false } = profile;
  const [lhs, rhs] = [
    { expr: stage.lhs, along: "m", extent: m, rows: height, tile: tileM },
    { expr: stage.rhs, along: "n", extent: n, rows: width, tile: tileN },
  ] as const;
  const left = new WordTile(work, "left", lhs, paddedTiles(block, "left", height), copiesAside);
  const right = new WordTile(work, "right", rhs, paddedTiles(block, "right", width), copiesAside);
  const sums = sumsOf(work);
  multiplyTiles(work, left, right, (current) => {
    multiply(work, warp, left, right, current, sums);
  });
  writeBack(begun, warp, right.layout.memory, sums);
  return block.finish(threads, groups, MATRIX_LANES);
}

const paddedTiles = (block: BlockBuilder, name: string, rows: number): TileLayout => ({
  memory: block.shared(name, "u32", TILES * rows * PITCH),
  start: 0,
  stride: rows * PITCH,
  tiles: TILES,
  depth: DEPTH,
  inParts: false,
  at: (row, word) => plus(times(row, PITCH), word),
});

// The tile of the next round is loaded before this one is multiplied, and stored behind, where nobody reads: one barrier a round. What is copied is on its
// way all the time.
function multiplyTiles({ problem, tile, block }: MatrixWork, left: WordTile, right: WordTile, body: (current: Value) => void): void {
  const depth = DEPTH * tile.perWord;
  const rounds = Math.ceil(problem.k / depth);
  const [copied, computed] = [[left, right].filter(({ isCopied }) => isCopied), [left, right].filter(({ isCopied }) => !isCopied)];
  const allThere = (): void => {
    if (copied.length > 0) block.awaitCopies(0);
    else block.barrier();
  };
  const begin = (k0: Value, half: Value): void => {
    for (const operand of copied) operand.copy(k0, half);
    if (copied.length > 0) block.endBatch();
  };
  block.within(() => {
    begin(integer(0), integer(0));
    for (const operand of computed) operand.store(operand.words(integer(0), true), integer(0));
  });
  allThere();
  if (rounds === 1) {
    block.within(() => {
      body(integer(0));
    });
    return;
  }
  block.loop(block.out.name("round"), integer(0), integer(rounds), 1, (round) => {
    const half = (of: Value): Value => modulo(of, 2);
    const current = block.let("current", half(round));
    const next = block.let("next", half(plus(round, 1)));
    const k0 = block.let("k0", times(plus(round, 1), depth));
    begin(k0, next);
    const words = computed.map((operand) => operand.words(k0, false));
    body(current);
    computed.forEach((operand, i) => {
      operand.store(at(words, i), next);
    });
    allThere();
  });
}

function multiply({ tile, block }: MatrixWork, warp: Warp, left: WordTile, right: WordTile, current: Value, sums: Sums): void {
  const { out } = block;
  const { lane, rowM, rowN } = warp;
  // By lane, the row and the word where a row of four words begins: two matrices below each other and two beside them, or the other way round.
  const leftRow = plus(rowM, modulo(lane, 16));
  const leftWord = times(over(lane, 16), 4);
  const rightRow = plus(plus(rowN, modulo(lane, 8)), times(over(lane, 16), 8));
  const rightWord = times(modulo(over(lane, 8), 2), 4);
  const load = (operand: WordTile, hint: string, row: Value, word: Value): Value[] => {
    const names = Array.from({ length: 4 }, () => out.name(hint));
    const index = plus(operand.placeOf(current), operand.layout.at(row, word));
    out.line({ kind: "load-matrices", names, memory: operand.layout.memory, index });
    return names.map((name) => named(name, "u32"));
  };
  for (let step = 0; step < DEPTH; step += MATRIX_WORDS)
    block.scope(() => {
      const rights = Array.from({ length: tile.productsN / 2 }, (_, j) =>
        load(right, "b", plus(rightRow, j * 2 * MATRIX_COLUMNS), plus(rightWord, step)),
      );
      sums.forEach((row, i) => {
        const a = load(left, "a", plus(leftRow, i * MATRIX_ROWS), plus(leftWord, step));
        row.forEach((sum, j) => {
          const pair = at(rights, j >> 1);
          const b = pair.slice(2 * (j & 1), 2 * (j & 1) + 2);
          out.line({ kind: "multiply", of: tile.operands, sums: sum.map(nameOf), left: a, right: b });
        });
      });
    });
}

// The schedule for contractions whose operands are of fewer bits: subgroups multiply matrices (tensor cores). Both operands go through shared memory as
// words of that format, two tiles of each by turns: while one is multiplied, the next is on its way from memory. Operands are arbitrary
// expressions, so each thread converts what it loads; but rows along k that memory holds as they are multiplied are copied aside, sixteen bytes at once. The
// result goes through shared memory once more, for stores and loads of the kernel's store stages to lie side by side.

import type { Problem } from "../problem.ts";
import { at } from "../../ir/ops/define.ts";
import { GROUP, integer, LANE, less, loadOf, modulo, named, number, over, plus, times, type Block, type Value } from "./block.ts";
import { BlockBuilder } from "./builder.ts";
import { legalizedParameters, legalizer } from "./legalize.ts";
import { DEPTH, PITCH, WordTile, type MatrixWork } from "./matrix-operands.ts";
import { heightOf, MATRIX_COLUMNS, MATRIX_LANES, MATRIX_ROWS, MATRIX_WORDS, widthOf, type MatrixTile } from "./matrix-tiles.ts";
import type { DeviceProfile } from "./profile.ts";
import { storeElement } from "./write-back.ts";

export function scheduleMatrices(problem: Problem, tile: MatrixTile, profile: DeviceProfile): Block {
  const { kernel, stage, m, n, b } = problem;
  const [height, width] = [heightOf(tile), widthOf(tile)];
  const threads = tile.groupsM * tile.groupsN * MATRIX_LANES;
  const block = new BlockBuilder({ ...kernel, params: legalizedParameters(kernel.params) }, profile);
  const { out } = block;
  const [tilesM, tilesN] = [Math.ceil(m / height), Math.ceil(n / width)];
  const tileN = block.let("tile_n", tilesN === 1 ? integer(0) : times(modulo(GROUP, tilesN), width));
  const tileM = block.let("tile_m", tilesM === 1 ? integer(0) : times(modulo(over(GROUP, tilesN), tilesM), height));
  if (b > 1) out.bindAxis("b", block.let("batch", over(GROUP, tilesN * tilesM)));
  const work: MatrixWork = { problem, tile, block, legal: legalizer(kernel.params), threads };
  const subgroup = block.let("subgroup", over(LANE, MATRIX_LANES));
  const warp = {
    lane: block.let("lane_of", modulo(LANE, MATRIX_LANES)),
    rowM: block.let("row_m", times(over(subgroup, tile.groupsN), tile.productsM * MATRIX_ROWS)),
    rowN: block.let("row_n", times(modulo(subgroup, tile.groupsN), tile.productsN * MATRIX_COLUMNS)),
  };
  const { copiesAside = false } = profile;
  const left = new WordTile(work, "left", { expr: stage.lhs, along: "m", extent: m, rows: height, tile: tileM }, copiesAside);
  const right = new WordTile(work, "right", { expr: stage.rhs, along: "n", extent: n, rows: width, tile: tileN }, copiesAside);
  const sums = Array.from({ length: tile.productsM }, (_i, i) =>
    Array.from({ length: tile.productsN }, (_j, j) =>
      Array.from({ length: 4 }, (_s, s) => block.variable(`c_${[i, j, s].join("_")}`, number(0, "f32"))),
    ),
  );
  multiplyTiles(work, left, right, (offset) => {
    multiply(work, warp, left, right, offset, sums);
  });
  writeBack(work, warp, right.memory, sums, tileM, tileN);
  return block.finish(threads, tilesM * tilesN * b, MATRIX_LANES);
}

/** Where a thread's subgroup is in the tile, and the thread in the subgroup. */
interface Warp {
  readonly lane: Value;
  readonly rowM: Value;
  readonly rowN: Value;
}

// The tile of the next round is loaded before this one is multiplied, and stored behind, where nobody reads: one barrier a round. What is copied is on its
// way all the time.
function multiplyTiles({ problem, tile, block }: MatrixWork, left: WordTile, right: WordTile, body: (offset: Value) => void): void {
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

function multiply({ tile, block }: MatrixWork, warp: Warp, left: WordTile, right: WordTile, half: Value, sums: Sums): void {
  const { out } = block;
  const { lane, rowM, rowN } = warp;
  // By lane, the row and the word where a row of four words begins: two matrices below each other and two beside them, or the other way round.
  const leftRow = plus(rowM, modulo(lane, 16));
  const leftWord = times(over(lane, 16), 4);
  const rightRow = plus(plus(rowN, modulo(lane, 8)), times(over(lane, 16), 8));
  const rightWord = times(modulo(over(lane, 8), 2), 4);
  const load = (operand: WordTile, hint: string, row: Value, word: Value): Value[] => {
    const names = Array.from({ length: 4 }, () => out.name(hint));
    const index = plus(times(half, operand.length), plus(times(row, PITCH), word));
    out.line({ kind: "load-matrices", names, memory: operand.memory, index });
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

type Sums = readonly (readonly (readonly Value[])[])[];

const nameOf = (value: Value): string => (value.kind === "name" ? value.name : "");

/** Words between rows of results on their way through shared memory: lanes that store at once meet in no bank. */
const PADDING = 8;

// The rows of one product of each subgroup at a time, through the memory of the right operand, which nobody reads any more.
function writeBack(work: MatrixWork, { lane, rowM, rowN }: Warp, memory: string, sums: Sums, tileM: Value, tileN: Value): void {
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

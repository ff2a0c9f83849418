// The schedules for contractions: a block of the result in each thread's registers, and the operands on their way there through tiles
// in shared memory (GPUs) or from lane to lane of a subgroup (CPUs that play GPU). The operands are arbitrary expressions, so a convolution is an implicit matrix product: its index arithmetic is done while a tile is
// filled, outside of the inner loop. The result block goes through the kernel's store stages (bias, activation, ...) as it is.

import { add, int, rem, type Expr } from "../../ir/loop/expr.ts";
import { at } from "../../ir/ops/define.ts";
import type { Problem } from "../problem.ts";
import {
  component,
  GROUP,
  integer,
  LANE,
  less,
  loadOf,
  modulo,
  over,
  plus,
  times,
  vectorOf,
  zerosOf,
  type Block,
  type Value,
} from "./block.ts";
import { BlockBuilder, variable } from "./builder.ts";
import { legalizedParameters, legalizer } from "./legalize.ts";
import { copiesOf, fill, loopOf, operandsAt, places, stage as staged, vectorAt, type Operand, type Work } from "./operands.ts";
import type { DeviceProfile } from "./profile.ts";
import type { Tile } from "./tiles.ts";
import { writeStrips } from "./strip-sums.ts";
import { writeBack } from "./write-back.ts";

export function scheduleContract(problem: Problem, tile: Tile, profile: DeviceProfile): Block {
  const { kernel, m, n, b } = problem;
  const { rows, columns, threadsM, threadsN, lanes } = tile;
  const block = new BlockBuilder({ ...kernel, params: legalizedParameters(kernel.params) }, profile);
  const { out } = block;
  const heightM = rows * threadsM;
  const widthN = columns * threadsN;
  const tilesM = Math.ceil(m / heightM);
  const tilesN = Math.ceil(n / widthN);
  const tileN = block.let("tile_n", tilesN === 1 ? integer(0) : times(modulo(GROUP, tilesN), widthN));
  const tileM = block.let("tile_m", tilesM === 1 ? integer(0) : times(modulo(over(GROUP, tilesN), tilesM), heightM));
  const threadN = block.let("thread_n", modulo(LANE, threadsN));
  const threadM = block.let("thread_m", over(LANE, threadsN));
  if (b > 1) out.bindAxis("b", block.let("batch", over(GROUP, tilesN * tilesM)));
  out.bindAxis("$tile_m", tileM);
  out.bindAxis("$tile_n", tileN);
  out.bindAxis("$lane", LANE);
  const scalar = problem.stage.dtype;
  const sums = Array.from({ length: rows }, (_r, i) =>
    Array.from({ length: columns / 4 }, (_c, j) => block.variable(`c_${String(i)}_${String(j)}`, zerosOf(scalar))),
  );
  const work: Work = { problem, tile, block, legal: legalizer(kernel.params), threads: threadsM * threadsN };
  const registers = new Registers(work, sums);
  if (lanes !== undefined) multiplyDirectly(work, registers, lanes, heightM, widthN);
  else multiplyTiles(work, registers, { heightM, widthN, threadM, threadN }, profile.copiesAside === true);
  const place = { tileM, tileN, threadM, threadN };
  if (problem.stage.strip === undefined) writeBack(work, sums, place);
  else writeStrips(work, sums, place);
  return block.finish(threadsM * threadsN, tilesM * tilesN * b, lanes);
}

/** The block of the result that a thread sums up, and the vectors of the operands that it takes in one step of k. */
class Registers {
  readonly #block: BlockBuilder;
  readonly #sums: readonly (readonly Value[])[];
  readonly #left: readonly string[];
  readonly #right: readonly string[];

  constructor({ block, tile }: Work, sums: readonly (readonly Value[])[]) {
    this.#block = block;
    this.#sums = sums;
    const names = (letter: string, count: number): string[] =>
      Array.from({ length: count }, (_, i) => block.out.name(`${letter}${String(i)}`));
    this.#left = names("a", tile.rows / 4);
    this.#right = names("b", tile.columns / 4);
  }

  /** Adds the product of a column of the left operand and a row of the right one, both in vectors of four. */
  accumulate(left: (quad: number) => Value, right: (quad: number) => Value): void {
    const block = this.#block;
    const a = this.#left.map((name, i) => block.define(name, left(i)));
    const b = this.#right.map((name, j) => block.define(name, right(j)));
    this.#sums.forEach((row, i) => {
      row.forEach((sum, j) => {
        block.assign(sum, plus(sum, times(component(at(a, i >> 2), i & 3), at(b, j))));
      });
    });
  }
}

interface Place {
  readonly heightM: number;
  readonly widthN: number;
  readonly threadM: Value;
  readonly threadN: Value;
}

/** Tiles of each operand in memory, where the next ones are on their way while one is multiplied. */
const TILES = 3;

function multiplyTiles(work: Work, registers: Registers, place: Place, copiesAside: boolean): void {
  const { problem, tile } = work;
  const { m, n, k, stage } = problem;
  const [ofLeft, ofRight] = [["left", stage.lhs, "m", m, place.heightM] as const, ["right", stage.rhs, "n", n, place.widthN] as const];
  const copies = [ofLeft, ofRight].map(([, expr, along, extent, width]) => copiesOf(work, expr, along, extent, width));
  const isCopied = copiesAside && stage.dtype === "f32" && k > tile.depth && copies.some((count) => count !== undefined);
  const operand = ([name, expr, along, extent, width]: typeof ofLeft | typeof ofRight, copied: 1 | 4 | undefined): Operand =>
    isCopied ? staged(work, name, expr, along, extent, width, TILES, copied) : staged(work, name, expr, along, extent, width);
  const [left, right] = [operand(ofLeft, copies[0]), operand(ofRight, copies[1])];
  if (isCopied) multiplyCopied(work, registers, left, right, place);
  else multiplyFilled(work, registers, left, right, place);
}

// All threads fill both tiles, then all multiply.
function multiplyFilled(work: Work, registers: Registers, left: Operand, right: Operand, place: Place): void {
  const { problem, block, tile } = work;
  block.loop(block.out.name("k0"), integer(0), integer(problem.k), tile.depth, (step) => {
    block.out.bindAxis("$k0", step);
    fill(work, left);
    fill(work, right);
    block.barrier();
    multiply(work, registers, left, right, place);
    // The next round overwrites the tiles.
    if (problem.k > tile.depth) block.barrier();
  });
}

// Two tiles are on their way while one is multiplied: behind the only barrier of a round, the tile of this one is there, and nobody reads that of the one
// before any more, in whose place the next is put. What is computed, threads store there themselves.
function multiplyCopied(work: Work, registers: Registers, left: Operand, right: Operand, place: Place): void {
  const { problem, block, tile } = work;
  const { out } = block;
  const rounds = Math.ceil(problem.k / tile.depth);
  const begin = (k0: Value, placeOf: (operand: Operand) => Value): void => {
    out.bindAxis("$k0", k0);
    for (const operand of [left, right]) fill(work, operand, placeOf(operand));
  };
  for (let number = 0; number < TILES - 1; number++) {
    if (number < rounds)
      block.scope(() => {
        begin(integer(number * tile.depth), ({ length }) => integer(number * length));
      });
    block.endBatch();
  }
  block.loop(out.name("round"), integer(0), integer(rounds), 1, (round) => {
    block.awaitCopies(TILES - 2);
    const ahead = block.let("ahead", plus(round, TILES - 1));
    block.when(less(ahead, rounds), () => {
      const next = block.let("next", modulo(ahead, TILES));
      begin(block.let("k0", times(ahead, tile.depth)), ({ name, length }) => block.let(`${name}_next`, times(next, length)));
    });
    block.endBatch();
    const current = block.let("current", modulo(round, TILES));
    multiply(work, registers, left, right, place, current);
  });
}

/** @param number of the tile in memory that is multiplied */
function multiply(work: Work, registers: Registers, left: Operand, right: Operand, { threadM, threadN }: Place, number?: Value): void {
  const { block, tile, problem } = work;
  const { depth, rows, threadsN, unroll } = tile;
  const vector = vectorOf(problem.stage.dtype);
  const bases = new Map(
    [left, right].map((operand) => [operand, number ? block.let(`${operand.name}_at`, times(number, operand.length)) : integer(0)]),
  );
  const at = (operand: Operand, row: Value, place: Value): Value =>
    loadOf(operand.name, vector, plus(plus(times(row, operand.pitch), place), bases.get(operand) ?? integer(0)));
  loopOf(work, block.out.name("kk"), integer(0), depth, unroll, (kk) => {
    for (let u = 0; u < unroll; u++) {
      const row = plus(kk, u);
      const step = (): void => {
        registers.accumulate(
          (i) => at(left, row, plus(times(threadM, rows / 4), i)),
          (j) => at(right, row, plus(threadN, j * threadsN)),
        );
      };
      if (unroll === 1) step();
      else block.scope(step);
    }
  });
}

// One subgroup, no shared memory: every lane loads its own columns of the right operand and a share of the left one's rows, which
// it hands to the others. On a CPU that plays GPU the way through shared memory costs as much as the loads themselves.
function multiplyDirectly(work: Work, registers: Registers, lanes: number, heightM: number, widthN: number): void {
  const { problem, tile, block } = work;
  const { m, n, k, stage } = problem;
  const { rows, columns, threadsN } = tile;
  const { out } = block;
  const quads = rows / 4;
  const owned = Math.min(quads, lanes);
  const share = Math.ceil(quads / owned);
  // Places along m and n do not change with k, and neither does their part of the index arithmetic.
  const lane = variable("$lane", lanes);
  const count = (length: number, quadOf: (q: number) => Expr): Expr[] => Array.from({ length }, (_, q) => quadOf(q));
  const leftPoints = places(
    work,
    "m",
    m,
    heightM,
    count(share, (q) => add(rem(lane, int(owned)), int(q * owned))),
  );
  const rightPoints = places(
    work,
    "n",
    n,
    widthN,
    count(columns / 4, (q) => add(lane, int(q * threadsN))),
  );
  const ownNames = Array.from({ length: share }, (_, q) => out.name(`own${String(q)}`));
  loopOf(work, out.name("k"), integer(0), k, 1, (step) => {
    out.bindAxis("k", step);
    const left = operandsAt(work, stage.lhs, "m", leftPoints);
    const right = operandsAt(work, stage.rhs, "n", rightPoints);
    out.count([...left, ...right]);
    const vector = (values: readonly Expr[], q: number): Value => vectorAt(work, values.slice(4 * q, 4 * q + 4));
    const own = ownNames.map((name, q) => block.define(name, vector(left, q)));
    registers.accumulate(
      (i) => {
        const x = at(own, Math.floor(i / owned));
        return { kind: "broadcast", type: x.type, x, from: i % owned };
      },
      (j) => vector(right, j),
    );
  });
}

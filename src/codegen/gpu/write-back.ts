// The end of a contraction: the block of the result that a thread has in its registers goes through the kernel's store stages.

import type { Stage } from "../../ir/loop/kernel.ts";
import { expressionsOf } from "../../ir/loop/kernel.ts";
import { mapExpressions } from "../../ir/loop/map-expr.ts";
import { at } from "../../ir/ops/define.ts";
import { InternalError } from "../../ir/types.ts";
import { substituter } from "../axes.ts";
import { component, equals, integer, less, plus, select, times, type Value } from "./block.ts";
import { variable } from "./builder.ts";
import { legalizeStores } from "./legalize.ts";
import { loopOf, type Work } from "./operands.ts";

/** Where a tile is, and a thread in it. */
export interface Place {
  readonly tileM: Value;
  readonly tileN: Value;
  readonly threadM: Value;
  readonly threadN: Value;
}

/** The stages behind a contraction at one element of the result, whose place the axes of these names are bound to. */
export function stagesAt({ problem, legal }: Pick<Work, "problem" | "legal">, m: string, n: string): Stage[] {
  const { kernel } = problem;
  const replace = substituter(
    new Map([
      ["m", variable(m, problem.m)],
      ["n", variable(n, problem.n)],
    ]),
  );
  return kernel.stages.slice(1).map((stage): Stage =>
    legalizeStores(
      mapExpressions(stage, (expr) => replace(legal(expr))),
      kernel.params,
    ),
  );
}

/** The store stages at one element of the result, whose place the axes of these names are bound to. */
export function storeElement(work: Pick<Work, "problem" | "block" | "legal">, m: string, n: string, value: Value): void {
  const { problem, block } = work;
  const { out } = block;
  const stages = stagesAt(work, m, n);
  out.bindAcc(0, value);
  out.count(stages.flatMap(expressionsOf));
  for (const stage of stages) {
    if (stage.kind !== "store") throw new InternalError(`kernel ${problem.kernel.name}: a reduction after a contraction`);
    block.nest(stage.axes, () => {
      block.writes(stage);
    });
    block.afterStore();
  }
}

type Sums = readonly (readonly Value[])[];

// Every element of the block is a point of the store stages. The rows go through a loop, each picked out of its registers: unrolled,
// the stores and what they load would be most of the kernel.
export function writeBack(work: Work, sums: Sums, place: Place): void {
  const { problem, tile, block } = work;
  const isExactN = problem.n % (tile.columns * tile.threadsN) === 0;
  const columns = bindColumns(work, place);
  eachRow(work, sums, (row, values) => {
    const point = block.let("m", plus(plus(place.tileM, times(place.threadM, tile.rows)), row));
    withinRows(work, point, () => {
      columns.forEach((column, j) => {
        const write = (): void => {
          storeElement(work, "$m", nameOfColumn(j), elementOf(values, j));
        };
        if (isExactN) block.within(write);
        else block.when(less(column, problem.n), write, true);
      });
    });
  });
}

export const nameOfColumn = (j: number): string => `$n${String(j)}`;

/** Column j of a row of the block. */
export const elementOf = (values: readonly Value[], j: number): Value => component(at(values, j >> 2), j & 3);

/** Names the places of the block's columns along n, as axes. */
export function bindColumns({ tile, block }: Work, { tileN, threadN }: Place): Value[] {
  const places = Array.from({ length: tile.columns }, (_, j) =>
    block.let("n", plus(plus(tileN, times(plus(threadN, (j >> 2) * tile.threadsN), 4)), j & 3)),
  );
  places.forEach((place, j) => {
    block.out.bindAxis(nameOfColumn(j), place);
  });
  return places;
}

/** Runs `body` with $m at a place, if there is one. */
export function withinRows({ problem, tile, block }: Work, point: Value, body: () => void): void {
  const bound = (): void => {
    block.out.bindAxis("$m", point);
    body();
  };
  if (problem.m % (tile.rows * tile.threadsM) === 0) block.within(bound);
  else block.when(less(point, problem.m), bound, true);
}

// Runs `body` for every row of the block, in a loop of loops of at most eight: picking is linear in the choices.
export function eachRow(work: Work, sums: Sums, body: (row: Value, values: readonly Value[]) => void): void {
  const { tile, block } = work;
  const { rows, columns } = tile;
  const quads = Array.from({ length: columns / 4 }, (_, j) => j);
  const group = Math.min(rows, 8);
  const picked = (hint: string, index: Value, from: readonly Value[]): Value => {
    const variable = block.variable(hint, at(from, 0));
    from.forEach((choice, i) => {
      if (i > 0) block.assign(variable, select(equals(index, i), choice, variable));
    });
    return variable;
  };
  const inner = (rowOf: (i: Value) => Value, registers: (row: number, quad: number) => Value): void => {
    loopOf(work, block.out.name("i"), integer(0), group, 1, (i) => {
      const values = quads.map((j) =>
        picked(
          `row_${String(j)}`,
          i,
          Array.from({ length: group }, (_, r) => registers(r, j)),
        ),
      );
      body(rowOf(i), values);
    });
  };
  if (rows === group) {
    inner(
      (i) => i,
      (r, j) => at(at(sums, r), j),
    );
    return;
  }
  loopOf(work, block.out.name("o"), integer(0), rows / group, 1, (o) => {
    const parts = Array.from({ length: group }, (_r, r) =>
      quads.map((j) =>
        picked(
          `part_${String(r)}_${String(j)}`,
          o,
          Array.from({ length: rows / group }, (_g, g) => at(at(sums, g * group + r), j)),
        ),
      ),
    );
    inner(
      (i) => plus(times(o, group), i),
      (r, j) => at(at(parts, r), j),
    );
  });
}

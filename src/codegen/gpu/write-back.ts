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

interface Place {
  readonly tileM: Value;
  readonly tileN: Value;
  readonly threadM: Value;
  readonly threadN: Value;
}

/** The store stages at one element of the result, whose place the axes of these names are bound to. */
export function storeElement(
  { problem, block, legal }: Pick<Work, "problem" | "block" | "legal">,
  m: string,
  n: string,
  value: Value,
): void {
  const { kernel } = problem;
  const { out } = block;
  const replace = substituter(
    new Map([
      ["m", variable(m, problem.m)],
      ["n", variable(n, problem.n)],
    ]),
  );
  const stages = kernel.stages.slice(1).map((stage): Stage =>
    legalizeStores(
      mapExpressions(stage, (expr) => replace(legal(expr))),
      kernel.params,
    ),
  );
  out.bindAcc(0, value);
  out.count(stages.flatMap(expressionsOf));
  for (const stage of stages) {
    if (stage.kind !== "store") throw new InternalError(`kernel ${kernel.name}: a reduction after a contraction`);
    block.nest(stage.axes, () => {
      block.writes(stage);
    });
    block.afterStore();
  }
}

// Every element of the block is a point of the store stages. The rows go through a loop, each picked out of its registers: unrolled,
// the stores and what they load would be most of the kernel.
export function writeBack(work: Work, sums: readonly (readonly Value[])[], { tileM, tileN, threadM, threadN }: Place): void {
  const { problem, tile, block } = work;
  const { m, n } = problem;
  const { rows, columns, threadsN, threadsM } = tile;
  const { out } = block;
  const isExactM = m % (rows * threadsM) === 0;
  const isExactN = n % (columns * threadsN) === 0;
  const columnPlaces = Array.from({ length: columns }, (_, j) =>
    block.let("n", plus(plus(tileN, times(plus(threadN, (j >> 2) * threadsN), 4)), j & 3)),
  );
  columnPlaces.forEach((place, j) => {
    out.bindAxis(`$n${String(j)}`, place);
  });

  const elements = (values: readonly Value[]): void => {
    columnPlaces.forEach((place, j) => {
      const write = (): void => {
        storeElement(work, "$m", `$n${String(j)}`, component(at(values, j >> 2), j & 3));
      };
      if (isExactN) block.within(write);
      else block.when(less(place, n), write, true);
    });
  };
  eachRow(work, sums, (row, values) => {
    const point = block.let("m", plus(plus(tileM, times(threadM, rows)), row));
    const write = (): void => {
      out.bindAxis("$m", point);
      elements(values);
    };
    if (isExactM) block.within(write);
    else block.when(less(point, m), write, true);
  });
}

// Runs `body` for every row of the block, in a loop of loops of at most eight: picking is linear in the choices.
function eachRow(work: Work, sums: readonly (readonly Value[])[], body: (row: Value, values: readonly Value[]) => void): void {
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

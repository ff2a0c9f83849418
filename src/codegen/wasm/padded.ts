// Convolutions of pictures so small that filters lie over much padding, and the gradients of their inputs and filters: 3x3 filters meet 16 pairs of
// places on 2x2 pictures, where a plain product has 36. Columns are (lane, position) and k is (step, part); for each position and part the
// right operand is written down and gone where it is zero. Lanes are pictures or channels; the left operand is read as it lies and broadcast.

import { add, axis, binary, int, mul, type Expr } from "../../ir/loop/expr.ts";
import { createNumbering } from "../../ir/loop/numbering.ts";
import type { Problem } from "../problem.ts";
import { substituter } from "../axes.ts";
import { template } from "../template.ts";
import { THREAD_WORK } from "./contract.ts";
import { batchOfUnit } from "./contract-run.ts";
import { decided } from "./decided.ts";
import { Expressions } from "./expressions.ts";
import { WasmFunction } from "./function.ts";
import { runHead } from "./loops.ts";
import { LEAST } from "./micro.ts";
import { cutsOf } from "./split-axes.ts";
import { storeFunction } from "./store.ts";
import type { Scheduled, Unit } from "./unit.ts";
import { present, type Value } from "./values.ts";

/** Positions, and parts, at most: each pair of them that meets something is a loop of its own. */
const MOST_PARTS = 32;
const MOST_TERMS = 64;
/** What meets something, of all pairs, at most: a plain product goes through its terms a little faster. */
const MOST_SHARE = 0.75;
/** Lanes, rows and steps at least. */
const LEAST_EXTENT = 8;
/** Vectors of accumulators: with those of lanes and of what is broadcast, all registers that there are. */
const ACCUMULATORS = 8;
/** Bytes of the packed right operand at most: a second-level cache holds it. */
const MOST_BYTES = 1 << 20;
/** How often an element of the left operand is read at least before it is worth packing. */
const OFTEN = 8;
/** Rows of a work unit, and units that one packing of the right operand does for. */
const UNIT_ROWS = 8;
const WORTH_PACKING = 16;

/** What a part of k is multiplied with at a position: one of the distinct operands, by number. */
interface Term {
  readonly part: number;
  readonly operand: number;
}

interface Shape {
  /** Pictures of a convolution and of the gradient of its input; channels of the gradient of a filter. */
  readonly lanes: number;
  /** Vectors of lanes that are summed side by side, and how many such groups there are. */
  readonly vectors: number;
  readonly groups: number;
  /** Rows that are summed side by side. */
  readonly rows: number;
  /** Elements of each part of k. */
  readonly steps: number;
  /** The left operand by the axes `m` and `step`, for each part. */
  readonly left: readonly Expr[];
  /** What is met anywhere, by the axes `lane` and `step`. */
  readonly operands: readonly Expr[];
  /** For each position, what it meets. */
  readonly terms: readonly (readonly Term[])[];
}

/** The schedule, where much of the right operand is known to be zero; else undefined. */
export function compilePadded(problem: Problem, unit: Unit): Scheduled | undefined {
  const shape = shapeOf(problem);
  if (!shape) return undefined;
  const { kernel, b, m, n, k } = problem;
  // The last four columns may be stored twice.
  if (n % 4 > 0 && kernel.params.some(({ access }) => access === "read_write")) return undefined;
  const { vectors, groups, steps, operands, terms } = shape;
  const packedBytes = 16 * vectors * groups * steps * operands.length;
  // And room for lanes that are not there.
  const pitch = 16 * vectors * groups * terms.length;
  const isPacked = isLeftPacked(shape);
  const resultsAt = packedBytes + (isPacked ? 4 * UNIT_ROWS * shape.left.length * steps : 0);
  const unitsOfProduct = Math.ceil(m / UNIT_ROWS);
  return {
    text: [
      LEAST,
      packFunction(shape, unit),
      ...(isPacked ? [packLeftFunction(m, shape, unit)] : []),
      multiplyFunction(m, shape, pitch, unit),
      storeFunction("store", problem, kernel.stages.slice(1), unit, "rows"),
      run({
        ...{
          batchOfUnit: batchOfUnit(b, unitsOfProduct),
          unitsOfProduct,
          m,
          n,
          unitRows: UNIT_ROWS,
          leftAt: packedBytes,
          resultsAt,
          pitch,
        },
        packLeft: isPacked
          ? "(call $pack_left (local.get $args) (local.get $batch) (local.get $m0) (local.get $m1) (local.get $left))"
          : "",
      }),
    ].join("\n"),
    units: b * unitsOfProduct,
    grain: Math.max(1, Math.ceil((THREAD_WORK * unitsOfProduct) / (m * n * k))),
    piece: Math.min(unitsOfProduct, WORTH_PACKING),
    scratchBytes: resultsAt + UNIT_ROWS * pitch,
  };
}

function shapeOf({ kernel, stage, m, n, k }: Problem): Shape | undefined {
  const positions = cutsOf({ name: "n", extent: n }, [stage.lhs, stage.rhs]).at(-1) ?? 1;
  const parts = cutsOf(stage.k, [stage.lhs, stage.rhs]).at(-1) ?? 1;
  if (kernel.time || positions * parts === 1 || Math.max(positions, parts) > MOST_PARTS) return undefined;
  const [lanes, steps] = [n / positions, k / parts];
  if (Math.min(m, lanes, steps) < LEAST_EXTENT) return undefined;
  const vectors = Math.ceil(lanes / 16) * 16 < Math.ceil(lanes / 8) * 8 + 8 ? 4 : 2;
  const groups = Math.ceil(lanes / (4 * vectors));
  const lane = axis("lane", 4 * vectors * groups);
  const column = groups * 4 * vectors === lanes ? lane : binary("min", lane, int(lanes - 1));
  const at = (expr: Expr, part: number, position: number): Expr =>
    decided(
      substituter(
        new Map([
          ["n", add(mul(column, int(positions)), int(position))],
          [stage.k.name, add(mul(axis("step", steps), int(parts)), int(part))],
        ]),
      )(expr),
    );
  const number = createNumbering();
  const operands = new Map<number, { readonly operand: number; readonly expr: Expr }>();
  const numbered = (expr: Expr): number => {
    const key = number(expr);
    const known = operands.get(key) ?? { operand: operands.size, expr };
    operands.set(key, known);
    return known.operand;
  };
  const terms = Array.from({ length: positions }, (_, position) =>
    Array.from({ length: parts }, (__, part) => ({ part, expr: at(stage.rhs, part, position) }))
      .filter(({ expr }) => !isZero(expr))
      .map(({ part, expr }) => ({ part, operand: numbered(expr) })),
  );
  const met = terms.flat().length;
  if (met > MOST_TERMS || met > MOST_SHARE * positions * parts || 16 * vectors * groups * steps * operands.size > MOST_BYTES)
    return undefined;
  return {
    ...{ lanes, vectors, groups, rows: ACCUMULATORS / vectors, steps, terms },
    left: Array.from({ length: parts }, (_, part) => at(stage.lhs, part, 0)),
    operands: [...operands.values()].map(({ expr }) => expr),
  };
}

const isZero = (expr: Expr): boolean => expr.kind === "const" && expr.value === 0;

/** $pack(args, batch, to): what is met to [group][operand][step][lanes of a group]. */
function packFunction({ vectors, groups, steps, operands }: Shape, unit: Unit): string {
  const f = new WasmFunction("pack", ["args", "batch", "to"]);
  const v = f.values;
  const bytes = 16 * vectors;
  f.loop(v.i32(0), v.i32(groups), 1, (group) =>
    f.loop(v.i32(0), v.i32(steps), 1, (step) => {
      const to = v.sum([f.param("to"), v.mul(group, bytes * steps * operands.length), v.mul(step, bytes)]);
      for (let vector = 0; vector < vectors; vector++) {
        const lane = v.add(v.mul(group, 4 * vectors), v.i32(4 * vector));
        const e = new Expressions(f, unit, { axes: placed(f, { lane, step }), lane: "lane" });
        operands.forEach((expr, i) => f.do(`v128.store offset=${String(i * bytes * steps + 16 * vector)}`, to, e.vector(expr)));
      }
    }),
  );
  return f.text();
}

/** Whether the left operand is read so often that a copy pays: else it is read where it lies, rows of it far apart. */
const isLeftPacked = ({ groups, left, terms }: Shape): boolean => groups * terms.flat().length >= OFTEN * left.length;

/** The rows from `first` on that are summed side by side; where there are no more, the last one again. */
function rowsFrom(f: WasmFunction, first: Value, m: number, rows: number): Value[] {
  const v = f.values;
  const last = v.i32(m - 1);
  return Array.from({ length: rows }, (_, i) => v.add(first, v.i32(i))).map((row) =>
    m % rows === 0 ? row : v.make("select", "i32", [row, last, v.binary("i32.lt_s", row, last)]),
  );
}

/** $pack_left(args, batch, m0, m1, to): rows `m0` to `m1` of the left operand to [m / rows][part][step][rows]. */
function packLeftFunction(m: number, { rows, steps, left }: Shape, unit: Unit): string {
  const f = new WasmFunction("pack_left", ["args", "batch", "m0", "m1", "to"]);
  const v = f.values;
  f.loop(f.param("m0"), f.param("m1"), rows, (first) => {
    const block = v.add(f.param("to"), v.mul(v.binary("i32.sub", first, f.param("m0")), 4 * left.length * steps));
    const ms = rowsFrom(f, first, m, rows);
    f.loop(v.i32(0), v.i32(steps), 1, (step) => {
      const to = v.add(block, v.mul(step, 4 * rows));
      left.forEach((expr, part) =>
        ms.forEach((row, i) => {
          const value = new Expressions(f, unit, { axes: placed(f, { m: row, step }) }).scalar(expr);
          f.do(`f32.store offset=${String(4 * (part * steps * rows + i))}`, to, value);
        }),
      );
    });
  });
  return f.text();
}

/** $multiply(args, batch, m0, m1, left, from, to): rows `m0` to `m1` of the results to `to`, `pitch` bytes for each, from the packed operands. */
function multiplyFunction(m: number, shape: Shape, pitch: number, unit: Unit): string {
  const { vectors, groups, rows, steps, left, operands, terms } = shape;
  const f = new WasmFunction("multiply", ["args", "batch", "m0", "m1", "left", "from", "to"]);
  const v = f.values;
  const bytes = 16 * vectors;
  const isPacked = isLeftPacked(shape);
  f.loop(f.param("m0"), f.param("m1"), rows, (first) => {
    const before = v.binary("i32.sub", first, f.param("m0"));
    const results = v.add(f.param("to"), v.mul(before, pitch));
    const block = v.add(f.param("left"), v.mul(before, 4 * left.length * steps));
    const ms = rowsFrom(f, first, m, rows);
    const leftAt = (part: number, row: number, step: Value): Value => {
      const at = `offset=${String(4 * (part * steps * rows + row))}`;
      if (isPacked) return v.unstable("v128.load32_splat", "v128", [v.add(block, v.mul(step, 4 * rows))], at, f.depth);
      return new Expressions(f, unit, { axes: placed(f, { m: present(ms[row]), step }) }).vector(present(left[part]));
    };
    f.loop(v.i32(0), v.i32(groups), 1, (group) => {
      const packed = v.add(f.param("from"), v.mul(group, bytes * steps * operands.length));
      const to = v.add(results, v.mul(group, bytes * terms.length));
      terms.forEach((met, position) => {
        const sums = ms.map(() => Array.from({ length: vectors }, () => f.accumulator(v.splat(v.f32(0)))));
        for (const { part, operand } of met) {
          f.loop(v.i32(0), v.i32(steps), 1, (step) => {
            const from = v.add(packed, v.mul(step, bytes));
            const columns = Array.from({ length: vectors }, (_, i) =>
              v.unstable("v128.load", "v128", [from], `offset=${String(operand * bytes * steps + 16 * i)}`, f.depth),
            );
            columns.forEach((column) => f.evaluate(column));
            ms.forEach((_, i) => {
              const x = leftAt(part, i, step);
              columns.forEach((column, j) => f.update(present(sums[i]?.[j]), (old) => v.make("f32x4.madd", "v128", [x, column, old])));
            });
          });
        }
        sums.forEach((sum, i) =>
          sum
            .map((it) => f.final(it))
            .forEach((value, j) => {
              for (let lane = 0; lane < 4; lane++)
                f.do(
                  `v128.store32_lane offset=${String(i * pitch + 4 * ((4 * j + lane) * terms.length + position))} ${String(lane)}`,
                  to,
                  value,
                );
            }),
        );
      });
    });
  });
  return f.text();
}

const placed = (f: WasmFunction, axes: Readonly<Record<string, Value>>): ReadonlyMap<string, Value> =>
  new Map([["b", f.param("batch")], ...Object.entries(axes)]);

interface Plan {
  readonly batchOfUnit: string;
  readonly unitsOfProduct: number;
  readonly unitRows: number;
  readonly m: number;
  readonly n: number;
  /** Bytes from the start of the scratch memory, which begins with the right operand; and of a row of results. */
  readonly leftAt: number;
  readonly resultsAt: number;
  readonly pitch: number;
  /** Packs the left operand of a unit, if anything does. */
  readonly packLeft: string;
}

const run = template<Plan>(`${runHead()}
  (local $unit i32) (local $batch i32) (local $u i32) (local $end_of_product i32) (local $m0 i32) (local $m1 i32)
  (local $left i32) (local $results i32)
  (local.set $left (i32.add (local.get $scratch) (i32.const {{leftAt}})))
  (local.set $results (i32.add (local.get $scratch) (i32.const {{resultsAt}})))
  (local.set $unit (local.get $begin))
  (loop $products
    {{batchOfUnit}}
    (local.set $end_of_product (call $least (local.get $end) (i32.mul (i32.add (local.get $batch) (i32.const 1)) (i32.const {{unitsOfProduct}}))))
    (call $pack (local.get $args) (local.get $batch) (local.get $scratch))
    (loop $units
      (local.set $m0 (i32.mul (i32.sub (local.get $unit) (i32.mul (local.get $batch) (i32.const {{unitsOfProduct}}))) (i32.const {{unitRows}})))
      (local.set $m1 (call $least (i32.add (local.get $m0) (i32.const {{unitRows}})) (i32.const {{m}})))
      {{packLeft}}
      (call $multiply (local.get $args) (local.get $batch) (local.get $m0) (local.get $m1) (local.get $left) (local.get $scratch) (local.get $results))
      (call $store (local.get $args) (local.get $time) (local.get $batch) (i32.const 0) (i32.const {{n}})
        (local.get $m0) (local.get $m1) (local.get $results) (i32.const 0) (i32.const {{pitch}}))
      (br_if $units (i32.lt_s (local.tee $unit (i32.add (local.get $unit) (i32.const 1))) (local.get $end_of_product))))
    (br_if $products (i32.lt_s (local.get $unit) (local.get $end)))))`);

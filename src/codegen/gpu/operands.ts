// The operands of a contraction on their way to the registers: tiles in shared memory, filled by all threads, and elements at places along m
// or n that a thread has for itself.

import { add, and, binary, constant, div, int, mul, rem, type Expr } from "../../ir/loop/expr.ts";
import type { Axis } from "../../ir/loop/kernel.ts";
import { loadsOf } from "../../ir/loop/loads.ts";
import { contiguousRun, substituter } from "../axes.ts";
import type { Problem } from "../problem.ts";
import { InternalError } from "../../ir/types.ts";
import { integer, plus, select, times, vectorOf, zerosOf, type Value } from "./block.ts";
import { variable, type BlockBuilder } from "./builder.ts";
import { isInRuns, sourceOf } from "./copied-operands.ts";
import type { Tile } from "./tiles.ts";

/** A contraction that is being scheduled. */
export interface Work {
  readonly problem: Problem;
  readonly tile: Tile;
  readonly block: BlockBuilder;
  readonly legal: (expr: Expr) => Expr;
  readonly threads: number;
}

/** One operand's tile in shared memory: `depth` rows of `width` elements along m or n, as vectors of four. */
export interface Operand {
  readonly name: string;
  readonly expr: Expr;
  readonly along: "m" | "n";
  readonly extent: number;
  readonly width: number;
  /** Vectors from one row to the next. */
  readonly pitch: number;
  /** Whether neighbouring threads take neighbouring k: when the operand lies that way in memory. */
  readonly kFirst: boolean;
  /** Vectors of one tile; there may be several, one behind the other. */
  readonly length: number;
  /** How many elements at once the machine copies aside; undefined where threads compute them. */
  readonly copied?: 1 | 4;
}

/** Of a loop that threads share: where one begins, and how far it is to its next. */
interface Share {
  readonly start: Value;
  readonly step: number;
}

/** How an operand's elements can be copied aside, if they can. */
export function copiesOf(
  { problem, legal }: Pick<Work, "problem" | "legal">,
  expr: Expr,
  along: "m" | "n",
  extent: number,
  width: number,
): 1 | 4 | undefined {
  const { params } = problem.kernel;
  if (!sourceOf(legal(expr), params)) return undefined;
  // Past an edge that a tile does not fit, places are not neighbours.
  return expr.kind === "load" && extent % width === 0 && isInRuns(expr.index, along, 4) ? 4 : 1;
}

/** @param tiles of the operand in memory at a time. @param copied how its elements are copied aside; left out, threads store them */
export function stage(
  work: Work,
  name: string,
  expr: Expr,
  along: "m" | "n",
  extent: number,
  width: number,
  tiles = 1,
  copied?: 1 | 4,
): Operand {
  const { block, problem, tile } = work;
  const loads = loadsOf([expr]);
  const run = (axis: Axis): number => Math.max(1, ...loads.map(({ index }) => contiguousRun(index, axis)));
  const kFirst = run(problem.stage.k) > run({ name: along, extent });
  // One vector of padding per row keeps threads that walk down the rows out of each other's memory banks.
  const pitch = width / 4 + (kFirst ? 1 : 0);
  const length = pitch * tile.depth;
  const memory = block.shared(name, vectorOf(problem.stage.dtype), tiles * length);
  return { name: memory, expr, along, extent, width, pitch, kFirst, length, ...(copied && { copied }) };
}

// A tile is filled by vectors of four along m or n, in two loops: over the side that is fastest in memory, among neighbouring threads,
// and inside it over the other. So the index arithmetic of m or n, with its divisions, is done once for many k. `base` is where the tile begins, in vectors.
export function fill(work: Work, operand: Operand, base: Value = integer(0)): void {
  const quads = operand.width / 4;
  const { rows, columns } = deal(work, operand, quads);
  const quad = variable("$quad", quads);
  walk(work, "quad", columns, quads, "$quad", () => {
    const points = places(work, operand.along, operand.extent, operand.width, [quad]);
    walk(work, "row", rows, work.tile.depth, "$row", () => {
      fillVector(work, operand, points, quad, base);
    });
  });
}

// Threads side by side along the way that is fastest in memory, the rest of them along the other.
function deal(work: Work, { kFirst }: Operand, quads: number): { readonly rows: Share; readonly columns: Share } {
  const { threads, tile } = work;
  const fast = Math.min(kFirst ? tile.depth : quads, threads);
  const lane = variable("$lane", threads);
  const share = (place: Expr, step: number): Share => ({ start: valueAt(work, place), step });
  const [along, across] = [share(rem(lane, int(fast)), fast), share(div(lane, int(fast)), threads / fast)];
  return kFirst ? { rows: along, columns: across } : { rows: across, columns: along };
}

// The vector of these places along m or n, in the row of the tile that the loop is at; zeros past the last k.
function fillVector(work: Work, operand: Operand, points: readonly Expr[], quad: Expr, base: Value): void {
  const { problem, tile, block } = work;
  const { k, stage } = problem;
  const { out } = block;
  const isRagged = k % tile.depth !== 0;
  const row = variable("$row", tile.depth);
  const place = add(variable("$k0", k), row);
  const name = out.name("k");
  out.bindAxis("k", block.define(name, out.value(isRagged ? binary("min", place, int(k - 1)) : place)));
  const values = operandsAt(work, operand.expr, operand.along, points);
  const slot = add(mul(row, int(operand.pitch)), quad);
  if (operand.copied !== undefined) {
    copyVector(work, operand, values, slot, base, isRagged ? binary("lt", place, int(k)) : constant(1, "bool"));
    return;
  }
  out.count([...values, slot]);
  const vector = vectorAt(work, values);
  const index = plus(out.value(slot), base);
  block.store(operand.name, index, isRagged ? select(out.value(binary("lt", place, int(k))), vector, zerosOf(stage.dtype)) : vector);
}

/** The same, copied aside. @param inside whether there is such a k */
function copyVector({ problem, block }: Work, operand: Operand, values: readonly Expr[], slot: Expr, base: Value, inside: Expr): void {
  const { out } = block;
  const sources = (operand.copied === 4 ? values.slice(0, 1) : values).map((value) => {
    const source = sourceOf(value, problem.kernel.params);
    if (!source) throw new InternalError(`an operand of ${problem.kernel.name} is computed and cannot be copied`);
    return { ...source, condition: and(inside, source.condition) };
  });
  out.count([slot, ...sources.flatMap(({ index, condition }) => [index, condition])]);
  const first = block.let("slot", times(plus(out.value(slot), base), 4));
  sources.forEach(({ buffer, index, condition }, c) => {
    block.copy(operand.name, plus(first, c), buffer, out.value(index), operand.copied ?? 4, out.value(condition));
  });
}

// Four places for each quad along m or n, named where they are computed. Past the edges the last place is repeated: what it gives is not used.
export function places(work: Work, along: "m" | "n", extent: number, width: number, quads: readonly Expr[]): Expr[] {
  const { block } = work;
  return quads.flatMap((quad, q) =>
    [0, 1, 2, 3].map((c): Expr => {
      const place = add(add(variable(`$tile_${along}`, extent), mul(quad, int(4))), int(c));
      const name = block.out.name(along);
      const axis = `$${along}${String(4 * q + c)}`;
      block.out.bindAxis(axis, block.define(name, valueAt(work, extent % width === 0 ? place : binary("min", place, int(extent - 1)))));
      return variable(axis, extent);
    }),
  );
}

/** An operand's elements at places along m or n, at the k that is bound. Places are as many as before, so that what is legal stays so. */
export const operandsAt = ({ legal }: Work, expr: Expr, along: "m" | "n", points: readonly Expr[]): Expr[] =>
  points.map((point) => substituter(new Map([[along, point]]))(legal(expr)));

const valueAt = ({ block, legal }: Work, expr: Expr): Value => block.out.value(legal(expr));

/** Four values as one. */
export const vectorAt = ({ block, problem }: Work, values: readonly Expr[]): Value => ({
  kind: "vector",
  type: vectorOf(problem.stage.dtype),
  parts: values.map((value) => block.out.value(value)),
});

// A loop of the threads over one side of a tile; no loop where each thread has one place.
function walk(work: Work, hint: string, { start, step }: Share, extent: number, axis: string, body: () => void): void {
  const { out } = work.block;
  const name = out.name(hint);
  if (step === extent)
    work.block.within(() => {
      out.bindAxis(axis, work.block.define(name, start));
      body();
    });
  else
    loopOf(work, name, start, extent, step, (place) => {
      out.bindAxis(axis, place);
      body();
    });
}

// A memory access is a block of code per lane to a software rasterizer: unrolled loops would take it seconds to compile.
export function loopOf(
  { block, tile }: Work,
  name: string,
  start: Value,
  extent: number,
  step: number,
  body: (place: Value) => void,
): void {
  block.loop(name, start, integer(extent), step, body, tile.lanes !== undefined);
}

// The end of a contraction that sums strips of its result: a tile has one strip of each of its rows. The stages run in phases, since what is
// summed may be made of earlier sums: in each, every thread goes through its block once more, its parts of the sums meet in shared memory, and
// a thread for each row adds them up, in one order. In the end that thread stores what its strip gave.

import { expressionsOf, usesResult, type Stage } from "../../ir/loop/kernel.ts";
import { at } from "../../ir/ops/define.ts";
import { InternalError } from "../../ir/types.ts";
import { LANE, loadOf, number, plus, times, type Value } from "./block.ts";
import { loopOf, type Work } from "./operands.ts";
import { bindColumns, eachRow, elementOf, nameOfColumn, stagesAt, withinRows, type Place } from "./write-back.ts";

/** Stages that one pass over the tile runs, by their positions in the kernel: stores, and sums that do not need each other. */
type Phase = readonly number[];

export function writeStrips(work: Work, sums: readonly (readonly Value[])[], place: Place): void {
  const { problem, tile, block, threads } = work;
  const { stages, name } = problem.kernel;
  const height = tile.rows * tile.threadsM;
  if (problem.stage.strip !== tile.columns * tile.threadsN)
    throw new InternalError(`kernel ${name}: its strips are not those of its tiles`);
  const stagesOf = bindColumns(work, place).map((_, j) => stagesAt(work, "$m", nameOfColumn(j)));
  const totals = new Map<number, string>();
  /** Binds what is known of the strip of a row of the tile. */
  const bindTotals = (row: Value): void => {
    totals.forEach((memory, position) => {
      block.out.bindAcc(position, block.let("total", loadOf(memory, "f32", row)));
    });
  };
  for (const phase of phasesOf(stages)) {
    const strips = phase.filter((position) => at(stages, position).kind === "strip");
    const parts = strips.map(() => block.shared("parts", "f32", height * tile.threadsN));
    eachRow(work, sums, (row, values) => {
      const inTile = block.let("row_of", plus(times(place.threadM, tile.rows), row));
      const accs = new Map(strips.map((position) => [position, block.variable("part", number(0, "f32"))]));
      withinRows(work, block.let("m", plus(place.tileM, inTile)), () => {
        bindTotals(inTile);
        stagesOf.forEach((all, j) => {
          block.within(() => {
            runPhase(work, phase, all, elementOf(values, j), accs);
          });
        });
      });
      [...accs.values()].forEach((acc, i) => {
        block.store(at(parts, i), plus(times(inTile, tile.threadsN), place.threadN), acc);
      });
    });
    if (strips.length === 0) continue;
    block.barrier();
    strips.forEach((position, i) => {
      totals.set(position, addUp(work, at(parts, i), height));
    });
    block.barrier();
  }
  loopOf(work, block.out.name("row_of"), LANE, height, threads, (row) => {
    withinRows(work, block.let("m", plus(place.tileM, row)), () => {
      block.out.bindAxis("$n", place.tileN);
      bindTotals(row);
      const stored = stagesAt(work, "$m", "$n").filter((stage) => stage.kind === "store" && stage.perStrip);
      block.out.count(stored.flatMap(expressionsOf));
      for (const stage of stored) if (stage.kind === "store") block.writes(stage);
    });
  });
}

/** What a pass over the tile does at one element of the result. @param all stages behind the contraction at that element */
function runPhase({ block }: Work, phase: Phase, all: readonly Stage[], value: Value, accs: ReadonlyMap<number, Value>): void {
  const stages = phase.map((position) => at(all, position - 1));
  block.out.bindAcc(0, value);
  block.out.count(stages.flatMap(expressionsOf));
  stages.forEach((stage, i) => {
    const acc = accs.get(at(phase, i));
    if (stage.kind === "strip" && acc) block.assign(acc, plus(acc, block.out.value(stage.value)));
    if (stage.kind !== "store") return;
    block.nest(stage.axes, () => {
      block.writes(stage);
    });
    block.afterStore();
  });
}

/** The sums of the parts of each row, in an array of their own. */
function addUp(work: Work, parts: string, height: number): string {
  const { block, tile, threads } = work;
  const totals = block.shared("totals", "f32", height);
  loopOf(work, block.out.name("row_of"), LANE, height, threads, (row) => {
    const first = times(row, tile.threadsN);
    const part = (i: number): Value => loadOf(parts, "f32", plus(first, i));
    block.store(
      totals,
      row,
      Array.from({ length: tile.threadsN }, (_, i) => part(i)).reduce((x, y) => plus(x, y)),
    );
  });
  return totals;
}

/** Stages behind a contraction, but for those that store once a strip. A sum that needs another of its phase begins the next one. */
export function phasesOf(stages: readonly Stage[]): Phase[] {
  const phases: number[][] = [[]];
  let first = stages.length;
  stages.forEach((stage, position) => {
    if (position === 0 || (stage.kind === "store" && stage.perStrip)) return;
    if (first < stages.length && expressionsOf(stage).some((expr) => usesResult(expr, first))) {
      phases.push([]);
      first = stages.length;
    }
    phases.at(-1)?.push(position);
    if (stage.kind === "strip") first = Math.min(first, position);
  });
  return phases;
}

// Matrix products, and convolutions as implicit ones: both operands packed block by block into panels, a micro-kernel over panels, and the
// kernel's store stages over the finished block (Goto & van de Geijn 2008). Threads share the wider side of the result. Every element is
// summed over k in one order, whoever computes it.

import type { SplitK } from "../../ir/loop/kernel.ts";
import { InternalError } from "../../ir/types.ts";
import { loadsOf, mentions } from "../axes.ts";
import type { Problem } from "../problem.ts";
import { template } from "../template.ts";
import { RUN_HEAD } from "./loops.ts";
import { LEAST, MICRO_KERNEL } from "./micro.ts";
import { cutsOfK, packFunction, type Operand } from "./pack.ts";
import { storeFunction } from "./store.ts";
import type { Scheduled, Unit } from "./unit.ts";

/** Steps of k in a block, about: two panels stay in the first-level cache. */
const BLOCK_K = 256;
/** Bytes of a block of right-hand panels, and of left-hand ones: about half of a second-level cache. */
const BLOCK_BYTES = 1 << 18;
/** Panels of rows that are finished before the next ones start. */
const ROW_PANELS = 256;
/** A left operand up to this size is packed once for all columns. */
const WHOLE_BYTES = 1 << 22;
/** Columns or rows beside whose products packing all of the other side once more is little. */
const WORTH_PACKING = 512;
/** Multiply-adds that are worth another thread. */
export const THREAD_WORK = 500_000;

/** A long sum with few results: each thread packs its own part of k. */
export const splitK: SplitK = ({ b, m, n, k }) =>
  b * m * n > 1 << 15 || k < 4096 ? 1 : ([8, 10, 12, 6, 16].find((parts) => k % parts === 0) ?? 8);

interface Blocking {
  /** Steps of k in a block. */
  readonly k: number;
  readonly cutsA: readonly number[];
  readonly cutsB: readonly number[];
}

export function compileContract(problem: Problem, unit: Unit): Scheduled {
  const { kernel, stage, b, m, n, k } = problem;
  const left: Operand = { expr: stage.lhs, along: { name: "m", extent: m }, width: 4 };
  const right: Operand = { expr: stage.rhs, along: { name: "n", extent: n }, width: 8 };
  const blocking = blockingOf(problem);
  const [panelsM, panelsN] = [Math.ceil(m / 4), Math.ceil(n / 8)];
  const byColumns = n >= m;
  const isWhole = Math.min(panelsM, ROW_PANELS) * 4 * k * 4 <= WHOLE_BYTES;
  const columnPanels = Math.min(panelsN, Math.max(1, Math.floor(BLOCK_BYTES / (32 * blocking.k))));
  const rowPanels = Math.min(panelsM, Math.max(1, Math.floor(BLOCK_BYTES / (16 * blocking.k))));
  const superRows = Math.min(panelsM, ROW_PANELS);
  const bytesA = 16 * (isWhole ? superRows * k : rowPanels * blocking.k);
  const bytesB = 32 * columnPanels * blocking.k;
  const bytesC = columnPanels * superRows * 128;
  const isInvariant = kernel.time !== undefined && !mentions([stage.rhs], kernel.time.name);
  const keeps =
    isInvariant && byColumns && b === 1
      ? { params: [...new Set(loadsOf([stage.rhs]).map((load) => load.buffer))], bytes: 32 * panelsN * k }
      : undefined;
  // One packing of the left side does for all calls of a thread.
  const isOnce = isWhole && byColumns && b === 1 && superRows === panelsM;
  const stores = kernel.stages.slice(1);
  const units = b * (byColumns ? panelsN : panelsM);
  const kAxis = stage.k;
  return {
    text: [
      MICRO_KERNEL,
      LEAST,
      packFunction("pack_a", left, kAxis, blocking.cutsA, unit, kernel.time),
      packFunction("pack_b", right, kAxis, blocking.cutsB, unit, kernel.time),
      storeFunction("store", problem, stores, unit, "panels"),
      ...(n % 4 === 0 ? [] : [storeFunction("store_rest", problem, stores, unit, "singles")]),
      run({
        k,
        blockK: blocking.k,
        byColumns,
        isWhole,
        isOnce,
        keeps: keeps !== undefined,
        panels: byColumns ? panelsN : panelsM,
        others: byColumns ? panelsM : panelsN,
        batched: b > 1,
        superRows,
        columnPanels,
        rowPanels,
        bytesA,
        bytesAB: bytesA + bytesB,
        panelsN,
        m,
        fullVectors: Math.floor(n / 4),
        rest: n % 4 > 0,
        restFrom: n - (n % 4),
        n,
      }),
    ].join("\n"),
    units,
    grain: Math.max(1, Math.ceil((THREAD_WORK * units) / (b * m * n * k))),
    piece: isOnce || (byColumns && !isWhole) ? columnPanels : WORTH_PACKING / (byColumns ? 8 : 4),
    scratchBytes: bytesA + bytesB + bytesC,
    ...(keeps && { keeps }),
  };
}

// Both operands are cut into the same blocks of k, and a block holds whole rounds of the loops inside of k.
function blockingOf({ stage, k }: Problem): Blocking {
  for (const limit of [BLOCK_K * 2, 64, 16, 1]) {
    const cutsA = cutsOfK(stage.k, stage.lhs, limit);
    const cutsB = cutsOfK(stage.k, stage.rhs, limit);
    const round = leastCommonMultiple(cutsA.at(-1) ?? 1, cutsB.at(-1) ?? 1);
    if (round > 2 * BLOCK_K || k % round !== 0) continue;
    const rounds = k / round;
    // Equal blocks, as near to the wanted size as they come.
    const blocks = Math.min(rounds, Math.max(1, Math.round(k / BLOCK_K)));
    return { k: Math.ceil(rounds / blocks) * round, cutsA, cutsB };
  }
  throw new InternalError("no cuts are a blocking too");
}

function leastCommonMultiple(x: number, y: number): number {
  const divisor = (a: number, b: number): number => (b === 0 ? a : divisor(b, a % b));
  return (x * y) / divisor(x, y);
}

interface Plan {
  readonly k: number;
  readonly blockK: number;
  readonly byColumns: boolean;
  readonly isWhole: boolean;
  readonly isOnce: boolean;
  readonly keeps: boolean;
  /** Panels of the side that threads share, and of the other. */
  readonly panels: number;
  readonly others: number;
  readonly batched: boolean;
  readonly superRows: number;
  readonly columnPanels: number;
  readonly rowPanels: number;
  readonly bytesA: number;
  readonly bytesAB: number;
  readonly panelsN: number;
  readonly m: number;
  readonly fullVectors: number;
  /** Columns after the last four. */
  readonly rest: boolean;
  readonly restFrom: number;
  readonly n: number;
}

const run = template<Plan>(`${RUN_HEAD}
  (local $unit i32) (local $batch i32) (local $lo i32) (local $hi i32) (local $ma i32) (local $mz i32) (local $na i32) (local $nz i32)
  (local $s0 i32) (local $s1 i32) (local $n0 i32) (local $n1 i32) (local $k0 i32) (local $k1 i32) (local $m0 i32) (local $m1 i32)
  (local $nt i32) (local $mt i32) (local $b i32) (local $c i32) (local $to i32) (local $pitch i32) (local $steps i32) (local $rows i32)
  (local.set $c (i32.add (local.get $scratch) (i32.const {{bytesAB}})))
  (local.set $unit (local.get $begin))
  (loop $units
    (local.set $batch {{#if batched}}(i32.div_u (local.get $unit) (i32.const {{panels}})){{else}}(i32.const 0){{/if}})
    (local.set $lo (i32.sub (local.get $unit) (i32.mul (local.get $batch) (i32.const {{panels}}))))
    (local.set $hi (i32.add (local.get $lo) (i32.sub (local.get $end) (local.get $unit))))
    (if (i32.gt_s (local.get $hi) (i32.const {{panels}})) (then (local.set $hi (i32.const {{panels}}))))
{{#if byColumns}}
    (local.set $na (local.get $lo)) (local.set $nz (local.get $hi)) (local.set $ma (i32.const 0)) (local.set $mz (i32.const {{others}}))
{{else}}
    (local.set $ma (local.get $lo)) (local.set $mz (local.get $hi)) (local.set $na (i32.const 0)) (local.set $nz (i32.const {{others}}))
{{/if}}
    (local.set $s0 (local.get $ma))
    (loop $supers
      (local.set $s1 (call $least (i32.add (local.get $s0) (i32.const {{superRows}})) (local.get $mz)))
      (local.set $rows (i32.sub (local.get $s1) (local.get $s0)))
      (local.set $pitch (i32.shl (local.get $rows) (i32.const 7)))
{{#if isWhole}}
{{#if isOnce}}
      (if (local.get $first) (then
{{/if}}
      (local.set $k0 (i32.const 0))
      (loop $wholes
        (local.set $k1 (call $least (i32.add (local.get $k0) (i32.const {{blockK}})) (i32.const {{k}})))
        (call $pack_a (local.get $args) (local.get $time) (local.get $batch) (local.get $k0) (local.get $k1) (local.get $s0) (local.get $s1)
          (i32.add (local.get $scratch) (i32.shl (i32.mul (local.get $k0) (local.get $rows)) (i32.const 4))))
        (br_if $wholes (i32.lt_s (local.tee $k0 (local.get $k1)) (i32.const {{k}}))))
{{#if isOnce}}
      ))
{{/if}}
{{/if}}
      (local.set $n0 (local.get $na))
      (loop $columns
        (local.set $n1 (call $least (i32.add (local.get $n0) (i32.const {{columnPanels}})) (local.get $nz)))
        (local.set $k0 (i32.const 0))
        (loop $steps
          (local.set $k1 (call $least (i32.add (local.get $k0) (i32.const {{blockK}})) (i32.const {{k}})))
          (local.set $steps (i32.sub (local.get $k1) (local.get $k0)))
          (local.set $b (i32.add (local.get $scratch) (i32.const {{bytesA}})))
{{#if keeps}}
          (if (local.get $kept) (then
            (local.set $b (i32.add (local.get $kept)
              (i32.shl (i32.add (i32.mul (local.get $k0) (i32.const {{panelsN}})) (i32.mul (local.get $n0) (local.get $steps))) (i32.const 5))))))
          (if (i32.or (local.get $fresh) (i32.eqz (local.get $kept))) (then
{{/if}}
          (call $pack_b (local.get $args) (local.get $time) (local.get $batch) (local.get $k0) (local.get $k1) (local.get $n0) (local.get $n1) (local.get $b))
{{#if keeps}}
          ))
{{/if}}
          (local.set $m0 (local.get $s0))
          (loop $rows
            (local.set $m1 (call $least (i32.add (local.get $m0) (i32.const {{rowPanels}})) (local.get $s1)))
{{#if isWhole}}
            (local.set $to (i32.add (local.get $scratch) (i32.shl (i32.add (i32.mul (local.get $k0) (local.get $rows))
              (i32.mul (i32.sub (local.get $m0) (local.get $s0)) (local.get $steps))) (i32.const 4))))
{{else}}
            (local.set $to (local.get $scratch))
            (call $pack_a (local.get $args) (local.get $time) (local.get $batch) (local.get $k0) (local.get $k1) (local.get $m0) (local.get $m1) (local.get $to))
{{/if}}
            (local.set $nt (local.get $n0))
            (loop $across
              (call $micro (local.get $to)
                (i32.add (local.get $b) (i32.shl (i32.mul (i32.sub (local.get $nt) (local.get $n0)) (local.get $steps)) (i32.const 5)))
                (i32.add (i32.add (local.get $c) (i32.mul (i32.sub (local.get $nt) (local.get $n0)) (local.get $pitch)))
                  (i32.shl (i32.sub (local.get $m0) (local.get $s0)) (i32.const 7)))
                (i32.sub (local.get $m1) (local.get $m0)) (local.get $steps) (i32.eqz (local.get $k0)))
              (br_if $across (i32.lt_s (local.tee $nt (i32.add (local.get $nt) (i32.const 1))) (local.get $n1))))
            (br_if $rows (i32.lt_s (local.tee $m0 (local.get $m1)) (local.get $s1))))
          (br_if $steps (i32.lt_s (local.tee $k0 (local.get $k1)) (i32.const {{k}}))))
        (local.set $m0 (i32.shl (local.get $s0) (i32.const 2)))
        (local.set $m1 (call $least (i32.shl (local.get $s1) (i32.const 2)) (i32.const {{m}})))
        (local.set $nt (i32.shl (local.get $n0) (i32.const 1)))
        (local.set $mt (call $least (i32.shl (local.get $n1) (i32.const 1)) (i32.const {{fullVectors}})))
        (if (i32.lt_s (local.get $nt) (local.get $mt)) (then
          (call $store (local.get $args) (local.get $time) (local.get $batch) (local.get $nt) (local.get $mt) (local.get $m0) (local.get $m1)
            (local.get $c) (local.get $n0) (local.get $pitch))))
{{#if rest}}
        (if (i32.eq (local.get $n1) (i32.const {{panelsN}})) (then
          (call $store_rest (local.get $args) (local.get $time) (local.get $batch) (i32.const {{restFrom}}) (i32.const {{n}}) (local.get $m0) (local.get $m1)
            (local.get $c) (local.get $n0) (local.get $pitch))))
{{/if}}
        (br_if $columns (i32.lt_s (local.tee $n0 (local.get $n1)) (local.get $nz))))
      (br_if $supers (i32.lt_s (local.tee $s0 (local.get $s1)) (local.get $mz))))
    (local.set $unit (i32.add (local.get $unit) (i32.sub (local.get $hi) (local.get $lo))))
    (br_if $units (i32.lt_s (local.get $unit) (local.get $end)))))`);

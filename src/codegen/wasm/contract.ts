// Matrix products, and convolutions as implicit ones: both operands packed block by block into panels, a micro-kernel over panels, and the
// kernel's store stages over the finished block (Goto & van de Geijn 2008). Threads share the wider side of the result. Every element is
// summed over k in one order, whoever computes it.

import type { SplitK } from "../../ir/loop/kernel.ts";
import { InternalError } from "../../ir/types.ts";
import { mentions } from "../axes.ts";
import { loadsOf } from "../../ir/loop/loads.ts";
import type { Problem } from "../problem.ts";
import { runFunction } from "./contract-run.ts";
import { LEAST, MICRO_KERNEL } from "./micro.ts";
import { cutsOfK, packFunction, type Operand } from "./pack.ts";
import { rowsOf } from "../own-rows.ts";
import { storeFunction } from "./store.ts";
import type { Scheduled, Unit } from "./unit.ts";

/** Steps of k in a block, about: two panels stay in the first-level cache. */
const BLOCK_K = 256;
/** Bytes of a block of right-hand panels, and of left-hand ones: about half of a second-level cache. */
const BLOCK_BYTES = 1 << 18;
/** Bytes of a block of right-hand panels for each of which the left operand is packed once more: only one of its panels is in use at a time. */
const WIDE_BLOCK_BYTES = 1 << 19;
/** Panels of rows that are finished before the next ones start. */
const ROW_PANELS = 256;
/** A left operand up to this size is packed once for all columns. */
const WHOLE_BYTES = 1 << 22;
/** Columns or rows beside whose products packing all of the other side once more is little. */
const WORTH_PACKING = 512;
/** A right operand up to this size stays in a second-level cache while each thread goes through it for its own rows of a loop over time. */
const ROWS_BYTES = 1 << 19;
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
  const { text, ...scheduled } = productOf(problem, unit);
  return { ...scheduled, text: [PRODUCT_HELPERS, text].join("\n") };
}

/** What the functions of products call. */
export const PRODUCT_HELPERS = [MICRO_KERNEL, LEAST].join("\n");

/** The functions of one product; the names of one that is a part of a kernel end with `part`. */
export function productOf(problem: Problem, unit: Unit, part = ""): Scheduled {
  const { kernel, stage, b, m, n, k } = problem;
  const left: Operand = { expr: stage.lhs, along: { name: "m", extent: m }, width: 4 };
  const right: Operand = { expr: stage.rhs, along: { name: "n", extent: n }, width: 8 };
  const blocking = blockingOf(problem);
  const [panelsM, panelsN] = [Math.ceil(m / 4), Math.ceil(n / 8)];
  const isInvariant = kernel.time !== undefined && !mentions([stage.rhs], kernel.time.name);
  const rows = isInvariant && b === 1 && 4 * n * k <= ROWS_BYTES ? rowsOf(kernel, { name: "m", extent: m }, 4) : undefined;
  const byColumns = n >= m && rows === undefined;
  const isWhole = Math.min(panelsM, ROW_PANELS) * 4 * k * 4 <= WHOLE_BYTES;
  const columnPanels = Math.min(panelsN, Math.max(1, Math.floor((isWhole ? BLOCK_BYTES : WIDE_BLOCK_BYTES) / (32 * blocking.k))));
  const rowPanels = Math.min(panelsM, Math.max(1, Math.floor(BLOCK_BYTES / (16 * blocking.k))));
  const superRows = Math.min(panelsM, ROW_PANELS);
  const bytesA = 16 * (isWhole ? superRows * k : rowPanels * blocking.k);
  const bytesB = 32 * columnPanels * blocking.k;
  const bytesC = columnPanels * superRows * 128;
  const keeps =
    isInvariant && (byColumns || rows) && b === 1
      ? { params: [...new Set(loadsOf([stage.rhs]).map((load) => load.buffer))], bytes: 32 * panelsN * k }
      : undefined;
  // One packing of the left side does for all calls of a thread.
  const isOnce = isWhole && byColumns && b === 1 && superRows === panelsM;
  const stores = kernel.stages.slice(1);
  const units = b * (byColumns ? panelsN : panelsM);
  const kAxis = stage.k;
  return {
    text: [
      packFunction(`pack_a${part}`, left, kAxis, blocking.cutsA, unit, kernel.time),
      packFunction(`pack_b${part}`, right, kAxis, blocking.cutsB, unit, kernel.time),
      storeFunction(`store${part}`, problem, stores, unit, "panels"),
      ...(n % 4 === 0 ? [] : [storeFunction(`store_rest${part}`, problem, stores, unit, "singles")]),
      runFunction({
        part,
        byColumns,
        isWhole,
        isOnce,
        keeps: keeps !== undefined,
        batch: b,
        panels: byColumns ? panelsN : panelsM,
        others: byColumns ? panelsM : panelsN,
        m,
        n,
        panelsN,
        k,
        blockK: blocking.k,
        columnPanels,
        rowPanels,
        superRows,
        bytesA,
        bytesAB: bytesA + bytesB,
      }),
    ].join("\n"),
    units,
    grain: Math.max(1, Math.ceil((THREAD_WORK * units) / (b * m * n * k))),
    piece: isOnce || (byColumns && !isWhole) ? columnPanels : WORTH_PACKING / (byColumns ? 8 : 4),
    scratchBytes: bytesA + bytesB + bytesC,
    ...(keeps && { keeps }),
    ...(rows && { rows }),
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

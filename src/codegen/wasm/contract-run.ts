// The loops around the packings, the micro-kernel and the stores of a matrix product, from the outside in: rows that are finished together,
// blocks of columns, blocks of k, blocks of rows, panels of columns (Goto & van de Geijn 2008). Which blocks, and what is packed when, was
// decided before; each function here prints one loop.

import { runHead } from "./loops.ts";

export interface Plan {
  /** What names of functions end with: a kernel may be several products. */
  readonly part: string;
  /** Units are panels of columns of a product; else of rows. */
  readonly byColumns: boolean;
  /** All of a left operand for `superRows` is packed before its columns; else each block when it is needed. */
  readonly isWhole: boolean;
  /** That packing does for all calls of a thread. */
  readonly isOnce: boolean;
  /** Packed right operands stay from step to step of a loop over time. */
  readonly keeps: boolean;
  /** Products of a batch. */
  readonly batch: number;
  /** Panels of the side that threads share, and of the other. */
  readonly panels: number;
  readonly others: number;
  readonly m: number;
  readonly n: number;
  readonly panelsN: number;
  readonly k: number;
  /** Of a block: steps of k, panels of columns and of rows. */
  readonly blockK: number;
  readonly columnPanels: number;
  readonly rowPanels: number;
  /** Panels of rows that are finished before the next ones start. */
  readonly superRows: number;
  /** Bytes of packed left operands, with which the scratch memory begins, and of both operands. */
  readonly bytesA: number;
  readonly bytesAB: number;
}

type Lines = readonly string[];

const constant = (value: number): string => `(i32.const ${String(value)})`;
const onlyIf = (condition: boolean, lines: Lines): Lines => (condition ? lines : []);
/** `lines` for the runtime to skip where `test` is zero. */
const guarded = (test: string, lines: Lines): Lines => [`(if ${test} (then`, ...lines, "))"];
const indented = (lines: Lines): Lines => lines.map((line) => `  ${line}`);
/** The last line ends with what closes its loop and all that ends there. */
const closing = (lines: Lines, parentheses: string): Lines => [...lines.slice(0, -1), (lines.at(-1) ?? "") + parentheses];
const loop = (label: string, body: Lines): Lines => [`(loop ${label}`, ...closing(indented(body), ")")];

/** The product of its batch that a unit belongs to, where each is `panels` units. */
export const batchOfUnit = (batch: number, panels: number): string =>
  `(local.set $batch ${batch > 1 ? `(i32.div_u (local.get $unit) ${constant(panels)})` : constant(0)})`;

/** $run of a matrix product. */
export const runFunction = (plan: Plan): string =>
  [
    runHead(plan.part),
    ...closing(
      indented([
        "(local $unit i32) (local $batch i32) (local $lo i32) (local $hi i32) (local $ma i32) (local $mz i32) (local $na i32) (local $nz i32)",
        "(local $s0 i32) (local $s1 i32) (local $n0 i32) (local $n1 i32) (local $k0 i32) (local $k1 i32) (local $m0 i32) (local $m1 i32)",
        "(local $nt i32) (local $mt i32) (local $b i32) (local $c i32) (local $to i32) (local $pitch i32) (local $steps i32) (local $rows i32)",
        `(local.set $c (i32.add (local.get $scratch) ${constant(plan.bytesAB)}))`,
        "(local.set $unit (local.get $begin))",
        ...loop("$units", unitsOfOneProduct(plan)),
      ]),
      ")",
    ),
  ].join("\n");

/** The units from $unit on that are of one product: panels $ma to $mz of its rows, $na to $nz of its columns. */
const unitsOfOneProduct = (plan: Plan): Lines => [
  batchOfUnit(plan.batch, plan.panels),
  `(local.set $lo (i32.sub (local.get $unit) (i32.mul (local.get $batch) ${constant(plan.panels)})))`,
  "(local.set $hi (i32.add (local.get $lo) (i32.sub (local.get $end) (local.get $unit))))",
  `(if (i32.gt_s (local.get $hi) ${constant(plan.panels)}) (then (local.set $hi ${constant(plan.panels)})))`,
  plan.byColumns ? sides("n", "m", plan) : sides("m", "n", plan),
  "(local.set $s0 (local.get $ma))",
  ...loop("$supers", rowsFinishedTogether(plan)),
  "(local.set $unit (i32.add (local.get $unit) (i32.sub (local.get $hi) (local.get $lo))))",
  "(br_if $units (i32.lt_s (local.get $unit) (local.get $end)))",
];

/** The panels of the side that threads share, and all panels of the other one. */
const sides = (shared: string, other: string, { others }: Plan): string =>
  `(local.set $${shared}a (local.get $lo)) (local.set $${shared}z (local.get $hi)) ` +
  `(local.set $${other}a (i32.const 0)) (local.set $${other}z ${constant(others)})`;

const rowsFinishedTogether = (plan: Plan): Lines => [
  `(local.set $s1 (call $least (i32.add (local.get $s0) ${constant(plan.superRows)}) (local.get $mz)))`,
  "(local.set $rows (i32.sub (local.get $s1) (local.get $s0)))",
  "(local.set $pitch (i32.shl (local.get $rows) (i32.const 7)))",
  ...onlyIf(plan.isWhole, plan.isOnce ? guarded("(local.get $first)", packWholeLeft(plan)) : packWholeLeft(plan)),
  "(local.set $n0 (local.get $na))",
  ...loop("$columns", blockOfColumns(plan)),
  "(br_if $supers (i32.lt_s (local.tee $s0 (local.get $s1)) (local.get $mz)))",
];

const endOfBlockOfK = ({ blockK, k }: Plan): string =>
  `(local.set $k1 (call $least (i32.add (local.get $k0) ${constant(blockK)}) ${constant(k)}))`;

/** All k of the rows $s0 to $s1, one block of k after the other. */
const packWholeLeft = (plan: Plan): Lines => [
  "(local.set $k0 (i32.const 0))",
  ...loop("$wholes", [
    endOfBlockOfK(plan),
    `(call $pack_a${plan.part} (local.get $args) (local.get $time) (local.get $batch) (local.get $k0) (local.get $k1) (local.get $s0) (local.get $s1)`,
    "  (i32.add (local.get $scratch) (i32.shl (i32.mul (local.get $k0) (local.get $rows)) (i32.const 4))))",
    `(br_if $wholes (i32.lt_s (local.tee $k0 (local.get $k1)) ${constant(plan.k)}))`,
  ]),
];

/** The product of the rows $s0 to $s1 and the columns $n0 to $n1, and its stores. */
const blockOfColumns = (plan: Plan): Lines => [
  `(local.set $n1 (call $least (i32.add (local.get $n0) ${constant(plan.columnPanels)}) (local.get $nz)))`,
  "(local.set $k0 (i32.const 0))",
  ...loop("$steps", blockOfK(plan)),
  ...store(plan),
  "(br_if $columns (i32.lt_s (local.tee $n0 (local.get $n1)) (local.get $nz)))",
];

const blockOfK = (plan: Plan): Lines => [
  endOfBlockOfK(plan),
  "(local.set $steps (i32.sub (local.get $k1) (local.get $k0)))",
  `(local.set $b (i32.add (local.get $scratch) ${constant(plan.bytesA)}))`,
  ...packRight(plan),
  "(local.set $m0 (local.get $s0))",
  ...loop("$rows", blockOfRows(plan)),
  `(br_if $steps (i32.lt_s (local.tee $k0 (local.get $k1)) ${constant(plan.k)}))`,
];

/** Panels of the right operand at $b: packed now, or in an earlier step of a loop over time. */
function packRight({ keeps, panelsN, part }: Plan): Lines {
  const pack = [
    `(call $pack_b${part} (local.get $args) (local.get $time) (local.get $batch) (local.get $k0) (local.get $k1) (local.get $n0) (local.get $n1) (local.get $b))`,
  ];
  if (!keeps) return pack;
  return [
    "(if (local.get $kept) (then",
    "  (local.set $b (i32.add (local.get $kept)",
    `    (i32.shl (i32.add (i32.mul (local.get $k0) ${constant(panelsN)}) (i32.mul (local.get $n0) (local.get $steps))) (i32.const 5))))))`,
    ...guarded("(i32.or (local.get $fresh) (i32.eqz (local.get $kept)))", pack),
  ];
}

/** The rows $m0 to $m1 of a block of k times the columns $n0 to $n1, panel by panel. */
const blockOfRows = (plan: Plan): Lines => [
  `(local.set $m1 (call $least (i32.add (local.get $m0) ${constant(plan.rowPanels)}) (local.get $s1)))`,
  ...left(plan),
  "(local.set $nt (local.get $n0))",
  ...loop("$across", [
    "(call $micro (local.get $to)",
    "  (i32.add (local.get $b) (i32.shl (i32.mul (i32.sub (local.get $nt) (local.get $n0)) (local.get $steps)) (i32.const 5)))",
    "  (i32.add (i32.add (local.get $c) (i32.mul (i32.sub (local.get $nt) (local.get $n0)) (local.get $pitch)))",
    "    (i32.shl (i32.sub (local.get $m0) (local.get $s0)) (i32.const 7)))",
    "  (i32.sub (local.get $m1) (local.get $m0)) (local.get $steps) (i32.eqz (local.get $k0)))",
    "(br_if $across (i32.lt_s (local.tee $nt (i32.add (local.get $nt) (i32.const 1))) (local.get $n1)))",
  ]),
  "(br_if $rows (i32.lt_s (local.tee $m0 (local.get $m1)) (local.get $s1)))",
];

/** Panels of the left operand at $to: found among the packed ones, or packed now. */
const left = ({ isWhole, part }: Plan): Lines =>
  isWhole
    ? [
        "(local.set $to (i32.add (local.get $scratch) (i32.shl (i32.add (i32.mul (local.get $k0) (local.get $rows))",
        "  (i32.mul (i32.sub (local.get $m0) (local.get $s0)) (local.get $steps))) (i32.const 4))))",
      ]
    : [
        "(local.set $to (local.get $scratch))",
        `(call $pack_a${part} (local.get $args) (local.get $time) (local.get $batch) (local.get $k0) (local.get $k1) (local.get $m0) (local.get $m1) (local.get $to))`,
      ];

/** Columns by fours with $store; with the last block those after the last four, one at a time, with $store_rest. */
const store = ({ m, n, panelsN, part }: Plan): Lines => [
  "(local.set $m0 (i32.shl (local.get $s0) (i32.const 2)))",
  `(local.set $m1 (call $least (i32.shl (local.get $s1) (i32.const 2)) ${constant(m)}))`,
  "(local.set $nt (i32.shl (local.get $n0) (i32.const 1)))",
  `(local.set $mt (call $least (i32.shl (local.get $n1) (i32.const 1)) ${constant(Math.floor(n / 4))}))`,
  "(if (i32.lt_s (local.get $nt) (local.get $mt)) (then",
  `  (call $store${part} (local.get $args) (local.get $time) (local.get $batch) (local.get $nt) (local.get $mt) (local.get $m0) (local.get $m1)`,
  "    (local.get $c) (local.get $n0) (local.get $pitch))))",
  ...onlyIf(n % 4 > 0, [
    `(if (i32.eq (local.get $n1) ${constant(panelsN)}) (then`,
    `  (call $store_rest${part} (local.get $args) (local.get $time) (local.get $batch) ${constant(n - (n % 4))} ${constant(n)} (local.get $m0) (local.get $m1)`,
    "    (local.get $c) (local.get $n0) (local.get $pitch))))",
  ]),
];

// Pooling over windows, as torch.nn.MaxPool1d to 3d and AvgPool1d to 3d; over as many windows as asked for, as AdaptiveMaxPool1d to
// AdaptiveAvgPool3d; and over whole channels.

import type { Builder } from "../../ir/builder.ts";
import type { Node } from "../../ir/node.ts";
import { pooled, windowsOf } from "../../ir/ops/pool.ts";
import { adaptiveMax, adaptiveMean, firstMax } from "../../ir/ops/resample.ts";
import { at } from "../../ir/ops/define.ts";
import { takeAlong } from "../../ir/ops/take.ts";
import { sizeOf } from "../../ir/types.ts";
import { arg, argOr, defineLayer, extent, requireShape } from "./define.ts";
import type { AnyLayer } from "./define.ts";

type Rank = 1 | 2 | 3;
const RANKS: readonly Rank[] = [1, 2, 3];
const TAKES = { 1: "signal", 2: "image", 3: "volume" } as const;
const COUNTS = { 1: "count", 2: "count or pair", 3: "count or triple" } as const;
const WHOLES = { 1: "whole", 2: "whole or pair", 3: "whole or triple" } as const;
const ZEROS = { 1: 0, 2: [0, 0], 3: [0, 0, 0] } as const;
const ONES = { 1: 1, 2: [1, 1], 3: [1, 1, 1] } as const;

type Numbers = number | readonly number[];
const listOf = (value: Numbers, rank: Rank): readonly number[] =>
  typeof value === "number" ? Array.from({ length: rank }, () => value) : value;

const windowArgs = (rank: Rank) => ({
  kernel: arg(COUNTS[rank], "size of the window"),
  stride: argOr(["kernel"], COUNTS[rank], "step between windows; they stand side by side when left out", "kernel"),
  padding: arg(WHOLES[rank], "ring around the input", ZEROS[rank]),
  ceil_mode: arg("bool", "whether a last window may hang over the edge", false),
});

interface Windows {
  readonly kernel: readonly [number, number];
  readonly stride: readonly [number, number];
  readonly padding: readonly [number, number];
  readonly ceil: boolean;
}

interface WindowArgs {
  readonly kernel: Numbers;
  readonly stride: Numbers | "kernel";
  readonly padding: Numbers;
  readonly ceil_mode: boolean;
}

const stridesOf = ({ stride, kernel }: WindowArgs, rank: Rank): readonly number[] => listOf(stride === "kernel" ? kernel : stride, rank);

/** Pools images, and by images signals and volumes: along the last two axes, then along depth. */
function overWindows(b: Builder, x: Node, rank: Rank, args: WindowArgs, pool: (x: Node, windows: Windows, isFirst: boolean) => Node): Node {
  const kernel = listOf(args.kernel, rank);
  const [stride, padding] = [stridesOf(args, rank), listOf(args.padding, rank)];
  // As if it had three axes: those that a signal or an image has not are one value wide.
  const three = (list: readonly number[], missing: number): readonly number[] => [
    ...Array.from({ length: 3 - rank }, () => missing),
    ...list,
  ];
  const [k, s, p] = [three(kernel, 1), three(stride, 1), three(padding, 0)] as const;
  const windows = (rows: number, columns: number): Windows => ({
    kernel: [k[rows] ?? 1, k[columns] ?? 1],
    stride: [s[rows] ?? 1, s[columns] ?? 1],
    padding: [p[rows] ?? 0, p[columns] ?? 0],
    ceil: args.ceil_mode,
  });
  const [n, c] = [extent(x, 0), extent(x, 1)];
  if (rank === 2) return pool(x, windows(1, 2), true);
  if (rank === 1) {
    const y = pool(b.reshape(x, { shape: [n, c, 1, extent(x, 2)] }), windows(1, 2), true);
    return b.reshape(y, { shape: [n, c, extent(y, 3)] });
  }
  const depth = extent(x, 2);
  const flat = pool(b.reshape(x, { shape: [n, c * depth, extent(x, 3), extent(x, 4)] }), windows(1, 2), true);
  const [height, width] = [extent(flat, 2), extent(flat, 3)];
  // Along depth the rows of an image are the depths, and its columns are pixels, over which no window goes.
  const { kernel: deep, stride: step, padding: around } = windows(0, 0);
  const alongDepth: Windows = { kernel: [deep[0], 1], stride: [step[0], 1], padding: [around[0], 0], ceil: args.ceil_mode };
  const y = pool(b.reshape(flat, { shape: [n, c, depth, height * width] }), alongDepth, false);
  return b.reshape(y, { shape: [n, c, extent(y, 2), height, width] });
}

/** More taps than this are looked through along one axis after the other. */
const MOST_TAPS = 64;

function maxOver(b: Builder, x: Node, windows: Windows): Node {
  const { kernel, stride, padding } = windows;
  if (sizeOf(kernel) <= MOST_TAPS || kernel.includes(1)) return b.maxPool2d(x, windows);
  // What does not fit is said of the window that was asked for.
  pooled([x.type], windows);
  const columns = b.maxPool2d(x, { ...windows, kernel: [1, kernel[1]], stride: [1, stride[1]], padding: [0, padding[1]] });
  return b.maxPool2d(columns, { ...windows, kernel: [kernel[0], 1], stride: [stride[0], 1], padding: [padding[0], 0] });
}

const maxPool = (rank: Rank): AnyLayer =>
  defineLayer({
    name: `max_pool${rank}d`,
    doc: "maximum over windows; padding never wins",
    takes: TAKES[rank],
    args: { ...windowArgs(rank), dilation: arg(COUNTS[rank], "step between the values of a window", ONES[rank]) },
    build: ({ b }, x, args) => {
      const dilation = listOf(args.dilation, rank);
      const isDense = dilation.every((step) => step === 1);
      const [input, windows] = isDense ? [x, args] : sideBySide(b, x, rank, args, dilation);
      return overWindows(b, input, rank, windows, (y, each) => maxOver(b, y, each));
    },
  });

/** Windows whose values are apart, as windows side by side over copies of those values. */
function sideBySide(b: Builder, x: Node, rank: Rank, args: WindowArgs, dilation: readonly number[]): readonly [Node, WindowArgs] {
  const kernel = listOf(args.kernel, rank);
  const [stride, padding] = [stridesOf(args, rank), listOf(args.padding, rank)];
  const windows = kernel.map((taps, i) => {
    const [step = 1, around = 0, apart = 1, size] = [stride[i], padding[i], dilation[i], extent(x, 2 + i)];
    const reach = apart * (taps - 1) + 1;
    requireShape(2 * around <= taps, () => `padding ${around} is more than half of a window of ${taps} values`);
    const count = windowsOf(size, reach, step, around, args.ceil_mode);
    requireShape(count > 0, () => `a window over ${reach} values does not fit into ${size}`);
    return { taps, step, apart, count, low: around, high: Math.max(0, (count - 1) * step + reach - around - size) };
  });
  const along = (of: (window: (typeof windows)[number]) => number): number[] =>
    x.type.shape.map((_, axis) => (axis < 2 ? 0 : of(at(windows, axis - 2))));
  const surrounded = b.pad(x, {
    low: along(({ low }) => low),
    high: along(({ high }) => high),
    interior: along(() => 0),
    value: -Infinity,
  });
  const input = windows.reduce((y, { taps, step, apart, count }, i) => {
    const [first, tap] = ([0, 1] as const).map((axis) => b.iota({ shape: [count, taps], axis })) as [Node, Node];
    return takeAlong(b, y, 2 + i, b.reshape(b.add(b.mul(first, step), b.mul(tap, apart)), { shape: [count * taps] }));
  }, surrounded);
  return [input, { kernel, stride: "kernel", padding: listOf(0, rank), ceil_mode: false }];
}

const avgPool = (rank: Rank): AnyLayer =>
  defineLayer({
    name: `avg_pool${rank}d`,
    doc: "mean over windows",
    takes: TAKES[rank],
    args: {
      ...windowArgs(rank),
      count_include_pad: arg("bool", "whether the padding counts, as zeros", true),
      divisor_override: argOr(["none"], "count", "what sums are divided by, instead of how many values they are of", "none"),
    },
    build: ({ b }, x, args) => {
      const { count_include_pad: countIncludePad, divisor_override: divisor } = args;
      const divided = (isFirst: boolean) => (divisor === "none" ? {} : { divisor: isFirst ? divisor : 1 });
      return overWindows(b, x, rank, args, (y, windows, isFirst) => b.avgPool2d(y, { ...windows, countIncludePad, ...divided(isFirst) }));
    },
  });

function adaptive(rank: Rank, kind: "avg" | "max"): AnyLayer {
  const along = kind === "avg" ? adaptiveMean : adaptiveMax;
  return defineLayer({
    name: `adaptive_${kind}_pool${rank}d`,
    doc: `${kind === "avg" ? "means" : "maxima"} of as many parts of the input as asked for`,
    takes: TAKES[rank],
    args: { size: arg(COUNTS[rank], "size of the result") },
    build: ({ b }, x, { size }) => {
      const counts = listOf(size, rank);
      const ones = [...x.type.shape.slice(0, 2), ...counts];
      if (counts.every((count) => count === 1)) return b.reshape(kind === "avg" ? wholeMean(b, x) : firstMax(b, x, rank), { shape: ones });
      // The last axis first: of equal maxima the first in row-major order wins.
      return counts.reduceRight((y, count, i) => along(b, y, 2 + i, count), x);
    },
  });
}

const wholeMean = (b: Builder, x: Node): Node => b.reduceMean(x, { axes: x.type.shape.flatMap((_, axis) => (axis >= 2 ? [axis] : [])) });

const globalAvgPool = defineLayer({
  name: "global_avg_pool",
  doc: "mean over each channel: [channels]",
  takes: "space",
  args: {},
  build: ({ b }, x) => wholeMean(b, x),
});

const globalMaxPool = defineLayer({
  name: "global_max_pool",
  doc: "maximum over each channel: [channels]",
  takes: "space",
  args: {},
  build: ({ b }, x) => firstMax(b, x, x.type.shape.length - 2),
});

export const POOLS: readonly AnyLayer[] = [
  ...RANKS.map(maxPool),
  ...RANKS.map(avgPool),
  ...RANKS.map((rank) => adaptive(rank, "avg")),
  ...RANKS.map((rank) => adaptive(rank, "max")),
  globalAvgPool,
  globalMaxPool,
];

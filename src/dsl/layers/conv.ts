// Convolutions and their transposes over one, two and three axes, as torch.nn.Conv1d to ConvTranspose3d. Weights are [channels,
// in / groups, kernel…], of transposes [in, channels / groups, kernel…], and the bias is [channels].

import type { Builder } from "../../ir/builder.ts";
import type { Node } from "../../ir/node.ts";
import { windowCount } from "../../ir/ops/conv.ts";
import { conv3d as convolve3d, convTranspose3d as transpose3d } from "../../ir/ops/depth.ts";
import { sizeOf } from "../../ir/types.ts";
import { shapeText } from "../values.ts";
import { arg, argOr, defineLayer, extent, fanIn, requireShape, ZEROS as LAYER_ZEROS } from "./define.ts";
import type { AnyLayer, LayerContext, Takes } from "./define.ts";
import { SURROUNDINGS, surround, type Surrounding } from "./surround.ts";

/** A kernel's way over each of the axes that it moves along. */
interface Moves {
  readonly kernel: readonly number[];
  readonly stride: readonly number[];
  readonly padding: readonly number[];
  readonly dilation: readonly number[];
  readonly groups: number;
}

type Convolve = (b: Builder, x: Node, w: Node, moves: Moves) => Node;
type Transpose = (b: Builder, x: Node, w: Node, moves: Moves, size: readonly number[]) => Node;

const pair = ([height = 1, width = 1]: readonly number[]): readonly [number, number] => [height, width];
const flat = ({ stride, padding, dilation, groups }: Moves) => ({
  stride: pair(stride),
  padding: pair(padding),
  dilation: pair(dilation),
  groups,
});
/** A signal as an image of one row. */
const lift = (b: Builder, x: Node): Node => b.reshape(x, { shape: [extent(x, 0), extent(x, 1), 1, extent(x, 2)] });
const lower = (b: Builder, y: Node): Node => b.reshape(y, { shape: [extent(y, 0), extent(y, 1), extent(y, 3)] });
const lifted = ({ kernel, stride, padding, dilation, groups }: Moves): Moves => ({
  kernel: [1, ...kernel],
  stride: [1, ...stride],
  padding: [0, ...padding],
  dilation: [1, ...dilation],
  groups,
});

type Rank = 1 | 2 | 3;
const RANKS: readonly Rank[] = [1, 2, 3];

const CONVOLVE: Readonly<Record<Rank, Convolve>> = {
  1: (b, x, w, moves) => lower(b, b.conv2d(lift(b, x), lift(b, w), flat(lifted(moves)))),
  2: (b, x, w, moves) => b.conv2d(x, w, flat(moves)),
  3: convolve3d,
};
const TRANSPOSE: Readonly<Record<Rank, Transpose>> = {
  1: (b, x, w, moves, [length = 1]) =>
    lower(b, b.conv2dInputGrad(lift(b, w), lift(b, x), { ...flat(lifted(moves)), inputSize: [1, length] })),
  2: (b, x, w, moves, size) => b.conv2dInputGrad(w, x, { ...flat(moves), inputSize: pair(size) }),
  3: transpose3d,
};

const TAKES = { 1: "signal", 2: "image", 3: "volume" } as const satisfies Record<Rank, Takes>;
const KERNELS = { 1: "count", 2: "count or pair", 3: "count or triple" } as const;
const PADDINGS = { 1: "whole", 2: "whole or pair", 3: "whole or triple" } as const;
const ONES = { 1: 1, 2: [1, 1], 3: [1, 1, 1] } as const;
const ZEROS = { 1: 0, 2: [0, 0], 3: [0, 0, 0] } as const;

const listOf = (value: number | readonly number[], rank: number): readonly number[] =>
  typeof value === "number" ? Array.from({ length: rank }, () => value) : value;

function biased({ b, weight }: LayerContext, y: Node, channels: number, receptive: number, bias: boolean): Node {
  if (!bias) return y;
  return b.add(y, b.reshape(weight("bias", [channels], fanIn(receptive)), { shape: y.type.shape.map((_, i) => (i === 1 ? channels : 1)) }));
}

function requireGroups(groups: number, inputs: number, channels: number): void {
  requireShape(
    inputs % groups === 0 && channels % groups === 0,
    () => `${groups} groups do not divide ${inputs} input and ${channels} output channels`,
  );
}

/** What `same` is along one axis, before and behind: as much as lets a kernel with stride 1 stand at each place. */
function sameAlong({ kernel, stride, dilation }: Omit<Moves, "padding">, axis: number): number {
  requireShape(
    stride.every((s) => s === 1),
    () => "`padding: same` needs a stride of 1, as in PyTorch",
  );
  return (dilation[axis] ?? 1) * ((kernel[axis] ?? 1) - 1);
}

/** `same` by zeros, of which one more goes behind. */
function same(b: Builder, x: Node, moves: Omit<Moves, "padding">): { readonly input: Node; readonly padding: readonly number[] } {
  const totals = moves.kernel.map((_, i) => sameAlong(moves, i));
  const none = x.type.shape.map(() => 0);
  const high = x.type.shape.map((_, axis) => (totals[axis - 2] ?? 0) % 2);
  const input = high.some((more) => more > 0) ? b.pad(x, { low: none, high, interior: none, value: 0 }) : x;
  return { input, padding: totals.map((total) => Math.floor(total / 2)) };
}

function convolution(rank: Rank): AnyLayer {
  return defineLayer({
    name: `conv${rank}d`,
    doc: `${rank}-d convolution`,
    takes: TAKES[rank],
    args: {
      channels: arg("count", "output channels"),
      kernel: arg(KERNELS[rank], "size of the kernel"),
      stride: arg(KERNELS[rank], "step between positions", ONES[rank]),
      padding: argOr(["same", "valid"], PADDINGS[rank], "values around the input; `same` keeps its size, `valid` is none", ZEROS[rank]),
      dilation: arg(KERNELS[rank], "step between the kernel's taps", ONES[rank]),
      groups: arg("count", "groups of channels that do not mix", 1),
      bias: arg("bool", "whether to add a bias", true),
      padding_mode: argOr(["zeros", ...SURROUNDINGS], "word", "what the padding is: zeros, or what `pad` puts around", "zeros"),
    },
    build: (context, x, args) => {
      const { b, weight } = context;
      const { channels, groups, bias } = args;
      const inputs = extent(x, 1);
      requireGroups(groups, inputs, channels);
      const { input, moves } = placed(b, x, rank, args);
      const receptive = (inputs / groups) * sizeOf(moves.kernel);
      const w = weight("weight", [channels, inputs / groups, ...moves.kernel], fanIn(receptive));
      return biased(context, CONVOLVE[rank](b, input, w, moves), channels, receptive, bias);
    },
    // The first has the kernel and no groups, the second the groups and no kernel.
    lowRank: ({ b, weight }, x, args, inner) => {
      const { channels, groups } = args;
      const inputs = extent(x, 1);
      requireShape(inner % groups === 0, () => `${groups} groups do not divide an adapter of rank ${inner}`);
      const { input, moves } = placed(b, x, rank, args);
      const one = listOf(1, rank);
      const down = weight("lora_A.weight", [inner, inputs, ...moves.kernel], fanIn(inputs * sizeOf(moves.kernel)));
      const up = weight("lora_B.weight", [channels, inner / groups, ...one], LAYER_ZEROS);
      const y = CONVOLVE[rank](b, input, down, { ...moves, groups: 1 });
      return CONVOLVE[rank](b, y, up, { kernel: one, stride: one, padding: listOf(0, rank), dilation: one, groups });
    },
  });
}

interface Placement {
  readonly kernel: number | readonly number[];
  readonly stride: number | readonly number[];
  readonly padding: "same" | "valid" | number | readonly number[];
  readonly dilation: number | readonly number[];
  readonly groups: number;
  readonly padding_mode: "zeros" | Surrounding;
}

/** A convolution's way over its input, and that with what is put around it but zeros on both sides alike. */
function placed(b: Builder, x: Node, rank: Rank, args: Placement): { readonly input: Node; readonly moves: Moves } {
  const [kernel, stride, dilation] = [listOf(args.kernel, rank), listOf(args.stride, rank), listOf(args.dilation, rank)];
  const moves = { kernel, stride, dilation, groups: args.groups };
  const { padding: around, padding_mode: mode } = args;
  if (mode !== "zeros") {
    const input = listOf(0, rank).reduce((y, _, i) => {
      const total = around === "same" ? sameAlong(moves, i) : 2 * (listOf(around === "valid" ? 0 : around, rank)[i] ?? 0);
      return total === 0 ? y : surround(b, y, 2 + i, Math.floor(total / 2), Math.ceil(total / 2), mode);
    }, x);
    return { input, moves: { ...moves, padding: listOf(0, rank) } };
  }
  const { input, padding } = around === "same" ? same(b, x, moves) : { input: x, padding: listOf(around === "valid" ? 0 : around, rank) };
  return { input, moves: { ...moves, padding } };
}

function transposed(rank: Rank): AnyLayer {
  return defineLayer({
    name: `conv_transpose${rank}d`,
    doc: `the transpose of a ${rank}-d convolution, which makes a small input large`,
    takes: TAKES[rank],
    args: {
      channels: arg("count", "output channels"),
      kernel: arg(KERNELS[rank], "size of the kernel"),
      stride: arg(KERNELS[rank], "step between the output's positions", ONES[rank]),
      padding: arg(PADDINGS[rank], "how much of the output's border is left out", ZEROS[rank]),
      output_padding: arg(PADDINGS[rank], "how much is added to the output behind; below the stride", ZEROS[rank]),
      groups: arg("count", "groups of channels that do not mix", 1),
      bias: arg("bool", "whether to add a bias", true),
      dilation: arg(KERNELS[rank], "step between the kernel's taps", ONES[rank]),
    },
    build: (context, x, args) => {
      const { b, weight } = context;
      const { channels, groups, bias } = args;
      const inputs = extent(x, 1);
      requireGroups(groups, inputs, channels);
      const [kernel, stride, dilation] = [listOf(args.kernel, rank), listOf(args.stride, rank), listOf(args.dilation, rank)];
      const [padding, more] = [listOf(args.padding, rank), listOf(args.output_padding, rank)];
      const moves: Moves = { kernel, stride, padding, dilation, groups };
      const size = kernel.map((k, i) => {
        const [s = 1, p = 0, d = 1, extra = 0] = [stride[i], padding[i], dilation[i], more[i]];
        const count = extent(x, 2 + i);
        requireShape(extra < s, () => `an output padding of ${extra} is not below the stride of ${s}`);
        const length = (count - 1) * s - 2 * p + d * (k - 1) + extra + 1;
        requireShape(length >= 1 && windowCount(length, k, s, p, d) === count, () => `nothing is left of ${shapeText(x)}`);
        return length;
      });
      const receptive = (channels / groups) * sizeOf(kernel);
      const w = weight("weight", [inputs, channels / groups, ...kernel], fanIn(receptive));
      return biased(context, TRANSPOSE[rank](b, x, w, moves, size), channels, receptive, bias);
    },
  });
}

export const CONVOLUTIONS: readonly AnyLayer[] = [...RANKS.map(convolution), ...RANKS.map(transposed)];

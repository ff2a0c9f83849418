// Batch normalization over channels (Ioffe and Szegedy 2015), as torch.nn.functional.batch_norm: by the batch's own statistics while
// training, by the running ones otherwise. One op for both, so that freezing and evaluation are another `mode` of the same node.

import type { Node } from "../node.ts";
import { formatType, sameShape, tensorType, type TensorType } from "../types.ts";
import { alongExamples, countOf, exceptChannels, type Moments } from "./batch-statistics.ts";
import { at, defineComposite, formatTypes, requireThat, type Builder, type Op } from "./define.ts";
import { unreduce } from "./pieces.ts";

export interface BatchNormAttrs {
  readonly mode: "train" | "eval";
  /** Added to the variance. */
  readonly eps: number;
}

export interface BatchStatistics extends Moments {
  /** How many values of a channel these are over, f32[]. */
  readonly count: Node;
}

/** Statistics of each channel of x [batch, channels, …], over the examples that `mask` (bool[batch]) counts. */
export function batchStatistics(b: Builder, x: Node, mask?: Node): BatchStatistics {
  const inputs = mask ? [x, mask] : [x];
  return { mean: b.batchMean(inputs), variance: b.batchVariance(inputs), count: countOf(b, x, mask) };
}

interface Parts extends BatchStatistics {
  /** x - mean, of x's shape. */
  readonly centred: Node;
  /** 1 / standard deviation, [channels]. */
  readonly rstd: Node;
  /** [channels] to x's shape. */
  readonly along: (perChannel: Node) => Node;
}

function partsOf(b: Builder, inputs: readonly Node[], { mode, eps }: BatchNormAttrs): Parts {
  const x = at(inputs, 0);
  const statistics =
    mode === "train"
      ? batchStatistics(b, x, inputs[5])
      : { mean: at(inputs, 3), variance: at(inputs, 4), count: b.constant({ value: 1, type: f32() }) };
  const along = (perChannel: Node): Node => unreduce(b, perChannel, x.type.shape, exceptChannels(x.type.shape));
  return {
    ...statistics,
    centred: b.sub(x, along(statistics.mean)),
    rstd: b.rsqrt(b.add(statistics.variance, eps)),
    along,
  };
}

/**
 * With d = the cotangent and n values per channel, dx = weight rstd (d - (sum d + (x - mean) rstd^2 sum(d (x - mean))) / n), where masked
 * examples get no share of the sums. Two sums per channel over the same elements, which also are the gradients of bias and weight, and one
 * expression of x, d and values per channel: nothing of x's size is kept.
 */
function vjp(b: Builder, d: Node, n: Node<BatchNormAttrs>): readonly (Node | null)[] {
  const [x, weight] = [at(n.inputs, 0), at(n.inputs, 1)];
  const { shape } = x.type;
  const axes = exceptChannels(shape);
  const { centred, rstd, count, along } = partsOf(b, n.inputs, n.attrs);
  const sum = b.reduceSum(d, { axes });
  const dot = b.reduceSum(b.mul(d, centred), { axes });
  const scale = b.mul(weight, rstd);
  const ofWeight = b.mul(dot, rstd);
  if (n.attrs.mode === "eval") {
    const ofVariance = b.mul(b.mul(dot, b.mul(weight, -0.5)), b.mul(rstd, b.mul(rstd, rstd)));
    return [b.mul(d, along(scale)), ofWeight, sum, b.neg(b.mul(sum, scale)), ofVariance, null];
  }
  const slope = b.div(b.mul(dot, b.mul(rstd, rstd)), count);
  const throughStatistics = b.add(along(b.div(sum, count)), b.mul(centred, along(slope)));
  const mask = n.inputs[5];
  const share = mask ? b.where(alongExamples(b, mask, shape), throughStatistics, 0) : throughStatistics;
  return [b.mul(b.sub(d, share), along(scale)), ofWeight, sum, null, null, null];
}

const f32 = (...shape: number[]): TensorType => tensorType("f32", shape);
const perChannel = (channels: number): TensorType[] => [f32(channels), f32(channels), f32(channels), f32(channels)];

/**
 * weight (x - mean) / sqrt(variance + eps) + bias of x [batch, channels, …]. Inputs: x, weight, bias, running mean, running variance, each
 * [channels], and in training perhaps a mask, bool[batch], of the examples that count.
 */
export const batchNorm: Op<BatchNormAttrs, -1> = defineComposite<BatchNormAttrs, -1>({
  name: "batchNorm",
  arity: -1,
  narrows: "rounds",
  narrowed: 1,
  infer: (types) => {
    const [x, mask] = [at(types, 0), types[5]];
    requireThat(
      x.shape.length >= 2 &&
        (types.length === 5 || types.length === 6) &&
        types.slice(1, 5).every((t) => sameShape(t.shape, [at(x.shape, 1)])),
      () => `batch normalization of ${formatType(x)} does not fit ${formatTypes(types.slice(1))}`,
    );
    requireThat(
      mask === undefined || (mask.dtype === "bool" && sameShape(mask.shape, [at(x.shape, 0)])),
      () => `the mask of batch normalization must be bool[${x.shape[0]}]`,
    );
    return x;
  },
  vjp,
  training: {
    outside: (b, inputs, { attrs }) => b.batchNorm(inputs.slice(0, 5), { ...(attrs as BatchNormAttrs), mode: "eval" }),
    // A frozen normalization neither updates its statistics nor uses those of the batch, which would train what comes before it for others.
    isOutsideIf: (isFrozen) => isFrozen(3) || (isFrozen(1) && isFrozen(2)),
  },
  decompose: (b, inputs, { attrs }) => {
    const { centred, rstd, along } = partsOf(b, inputs, attrs);
    const [weight, bias] = [at(inputs, 1), at(inputs, 2)];
    return b.add(b.mul(centred, along(b.mul(weight, rstd))), along(bias));
  },
  samples: [
    { inputs: [f32(5, 3), ...perChannel(3)], attrs: { mode: "train", eps: 1e-5 } },
    { inputs: [f32(3, 2, 3, 2), ...perChannel(2)], attrs: { mode: "train", eps: 1e-3 } },
    { inputs: [f32(4, 2, 1, 3), ...perChannel(2), tensorType("bool", [4])], attrs: { mode: "train", eps: 1e-3 } },
    { inputs: [f32(2, 3, 2, 2), ...perChannel(3)], attrs: { mode: "eval", eps: 1e-5 }, domain: [0.5, 2] },
  ],
});

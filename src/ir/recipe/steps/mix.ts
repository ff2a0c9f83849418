// What mixes the pictures of a batch, after all other steps: each with a partner of the same batch, and so are their labels in the loss,
// which counts each by its share (Zhang et al. 2018, Yun et al. 2019; as timm's Mixup does it, a batch at a time).

import type { Builder } from "../../builder.ts";
import type { Node } from "../../node.ts";
import { tensorType } from "../../types.ts";
import { problem, type Problem } from "../define.ts";

/** Of f32[batch, channels, h, w] as the network takes them. */
export interface Mixture {
  readonly pictures: Node;
  /** What is left of each picture's own, and what its own label counts: f32[]. */
  readonly own: Node;
}

export interface MixContext {
  readonly b: Builder;
  /** A uniform number of [0, 1), f32[]; another at every call. */
  readonly random: () => Node;
}

/** Why `alpha` of a word is none that `symmetricBeta` draws from. */
export const alphaProblem = (word: string, alpha: number): Problem | undefined =>
  alpha > 1 ? problem("out-of-range", { what: `\`alpha\` of \`${word}\``, wanted: "at most 1", got: String(alpha) }) : undefined;

const ATTEMPTS = 24;

/**
 * A number of the Beta distribution with both parameters `alpha`, at most 1: of Jöhnk's draws the first that counts. One in two does at
 * the least, so that none among 24 is one batch in 16 million, which is not mixed.
 */
export function symmetricBeta({ b, random }: MixContext, alpha: number): Node {
  const draws = Array.from({ length: ATTEMPTS }, () => {
    // 1 minus the draw is never 0, whose logarithm is none.
    const power = (): Node => b.exp(b.mul(b.log(b.sub(1, random())), 1 / alpha));
    return [power(), power()] as const;
  });
  const whole = b.constant({ value: 1, type: tensorType("f32", []) });
  return draws.reduceRight((chosen, [x, y]) => {
    const sum = b.add(x, y);
    const counts = b.logicalAnd(b.lessEqual(sum, 1), b.less(0, sum));
    return b.where(counts, b.div(x, b.where(counts, sum, 1)), chosen);
  }, whole);
}

// torchvision.transforms.ToTensor and Normalize: (x - mean) / std of each channel, of levels as numbers from 0 to 1.

import type { Builder } from "../../builder.ts";
import type { Node } from "../../node.ts";
import { at } from "../../ops/define.ts";
import { tensorType } from "../../types.ts";
import { arg, problem } from "../define.ts";
import { defineValueStep } from "./define.ts";

export const normalize = defineValueStep({
  name: "normalize",
  doc: "subtracts the mean and divides by the deviation of each channel, of values in [0, 1]",
  args: { mean: arg("numbers", "per channel, or one for all"), std: arg("numbers", "per channel, or one for all") },
  presets: {
    imagenet: { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] },
    clip: { mean: [0.48145466, 0.4578275, 0.40821073], std: [0.26862954, 0.26130258, 0.27577711] },
    inception: { mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] },
    mnist: { mean: [0.1307], std: [0.3081] },
    cifar10: { mean: [0.4914, 0.4822, 0.4465], std: [0.247, 0.2435, 0.2616] },
    cifar100: { mean: [0.5071, 0.4865, 0.4409], std: [0.2673, 0.2564, 0.2762] },
  },
  check: ({ mean, std }) => {
    if (mean.length !== std.length || mean.length === 0) return problem("normalize-length", { mean: mean.length, std: std.length });
    if (std.every((value) => value > 0)) return undefined;
    return problem("out-of-range", { what: "`std` of `normalize`", wanted: "greater than 0", got: String(Math.min(...std)) });
  },
  shape: (image, { mean }) =>
    mean.length === 1 || mean.length === image.channels
      ? image
      : problem("normalize-channels", { values: mean.length, channels: image.channels }),
  value: ({ b }, levels, unit, { mean, std }) => {
    const scale = perChannel(
      b,
      levels,
      std.map((deviation) => 1 / (unit * deviation)),
    );
    const shift = perChannel(
      b,
      levels,
      mean.map((value, c) => -value / at(std, c)),
    );
    return b.add(b.mul(levels, scale), shift);
  },
  mask: "stays",
  samples: [
    { args: { mean: [0.5], std: [0.25] }, image: [3, 2, 2] },
    { args: { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] }, image: [3, 2, 3] },
  ],
});

/** A number for each channel of f32[batch, channels, h, w], or one for all, as f32[1, channels, 1, 1]. */
function perChannel(b: Builder, levels: Node, values: readonly number[]): Node {
  const channels = at(levels.type.shape, 1);
  const index = b.iota({ shape: [1, channels, 1, 1], axis: 1 });
  const constant = (c: number): Node =>
    b.constant({ value: values.length === 1 ? at(values, 0) : at(values, c), type: tensorType("f32", [1, channels, 1, 1]) });
  let result = constant(channels - 1);
  for (let c = channels - 2; c >= 0; c--) result = b.where(b.equal(index, c), constant(c), result);
  return result;
}

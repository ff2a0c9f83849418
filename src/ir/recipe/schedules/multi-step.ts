// torch.optim.lr_scheduler.MultiStepLR, stepped once an epoch: the rate falls at once after each of the epochs given.

import type { Node } from "../../node.ts";
import { tensorType } from "../../types.ts";
import { arg, problem } from "../define.ts";
import { defineSchedule } from "./define.ts";

export const multiStep = defineSchedule({
  name: "multi_step",
  doc: "the rate is multiplied after each of some epochs",
  args: {
    milestones: arg("integers", "numbers of epochs after which the rate falls, in order"),
    gamma: arg("fraction", "what the rate is multiplied by", 0.1),
  },
  check: ({ milestones }) =>
    milestones.length === 0 || milestones.some((epoch, i) => epoch <= (milestones[i - 1] ?? 0))
      ? problem("out-of-range", {
          what: "`milestones`",
          wanted: "numbers of epochs of at least 1, rising",
          got: `[${milestones.join(", ")}]`,
        })
      : undefined,
  factor: ({ b, step, epochSteps }, { milestones, gamma }) =>
    milestones.reduce<Node | undefined>((factor, epoch) => {
      const fallen = b.where(b.less(step(), b.mul(epochSteps(), epoch)), 1, b.constant({ value: gamma, type: tensorType("f32", []) }));
      return factor === undefined ? fallen : b.mul(factor, fallen);
    }, undefined),
  samples: [{ milestones: [2] }, { milestones: [1, 3, 4], gamma: 0.5 }],
});

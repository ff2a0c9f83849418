// Hinton, Vinyals & Dean 2015: the divergence of both answers at a temperature, times its square so that gradients do not depend on it, and the
// loss itself.

import { at } from "../../ops/define.ts";
import { arg } from "../define.ts";
import { defineDistillation } from "./define.ts";

export const softTargets = defineDistillation({
  name: "soft_targets",
  doc: "how far the softened probabilities are from the teacher's: `(1 - weight) loss + weight T^2 KL(teacher || student)`",
  args: {
    temperature: arg("positive", "what scores are divided by before the softmax, T", 4),
    weight: arg("probability", "share of the teacher in the loss", 0.9),
  },
  blend: (b, { temperature, weight }, { losses, own, student, teacher }) => {
    const [labels, classes] = [at(losses.type.shape, 0), at(student.type.shape, student.type.shape.length - 1)];
    const softened = (scores: typeof student) =>
      b.logSoftmax(b.div(b.reshape(scores, { shape: [labels, classes] }), temperature), { axis: 1 });
    const [taught, learned] = [softened(teacher), softened(student)];
    const distance = b.reduceSum(b.mul(b.exp(taught), b.sub(taught, learned)), { axes: [1] });
    const scaled = b.mul(distance, weight * temperature ** 2);
    return b.add(b.mul(losses, 1 - weight), own ? b.mul(scaled, own) : scaled);
  },
  samples: [{}, { temperature: 2, weight: 0.5 }, { weight: 1 }],
});

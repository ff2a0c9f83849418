// sklearn.metrics.top_k_accuracy_score: the share of labels that are among the likeliest answers.

import { arg, problem } from "../define.ts";
import { hitsAmong } from "./classes.ts";
import { defineMetric } from "./define.ts";

export const topK = defineMetric({
  name: "top_k",
  doc: "share of labels whose class has one of the highest scores; `top_5` in events",
  args: { k: arg("count", "how many scores count", 5) },
  labels: ["class"],
  unit: "share",
  nameOf: ({ k }) => `top_${k}`,
  fits: ({ k }, { classes }) =>
    classes > 0 && k >= classes
      ? problem("out-of-range", { what: "`k` of `top_k`", wanted: `below the number of classes, ${classes}`, got: String(k) })
      : undefined,
  tally: ({ k }) => hitsAmong(k),
  value: ({ tallied, count }) => (tallied[0] ?? 0) / count,
  samples: [{ k: 2 }, { k: 1 }],
  better: "higher",
});

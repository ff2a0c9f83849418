// A learned vector for each token, as torch.nn.Embedding: weight [count, features].

import { arg, defineLayer } from "./define.ts";

export const embedding = defineLayer({
  name: "embedding",
  doc: "a learned vector per token",
  takes: "tokens",
  args: {
    count: arg("count", "number of tokens"),
    features: arg("count", "length of a vector"),
  },
  build: ({ b, weight }, x, { count, features }) => b.embedding(weight("weight", [count, features], { kind: "normal", std: 1 }), x),
});

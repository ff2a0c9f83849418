// A learned vector for each token, as torch.nn.Embedding: weight [count, features].

import { arg, defineLayer, ZEROS } from "./define.ts";
import { dense } from "./linear.ts";

export const embedding = defineLayer({
  name: "embedding",
  doc: "a learned vector per token",
  takes: "tokens",
  args: {
    count: arg("count", "number of tokens"),
    features: arg("count", "length of a vector"),
  },
  build: ({ b, weight }, x, { count, features }) => b.embedding(weight("weight", [count, features], { kind: "normal", std: 1 }), x),
  // Of an embedding the first map begins with zeros.
  lowRank: ({ b, weight }, x, { count, features }, rank) => {
    const inner = b.embedding(b.transpose(weight("lora_embedding_A", [rank, count], ZEROS), { perm: [1, 0] }), x);
    return dense(b, inner, weight("lora_embedding_B", [features, rank], { kind: "normal", std: 1 }));
  },
});

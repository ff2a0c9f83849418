// LoRA (Hu et al. 2022) as PEFT's LoraConfig has it: W x + alpha / rank * B A x, where B begins with zeros, so that training begins with the
// network as it was.

import { arg } from "../define.ts";
import { defineAdapter } from "./define.ts";

export const lora = defineAdapter({
  name: "lora",
  doc: "two maps of low rank beside each layer, PEFT's `lora_A` and `lora_B`, which are trained while the layer stays as it is",
  args: {
    rank: arg("count", "channels between the two; PEFT's `r`", 8),
    alpha: arg("positive", "what they count for, over the rank; PEFT's `lora_alpha`", 8),
    dropout: arg("fraction", "share of what they are given that is dropped in training; an embedding's tokens are not", 0),
  },
  rank: ({ rank }) => rank,
  scale: ({ alpha, rank }) => alpha / rank,
  dropout: ({ dropout }) => dropout,
  config: ({ rank, alpha, dropout }) => ({ peft_type: "LORA", r: rank, lora_alpha: alpha, lora_dropout: dropout }),
  samples: [{}, { rank: 2, alpha: 4 }, { rank: 1, dropout: 0.5 }],
});

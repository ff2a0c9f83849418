// The JSON schema of a word in a plan, from the words themselves: an artifact of another version, or a damaged one, may name what is not
// there, or give it what it does not take.

import { argumentSchema } from "./argument-rules.ts";
import type { Word } from "./define.ts";

export function wordSchema(words: readonly Word[]): object {
  const plans = words.map(({ name, args }) => ({
    type: "object",
    required: ["word", "args"],
    properties: {
      word: { const: name },
      args: {
        type: "object",
        required: Object.keys(args),
        properties: Object.fromEntries(Object.entries(args).map(([key, spec]) => [key, argumentSchema(spec)])),
        additionalProperties: false,
      },
    },
    additionalProperties: false,
  }));
  return { type: "object", required: ["word"], properties: { word: true }, discriminator: { propertyName: "word" }, oneOf: plans };
}

// What an application loads when it trains or evaluates: a file of its own beside the runtime, since most only ask what a network says.

export { createEvaluator } from "../evaluate.ts";
export { train } from "../trainer.ts";

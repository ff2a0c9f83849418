// The graph IR's node, under the name that most of the compiler knows it by; it is defined together with what it applies.

export type { Node } from "./ops/define.ts";

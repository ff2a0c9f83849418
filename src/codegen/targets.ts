// All targets, as a literal list: what is not here does not exist.

import type { Target } from "./target.ts";
import { referenceTarget } from "./reference.ts";
import { wasmTarget } from "./wasm/target.ts";
import { webgpuTarget } from "./wgsl/target.ts";

export const TARGETS = [webgpuTarget, wasmTarget, referenceTarget] as const satisfies readonly Target[];

export type TargetName = Target["name"];

/** The target of that name. */
export function targetNamed(name: TargetName): Target {
  const found = TARGETS.find((target) => target.name === name);
  if (!found) throw new Error(`no target ${name}`);
  return found;
}

// All targets, as a literal list: what is not here does not exist.

import { InternalError } from "../ir/types.ts";
import type { Target } from "./target.ts";
import { cudaTarget } from "./cuda/target.ts";
import { referenceTarget } from "./reference.ts";
import { wasmTarget } from "./wasm/target.ts";
import { webgpuTarget } from "./wgsl/target.ts";

export const TARGETS = [webgpuTarget, cudaTarget, wasmTarget, referenceTarget] as const satisfies readonly Target[];

/** The target of that name. */
export function targetNamed(name: string): Target {
  const found = TARGETS.find((target) => target.name === name);
  if (!found) throw new InternalError(`no target ${name}`);
  return found;
}
